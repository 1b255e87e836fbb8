"""Where schedules end: in zones with summer time, at the ends of months, and over many of them."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.invoicing.configuration import periods
from domain.invoicing.configuration.model import CycleSettings, PeriodUnit
from domain.kernel.time import BusinessZone, instant_us, moment_of

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",  # its summer time began at midnight
    "America/Havana",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",  # by half an hour
    "Pacific/Apia",  # left out a day
)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1))  # noqa: DTZ001 - the zone is drawn
STARTS = MOMENTS | MOMENTS.map(lambda moment: moment.replace(hour=0, minute=0, second=0, microsecond=0))


def settings_of(zone: str, count: int = 1, unit: PeriodUnit = PeriodUnit.MONTHS) -> CycleSettings:
    """Those of a cycle, of which but the periods matter."""
    return CycleSettings("I", "EUR", zone, "AR", {}, period_count=count, period_unit=unit)


def instants(settings: CycleSettings, start_us: int, count: int) -> list[int]:
    """Where schedules start that are made one after another, and the last one ends."""
    found = [start_us]
    for _ in range(count):
        found.append(periods.end_after(settings, start_us, found[-1]))
    return found


def walls(settings: CycleSettings, found: list[int]) -> list[datetime]:
    """Instants by the clock of the zone."""
    return [moment_of(us).astimezone(ZoneInfo(settings.time_zone)).replace(tzinfo=None) for us in found]


def at(zone: str, *parts: int) -> int:
    """An instant by the clock of a zone."""
    return instant_us(datetime(*parts, tzinfo=ZoneInfo(zone)))  # type: ignore[misc, arg-type]


@pytest.mark.rule("INV-11", "INV-02", "PLT-04")
@given(st.sampled_from(ZONES), STARTS, st.integers(1, 40), st.sampled_from(PeriodUnit), st.integers(1, 60))
@example("Pacific/Apia", datetime(2011, 12, 29, 12), 1, PeriodUnit.DAYS, 4)  # noqa: DTZ001
@example("America/Sao_Paulo", datetime(2018, 10, 3), 1, PeriodUnit.DAYS, 60)  # noqa: DTZ001
def test_schedules_that_are_made_tile(zone: str, start: datetime, count: int, unit: PeriodUnit, made: int) -> None:
    """Each starts where the one before ends, and is a period long: neither a gap nor an overlap, in any zone."""
    settings = settings_of(zone, count, unit)
    found = instants(settings, instant_us(start.replace(tzinfo=ZoneInfo(zone))), made)
    assert all(one < other for one, other in pairwise(found))
    days = [wall.date() for wall in walls(settings, found)]
    lengths = [(other - one).days for one, other in pairwise(days)]
    if unit is PeriodUnit.DAYS:
        assert all(count - 1 <= length <= count + 1 for length in lengths)
        assert abs((days[-1] - days[0]).days - count * made) <= 1
    else:
        months = [day.year * 12 + day.month for day in days]
        if start.day > 1:  # a midnight that there is not may be of the next day, and month
            assert all(other - one in range(count - 1, count + 2) for one, other in pairwise(months))
        assert abs(months[-1] - months[0] - count * made) <= 1


@pytest.mark.rule("INV-11")
@given(st.integers(29, 31), st.sampled_from(ZONES[:3]), st.integers(1, 12))
def test_the_end_of_a_month_is_kept(day: int, zone: str, month: int) -> None:
    """What begins on a 31st ends on the last of shorter months, and on the 31st again of longer ones."""
    first = date(2025, month, min(day, monthrange(2025, month)[1]))
    settings = settings_of(zone)
    found = walls(settings, instants(settings, at(zone, first.year, first.month, first.day), 24))
    assert [wall.day for wall in found] == [min(first.day, monthrange(wall.year, wall.month)[1]) for wall in found]
    assert {(wall.hour, wall.minute) for wall in found} == {(0, 0)}


@pytest.mark.rule("INV-11")
def test_an_end_that_somebody_moved_is_gone_on_from() -> None:
    """One period from there, whatever the day on which the first schedule began."""
    settings = settings_of("Europe/Berlin")
    anchor, moved = at("Europe/Berlin", 2026, 1, 31), at("Europe/Berlin", 2026, 3, 15)
    assert periods.end_after(settings, anchor, moved) == at("Europe/Berlin", 2026, 4, 15)


@pytest.mark.rule("PLT-04")
def test_a_midnight_that_there_is_not_is_the_first_instant_after_it() -> None:
    """And the day after begins at midnight again."""
    settings = settings_of("America/Sao_Paulo", unit=PeriodUnit.DAYS)
    start = at("America/Sao_Paulo", 2018, 11, 3)
    told = [f"{wall:%d %H:%M}" for wall in walls(settings, instants(settings, start, 2))]
    assert told == ["03 00:00", "04 01:00", "05 00:00"]


@pytest.mark.rule("INV-02")
@given(st.sampled_from(ZONES), MOMENTS)
def test_only_the_last_second_of_a_day_is_meant_whole(zone: str, moment: datetime) -> None:
    """Any other end is exact."""
    us = instant_us(moment.replace(tzinfo=ZoneInfo(zone)))
    wall = moment_of(us).astimezone(ZoneInfo(zone))
    meant = periods.whole_second(us, BusinessZone(zone))
    if (wall.hour, wall.minute, wall.second) == (23, 59, 59):
        assert 0 < meant - us <= 1_000_000
        assert meant % 1_000_000 == 0
    else:
        assert meant == us


@pytest.mark.rule("INV-02")
@pytest.mark.parametrize("microsecond", [0, 1, 999_999])
def test_the_last_second_of_a_day_is_the_next_midnight(microsecond: int) -> None:
    """Also on the day that has 23 hours."""
    end = at("Europe/Berlin", 2026, 3, 29, 23, 59, 59, microsecond)
    assert periods.whole_second(end, BusinessZone("Europe/Berlin")) == at("Europe/Berlin", 2026, 3, 30)


@pytest.mark.rule("INV-11")
def test_the_first_schedule_of_a_cycle_is_the_period_around_now() -> None:
    """The month of the zone's day, or the day."""
    now = instant_us(datetime(2026, 3, 31, 22, 30, tzinfo=UTC))
    assert periods.start_around(settings_of("Europe/Berlin"), now) == at("Europe/Berlin", 2026, 4, 1)
    daily = settings_of("America/New_York", unit=PeriodUnit.DAYS)
    assert periods.start_around(daily, now) == at("America/New_York", 2026, 3, 31)
