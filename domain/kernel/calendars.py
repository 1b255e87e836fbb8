"""Business calendars: on which days work is done, and when what takes so long is due (ACC-12, ACC-13, ACC-30).

Days are yyyymmdd integers, instants and durations microseconds. Every search is bounded: a calendar without `faults`
has a business day in each year.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from datetime import time as time_of_day
from functools import cached_property, lru_cache

from domain.kernel.errors import OutOfRange, Violation
from domain.kernel.time import BusinessZone, date_of, day_of, is_zone, iso_day, real_day

SPAN_MAX_DAYS = 3_660
"""No search counts more business days than these, about ten years: who configures delays and durations refuses more."""

SPAN_MAX_US = SPAN_MAX_DAYS * 86_400_000_000
"""The same as a duration."""

WEEKDAYS = range(1, 8)
"""Days of the week as ISO 8601 and `google.type.DayOfWeek` number them: Monday is 1, Sunday is 7."""

WEEKEND = (6, 7)
"""The days off where nothing is said."""

_GAP_MAX_DAYS = 2 * 366  # from the first day of a year to the last of the next
_YEARS_CACHED = 4_096
_DAY = timedelta(days=1)
_MIDNIGHT = time_of_day(0, 0)


class CalendarEnds(OutOfRange):
    """The day asked for is after the last that calendars have, 9999-12-31."""

    reason = "CALENDAR_ENDS"


@dataclass(frozen=True)
class Calendar:
    """On which days a party works, in which time zone; configured once it has no `faults`.

    `weekend_days` are numbered as WEEKDAYS. `country` (ISO 3166-1 alpha-2) and `subdivision` (the second part of the
    ISO 3166-2 code) bring public holidays; empty for none. `holidays` are further days off; `working_days` are worked
    whatever else says that they are not.
    """

    zone: BusinessZone
    weekend_days: tuple[int, ...]
    country: str = ""
    subdivision: str = ""
    holidays: tuple[int, ...] = ()
    working_days: tuple[int, ...] = ()

    def is_business_day(self, day: int) -> bool:
        """Whether work is done on a day."""
        return self._is_worked(date_of(day))

    def business_day_from(self, day: int) -> int:
        """The day itself if it is a business day, else the next one.

        Raises: CalendarEnds.
        """
        found = date_of(day)
        for _ in range(_GAP_MAX_DAYS):
            if self._is_worked(found):
                return day_of(found)
            found = _after(found)
        raise AssertionError("a calendar without faults has a business day in each year")

    def business_day_after(self, day: int) -> int:
        """The next business day, never the day itself.

        Raises: CalendarEnds.
        """
        return self.business_day_from(day_of(_after(date_of(day))))

    def add_business_days(self, day: int, count: int) -> int:
        """The `count`-th business day after a day, which is not counted itself; for 0 as `business_day_from`.

        So a business day after a Saturday is Monday, and so is none. `count` is 0 to SPAN_MAX_DAYS.

        Raises: CalendarEnds.
        """
        assert 0 <= count <= SPAN_MAX_DAYS, count
        if count == 0:
            return self.business_day_from(day)
        for _ in range(count):
            day = self.business_day_after(day)
        return day

    def business_day_of(self, now_us: int) -> int:
        """Today in the calendar's zone, or the next business day when today is none.

        Raises: CalendarEnds.
        """
        return self.business_day_from(self.zone.today(now_us))

    def accounting_day(self, now_us: int, cut_off: time_of_day) -> int:
        """The business day to which an instant belongs when each ends at a wall-clock time (ACC-30).

        At or after the cut-off, and on a day that is none, it is the next business day. Of a repeated hour the first
        pass of the cut-off counts; where it is skipped, the first instant after the gap (PLT-04).

        Raises: CalendarEnds.
        """
        day = self.zone.today(now_us)
        if self.is_business_day(day) and now_us >= self.zone.first_instant(date_of(day), cut_off):
            return self.business_day_after(day)
        return self.business_day_from(day)

    def due_us(self, from_us: int, duration_us: int) -> int:
        """The first instant at which a duration has passed on business days, each taken as long as it really is.

        A day on which clocks change has 23 or 25 hours. What is due as a business day ends is due at that midnight, not
        when the next begins. `duration_us` is 0 to SPAN_MAX_US.

        Raises: CalendarEnds.
        """
        assert 0 <= duration_us <= SPAN_MAX_US, duration_us
        if duration_us == 0:
            return from_us
        day, at_us, left_us = self._day_at(from_us), from_us, duration_us
        while True:
            end_us = self._begin_us(_after(day))
            if self._is_worked(day):
                if left_us <= end_us - at_us:
                    return at_us + left_us
                left_us -= end_us - at_us
            day, at_us = _after(day), end_us

    @cached_property
    def _days_off(self) -> frozenset[int]:
        return frozenset(self.holidays)

    @cached_property
    def _days_on(self) -> frozenset[int]:
        return frozenset(self.working_days)

    def _is_worked(self, day: date) -> bool:
        number = day_of(day)
        if number in self._days_on:
            return True
        if day.isoweekday() in self.weekend_days or number in self._days_off:
            return False
        return not self.country or number not in _public_holidays(self.country, self.subdivision, day.year)

    def _begin_us(self, day: date) -> int:
        return self.zone.first_instant(day, _MIDNIGHT)

    def _day_at(self, us: int) -> date:
        """The day within whose first and next midnight an instant is, however clocks were changed around it."""
        day = date_of(self.zone.today(us))
        return _after(day) if us >= self._begin_us(_after(day)) else day


def faults(calendar: Calendar, *, time_zone: str = "time_zone", field: str = "calendar") -> Iterator[Violation]:
    """What is wrong with a calendar, all at once; `time_zone` and `field` are the paths of its zone and of the rest."""
    if not is_zone(calendar.zone.name):
        text = f"there is no time zone {calendar.zone.name[:64]!r}; they are named as Europe/Zurich or UTC"
        yield Violation(time_zone, "TIME_ZONE_UNKNOWN", text)
    yield from _weekday_faults(calendar, field)
    place = list(place_faults(calendar.country, calendar.subdivision, field))
    days = list(_day_faults(calendar, field))
    yield from (*place, *days)
    if not place and not days:
        yield from _emptiness(calendar, field)


def place_faults(country: str, subdivision: str, field: str) -> Iterator[Violation]:
    """What is wrong with where public holidays are those of; `field` is the path of what has both."""
    known = _subdivisions(country) if country else ()
    if known is None:
        text = f"no holidays are known of {country[:64]!r}; countries are named as CH or US (ISO 3166-1)"
        yield Violation(f"{field}.country", "CALENDAR_COUNTRY_UNKNOWN", text)
    elif subdivision and subdivision not in known:
        text = f"no part {subdivision[:64]!r} is known of {country or 'no country'}"
        told = f"; known are {', '.join(known)}" if known else ""
        yield Violation(f"{field}.subdivision", "CALENDAR_SUBDIVISION_UNKNOWN", text + told)


def day_faults(days: Iterable[int], field: str) -> Iterator[Violation]:
    """Those of further days that there are not."""
    for at, day in enumerate(days):
        if real_day(day // 10_000, day // 100 % 100, day % 100) is None:
            yield Violation(f"{field}[{at}]", "DATE_INVALID", "the calendar has no such day")


def _weekday_faults(calendar: Calendar, field: str) -> Iterator[Violation]:
    for at, weekday in enumerate(calendar.weekend_days):
        if weekday not in WEEKDAYS:
            yield Violation(f"{field}.weekend_days[{at}]", "CALENDAR_WEEKDAY_UNKNOWN", "must be a day of the week")


def _day_faults(calendar: Calendar, field: str) -> Iterator[Violation]:
    for name, days in (("holidays", calendar.holidays), ("working_days", calendar.working_days)):
        yield from day_faults(days, f"{field}.{name}")
    for at, day in enumerate(calendar.working_days):
        if day in calendar.holidays:
            text = f"{day} is a holiday and a working day"
            yield Violation(f"{field}.working_days[{at}]", "CALENDAR_DAY_CONTRADICTORY", text)


def _emptiness(calendar: Calendar, field: str) -> Iterator[Violation]:
    """Whether some year has no business day: none has, or the further holidays take it all.

    A country's own holidays never fill a year, so only years of further holidays have to be looked at.
    """
    if set(calendar.weekend_days) >= set(WEEKDAYS):
        text = "all seven days of the week are off; some day must be worked"
        yield Violation(f"{field}.weekend_days", "CALENDAR_HAS_NO_BUSINESS_DAY", text)
        return
    for year in sorted({day // 10_000 for day in calendar.holidays}):
        if not any(calendar._is_worked(day) for day in _days_of(year)):  # noqa: SLF001 - of the same module
            text = f"with these holidays {year} has no business day"
            yield Violation(f"{field}.holidays", "CALENDAR_HAS_NO_BUSINESS_DAY", text)
            return


def _days_of(year: int) -> Iterator[date]:
    first = date(year, 1, 1).toordinal()
    return (date.fromordinal(at) for at in range(first, date(year, 12, 31).toordinal() + 1))


def _after(day: date) -> date:
    if day == date.max:
        raise CalendarEnds(day=iso_day(day_of(day)))
    return day + _DAY


def _subdivisions(country: str) -> tuple[str, ...] | None:
    """The parts of a country with holidays of their own; None for a country that nothing is known of."""
    from holidays import list_supported_countries  # noqa: PLC0415 - 50 ms that a server without calendars saves

    found = list_supported_countries(include_aliases=False).get(country)
    return tuple(found) if found is not None else None


@lru_cache(maxsize=_YEARS_CACHED)
def _public_holidays(country: str, subdivision: str, year: int) -> frozenset[int]:
    """A country's public holidays of one year, days off in lieu included; none where nothing is known of the year."""
    from holidays import country_holidays  # noqa: PLC0415 - as above

    warnings.filterwarnings("ignore", "Requested Holidays are available only")  # of India it knows some years in part
    found = country_holidays(country, subdiv=subdivision or None, years=year, expand=False)
    return frozenset(day_of(day) for day in found if day.year == year)
