"""Calendar days of the domain (yyyymmdd) as `google.type.Date`."""

from __future__ import annotations

from collections.abc import Mapping

from google.type.date_pb2 import Date

from domain.kernel.errors import Invalid, Violation
from domain.kernel.time import real_day


def days_from_proto(dates: Mapping[str, Date | None]) -> list[int]:
    """The days of dates, by the paths of their fields; 0 for one that was not given.

    Raises: Invalid (DATE_INVALID) for every one that the calendar does not have, one with a part left out included.
    """
    days, violations = [], []
    for field, date in dates.items():
        day = 0 if date is None else real_day(date.year, date.month, date.day)
        if day is None and date is not None:
            text = f"the calendar has no day {date.year}-{date.month}-{date.day}"
            violations.append(Violation(field, "DATE_INVALID", text))
        days.append(day or 0)
    if violations:
        raise Invalid(*violations)
    return days


def day_to_proto(day: int) -> Date:
    """The day as a date."""
    return Date(year=day // 10_000, month=day // 100 % 100, day=day % 100)
