"""Segments that are alike, rated together: a column for each line, a row for each segment.

What is alike are the days, the rate, and which usage there is; what differs are quantities, and what conditions read.
One segment is a sheet of one row: there is one way to rate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from operator import itemgetter
from typing import NamedTuple

from domain.billing.rating.model import Kind
from domain.billing.rating.segments import Buckets, Calculation, Intervals, Line, Register, Usage
from domain.kernel.conditions.shapes import Values
from domain.kernel.errors import DomainError
from domain.kernel.money import Money, Rounding
from domain.kernel.quantities import Quantity

Column = Sequence[int]
"""A number for each row."""

Rows = Sequence[bool]
"""Of each row, whether it has something."""


class Used(NamedTuple):
    """Usage in columns, in attos by time-of-use bucket: one entry for each part, or one for the whole period.

    `by_part` says which, as `Intervals` and `Register` differ.
    """

    unit: str
    by_part: bool
    parts: tuple[Mapping[str, Column], ...]


class Sheet(NamedTuple):
    """What is to be rated, as `rating.segments.Segment` has it for one.

    `values` are those of each row, one for all rows, or none where no condition reads any.
    """

    start: int
    end: int
    full_days: int
    currency: str
    rows: int
    usage: Mapping[str, Used]
    values: Sequence[Values] = ()


class Lines(NamedTuple):
    """A line of each row of a sheet; `has` tells which rows have it, None: all. The fields are those of `Line`."""

    component: str
    kind: Kind
    start: int
    end: int
    version: int
    step: int
    bucket: str
    usage: str
    unit: str
    attos: Column | None
    base: Column | None
    rate: Decimal
    days: int
    full_days: int
    minor: Column
    rounding: Rounding
    distribution_code: str
    has: Rows | None


class Rated(NamedTuple):
    """What came of a sheet, in minor units of its currency; `refused` says of rows why they cannot be rated.

    Lines stand as in `Calculation`; what they hold for refused rows means nothing.
    """

    currency: str
    lines: tuple[Lines, ...]
    amount: Column
    tax: Column
    refused: Mapping[int, DomainError]


def used(given: Sequence[Usage]) -> Used | None:
    """Usage of each row in columns; None unless all are alike."""
    first = given[0]
    parts = _parts(first)
    buckets = [tuple(each) for each in parts]
    for each in given:
        if type(each) is not type(first) or each.unit != first.unit or [*map(tuple, _parts(each))] != buckets:
            return None
    columns = tuple(
        {bucket: list(map(itemgetter(bucket), of_part)) for bucket in buckets[place]}
        for place, of_part in enumerate(zip(*map(_parts, given), strict=True))
    )
    return Used(first.unit, isinstance(first, Intervals), columns)


def calculation(rated: Rated, row: int, usage: Mapping[str, Usage]) -> Calculation:
    """What came of a row, with its own usage. Raises: why it cannot be rated."""
    if row in rated.refused:
        raise rated.refused[row]
    currency = rated.currency
    return Calculation(
        tuple(
            _line(each, row, usage.get(each.usage), currency)
            for each in rated.lines
            if each.has is None or each.has[row]
        ),
        Money(rated.amount[row], currency),
        Money(rated.tax[row], currency),
    )


def like(lines: Lines, currency: str) -> Line:
    """A line as all of these are, of no row: its quantity and amounts mean nothing."""
    return Line(
        lines.component,
        lines.kind,
        lines.start,
        lines.end,
        lines.version,
        lines.step,
        lines.bucket,
        lines.usage,
        None if lines.attos is None else Quantity(0, lines.unit),
        None if lines.base is None else Money(0, currency),
        lines.rate,
        lines.days,
        lines.full_days,
        Money(0, currency),
        lines.rounding,
        lines.distribution_code,
        (),
        estimated=False,
    )


def _line(lines: Lines, row: int, usage: Usage | None, currency: str) -> Line:
    return Line(
        lines.component,
        lines.kind,
        lines.start,
        lines.end,
        lines.version,
        lines.step,
        lines.bucket,
        lines.usage,
        None if lines.attos is None else Quantity(lines.attos[row], lines.unit),
        None if lines.base is None else Money(lines.base[row], currency),
        lines.rate,
        lines.days,
        lines.full_days,
        Money(lines.minor[row], currency),
        lines.rounding,
        lines.distribution_code,
        () if usage is None else usage.sources,
        usage is not None and usage.estimated,
    )


def _parts(usage: Usage) -> tuple[Buckets, ...]:
    return (usage.quantities,) if isinstance(usage, Register) else usage.parts
