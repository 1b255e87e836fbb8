"""The lines of a batch file and their columns, the same in every format, and values as the text of cells (ACC-31)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache

from domain.accounting.batches.layouts.model import LAYOUT, Header, Record, Side
from domain.data_files.model import Total
from domain.kernel.money import decimal_text, digits_of
from domain.kernel.time import instant_us, iso_day, iso_of, real_day

Cells = Sequence[str]
"""The text of a line's columns, in their order; empty where there is nothing to say."""


class LineType(StrEnum):
    """What a line is; each begins with it."""

    HEADER = "HEADER"
    HEADER_TOTAL = "HEADER_TOTAL"  # one for each currency, in the order of their codes
    RECORD = "RECORD"
    TRAILER_TOTAL = "TRAILER_TOTAL"  # as HEADER_TOTAL, added up from the records that were written
    TRAILER = "TRAILER"


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "TEXT"  # a caller's: anything
    WORD = "WORD"  # ours: letters, digits and `_` only
    NUMBER = "NUMBER"
    AMOUNT = "AMOUNT"  # decimal text with the digits of the line's currency
    DAY = "DAY"
    INSTANT = "INSTANT"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, what it holds, and how many characters wide it is in a file of fixed width."""

    name: str
    kind: Kind
    width: int


class Unreadable(Exception):
    """A line is not as it is written: the column in question, empty for the whole line, and what it must be."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(field, text)
        self.field = field
        self.text = text


_TOTAL = (
    Column("currency", Kind.WORD, 3),
    Column("debit", Kind.AMOUNT, 21),
    Column("credit", Kind.AMOUNT, 21),
)

COLUMNS: Mapping[LineType, tuple[Column, ...]] = {
    LineType.HEADER: (
        Column("layout", Kind.NUMBER, 4),
        Column("batchNumber", Kind.NUMBER, 18),
        Column("rerunNumber", Kind.NUMBER, 10),
        Column("client", Kind.TEXT, 64),
        Column("createdAt", Kind.INSTANT, 27),
        Column("accountingDate", Kind.DAY, 10),
        Column("operationCount", Kind.NUMBER, 10),
        Column("recordCount", Kind.NUMBER, 10),
    ),
    LineType.HEADER_TOTAL: _TOTAL,
    LineType.RECORD: (
        Column("recordNumber", Kind.NUMBER, 10),
        Column("operation", Kind.TEXT, 64),
        Column("idempotencyKey", Kind.TEXT, 64),
        Column("side", Kind.WORD, 6),
        Column("account", Kind.TEXT, 128),
        Column("counterAccount", Kind.TEXT, 128),
        Column("amount", Kind.AMOUNT, 21),
        Column("currency", Kind.WORD, 3),
        Column("reason", Kind.TEXT, 128),
        Column("claim", Kind.TEXT, 64),
        Column("dispute", Kind.TEXT, 64),
        Column("rule", Kind.TEXT, 64),
        Column("ruleVersion", Kind.NUMBER, 10),
        Column("performedAt", Kind.INSTANT, 27),
        Column("accountingDate", Kind.DAY, 10),
        Column("collection", Kind.TEXT, 64),
        Column("reverses", Kind.TEXT, 64),
        Column("description", Kind.TEXT, 512),
    ),
    LineType.TRAILER_TOTAL: _TOTAL,
    LineType.TRAILER: (
        Column("recordCount", Kind.NUMBER, 10),
        Column("sha256", Kind.WORD, 64),
    ),
}
"""The columns of each type of line, behind the type itself."""

TEXT_AT: Mapping[LineType, tuple[int, ...]] = {
    line_type: tuple(at for at, column in enumerate(columns, start=1) if column.kind is Kind.TEXT)
    for line_type, columns in COLUMNS.items()
}
"""Where on each type of line callers' text stands, counted from its type."""

_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
_AMOUNT = re.compile(r"[0-9]{1,20}(\.[0-9]{1,4})?")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_iso_day = cache(iso_day)


def header_cells(header: Header) -> Cells:
    """The cells of the HEADER line."""
    return (
        str(LAYOUT),
        str(header.batch_no),
        str(header.rerun_no),
        header.client,
        iso_of(header.created_us),
        iso_day(header.accounting_day),
        str(header.operation_count),
        str(header.record_count),
    )


def total_cells(currency: str, total: Total) -> Cells:
    """The cells of a line of totals."""
    return currency, decimal_text(total.debit_minor, currency), decimal_text(total.credit_minor, currency)


def record_cells(number: int, record: Record) -> Cells:
    """The cells of a RECORD line; records are numbered from 1."""
    return (
        str(number),
        record.operation_id,
        record.idempotency_key,
        record.side.value,
        record.account,
        record.counter_account,
        decimal_text(record.amount_minor, record.currency),
        record.currency,
        record.reason,
        record.claim,
        record.dispute,
        record.rule,
        str(record.rule_version) if record.rule_version else "",
        iso_of(record.performed_us),
        _iso_day(record.accounting_day),
        record.collection,
        record.reverses,
        record.description,
    )


def trailer_cells(record_count: int, sha256: str) -> Cells:
    """The cells of the TRAILER line."""
    return str(record_count), sha256


def header_of(cells: Cells) -> Header:
    """The header that `header_cells` wrote, without its totals. Raises: Unreadable."""
    layout, batch_no, rerun_no, client, created, day, operations, records = cells
    if layout != str(LAYOUT):
        raise Unreadable("layout", f"must be {LAYOUT}, the one that is known here")
    return Header(
        batch_no=number_of("batchNumber", batch_no),
        rerun_no=number_of("rerunNumber", rerun_no),
        client=client,
        created_us=_instant_of("createdAt", created),
        accounting_day=_day_of("accountingDate", day),
        operation_count=number_of("operationCount", operations),
        record_count=number_of("recordCount", records),
        totals={},
    )


def total_of(cells: Cells) -> tuple[str, Total]:
    """The currency and the total that `total_cells` wrote. Raises: Unreadable."""
    currency, debit, credit = cells
    return currency, Total(_minor_of("debit", debit, currency), _minor_of("credit", credit, currency))


def record_of(cells: Cells) -> tuple[int, Record]:
    """The number and the record that `record_cells` wrote. Raises: Unreadable."""
    number, operation, key, side, account, counter, amount, currency, reason, *rest = cells
    claim, dispute, rule, rule_version, performed, day, collection, reverses, description = rest
    if side not in Side.__members__:
        raise Unreadable("side", "must be DEBIT or CREDIT")
    return number_of("recordNumber", number), Record(
        operation_id=operation,
        idempotency_key=key,
        side=Side(side),
        account=account,
        counter_account=counter,
        amount_minor=_minor_of("amount", amount, currency),
        currency=currency,
        reason=reason,
        claim=claim,
        dispute=dispute,
        rule=rule,
        rule_version=number_of("ruleVersion", rule_version) if rule_version else 0,
        performed_us=_instant_of("performedAt", performed),
        accounting_day=_day_of("accountingDate", day),
        collection=collection,
        reverses=reverses,
        description=description,
    )


def trailer_of(cells: Cells) -> tuple[int, str]:
    """The number of records and the SHA-256 that `trailer_cells` wrote. Raises: Unreadable."""
    record_count, sha256 = cells
    return number_of("recordCount", record_count), sha256


def number_of(field: str, text: str) -> int:
    """A number ≥ 0 of at most 18 digits, without leading zeros. Raises: Unreadable."""
    if not _NUMBER.fullmatch(text):
        raise Unreadable(field, "must be a whole number, without leading zeros")
    return int(text)


def _minor_of(field: str, text: str, currency: str) -> int:
    digits = digits_of(currency)
    if digits is None:
        raise Unreadable("currency", "must be a currency of ISO 4217 that amounts can be in")
    minor = int(text.replace(".", "")) if _AMOUNT.fullmatch(text) else -1
    if minor < 0 or decimal_text(minor, currency) != text:
        raise Unreadable(field, f"must be a decimal number with the {digits} digits of {currency}")
    return minor


def _instant_of(field: str, text: str) -> int:
    try:
        if _INSTANT.fullmatch(text):
            return instant_us(datetime.fromisoformat(text).astimezone(UTC))
    except ValueError:
        pass
    raise Unreadable(field, "must be an instant such as 2026-05-28T20:26:40.000000Z")


def _day_of(field: str, text: str) -> int:
    found = _DAY.fullmatch(text)
    day = real_day(*map(int, found.groups())) if found else None
    if day is None:
        raise Unreadable(field, "must be a day such as 2026-05-28")
    return day
