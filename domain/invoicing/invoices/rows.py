"""Lines as callers send them, read before anything is asked of the database (INV-16, PLT-01, PLT-07)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from domain.invoicing.codes import UNITS
from domain.invoicing.invoices.model import RATE_UNIT, RESERVED, NewLine
from domain.kernel.amounts import Amount, Fault, amount_fault, minor_of
from domain.kernel.characters import REASON as CHARACTER_REFUSED
from domain.kernel.characters import character_fault
from domain.kernel.errors import Violation
from domain.kernel.money import Rounding, digits_of, rounded
from domain.kernel.quantities import ATTOS, attos_of, quantity_fault, quantity_text
from domain.kernel.taxes import RATED, TaxCategory
from domain.kernel.time import real_day

ONE = "C62"
"""The unit of quantities that have no other: one (UN/ECE recommendation 20)."""

_ACCOUNT = re.compile(r"accounts/([A-Za-z0-9._-]{1,64})")
_PERCENT = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,32})?")
_PPM_OF_PERCENT = RATE_UNIT // 100
_TOLD_MAX = 64  # characters of a wrong value that are told

CalendarDay = tuple[int, int, int]
"""Year, month and day, as `google.type.Date` has them."""


class GivenLine(NamedTuple):
    """A line as it was sent, right or wrong; percentage, quantity and price are decimal text, empty if not given."""

    account: str
    source: str
    external_id: str
    amount: Amount | None
    tax_category: str
    tax_percent: str
    description: str = ""
    quantity: str = ""
    unit_code: str = ""
    price: str = ""
    start: CalendarDay | None = None
    end: CalendarDay | None = None
    distribution_code: str = ""


class Refusal(NamedTuple):
    """A row that is left out, and everything that is wrong with it."""

    position: int
    account: str
    source: str
    external_id: str
    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A chunk of rows, read: the sound ones with their positions, and the others."""

    rows: Sequence[GivenLine]
    positions: Sequence[int]
    lines: Sequence[NewLine]
    refusals: Sequence[Refusal]


def prepare(rows: Sequence[GivenLine]) -> Prepared:
    """Read rows. Cost: about 3 µs a row."""
    positions, lines, refusals = [], [], []
    for position, row in enumerate(rows):
        if (line := _simple(row)) is not None:
            positions.append(position)
            lines.append(line)
            continue
        found = tuple(violations(row))
        if found:
            refusals.append(refusal(rows, position, found))
        else:
            positions.append(position)
            lines.append(line_of(row))
    return Prepared(rows, positions, lines, refusals)


def _simple(row: GivenLine) -> NewLine | None:
    """The line of a sound row without quantity and period, at half the cost; None for any other row."""
    account, source, external_id, amount, category, percent, description, *others, code = row
    match = _ACCOUNT.fullmatch(account)
    ppm = _ppm(category, percent)
    if (
        match is None
        or amount is None
        or not isinstance(ppm, int)
        or not (source.strip() and external_id.strip() and description.strip() and code)
        or source in RESERVED
        or any(others)
        or len(source) > _SHORT
        or len(external_id) > _SHORT
        or len(description) > _SHORT
        or len(code) > _SHORT
        or amount_fault(amount)
        or character_fault(f"{source}{external_id}{description}{code}")
    ):
        return None
    currency = amount[0]
    return NewLine(
        match[1], source, external_id, currency, minor_of(amount), category, ppm, description, distribution_code=code
    )


def refusal(rows: Sequence[GivenLine], position: int, found: tuple[Violation, ...]) -> Refusal:
    """The refusal of a row."""
    row = rows[position]
    return Refusal(position, row.account, row.source, row.external_id, found)


def line_of(row: GivenLine) -> NewLine:
    """The line of a row without faults."""
    match = _ACCOUNT.fullmatch(row.account)
    ppm = _ppm(row.tax_category, row.tax_percent)
    assert match is not None
    assert row.amount is not None
    assert isinstance(ppm, int)
    return NewLine(
        match[1],
        row.source,
        row.external_id,
        row.amount[0],
        minor_of(row.amount),
        row.tax_category,
        ppm,
        row.description,
        _plain(row.quantity),
        (row.unit_code or ONE) if row.quantity else "",
        _plain(row.price),
        real_day(*row.start) or 0 if row.start else 0,
        real_day(*row.end) or 0 if row.end else 0,
        row.distribution_code,
    )


def violations(row: GivenLine) -> Iterator[Violation]:
    """Everything that is wrong with the form of a row."""
    if not _ACCOUNT.fullmatch(row.account):
        yield Violation("account", "FIELD_MALFORMED", "must be an account's name, as accounts/A-1")
    yield from _texts(row)
    if row.source in RESERVED:
        text = f"{row.source!r} is the source of lines that come from bills, or credit what was invoiced"
        yield Violation("source", "SOURCE_RESERVED", text)
    if row.amount is None:
        yield Violation("net_amount", "FIELD_REQUIRED", "must be given")
    elif fault := amount_fault(row.amount):
        yield Violation("net_amount", *fault)
    if not isinstance(ppm := _ppm(row.tax_category, row.tax_percent), int):
        yield ppm
    if not row.distribution_code:
        text = "must be given: what no bill has posted is posted by it when the invoice is locked"
        yield Violation("distribution_code", "DISTRIBUTION_CODE_MISSING", text)
    yield from _priced(row)
    yield from _days(row)


_SHORT = 64  # characters, which all texts may have
_LENGTHS = (("source", 1, 64), ("external_id", 1, 128), ("description", 1, 512), ("distribution_code", 0, 64))


def _texts(row: GivenLine) -> Iterator[Violation]:
    for field, least, most in _LENGTHS:
        text: str = getattr(row, field)
        if least and not text.strip():
            yield Violation(field, "FIELD_REQUIRED", "must be given")
        elif len(text) > most:
            yield Violation(field, "FIELD_TOO_LONG", f"must have at most {most} characters")
        elif fault := character_fault(text):
            yield Violation(field, CHARACTER_REFUSED, fault)


@lru_cache(maxsize=1 << 10)
def _ppm(category: str, percent: str) -> int | Violation:
    """The tax rate in millionths, or what is wrong with it."""
    if category not in set(TaxCategory):
        text = f"must be one of EN 16931: {', '.join(TaxCategory)}"
        return Violation("tax_category", "TAX_CATEGORY_UNKNOWN", text)
    if percent and not _PERCENT.fullmatch(percent):
        return Violation(
            "tax_percent", "TAX_RATE_MALFORMED", "must be a percentage such as 19 or 7.7, and not negative"
        )
    return _rate(category, Decimal(percent or 0) * _PPM_OF_PERCENT)


def _rate(category: str, exact: Decimal) -> int | Violation:
    if exact > RATE_UNIT:
        return Violation("tax_percent", "TAX_RATE_TOO_HIGH", "must not be above 100")
    if exact != int(exact):
        return Violation("tax_percent", "TAX_RATE_TOO_FINE", "must not have more than 4 decimals")
    if exact and category not in RATED:
        text = f"no tax is due in category {category}: it has no rate"
        return Violation("tax_percent", "TAX_RATE_WITHOUT_TAX", text)
    if not exact and category == TaxCategory.STANDARD:
        return Violation("tax_percent", "TAX_RATE_MISSING", "must be given, and above 0, in category S")
    return int(exact)


def _priced(row: GivenLine) -> Iterator[Violation]:
    """Quantity and price are told both or neither; then they come to the amount."""
    if not row.quantity and not row.price:
        if row.unit_code:
            yield Violation("quantity", "QUANTITY_WITHOUT_PRICE", "unit, quantity and price are told together")
        return
    if not row.quantity or not row.price:
        field = "price" if row.quantity else "quantity"
        yield Violation(field, "QUANTITY_WITHOUT_PRICE", "quantity and price are told both, or neither")
        return
    if row.unit_code and row.unit_code not in UNITS:
        text = "must be a code of UN/ECE recommendation 20, such as KWH, or of 21 behind an X (BR-CL-23)"
        yield Violation("unit_code", "UNIT_CODE_UNKNOWN", text)
    faults = {field: quantity_fault(getattr(row, field)) for field in ("quantity", "price")}
    yield from (Violation(field, *fault) for field, fault in faults.items() if fault)
    if any(faults.values()):
        return
    if _attos(row.price) < 0:
        text = "must not be negative (EN 16931, BR-27): what is given back has a quantity below 0"
        yield Violation("price", "PRICE_NEGATIVE", text)
    elif fault := _amount_differs(row):
        yield Violation("net_amount", *fault)


def _amount_differs(row: GivenLine) -> Fault | None:
    if row.amount is None or amount_fault(row.amount):
        return None
    digits = digits_of(row.amount[0])
    assert digits is not None
    exact = _attos(row.quantity) * _attos(row.price) * 10**digits
    if rounded(exact, ATTOS * ATTOS, Rounding.HALF_UP) == minor_of(row.amount):
        return None
    return "LINE_AMOUNT_DIFFERS", "must be quantity times price, rounded half-up to the minor unit"


def _days(row: GivenLine) -> Iterator[Violation]:
    days = {"start_date": row.start, "end_date": row.end}
    for field, day in days.items():
        if day is not None and real_day(*day) is None:
            yield Violation(field, "DATE_INVALID", f"the calendar has no day {day[0]}-{day[1]}-{day[2]}")
    if (row.start is None) != (row.end is None):
        missing = "end_date" if row.end is None else "start_date"
        yield Violation(missing, "PERIOD_HALF_GIVEN", "a period has a start and an end, or neither is given")
    elif row.start is not None and row.end is not None and row.start >= row.end:
        yield Violation("end_date", "END_NOT_AFTER_START", "must be after start_date; it is not part of the period")


def _attos(text: str) -> int:
    attos = attos_of(text)
    assert attos is not None
    return attos


def _plain(text: str) -> str:
    return quantity_text(_attos(text)) if text else ""
