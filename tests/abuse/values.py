"""Values that a field may be given: sound ones, picked so that they reach deep, and hostile ones."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from buf.validate import validate_pb2

DEPTH_MAX = 5
REPEATED_MAX = 3
LONG = 70_000

INTEGERS = (0, 1, -1, 2, 50, 999, 1_000, 1_001, 10_000, 2**31 - 1, -(2**31), 2**32 - 1, 2**53, 2**63 - 1, -(2**63))
REALS = (0.0, -0.0, 1.5, -1.0, 1e308, 5e-324, float("inf"), float("-inf"), float("nan"))
ENUMS = (-1, 99, 1_000, 2**31 - 1, -(2**31))
TEXTS = (
    "",
    " ",
    "\t\r\n",
    "\x00",
    "MAIN\x00",
    "\x1b[31m",
    "\x7f\x80\x9f",
    "\ufeffMAIN",
    "\u202eNIAM",
    "\u2066MAIN\u2069",
    "MA\u200bIN",
    "e\u0301\u0301\u0301",
    "\ufffe\uffff",
    "\U0010ffff",
    "\N{PILE OF POO}" * 40,
    "\N{LATIN SMALL LIGATURE FI}",
    "\N{ARABIC-INDIC DIGIT ONE}\N{ARABIC-INDIC DIGIT TWO}",
    "'; DROP TABLE ledger; --",
    "' OR '1'='1",
    "%' ESCAPE '!",
    "%s%n%(name)s{0.__class__}",
    "${jndi:ldap://127.0.0.1/a}",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "../../../../etc/passwd",
    "..",
    ".",
    "-",
    "*",
    "/",
    "ledgers/",
    "ledgers/-",
    "ledgers/../groupAccounts/GA1",
    "ledgers/MAIN/accountingPeriods/",
    "operations/" + "z" * 64,
    "extractionBatches/999999999999999999",
    "extractionBatches/0",
    "accountingDetails/zzzzzzzzzzzzz",
    "accountingDetails/" + "7" * 32,
    "dataFileSets/../files/..",
    "dataFileSets/./files/.",
    "file:///etc/passwd",
    "http://169.254.169.254/latest/meta-data",
    "https://[::1]:1/",
    "\\\\host\\share",
    "NaN",
    "1e309",
    "-0",
    "0x7fffffffffffffff",
    "999999999999999999999999999999",
    "create_time desc, (select 1)",
    "* * * * *",
    "61 25 32 13 8",
    "Mars/Olympus",
    "\r\nx-injected: 1",
    "A" * 65,
    "A" * 129,
    "A" * 513,
    "A" * 2_049,
    "é" * LONG,
)
MONEY = "google.type.Money"
DATE = "google.type.Date"


@dataclass(slots=True)
class Pool:
    """Texts that mean something to the server, as it has told them: names, codes, tokens, etags."""

    texts: set[str] = field(default_factory=set)
    by_field: dict[str, list[str]] = field(default_factory=dict)
    _fitting: dict[str, list[str]] = field(default_factory=dict)

    def learn(self, message: Message) -> None:
        """Take in every short text of an answer."""
        for name, text in _texts(message):
            if text and len(text) < LONG and text not in self.by_field.setdefault(name, []):
                self.by_field[name].append(text)
                self.texts.add(text)
        self._fitting.clear()

    def fitting(self, name: str, pattern: str) -> list[str]:
        """What a field of this name and pattern could hold."""
        key = f"{name} {pattern}"
        if key not in self._fitting:
            known = self.by_field.get(name.replace("page_token", "next_page_token"), [])
            self._fitting[key] = [text for text in known or sorted(self.texts) if re.search(pattern, text)]
        return self._fitting[key]


class Maker:
    """Makes messages of any type; the same for the same seed."""

    def __init__(self, chance: random.Random, pool: Pool) -> None:
        self._chance = chance
        self._pool = pool

    def fill(self, message: Any, wildness: float, depth: int = 0) -> None:
        """Set fields of the message; each is hostile with the probability `wildness`."""
        if wildness < self._chance.random() and self._known(message):
            return
        chosen = {
            self._chance.choice(oneof.fields).name for oneof in message.DESCRIPTOR.oneofs if self._chance.random() < 0.9
        }
        for each in message.DESCRIPTOR.fields:
            if each.containing_oneof is not None and each.name not in chosen:
                continue
            if self._wanted(each, wildness):
                self._set(message, each, wildness, depth)

    def _wanted(self, each: FieldDescriptor, wildness: float) -> bool:
        rules = each.GetOptions().Extensions[validate_pb2.field]
        needed = rules.required or rules.string.min_len or rules.string.pattern.startswith("^[a-z]+/")
        return self._chance.random() < (0.97 - wildness / 4 if needed else 0.45)

    def _set(self, message: Any, each: FieldDescriptor, wildness: float, depth: int) -> None:
        hostile = self._chance.random() < wildness
        if each.is_repeated:
            self._set_repeated(message, each, wildness, depth, hostile=hostile)
        elif each.message_type is None:
            setattr(message, each.name, self._scalar(each, hostile=hostile))
        elif depth < DEPTH_MAX:
            getattr(message, each.name).SetInParent()
            self.fill(getattr(message, each.name), wildness, depth + 1)

    def _set_repeated(self, message: Any, each: FieldDescriptor, wildness: float, depth: int, *, hostile: bool) -> None:
        target = getattr(message, each.name)
        size = self._chance.choice((0, 40, 1_001)) if hostile else self._chance.randint(1, REPEATED_MAX)
        if each.message_type is None:
            target.extend(self._scalar(each, hostile=hostile and number == 0) for number in range(size))
        elif each.message_type.GetOptions().map_entry:
            key, value = each.message_type.fields_by_name["key"], each.message_type.fields_by_name["value"]
            for _ in range(min(size, 40)):
                made = self._scalar(key, hostile=hostile)
                if value.message_type is None:
                    target[made] = self._scalar(value, hostile=hostile)
                elif depth < DEPTH_MAX:
                    self.fill(target[made], wildness, depth + 1)
        elif depth < DEPTH_MAX:
            for number in range(size):
                entry = target.add()
                if number < 40:  # the rest only counts
                    self.fill(entry, wildness, depth + 1)

    def _scalar(self, each: Any, *, hostile: bool) -> Any:
        kind = each.cpp_type
        if each.type == FieldDescriptor.TYPE_BYTES:
            return self._chance.randbytes(self._chance.choice((0, 1, 33, LONG if hostile else 64)))
        if kind == FieldDescriptor.CPPTYPE_STRING:
            return self._hostile_text(each) if hostile else self._text(each)
        if kind == FieldDescriptor.CPPTYPE_ENUM:
            known: tuple[int, ...] = tuple(value.number for value in each.enum_type.values)
            return self._chance.choice(ENUMS if hostile and not each.enum_type.is_closed else known)
        if kind in {FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT}:
            return self._chance.choice(REALS)
        return (
            self._chance.random() < 0.5
            if kind == FieldDescriptor.CPPTYPE_BOOL
            else self._integer(kind, hostile=hostile)
        )

    def _integer(self, kind: int, *, hostile: bool) -> int:
        bits = 32 if kind in {FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_UINT32} else 64
        signed = kind in {FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64}
        value: int = self._chance.choice(INTEGERS if hostile else (0, 0, 1, 2, 10))
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        return int(min(max(value, low), high))

    def _text(self, each: FieldDescriptor) -> str:
        """A text that the field's rules let pass, where one is known."""
        if each.name == "request_id":
            return ""
        rules = each.GetOptions().Extensions[validate_pb2.field].string
        known = self._pool.fitting(each.name, rules.pattern)
        if known and self._chance.random() < 0.85:
            return self._chance.choice(known)
        return f"X{self._chance.randrange(10**6)}"

    def _hostile_text(self, each: FieldDescriptor) -> str:
        sound = self._text(each)
        how = self._chance.randrange(6)
        if how == 0:
            return sound + self._chance.choice(TEXTS)
        if how == 1 and sound:
            place = self._chance.randrange(len(sound))
            return sound[:place] + self._chance.choice(("\x00", "Z", "\u202e", "%", "/", "=")) + sound[place + 1 :]
        if how == 2:
            longest = each.GetOptions().Extensions[validate_pb2.field].string.max_len or 64
            return "x" * (longest + self._chance.choice((-1, 0, 1)))
        return self._chance.choice(TEXTS)

    def _known(self, message: Any) -> bool:
        """Fill a date or an amount as it should be; tells whether it was one."""
        if message.DESCRIPTOR.full_name == DATE:
            message.year, message.month, message.day = 2026, self._chance.randint(1, 12), self._chance.randint(1, 28)
        elif message.DESCRIPTOR.full_name == MONEY:
            message.currency_code, message.units = "USD", self._chance.randint(1, 500)
        else:
            return False
        return True


def _texts(message: Message) -> Iterator[tuple[str, str]]:
    for each, value in message.ListFields():
        entries = value if each.is_repeated else [value]
        if each.message_type is not None and each.message_type.GetOptions().map_entry:
            continue
        for entry in entries:
            if isinstance(entry, Message):
                yield from _texts(entry)
            elif isinstance(entry, str):
                yield each.name, entry
