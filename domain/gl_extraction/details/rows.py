"""Rows made ready to be stored: the quick way through the rules for rows that are sound.

Millions of rows come this way, nearly all of them sound: `read_row` looks at a row once, in as few steps as Python
allows, and says either what is to be stored or that something is wrong. What is wrong, `rules.violations` tells; a test
holds that the two never disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import chain
from operator import gt, lt
from typing import NamedTuple
from zlib import crc32

from domain.gl_extraction.details.model import CalendarDay, NewDetail
from domain.gl_extraction.details.rules import LISTS, NOTHING, ORIGINS, SUBJECT_TYPES, TEXTS
from domain.gl_extraction.tables import BUCKETS, CODED_COLUMNS, SEGMENTS
from domain.kernel.amounts import NANOS, Amount, scale_of
from domain.kernel.bulk import copy_cell
from domain.kernel.characters import character_fault
from domain.kernel.money import AMOUNT_MINOR_MAX
from domain.kernel.time import real_day

CORE_COLUMNS = (
    "coded_mask",
    "source",
    "external_id",
    "description",
    "subject_type",
    "subject",
    "origin",
    "grouping",
    "bulking_group",
    "reversal",
    "distribution_account",
    "ledger_code",
    "accounting_date",
    "transaction_date",
    "category",
    "currency",
    "debit_minor",
    "credit_minor",
    "group_account_code",
)
"""The columns of `SoundRow.cells`, in their order, before the coded ones."""

_LENGTHS_MIN = tuple(rule.length_min for rule in TEXTS)
_LENGTHS_MAX = tuple(rule.length_max for rule in TEXTS)
_SEGMENTS_RULE, _ATTRIBUTES_RULE = LISTS
_HASH_BYTES = 16
_FAULTY = -1
# What is left of a row's text without these: the tabs between its cells, and what needs a second look. (0xEF begins
# the two non-characters in UTF-8, and little else.)
_PLAIN = bytes(byte for byte in range(256) if byte >= ord(" ") and byte not in {ord("\\"), 0xEF})


class Slot(NamedTuple):
    """Where in the books a row belongs: all that the period is derived from, and the one that was given, if any."""

    ledger_code: str
    day: int
    given_period: str


class SoundRow(NamedTuple):
    """A row whose form is right; whether the books have its codes is still to be seen.

    `cells` are the texts of CORE_COLUMNS and then of those CODED_COLUMNS that `coded_mask` names; `line` is the same in
    COPY's text format, and `content_hash` is made of it, so that equal content has equal hashes on every database.
    """

    position: int
    bucket: int
    source: str
    external_id: str
    content_hash: bytes
    slot: Slot
    group_account_code: str
    currency: str
    debit_minor: int
    credit_minor: int
    coded_mask: int
    cells: tuple[str, ...]
    line: bytes


class Prepared(NamedTuple):
    """Rows as they came, the sound ones ready, and the positions of those with something wrong in them."""

    rows: Sequence[NewDetail]
    sound: list[SoundRow]
    unsound: list[int]


def prepare(rows: Sequence[NewDetail]) -> Prepared:
    """Look at each row's form. Cost: about 5 µs a row, no database."""
    sound, unsound = [], []
    for position, row in enumerate(rows):
        ready = read_row(position, row)
        if ready is None:
            unsound.append(position)
        else:
            sound.append(ready)
    return Prepared(rows, sound, unsound)


def bucket_of_external_id(source: str, external_id: str) -> int:
    """The bucket of a row: by what makes it unique."""
    return crc32(f"{source}\0{external_id}".encode()) % BUCKETS


def coded_columns(mask: int) -> list[str]:
    """The coded columns that a mask names, in their order."""
    return [name for place, name in enumerate(CODED_COLUMNS) if mask >> place & 1]


def read_row(position: int, row: NewDetail) -> SoundRow | None:
    """The row ready to be stored; None when its form breaks a rule."""
    (
        name, source, external_id, description, subject_type, subject, origin, grouping, bulking_group, reversal,
        distribution_account, ledger_code, accounting_date, transaction_date, period_code, category, debit, credit,
        group_account_code, gl_segments, attributes,
    ) = row  # fmt: skip
    lengths = [
        len(text)
        for text in (
            name, source, external_id, description, subject, grouping, bulking_group, distribution_account,
            ledger_code, period_code, category, group_account_code,
        )
    ]  # fmt: skip
    if any(map(gt, lengths, _LENGTHS_MAX)) or any(map(lt, lengths, _LENGTHS_MIN)):
        return None
    if origin not in ORIGINS or subject_type not in SUBJECT_TYPES or accounting_date is None:
        return None
    day = _day(accounting_date)
    transaction_day = day if transaction_date is None else _day(transaction_date)
    debit_minor, credit_minor = _minor(debit), _minor(credit)
    if not day or not transaction_day or not _one_above_zero(debit_minor, credit_minor):
        return None
    currency = _currency(debit, credit)
    if not currency or not _fits(gl_segments, attributes):
        return None
    coded_mask, coded = _coded(gl_segments, attributes)
    cells = (
        str(coded_mask), source, external_id, description, subject_type, subject, origin, grouping, bulking_group,
        "1" if reversal else "0", distribution_account, ledger_code, str(day), str(transaction_day), category,
        currency, str(debit_minor), str(credit_minor), group_account_code, *coded,
    )  # fmt: skip
    line = _line(cells)
    if line is None:
        return None
    return SoundRow(
        position,
        bucket_of_external_id(source, external_id),
        source,
        external_id,
        blake2b(line, digest_size=_HASH_BYTES).digest(),
        Slot(ledger_code, day, period_code),
        group_account_code,
        currency,
        debit_minor,
        credit_minor,
        coded_mask,
        cells,
        line,
    )


@lru_cache(maxsize=1 << 14)
def _day(written: CalendarDay) -> int:
    """The day as yyyymmdd; 0 where the calendar has no such day."""
    return real_day(*written) or 0


def _minor(amount: Amount | None) -> int:
    """The amount in minor units, 0 when there is none; _FAULTY for one that is negative or breaks a rule."""
    if amount is None or amount == NOTHING:
        return 0
    currency, units, nanos = amount
    scale = scale_of(currency)
    if scale is None or units < 0 or not 0 <= nanos < NANOS:
        return _FAULTY
    per_unit, nanos_per_minor = scale
    minor, finer = divmod(nanos, nanos_per_minor)
    minor += units * per_unit
    return _FAULTY if finer or minor > AMOUNT_MINOR_MAX else minor


def _one_above_zero(debit_minor: int, credit_minor: int) -> bool:
    return (debit_minor > 0 and credit_minor == 0) or (credit_minor > 0 and debit_minor == 0)


def _currency(debit: Amount | None, credit: Amount | None) -> str:
    """The one currency of the two sides; empty when they differ."""
    if debit is None or debit == NOTHING:
        return credit[0] if credit is not None else ""
    if credit is None or credit == NOTHING or credit[0] == debit[0]:
        return debit[0]
    return ""


def _fits(gl_segments: tuple[str, ...], attributes: tuple[str, ...]) -> bool:
    if gl_segments and (
        len(gl_segments) > _SEGMENTS_RULE.items_max or max(map(len, gl_segments)) > _SEGMENTS_RULE.length_max
    ):
        return False
    return not attributes or (
        len(attributes) <= _ATTRIBUTES_RULE.items_max and max(map(len, attributes)) <= _ATTRIBUTES_RULE.length_max
    )


def _coded(gl_segments: tuple[str, ...], attributes: tuple[str, ...]) -> tuple[int, Iterable[str]]:
    """Which coded columns are not empty, as a mask, and their texts."""
    if "" not in gl_segments and "" not in attributes:
        mask = (1 << len(gl_segments)) - 1 | ((1 << len(attributes)) - 1) << SEGMENTS
        return mask, chain(gl_segments, attributes)
    places = chain(enumerate(gl_segments), enumerate(attributes, SEGMENTS))
    filled = [(place, text) for place, text in places if text]
    return sum(1 << place for place, _ in filled), [text for _, text in filled]


def _line(cells: tuple[str, ...]) -> bytes | None:
    """The cells in COPY's text format; None when a character cannot be kept."""
    try:
        line = "\t".join(cells).encode()
    except UnicodeEncodeError:
        return None
    if len(line.translate(None, _PLAIN)) == len(cells) - 1:
        return line
    if any(map(character_fault, cells)):
        return None
    return "\t".join(map(copy_cell, cells)).encode()
