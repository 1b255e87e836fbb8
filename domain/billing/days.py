"""The days that billing knows: those of which there can be data. What lies beyond would be billed for centuries."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from domain.kernel.errors import Violation
from domain.kernel.time import date_of, day_of, iso_day

FIRST_DAY = 19700102
LAST_DAY = 89991231
"""As yyyymmdd; data are of instants between these, whatever the time zone."""

AHEAD_DAYS_MAX = 366
"""Nothing is billed for days that are further ahead than this."""


def furthest_from(day: int) -> int:
    """The last day that can be billed, seen from a day."""
    return min(LAST_DAY, day_of(date_of(day) + timedelta(days=AHEAD_DAYS_MAX)))


def day_violations(field: str, day: int, last: int = LAST_DAY) -> Iterator[Violation]:
    """What is wrong with a real day (yyyymmdd) of a field, which is not to be after the day `last`."""
    if not FIRST_DAY <= day <= last:
        text = f"must be from {iso_day(FIRST_DAY)} to {iso_day(last)}"
        yield Violation(field, "DATE_OUT_OF_RANGE", text)
