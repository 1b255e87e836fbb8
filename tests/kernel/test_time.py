"""Instants and business days, over the two nights on which clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.time import BusinessZone, date_of, day_of, instant_us, iso_of, moment_of, next_day

BERLIN = BusinessZone("Europe/Berlin")


@pytest.mark.rule("PLT-04")
def test_a_day_begins_and_ends_in_the_business_time_zone() -> None:
    """A summer day in Berlin runs from 22:00 to 22:00 UTC, its last minute to the end."""
    day = date(2026, 6, 1)
    assert iso_of(BERLIN.first_instant(day, time(0, 0))) == "2026-05-31T22:00:00.000000Z"
    assert iso_of(BERLIN.last_instant(day, time(23, 59))) == "2026-06-01T21:59:59.999999Z"
    assert BERLIN.today(BERLIN.first_instant(day, time(0, 0))) == 20260601
    assert BERLIN.today(BERLIN.first_instant(day, time(0, 0)) - 1) == 20260531


@pytest.mark.rule("PLT-04")
def test_in_a_repeated_hour_from_means_the_first_pass_and_to_the_second() -> None:
    """02:30 comes twice on 25 October: a range from it to it takes in both."""
    night = date(2026, 10, 25)
    assert iso_of(BERLIN.first_instant(night, time(2, 30))) == "2026-10-25T00:30:00.000000Z"
    assert iso_of(BERLIN.last_instant(night, time(2, 30))) == "2026-10-25T01:30:59.999999Z"


@pytest.mark.rule("PLT-04")
def test_a_minute_that_does_not_exist_stands_for_the_change_of_clocks() -> None:
    """02:30 is skipped on 29 March: from it means 03:00 summer time, to it the instant before."""
    night = date(2026, 3, 29)
    assert iso_of(BERLIN.first_instant(night, time(2, 30))) == "2026-03-29T01:00:00.000000Z"
    assert iso_of(BERLIN.last_instant(night, time(2, 30))) == "2026-03-29T00:59:59.999999Z"


@given(st.dates(date(1900, 1, 1), date(2200, 12, 30)))
def test_days_sort_as_dates_do_and_come_back(day: date) -> None:
    """A day is a date in one number."""
    assert date_of(day_of(day)) == day
    assert next_day(day_of(day)) > day_of(day)
    assert (date_of(next_day(day_of(day))) - day).days == 1


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_an_instant_keeps_every_microsecond(moment: datetime) -> None:
    """No float stands between a datetime and its microseconds."""
    assert moment_of(instant_us(moment)) == moment
