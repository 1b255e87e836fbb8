"""Business calendars as the contract tells them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from google.type.date_pb2 import Date

from countinghouse.operations.v1.calendar_pb2 import BusinessCalendar
from domain.kernel.calendars import WEEKEND, Calendar
from domain.kernel.time import real_day
from server.mapping.days import day_to_proto

if TYPE_CHECKING:
    from google.type.dayofweek_pb2 import DayOfWeek


def calendar_values(given: Any) -> dict[str, Any]:  # noqa: ANN401 - any resource with a calendar
    """The fields of `Calendar` but its zone, of a resource's `calendar`; where none is given weekends are off.

    They are checked for nothing; a day that there is not is 0.
    """
    calendar: BusinessCalendar = given.calendar
    return {
        "weekend_days": tuple(calendar.weekend_days) if given.HasField("calendar") else WEEKEND,
        "country": calendar.country,
        "subdivision": calendar.subdivision,
        "holidays": days_of(calendar.holidays),
        "working_days": days_of(calendar.working_days),
    }


def calendar_to_proto(calendar: Calendar) -> BusinessCalendar:
    """The calendar without its zone."""
    return BusinessCalendar(
        weekend_days=cast("tuple[DayOfWeek.ValueType, ...]", calendar.weekend_days),  # numbered the same
        country=calendar.country,
        subdivision=calendar.subdivision,
        holidays=map(day_to_proto, calendar.holidays),
        working_days=map(day_to_proto, calendar.working_days),
    )


def days_of(dates: Iterable[Date]) -> tuple[int, ...]:
    """The days of dates; 0 for what is none."""
    return tuple(real_day(date.year, date.month, date.day) or 0 for date in dates)
