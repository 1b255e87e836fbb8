"""Business days, cut-offs and due times, over holidays, weekends and the nights on which clocks change."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.calendars import SPAN_MAX_DAYS, SPAN_MAX_US, Calendar, CalendarEnds, faults
from domain.kernel.time import BusinessZone, date_of, day_of, instant_us, iso_of, moment_of

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
QUARTER_US = HOUR_US // 4
BERLIN = Calendar(BusinessZone("Europe/Berlin"), (6, 7), "DE", "BE")
NEW_YORK = Calendar(BusinessZone("America/New_York"), (6, 7), "US")
EVERY_DAY = Calendar(BusinessZone("Europe/Berlin"), ())
RIYADH = Calendar(BusinessZone("Asia/Riyadh"), (5, 6))

days = st.dates(date(1990, 1, 1), date(2090, 1, 1)).map(day_of)
calendars = st.builds(
    Calendar,
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "America/Sao_Paulo", "UTC"]).map(BusinessZone),
    weekend_days=st.sets(st.integers(1, 7), max_size=6).map(tuple),
    country=st.sampled_from(["", "DE", "US", "JP"]),
    holidays=st.lists(st.dates(date(2026, 3, 1), date(2026, 11, 30)).map(day_of), max_size=20).map(tuple),
    working_days=st.lists(st.dates(date(2026, 12, 1), date(2026, 12, 31)).map(day_of), max_size=5).map(tuple),
)


def at(text: str, zone: str = "UTC") -> int:
    """An instant by its wall-clock time in a zone, of two the first."""
    moment = datetime.fromisoformat(text)
    return BusinessZone(zone).first_instant(moment.date(), moment.time())


@pytest.mark.rule("ACC-30")
def test_a_business_day_is_no_weekend_and_no_holiday() -> None:
    """Christmas 2026 in Berlin is a Friday and a Saturday: after Thursday comes Monday."""
    assert BERLIN.is_business_day(20261224)
    assert [BERLIN.is_business_day(day) for day in (20261225, 20261226, 20261227)] == [False] * 3
    assert BERLIN.business_day_from(20261225) == 20261228
    assert (BERLIN.business_day_from(20261224), BERLIN.business_day_after(20261224)) == (20261224, 20261228)


@pytest.mark.rule("ACC-30")
def test_the_weekend_is_the_clients_own() -> None:
    """Where Friday and Saturday are off, Thursday is followed by Sunday."""
    assert RIYADH.business_day_after(20260604) == 20260607


@pytest.mark.rule("ACC-30")
def test_a_subdivision_has_holidays_of_its_own() -> None:
    """Women's Day is a holiday in Berlin, not in Bavaria."""
    bavaria = Calendar(BERLIN.zone, (6, 7), "DE", "BY")
    assert (BERLIN.is_business_day(20270308), bavaria.is_business_day(20270308)) == (False, True)


@pytest.mark.rule("ACC-30")
def test_a_day_off_in_lieu_belongs_to_the_year_it_lies_in() -> None:
    """New Year 2028 is a Saturday: the Friday before, of the old year, is off in the United States."""
    assert not NEW_YORK.is_business_day(20271231)


@pytest.mark.rule("ACC-30")
def test_further_days_add_to_the_countrys() -> None:
    """A bank's own holiday is off; a Saturday named as a working day is worked."""
    own = Calendar(BERLIN.zone, (6, 7), "DE", "BE", holidays=(20260602,), working_days=(20260606, 20261225))
    assert not own.is_business_day(20260602)
    assert own.is_business_day(20260606)
    assert own.is_business_day(20261225)


@pytest.mark.rule("ACC-13")
@pytest.mark.parametrize(
    ("day", "count", "found"),
    [
        (20260605, 0, 20260605),  # a Friday
        (20260605, 1, 20260608),
        (20260606, 0, 20260608),  # a Saturday
        (20260606, 1, 20260608),
        (20260606, 2, 20260609),
        (20261223, 3, 20261229),
    ],
)
def test_a_delay_counts_the_business_days_after_the_day(day: int, count: int, found: int) -> None:
    """The day itself is not counted, whatever it is."""
    assert BERLIN.add_business_days(day, count) == found


@pytest.mark.rule("ACC-30")
def test_today_is_told_in_the_clients_zone() -> None:
    """Late on Thursday in UTC is Friday in Berlin; late on Friday is Saturday there, and so Monday."""
    assert BERLIN.business_day_of(at("2026-06-04T22:30")) == 20260605
    assert BERLIN.business_day_of(at("2026-06-05T22:30")) == 20260608
    assert NEW_YORK.business_day_of(at("2026-06-05T22:30")) == 20260605


@pytest.mark.rule("ACC-30")
def test_at_the_cut_off_the_next_business_day_begins() -> None:
    """A microsecond before 17:00 is today, 17:00 is the next business day; on a day off the hour does not matter."""
    cut_off = time(17, 0)
    friday = at("2026-06-05T17:00", "Europe/Berlin")
    assert BERLIN.accounting_day(friday - 1, cut_off) == 20260605
    assert BERLIN.accounting_day(friday, cut_off) == 20260608
    for hour in ("03:00", "17:00", "23:59"):
        assert BERLIN.accounting_day(at(f"2026-06-06T{hour}", "Europe/Berlin"), cut_off) == 20260608


@pytest.mark.rule("ACC-30", "PLT-04")
def test_a_repeated_cut_off_counts_at_its_first_pass() -> None:
    """02:30 comes twice on 25 October: from the first on it is the next day, in the second pass of 02:15, too."""
    cut_off, first = time(2, 30), instant_us(datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
    assert EVERY_DAY.accounting_day(first - 1, cut_off) == 20261025
    assert EVERY_DAY.accounting_day(first, cut_off) == 20261026
    assert EVERY_DAY.accounting_day(first + 3 * QUARTER_US, cut_off) == 20261026


@pytest.mark.rule("ACC-30", "PLT-04")
def test_a_cut_off_that_is_skipped_is_the_first_instant_after_the_gap() -> None:
    """02:30 does not exist on 29 March: 03:00 summer time stands for it."""
    cut_off, gap = time(2, 30), instant_us(datetime(2026, 3, 29, 1, 0, tzinfo=UTC))
    assert EVERY_DAY.accounting_day(gap - 1, cut_off) == 20260329
    assert EVERY_DAY.accounting_day(gap, cut_off) == 20260330


@pytest.mark.rule("ACC-12")
@pytest.mark.parametrize(
    ("begin", "hours", "due"),
    [
        ("2026-06-04T10:00", 24, "2026-06-05T10:00"),
        ("2026-06-05T10:00", 24, "2026-06-08T10:00"),  # over a weekend
        ("2026-06-05T10:00", 14, "2026-06-06T00:00"),  # to the end of Friday, not to the beginning of Monday
        ("2026-06-06T10:00", 24, "2026-06-09T00:00"),  # from a Saturday: all of Monday
        ("2026-12-24T12:00", 48, "2026-12-29T12:00"),  # over Christmas
    ],
)
def test_a_duration_counts_on_business_days_only(begin: str, hours: int, due: str) -> None:
    """Weekends and holidays are not counted, of business days every hour."""
    assert BERLIN.due_us(at(begin, "Europe/Berlin"), hours * HOUR_US) == at(due, "Europe/Berlin")


@pytest.mark.rule("ACC-12", "PLT-04")
def test_a_day_on_which_clocks_change_is_as_long_as_it_is() -> None:
    """24 hours from midnight end at 01:00 after the short day, and at 23:00 of the long one."""
    assert EVERY_DAY.due_us(at("2026-03-29T00:00", "Europe/Berlin"), DAY_US) == at("2026-03-30T01:00", "Europe/Berlin")
    assert EVERY_DAY.due_us(at("2026-10-25T00:00", "Europe/Berlin"), DAY_US) == at("2026-10-25T23:00", "Europe/Berlin")
    sundays_off = Calendar(BERLIN.zone, (7,))
    saturday = at("2026-10-24T12:00", "Europe/Berlin")
    assert iso_of(sundays_off.due_us(saturday, DAY_US)) == "2026-10-26T11:00:00.000000Z"


@pytest.mark.rule("ACC-12")
def test_a_day_that_a_country_skipped_counts_nothing() -> None:
    """Samoa had no 30 December 2011: 24 hours from noon of the 29th end at noon of the 31st."""
    samoa = Calendar(BusinessZone("Pacific/Apia"), ())
    assert samoa.due_us(at("2011-12-29T12:00", "Pacific/Apia"), DAY_US) == at("2011-12-31T12:00", "Pacific/Apia")


@pytest.mark.rule("ACC-12")
@given(
    calendar=calendars,
    begin=st.integers(instant_us(datetime(2026, 2, 1, tzinfo=UTC)) // QUARTER_US, 2**31),
    quarters=st.integers(0, 4 * 24 * 6),
)
def test_what_is_due_has_had_its_time_on_business_days_and_not_earlier(
    calendar: Calendar, begin: int, quarters: int
) -> None:
    """Counted quarter by quarter on the wall clock, from any beginning, comes the same instant."""
    begin = begin % (365 * 96) + instant_us(datetime(2026, 1, 1, tzinfo=UTC)) // QUARTER_US
    counted, found = 0, begin
    while counted < quarters:
        wall = moment_of(found * QUARTER_US).astimezone(calendar.zone.zone)
        counted += calendar.is_business_day(day_of(wall.date()))
        found += 1
    assert calendar.due_us(begin * QUARTER_US, quarters * QUARTER_US) == found * QUARTER_US


@given(calendar=calendars, day=days, count=st.integers(1, 30), more=st.integers(0, 30))
def test_business_days_add_up(calendar: Calendar, day: int, count: int, more: int) -> None:
    """So many and so many more are as far as both at once; between a day and the next business day lies none."""
    found = calendar.add_business_days(day, count)
    assert calendar.add_business_days(found, more) == calendar.add_business_days(day, count + more)
    after = calendar.business_day_after(day)
    assert calendar.is_business_day(after)
    between = range(date_of(day).toordinal() + 1, date_of(after).toordinal())
    assert not any(calendar.is_business_day(day_of(date.fromordinal(each))) for each in between)


@given(calendar=calendars, us=st.integers(0, 2**52), cut_off=st.times().filter(lambda t: t.hour > 3))
def test_an_accounting_day_is_a_business_day_and_at_the_cut_off_a_later_one(
    calendar: Calendar, us: int, cut_off: time
) -> None:
    """On either side of a business day's cut-off the days differ, and nothing between them is worked."""
    day = calendar.business_day_of(us)
    cut_us = calendar.zone.first_instant(date_of(day), cut_off)
    assert calendar.accounting_day(us, cut_off) in {day, calendar.business_day_after(day)}
    assert calendar.accounting_day(cut_us - 1, cut_off) == day
    assert calendar.accounting_day(cut_us, cut_off) == calendar.business_day_after(day)


def found_in(calendar: Calendar) -> list[tuple[str, str]]:
    return [
        (each.field, each.reason) for each in faults(calendar, time_zone="client.time_zone", field="client.calendar")
    ]


@pytest.mark.rule("ACC-30")
def test_faults_are_found_all_at_once() -> None:
    """Zone, weekday, country and days: each with the field it stands in."""
    wrong = Calendar(BusinessZone("Mars/Olympus"), (6, 8), "QQ", "", (20260230,), (20260101, 0))
    assert found_in(wrong) == [
        ("client.time_zone", "TIME_ZONE_UNKNOWN"),
        ("client.calendar.weekend_days[1]", "CALENDAR_WEEKDAY_UNKNOWN"),
        ("client.calendar.country", "CALENDAR_COUNTRY_UNKNOWN"),
        ("client.calendar.holidays[0]", "DATE_INVALID"),
        ("client.calendar.working_days[1]", "DATE_INVALID"),
    ]
    assert [found_in(good) for good in (BERLIN, NEW_YORK, EVERY_DAY, RIYADH)] == [[], [], [], []]


@pytest.mark.rule("ACC-30")
@pytest.mark.parametrize(("country", "subdivision"), [("DE", "ZZ"), ("DE", "be"), ("", "BE"), ("VA", "X")])
def test_a_subdivision_must_be_one_of_the_country(country: str, subdivision: str) -> None:
    """Unknown, or of no country: refused."""
    wrong = Calendar(BERLIN.zone, (6, 7), country, subdivision)
    assert found_in(wrong) == [("client.calendar.subdivision", "CALENDAR_SUBDIVISION_UNKNOWN")]


@pytest.mark.rule("ACC-30")
def test_a_day_cannot_be_off_and_worked() -> None:
    """Of two contradicting entries neither is guessed at."""
    wrong = Calendar(BERLIN.zone, (6, 7), holidays=(20260602,), working_days=(20260601, 20260602))
    assert found_in(wrong) == [("client.calendar.working_days[1]", "CALENDAR_DAY_CONTRADICTORY")]


@pytest.mark.rule("ACC-30")
def test_a_calendar_without_a_business_day_is_refused() -> None:
    """All seven weekdays off, whatever is worked besides; or a year whose every working day is a holiday."""
    seven = Calendar(BERLIN.zone, (1, 2, 3, 4, 5, 6, 7), working_days=(20260601,))
    assert found_in(seven) == [("client.calendar.weekend_days", "CALENDAR_HAS_NO_BUSINESS_DAY")]
    mondays = [date(2026, 1, 5) + timedelta(weeks=week) for week in range(52)]
    taken = Calendar(BERLIN.zone, (2, 3, 4, 5, 6, 7), holidays=tuple(map(day_of, mondays)))
    assert found_in(taken) == [("client.calendar.holidays", "CALENDAR_HAS_NO_BUSINESS_DAY")]
    assert found_in(Calendar(BERLIN.zone, (2, 3, 4, 5, 6, 7), holidays=taken.holidays[1:])) == []


@pytest.mark.rule("ACC-13")
def test_the_longest_gap_of_a_calendar_without_faults_is_bridged() -> None:
    """Nearly two years without a business day: the search still ends, and at the right day."""
    mondays = [date(2026, 1, 5) + timedelta(weeks=week) for week in range(104)]
    gap = Calendar(BERLIN.zone, (2, 3, 4, 5, 6, 7), holidays=tuple(map(day_of, mondays[1:-1])))
    assert found_in(gap) == []
    assert gap.business_day_after(20260105) == day_of(mondays[-1])


def test_calendars_end() -> None:
    """After the last day of 9999 there is none: a clear refusal instead of an overflow."""
    with pytest.raises(CalendarEnds):
        EVERY_DAY.add_business_days(99991230, 2)
    with pytest.raises(CalendarEnds):
        BERLIN.due_us(at("9999-12-30T00:00"), 40 * DAY_US)
    assert EVERY_DAY.add_business_days(99991230, 1) == 99991231


def test_the_longest_spans_are_counted() -> None:
    """Ten years of days and of time come out, within the bound that configuration refuses beyond."""
    assert date_of(BERLIN.add_business_days(20260105, SPAN_MAX_DAYS)).year == 2040
    assert moment_of(BERLIN.due_us(at("2026-01-05T00:00"), SPAN_MAX_US)).year == 2040


@pytest.mark.parametrize("country", ["IN", "SA", "DE"])
def test_years_of_which_little_is_known_are_worked(country: str) -> None:
    """Far from today a country has fewer holidays or none: without a warning, and without a refusal."""
    far = Calendar(BERLIN.zone, (6, 7), country)
    assert far.business_day_after(22001231) == 22010101
    assert far.business_day_from(19300102) == 19300102


def test_public_holidays_are_loaded_when_a_calendar_asks_for_them() -> None:
    """Nothing that starts pays for holidays that nobody has configured."""
    code = "import sys, domain.kernel.calendars; sys.exit('holidays' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
