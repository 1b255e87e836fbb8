"""Where the schedules of a cycle end: pure, in the zone of the cycle (INV-02, INV-11, PLT-04)."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, timedelta
from datetime import time as time_of_day

from domain.invoicing.configuration.model import CycleSettings, PeriodUnit
from domain.kernel.time import BusinessZone, moment_of

_SECOND = 1_000_000
_LAST_SECOND = time_of_day(23, 59, 59)


def whole_second(end_us: int, zone: BusinessZone) -> int:
    """The end of a schedule as it is meant: 23:59:59 of the zone means that whole second, up to midnight."""
    if _wall(end_us, zone).time().replace(microsecond=0) != _LAST_SECOND:
        return end_us
    return end_us - end_us % _SECOND + _SECOND


def end_after(settings: CycleSettings, anchor_us: int, start_us: int) -> int:
    """Where a schedule ends that starts at an instant: one period later.

    It goes by the day and the time of day at which the cycle's first schedule starts (`anchor_us`), if these have led
    to this start: what begins on a 31st ends on the last day of shorter months, and on the 31st again of longer ones.
    Else by those of the start itself.
    """
    zone = BusinessZone(settings.time_zone)
    anchor, start = _wall(anchor_us, zone), _wall(start_us, zone)
    at = anchor.time() if zone.first_instant(start.date(), anchor.time()) == start_us else start.time()
    if settings.period_unit is PeriodUnit.DAYS:
        return zone.first_instant(start.date() + timedelta(days=settings.period_count), at)
    day = anchor.day if _clipped(start.year, start.month, anchor.day) == start.date() else start.day
    months = start.year * 12 + start.month - 1 + settings.period_count
    return zone.first_instant(_clipped(months // 12, months % 12 + 1, day), at)


def start_around(settings: CycleSettings, now_us: int) -> int:
    """Where the first schedule of a cycle starts that has none: with the month of an instant, or its day."""
    zone = BusinessZone(settings.time_zone)
    today = _wall(now_us, zone).date()
    first = today.replace(day=1) if settings.period_unit is PeriodUnit.MONTHS else today
    return zone.first_instant(first, time_of_day())


def code_of(start_us: int, zone: BusinessZone) -> str:
    """The code of a schedule that is made: its first day."""
    return _wall(start_us, zone).date().isoformat()


def _wall(us: int, zone: BusinessZone) -> datetime:
    return moment_of(us).astimezone(zone.zone).replace(tzinfo=None)


def _clipped(year: int, month: int, day: int) -> date:
    """A day of a month, or its last."""
    return date(year, month, min(day, monthrange(year, month)[1]))
