"""Which time belongs to which bucket of a time-of-use scheme, by the clock of a zone (BIL-21)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time as time_of_day
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from domain.billing.configuration.model import SchemeRow, SchemeSettings
from domain.billing.usage.clock import DAY_US, SECOND_US, begin_us, day_after, pieces
from domain.kernel.calendars import Calendar
from domain.kernel.time import BusinessZone, date_of

_MINUTE_S, _HOUR_S = 60, 3_600


class Range(NamedTuple):
    """The time [from, until), in microseconds UTC, and its bucket; the empty one where there is no scheme."""

    from_us: int
    until_us: int
    bucket: str


@lru_cache(maxsize=1 << 12)
def ranges(scheme: SchemeSettings | None, zone: str, start: int, end: int) -> tuple[Range, ...]:
    """The days [start, end) in ranges that follow on each other, each as long as its bucket holds.

    Of an hour that comes twice both passes have the bucket that the clock says; one that is left out has none.
    """
    if scheme is None:
        return (Range(begin_us(zone, start), begin_us(zone, end), ""),)
    found: list[Range] = []
    day = start
    while day < end:
        for each in _of_day(scheme, zone, day):
            if found and found[-1].bucket == each.bucket:
                found[-1] = found[-1]._replace(until_us=each.until_us)
            else:
                found.append(each)
        day = day_after(day)
    return tuple(found)


@lru_cache(maxsize=1 << 14)
def _of_day(scheme: SchemeSettings, zone: str, day: int) -> tuple[Range, ...]:
    """A day in ranges."""
    rows = [row for row in scheme.rows if _has_day(scheme, row, day)]
    cuts = sorted({cut for row in rows for cut in _hours(row)} - {0, DAY_US})
    midnight = _midnight(day)
    found = []
    for piece in pieces(zone, day):
        shift = piece.offset_us - midnight  # from an instant to the time of day that the clock shows
        first, last = piece.from_us + shift, piece.until_us + shift
        marks = [first, *(cut for cut in cuts if first < cut < last), last]
        for at, until in pairwise(marks):
            found.append(Range(at - shift, until - shift, _bucket(scheme, rows, at)))
    return tuple(found)


def _bucket(scheme: SchemeSettings, rows: list[SchemeRow], at: int) -> str:
    """That of the first row that holds at a time of day."""
    return next(_holding(rows, at), scheme.otherwise)


def _holding(rows: list[SchemeRow], at: int) -> Iterator[str]:
    for row in rows:
        start, end = _hours(row)
        if start <= at < end:
            yield row.bucket


def _hours(row: SchemeRow) -> tuple[int, int]:
    """When a row begins and ends, in microseconds of the day; midnight as an end is the end of the day."""
    return _us(row.start), _us(row.end) or DAY_US


def _us(at: time_of_day) -> int:
    return (at.hour * _HOUR_S + at.minute * _MINUTE_S + at.second) * SECOND_US


def _has_day(scheme: SchemeSettings, row: SchemeRow, day: int) -> bool:
    date = date_of(day)
    if row.weekdays and date.isoweekday() not in row.weekdays:
        return False
    if row.months and date.month not in row.months:
        return False
    return row.holidays is None or row.holidays is _is_holiday(scheme, day)


def _is_holiday(scheme: SchemeSettings, day: int) -> bool:
    days_off = Calendar(BusinessZone("UTC"), (), scheme.country, scheme.subdivision, scheme.holidays)
    return not days_off.is_business_day(day)


def _midnight(day: int) -> int:
    """A day's midnight as microseconds from 1970, as if in UTC."""
    return begin_us("UTC", day)
