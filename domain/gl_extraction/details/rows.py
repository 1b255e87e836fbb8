"""Rows made ready to be stored: the quick way through the rules for rows that are sound.

Millions of rows come this way, nearly all of them sound: `read_row` looks at a row once, in as few steps as Python
allows, and says either what is to be stored or that something is wrong. What is wrong, `rules.violations` tells; a test
holds that the two never disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import chain
from operator import gt
from typing import NamedTuple
from zlib import crc32

from domain.gl_extraction.details.model import CalendarDay, NewDetail
from domain.gl_extraction.details.rules import LISTS, NOTHING, ORIGINS, SUBJECT_TYPES, TEXTS, day_of_date
from domain.gl_extraction.tables import BUCKETS, CODED_COLUMNS, SEGMENTS
from domain.kernel.amounts import NANOS, Amount, scale_of
from domain.kernel.bulk import copy_cell
from domain.kernel.characters import character_fault
from domain.kernel.money import AMOUNT_MINOR_MAX

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

_LENGTHS_MAX = tuple(rule.length_max for rule in TEXTS)
_SEGMENTS_RULE, _ATTRIBUTES_RULE = LISTS
# No text so short is too long.
_LENGTH_SURE = min(*_LENGTHS_MAX, _SEGMENTS_RULE.length_max, _ATTRIBUTES_RULE.length_max)
HASH_BYTES = 16
KEY_HEADS = [f"{bucket:02d}\0" for bucket in range(BUCKETS)]
# What is left of a row's text without these: the tabs between its cells, and what needs a second look. (0xEF begins
# the two non-characters in UTF-8, and little else.)
_PLAIN = bytes(byte for byte in range(256) if byte >= ord(" ") and byte not in {ord("\\"), 0xEF})

Slot = tuple[str, int, str]
"""Where in the books a row belongs: ledger, day (yyyymmdd), and the period that was given, empty for none."""


class SoundRow(NamedTuple):
    """A row whose form is right; whether the books have its codes is still to be seen.

    `key` is text that sorts as the unique index does: by bucket, source, and external id. `position` is its place among
    the rows that were handed in. `cells` are the texts of CORE_COLUMNS and then of those
    CODED_COLUMNS that `coded_mask` names; `line` is the same in COPY's text format, and `content_hash` is made of it,
    so that equal content has equal hashes on every database.
    """

    key: str
    bucket: int
    source: str
    external_id: str
    position: int
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
    return _bucket_of(_unique(source, external_id))


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
    coded = gl_segments + attributes
    texts = (
        name, source, external_id, description, subject, grouping, bulking_group, distribution_account, ledger_code,
        period_code, category, group_account_code,
    )  # fmt: skip
    day, day_text = _day(accounting_date)
    transaction_day_text = day_text if transaction_date is None else _day(transaction_date)[1]
    debit_minor, credit_minor, currency = _sides(debit, credit)
    if (
        not (source and external_id and ledger_code and day_text and transaction_day_text and currency)
        or origin not in ORIGINS
        or subject_type not in SUBJECT_TYPES
        or len(gl_segments) > _SEGMENTS_RULE.items_max
        or len(attributes) > _ATTRIBUTES_RULE.items_max
        or (len(max(texts + coded, key=len)) > _LENGTH_SURE and _too_long(texts, gl_segments, attributes))
    ):
        return None
    if "" in coded:
        mask, coded = _filled(gl_segments, attributes)
    else:
        mask = _full_mask(len(gl_segments), len(attributes))
    cells = (
        _mask_text(mask), source, external_id, description, subject_type, subject, origin, grouping, bulking_group,
        "1" if reversal else "0", distribution_account, ledger_code, day_text, transaction_day_text, category,
        currency, str(debit_minor), str(credit_minor), group_account_code, *coded,
    )  # fmt: skip
    line = _line(cells)
    if line is None:
        return None
    unique = _unique(source, external_id)
    bucket = _bucket_of(unique)
    return SoundRow(
        KEY_HEADS[bucket] + unique,
        bucket,
        source,
        external_id,
        position,
        blake2b(line, digest_size=HASH_BYTES).digest(),
        (ledger_code, day, period_code),
        group_account_code,
        currency,
        debit_minor,
        credit_minor,
        mask,
        cells,
        line,
    )


def _unique(source: str, external_id: str) -> str:
    """What makes a row unique, as one text: no text may hold the character between the two, the lowest there is."""
    return f"{source}\0{external_id}"


def _bucket_of(unique: str) -> int:
    return crc32(unique.encode()) % BUCKETS


@lru_cache(maxsize=1 << 14)
def _day(written: CalendarDay | None) -> tuple[int, str]:
    """The day as yyyymmdd, and as text; 0 and empty when it was not given or the calendar has no such day."""
    day = day_of_date(written)
    return (day, str(day)) if day else (0, "")


@lru_cache(maxsize=1 << 10)
def _mask_text(mask: int) -> str:
    return str(mask)


@lru_cache(maxsize=1 << 10)
def _full_mask(segments: int, attributes: int) -> int:
    return (1 << segments) - 1 | ((1 << attributes) - 1) << SEGMENTS


def _sides(debit: Amount | None, credit: Amount | None) -> tuple[int, int, str]:
    """Debit and credit in minor units and their one currency; the currency is empty when a rule is broken."""
    if credit is None or credit == NOTHING:
        minor = _above_zero(debit)
        return minor, 0, debit[0] if debit and minor else ""
    if debit is None or debit == NOTHING:
        minor = _above_zero(credit)
        return 0, minor, credit[0] if minor else ""
    given, other = (debit, credit) if debit[1] or debit[2] else (credit, debit)
    minor = _above_zero(given)
    if not minor or other != (given[0], 0, 0):
        return 0, 0, ""
    return (minor, 0, given[0]) if given is debit else (0, minor, given[0])


def _above_zero(amount: Amount | None) -> int:
    """The amount in minor units; 0 for one that is none, is not above zero, or breaks a rule."""
    if amount is None:
        return 0
    currency, units, nanos = amount
    scale = scale_of(currency)
    if scale is None or units < 0 or not 0 <= nanos < NANOS:
        return 0
    per_unit, nanos_per_minor = scale
    minor, finer = divmod(nanos, nanos_per_minor)
    minor += units * per_unit
    return 0 if finer or minor > AMOUNT_MINOR_MAX else minor


def _too_long(texts: tuple[str, ...], gl_segments: tuple[str, ...], attributes: tuple[str, ...]) -> bool:
    return (
        any(map(gt, map(len, texts), _LENGTHS_MAX))
        or max(map(len, gl_segments), default=0) > _SEGMENTS_RULE.length_max
        or max(map(len, attributes), default=0) > _ATTRIBUTES_RULE.length_max
    )


def _filled(gl_segments: tuple[str, ...], attributes: tuple[str, ...]) -> tuple[int, tuple[str, ...]]:
    """Which coded columns are not empty, as a mask, and their texts."""
    places = chain(enumerate(gl_segments), enumerate(attributes, SEGMENTS))
    filled = [(place, text) for place, text in places if text]
    return sum(1 << place for place, _ in filled), tuple(text for _, text in filled)


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
