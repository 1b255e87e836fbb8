"""When a schedule runs, and for which days: pure, and exact to the minute (PLT-04)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from cronsim import CronSim, CronSimError

from domain.kernel.errors import Violation
from domain.kernel.time import BusinessZone, is_zone, moment_of
from domain.schedules.model import Cause, MissedRuns, Outcome, RelativeDate

LATE_US = 60_000_000
"""A time that nobody has run this much later, in microseconds, is missed."""

_FIELDS = 5
_WINDOWS = (timedelta(hours=2), timedelta(days=2), timedelta(days=62), timedelta(days=800))
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Firing:
    """What is to be done about a time that has come: a run for `scheduled_us`, then a wait for `next_us` (0: none)."""

    cause: Cause
    outcome: Outcome
    scheduled_us: int
    missed_since_us: int
    next_us: int


def timing_faults(cron: str, time_zone: str, now_us: int) -> Iterator[Violation]:
    """What is wrong with a cron line and a time zone (IANA name, empty for the business zone's)."""
    if fault := cron_fault(cron, now_us):
        yield Violation("schedule.cron", "CRON_INVALID", fault)
    if time_zone and not is_zone(time_zone):
        text = f"there is no time zone {time_zone[:64]!r}; they are named as Europe/Zurich or UTC"
        yield Violation("schedule.time_zone", "TIME_ZONE_UNKNOWN", text)


def cron_fault(cron: str, now_us: int) -> str:
    """Why a text is no cron line; empty when it is one."""
    if len(cron.split()) != _FIELDS:
        return "must have five fields: minute, hour, day of month, month, day of week"
    try:
        first = next(CronSim(cron, moment_of(now_us).replace(tzinfo=None)), None)
    except CronSimError as error:
        return f"{str(error).lower()}: the fields are minute, hour, day of month, month, day of week"
    return "" if first else "never comes"


def next_after(cron: str, zone: BusinessZone, after_us: int) -> int:
    """The first time of a cron line after an instant, in microseconds UTC; 0 when there is none.

    A wall-clock time that does not exist stands for the first instant after the gap; a repeated one is meant at its
    first pass only.
    """
    wall = moment_of(after_us).astimezone(zone.zone).replace(tzinfo=None)
    for found in CronSim(cron, wall):
        instant = zone.first_instant(found.date(), found.time())
        if instant > after_us:
            return instant
    return 0


def latest_until(cron: str, zone: BusinessZone, *, first_us: int, until_us: int) -> int:
    """The last time of a cron line up to and with an instant; `first_us` is one that is known.

    Looked for backwards in growing windows, so that a minutely line that nobody ran for a year costs no more than
    another.
    """
    for window in _WINDOWS:
        begin_us = max(first_us, until_us - window // timedelta(microseconds=1))
        last, at = 0, begin_us
        while (at := next_after(cron, zone, at)) and at <= until_us:
            last = at
        if last:
            return last
        if begin_us == first_us:
            return first_us
    return _walked(cron, zone, first_us, until_us)


def firing(cron: str, zone: BusinessZone, missed: MissedRuns, *, due_us: int, now_us: int) -> Firing:
    """What is to be done at `now_us` about a schedule whose next time was `due_us`."""
    latest = latest_until(cron, zone, first_us=due_us, until_us=now_us)
    late = now_us - latest > LATE_US
    skipped = late and missed is MissedRuns.SKIP
    return Firing(
        cause=Cause.MISSED if late else Cause.TIME,
        outcome=Outcome.SKIPPED if skipped else Outcome.STARTED,
        scheduled_us=latest,
        missed_since_us=due_us if latest != due_us else 0,
        next_us=next_after(cron, zone, max(latest, now_us)),
    )


def zone_of(time_zone: str, business: BusinessZone) -> BusinessZone:
    """The zone of a schedule: its own, or the business zone."""
    return BusinessZone(time_zone) if time_zone else business


def resolved(relative: RelativeDate, today: date) -> date:
    """The day that is meant, as seen from `today`."""
    first = today.replace(day=1)
    match relative:
        case RelativeDate.TODAY:
            return today
        case RelativeDate.YESTERDAY:
            return today - _DAY
        case RelativeDate.FIRST_OF_MONTH:
            return first
        case RelativeDate.FIRST_OF_PREVIOUS_MONTH:
            return (first - _DAY).replace(day=1)
        case RelativeDate.LAST_OF_PREVIOUS_MONTH:
            return first - _DAY


def business_day(zone: BusinessZone, at_us: int) -> date:
    """The business day of an instant."""
    return moment_of(at_us).astimezone(zone.zone).date()


def _walked(cron: str, zone: BusinessZone, first_us: int, until_us: int) -> int:
    """The last time up to an instant, time by time: for lines whose times are years apart."""
    last = first_us
    while (at := next_after(cron, zone, last)) and at <= until_us:
        last = at
    return last
