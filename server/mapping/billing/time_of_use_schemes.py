"""Time-of-use schemes as the contract tells them."""

from __future__ import annotations

from datetime import time as time_of_day
from typing import TYPE_CHECKING, cast

from google.type.timeofday_pb2 import TimeOfDay

from countinghouse.billing.v1 import time_of_use_schemes_pb2 as pb
from domain.billing.configuration.model import Scheme, SchemeRow, SchemeSettings
from domain.billing.names import scheme_name
from domain.kernel.registers.service import Change
from server.mapping.calendars import days_of
from server.mapping.days import day_to_proto
from server.mapping.entries import Reads, change_from_proto, stamps, values_of

if TYPE_CHECKING:
    from google.type.dayofweek_pb2 import DayOfWeek
    from google.type.month_pb2 import Month

_DAY_H = 24
_HOLIDAYS = {None: pb.HOLIDAY_RULE_UNSPECIFIED, True: pb.HOLIDAY_RULE_ONLY, False: pb.HOLIDAY_RULE_EXCEPT}
_HOLIDAYS_BY_NUMBER = {number: rule for rule, number in _HOLIDAYS.items()}
_READS: Reads = {
    "rows": lambda given: {"rows": tuple(map(_row_from_proto, given.rows))},
    "otherwise": lambda given: {"otherwise": given.otherwise},
    "country": lambda given: {"country": given.country},
    "subdivision": lambda given: {"subdivision": given.subdivision},
    "holidays": lambda given: {"holidays": days_of(given.holidays)},
}


def scheme_to_proto(found: Scheme) -> pb.TimeOfUseScheme:
    """A scheme."""
    settings = found.settings
    return pb.TimeOfUseScheme(
        name=scheme_name(found.code),
        code=found.code,
        description=found.description,
        rows=map(_row_to_proto, settings.rows),
        otherwise=settings.otherwise,
        country=settings.country,
        subdivision=settings.subdivision,
        holidays=map(day_to_proto, settings.holidays),
        **stamps(found),
    )


def settings_from_proto(given: pb.TimeOfUseScheme) -> SchemeSettings:
    """What is set of a scheme, checked for nothing but its form."""
    return SchemeSettings(**values_of(given, _READS))


def scheme_change(request: pb.UpdateTimeOfUseSchemeRequest) -> Change:
    """What is changed of which scheme. Raises: Invalid as `updated_code`."""
    return change_from_proto(request, "time_of_use_scheme", scheme_name, _READS)


def _row_from_proto(row: pb.TimeOfUseRow) -> SchemeRow:
    return SchemeRow(
        bucket=row.bucket,
        weekdays=tuple(row.weekdays),
        months=tuple(row.months),
        start=time_of_day(row.start_time.hours, row.start_time.minutes),
        end=time_of_day(row.end_time.hours % _DAY_H, row.end_time.minutes),
        holidays=_HOLIDAYS_BY_NUMBER[row.holidays],
    )


def _row_to_proto(row: SchemeRow) -> pb.TimeOfUseRow:
    """The row; a day's end is told as 24:00."""
    until = row.end if row.end != time_of_day(0) else None
    return pb.TimeOfUseRow(
        bucket=row.bucket,
        weekdays=cast("tuple[DayOfWeek.ValueType, ...]", row.weekdays),  # numbered the same
        months=cast("tuple[Month.ValueType, ...]", row.months),
        start_time=TimeOfDay(hours=row.start.hour, minutes=row.start.minute),
        end_time=TimeOfDay(hours=until.hour, minutes=until.minute) if until else TimeOfDay(hours=_DAY_H),
        holidays=_HOLIDAYS[row.holidays],
    )
