"""The periods of an agreement that are still to be billed (BIL-20): days [start, end), cut where full periods end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from domain.kernel.time import date_of, day_of

_YEAR = 12


class Period(NamedTuple):
    """The days [start, end), as yyyymmdd, out of a full period of `full_days` days."""

    start: int
    end: int
    full_days: int

    @property
    def days(self) -> int:
        """How many days it has."""
        return (date_of(self.end) - date_of(self.start)).days


def full_period(day: int, months: int, anchor_day: int) -> tuple[date, date]:
    """The full period [first, last) that a day lies in: `months` months from the `anchor_day` of one.

    They are counted so that one begins in each January where the months of a year can be cut so.
    """
    on = date_of(day)
    month = on.year * _YEAR + on.month - 1 - (on.day < anchor_day)
    first = month - month % months
    return _date(first, anchor_day), _date(first + months, anchor_day)


def unbilled(*, start: int, end: int, through: int, months: int, anchor_day: int) -> Iterator[Period]:
    """The periods from the first day that was not billed, `start`, that are over by `through`.

    `end` is the day on which the agreement ends, 0 for none: its last period ends with it. All days as yyyymmdd;
    neither `end` nor `through` is part of a period. What is not over waits. Cost: O(1) each.
    """
    while not end or start < end:
        first, last = full_period(start, months, anchor_day)
        stop = day_of(last)
        if end and end < stop:
            stop = end
        if stop > through:
            return
        yield Period(start, stop, (last - first).days)
        start = stop


def _date(month: int, day: int) -> date:
    year, of_year = divmod(month, _YEAR)
    return date(year, of_year + 1, day)
