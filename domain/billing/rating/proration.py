"""A period in parts: which version holds on which of its days, and what of a whole falls on some of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date

from domain.billing.rating.errors import RateNotEffective
from domain.billing.rating.segments import Part
from domain.kernel.time import date_of, iso_day


def parts(effective_days: Sequence[int], start: int, end: int) -> list[tuple[int, Part]]:
    """The parts of [start, end), each with the place of its version; they follow on each other without a gap.

    Raises: RateNotEffective, if the first version (ascending, yyyymmdd) begins after the first day.
    """
    assert start < end, "a period has a day at least"
    place = bisect_right(effective_days, start) - 1
    if place < 0:
        first = iso_day(effective_days[0]) if effective_days else ""
        raise RateNotEffective(start=iso_day(start), effective_from=first)
    begins = (start, *effective_days[place + 1 : bisect_left(effective_days, end)], end)
    day_one = date_of(start)
    offsets = [_days(day_one, day) for day in begins]
    return [
        (place + number, Part(number, begins[number], begins[number + 1], offsets[number], offsets[number + 1]))
        for number in range(len(begins) - 1)
    ]


def portion(whole: int, first: int, last: int, days: int) -> int:
    """What of a whole falls on the days from `first` up to `last`, of `days` equal ones.

    Portions that follow on each other sum to the whole, and no portion is off by a whole unit. The portion of a
    negative is the negative of the portion.
    """
    size = abs(whole)
    part = size * last // days - size * first // days
    return part if whole >= 0 else -part


def _days(day_one: date, day: int) -> int:
    return (date_of(day) - day_one).days
