"""Days and intervals of time zones, and buckets of time-of-use schemes, across changes of the clock."""

from datetime import time as time_of_day
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.configuration.model import DAY_S, SchemeRow, SchemeSettings
from domain.billing.usage import clock
from domain.billing.usage.buckets import ranges
from tests.billing.usage.samples import LONDON, utc

SPRING, AUTUMN = 20260329, 20261025
HOUR_US = 3_600_000_000
ZONES = ("Europe/London", "America/Chicago", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu", "UTC")
NIGHT = SchemeRow("NIGHT", start=time_of_day(0), end=time_of_day(1, 30))
PEAK = SchemeRow("PEAK", weekdays=(1, 2, 3, 4, 5), start=time_of_day(7), end=time_of_day(20), holidays=False)


@pytest.mark.rule("BIL-21")
@pytest.mark.parametrize(("day", "hours"), [(20260328, 24), (SPRING, 23), (AUTUMN, 25)])
def test_a_day_has_as_many_intervals_as_its_clock_gives_it(day: int, hours: int) -> None:
    """Before anything is missing, a day has 23, 24 or 25 hours."""
    following = clock.day_after(day)
    assert clock.count(LONDON, 3_600, day, following) == hours
    assert clock.count(LONDON, 1_800, day, following) == 2 * hours
    assert clock.count(LONDON, DAY_S, day, following) == 1


@pytest.mark.rule("BIL-21")
@given(
    st.sampled_from(ZONES),
    st.sampled_from((900, 1_800, 3_600, 7_200, DAY_S)),
    st.integers(0, 7_000),
    st.integers(1, 40),
)
def test_intervals_are_counted_as_they_begin(zone: str, interval_s: int, first: int, days: int) -> None:
    """The number of intervals of a period is that of the instants at which one begins, and these lie in it."""
    start = clock.day_after(20100101, first)
    end = clock.day_after(start, days)
    begins = clock.begins(zone, interval_s, start, end)
    assert len(begins) == clock.count(zone, interval_s, start, end)
    assert begins == sorted(set(begins))
    assert all(clock.is_begin(zone, interval_s, at) for at in begins)
    assert all(start <= clock.day_at(zone, at) < end for at in begins)


@pytest.mark.rule("BIL-24")
def test_a_time_is_left_out_or_comes_twice_as_the_clock_changes() -> None:
    """In London 01:30 of the spring day does not exist, and that of the autumn day exists twice."""
    assert clock.instants_at(LONDON, utc("2026-03-29 01:30")) == ()
    assert clock.instants_at(LONDON, utc("2026-10-25 01:30")) == (utc("2026-10-25 00:30"), utc("2026-10-25 01:30"))
    assert clock.instants_at(LONDON, utc("2026-07-01 01:30")) == (utc("2026-07-01 00:30"),)


@pytest.mark.rule("BIL-21")
def test_both_passes_of_an_hour_that_comes_twice_have_its_bucket() -> None:
    """The night ends at 01:30 by the clock, which shows 01:00 to 01:30 twice."""
    found = ranges(SchemeSettings((NIGHT,), "DAY"), LONDON, AUTUMN, clock.day_after(AUTUMN))
    hours = {"NIGHT": 0.0, "DAY": 0.0}
    for each in found:
        hours[each.bucket] += (each.until_us - each.from_us) / HOUR_US
    assert hours == {"NIGHT": 2.0, "DAY": 23.0}


@pytest.mark.rule("BIL-21")
def test_a_scheme_knows_weekends_and_holidays() -> None:
    """Monday 25 May 2026 is a bank holiday in England: peak begins on Tuesday, by summer time."""
    scheme = SchemeSettings((PEAK,), "OFF", country="GB", subdivision="ENG")
    found = ranges(scheme, LONDON, 20260523, 20260527)
    assert [(each.from_us, each.bucket) for each in found] == [
        (utc("2026-05-22 23:00"), "OFF"),
        (utc("2026-05-26 06:00"), "PEAK"),
        (utc("2026-05-26 19:00"), "OFF"),
    ]


@pytest.mark.rule("BIL-21")
@given(st.sampled_from(ZONES), st.integers(0, 400), st.integers(1, 30))
def test_ranges_tile_the_days(zone: str, first: int, days: int) -> None:
    """Every instant of the days has one bucket, and neighbours differ."""
    start = clock.day_after(20250101, first)
    end = clock.day_after(start, days)
    found = ranges(SchemeSettings((NIGHT, PEAK), "OFF"), zone, start, end)
    assert found[0].from_us == clock.begin_us(zone, start)
    assert found[-1].until_us == clock.begin_us(zone, end)
    for one, other in pairwise(found):
        assert one.until_us == other.from_us
        assert one.bucket != other.bucket
