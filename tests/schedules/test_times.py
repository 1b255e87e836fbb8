"""When schedules run: cron lines in time zones whose clocks are put forward and back (PLT-04)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.time import BusinessZone, instant_us, moment_of
from domain.schedules import rules
from domain.schedules.model import Cause, MissedRuns, Outcome, RelativeDate

ZURICH = BusinessZone("Europe/Zurich")
LORD_HOWE = BusinessZone("Australia/Lord_Howe")  # clocks are put by half an hour
KOLKATA = BusinessZone("Asia/Kolkata")  # half an hour off
ZONES = (
    ZURICH,
    LORD_HOWE,
    KOLKATA,
    BusinessZone("UTC"),
    BusinessZone("America/St_Johns"),
    BusinessZone("Pacific/Apia"),
)
HOUR_US = 3_600_000_000


def at(text: str) -> int:
    """An instant UTC."""
    return instant_us(datetime.fromisoformat(text).replace(tzinfo=UTC))


def times(cron: str, zone: BusinessZone, begin: str, end: str) -> list[str]:
    """The times of a line from after one instant UTC to another, in UTC."""
    found, instant = [], at(begin)
    while (instant := rules.next_after(cron, zone, instant)) and instant <= at(end):
        found.append(moment_of(instant).strftime("%Y-%m-%d %H:%M"))
    return found


@pytest.mark.rule("PLT-04")
@pytest.mark.parametrize(
    ("cron", "zone", "begin", "end", "expected"),
    [
        # Zurich, 29 March 2026: 02:00 becomes 03:00, which is 01:00 UTC.
        ("30 2 * * *", ZURICH, "2026-03-28", "2026-03-30 12:00", ["03-28 01:30", "03-29 01:00", "03-30 00:30"]),
        ("0 3 * * *", ZURICH, "2026-03-29", "2026-03-30", ["03-29 01:00"]),
        # Two times in the gap, and the instant after it, are one.
        ("0,30 2-3 29 3 *", ZURICH, "2026-03-29", "2026-03-29 12:00", ["03-29 01:00", "03-29 01:30"]),
        # Zurich, 25 October 2026: 03:00 becomes 02:00, which is 01:00 UTC.
        ("30 2 * * *", ZURICH, "2026-10-24", "2026-10-26 12:00", ["10-24 00:30", "10-25 00:30", "10-26 01:30"]),
        ("*/30 1-3 25 10 *", ZURICH, "2026-10-24", "2026-10-26", [
            "10-24 23:00", "10-24 23:30", "10-25 00:00", "10-25 00:30", "10-25 02:00", "10-25 02:30",
        ]),
        # Lord Howe, 4 October 2026: 02:00 becomes 02:30, which is 15:30 UTC of the day before.
        ("15 2 * * *", LORD_HOWE, "2026-10-02", "2026-10-05", ["10-02 15:45", "10-03 15:30", "10-04 15:15"]),
        # Lord Howe, 5 April 2026: 02:00 becomes 01:30, which is 15:00 UTC of the day before.
        ("45 1 * * *", LORD_HOWE, "2026-04-03", "2026-04-06", ["04-03 14:45", "04-04 14:45", "04-05 15:15"]),
        ("0 6 * * MON", KOLKATA, "2026-11-20", "2026-11-30 12:00", ["11-23 00:30", "11-30 00:30"]),
        # Apia left out 30 December 2011 as it crossed the date line.
        ("0 9 30 12 *", BusinessZone("Pacific/Apia"), "2011-12-01", "2012-01-02", ["12-30 10:00"]),
    ],
)  # fmt: skip
def test_a_time_that_does_not_exist_runs_right_after_and_a_repeated_one_once(
    cron: str, zone: BusinessZone, begin: str, end: str, expected: list[str]
) -> None:
    """Clocks put forward make no run fall out, clocks put back make none run twice."""
    assert [found[5:] for found in times(cron, zone, begin, end)] == expected


@pytest.mark.rule("PLT-04")
@given(
    st.sampled_from(["*/15 * * * *", "30 2 * * *", "0,20,40 1-3 * * *", "5 */6 * * *", "0 0 L * *"]),
    st.sampled_from(ZONES),
    st.integers(at("2024-01-01"), at("2027-01-01")),
)
def test_times_only_go_forward_and_stand_on_the_wall_or_at_the_end_of_a_gap(
    cron: str, zone: BusinessZone, begin_us: int
) -> None:
    """Whatever the zone, each time is later than the one before, and no wall-clock time comes twice."""
    found = [begin_us]
    for _ in range(20):
        found.append(rules.next_after(cron, zone, found[-1]))
    assert all(one < two for one, two in pairwise(found))
    walls = [moment_of(us).astimezone(zone.zone).replace(tzinfo=None) for us in found[1:]]
    assert len(set(walls)) == len(walls)


@given(
    st.sampled_from(["* * * * *", "30 2 * * *", "0 9 * * MON", "0 0 1 * *", "0 0 29 2 *"]),
    st.sampled_from(ZONES),
    st.integers(at("2016-01-01"), at("2026-01-01")),
    st.integers(0, 3_000 * 60_000_000),
)
def test_the_latest_time_is_found_backwards(cron: str, zone: BusinessZone, begin_us: int, later_us: int) -> None:
    """The last of many missed times is the one that walking through all of them comes to."""
    first = rules.next_after(cron, zone, begin_us)
    until = first + later_us
    walked = first
    while (following := rules.next_after(cron, zone, walked)) <= until:
        walked = following
    assert rules.latest_until(cron, zone, first_us=first, until_us=until) == walked


def test_the_latest_of_a_rare_time_is_found_too() -> None:
    """A line that comes once in eight years is looked for time by time."""
    first = rules.next_after("0 0 29 2 *", ZURICH, at("2016-01-01"))
    latest = rules.latest_until("0 0 29 2 *", ZURICH, first_us=first, until_us=at("2027-06-01"))
    assert moment_of(latest) == datetime(2024, 2, 28, 23, tzinfo=UTC)


@pytest.mark.rule("PLT-26")
@pytest.mark.parametrize(
    ("missed", "now", "expected"),
    [
        (MissedRuns.ONCE, "2026-11-20 02:00:59", (Cause.TIME, Outcome.STARTED, "2026-11-20 02:00", "2026-11-21 02:00")),
        (MissedRuns.ONCE, "2026-11-23 08:00", (Cause.MISSED, Outcome.STARTED, "2026-11-23 02:00", "2026-11-24 02:00")),
        (MissedRuns.SKIP, "2026-11-23 08:00", (Cause.MISSED, Outcome.SKIPPED, "2026-11-23 02:00", "2026-11-24 02:00")),
        (MissedRuns.SKIP, "2026-11-23 02:00", (Cause.TIME, Outcome.STARTED, "2026-11-23 02:00", "2026-11-24 02:00")),
    ],
)
def test_what_was_missed_is_made_up_for_once_or_not_at_all(
    missed: MissedRuns, now: str, expected: tuple[Cause, Outcome, str, str]
) -> None:
    """Days of downtime come to one run, or to none; the time that has just come is no missed one."""
    due = at("2026-11-20 02:00")
    found = rules.firing("0 2 * * *", BusinessZone("UTC"), missed, due_us=due, now_us=at(now))
    cause, outcome, scheduled, following = expected
    assert (found.cause, found.outcome) == (cause, outcome)
    assert (found.scheduled_us, found.next_us) == (at(scheduled), at(following))
    assert found.missed_since_us == (due if found.scheduled_us != due else 0)


@pytest.mark.parametrize(
    ("cron", "says"),
    [
        ("", "five fields"),
        ("0 2 * *", "five fields"),
        ("0 0 2 * * *", "five fields"),
        ("61 2 * * *", "bad minute"),
        ("0 2 30 2 *", "bad day-of-month"),
        ("0 2 * * XYZ", "bad day-of-week"),
        ("0 2 * FEB MON#6", "bad day-of-week"),
        ("@daily", "five fields"),
    ],
)
def test_a_line_that_is_none_is_told_why(cron: str, says: str) -> None:
    """Who mistypes a cron line reads which field is wrong."""
    assert says in rules.cron_fault(cron, at("2026-11-20"))


def test_a_zone_that_is_none_is_named() -> None:
    """Who mistypes a time zone reads its name."""
    for name in ("Europe/Zurick", "../etc/passwd", "Europe", "CET+1h"):
        (fault,) = rules.timing_faults("0 2 * * *", name, at("2026-11-20"))
        assert (fault.field, fault.reason) == ("schedule.time_zone", "TIME_ZONE_UNKNOWN")


@pytest.mark.rule("PLT-04")
@pytest.mark.parametrize(
    ("relative", "expected"),
    [
        (RelativeDate.TODAY, "2026-03-01"),
        (RelativeDate.YESTERDAY, "2026-02-28"),
        (RelativeDate.FIRST_OF_MONTH, "2026-03-01"),
        (RelativeDate.FIRST_OF_PREVIOUS_MONTH, "2026-02-01"),
        (RelativeDate.LAST_OF_PREVIOUS_MONTH, "2026-02-28"),
    ],
)
def test_a_relative_date_is_seen_from_the_business_day(relative: RelativeDate, expected: str) -> None:
    """Half past midnight in Zurich is the day that it is there, not the one in London."""
    today = rules.business_day(ZURICH, at("2026-02-28 23:30"))
    assert rules.resolved(relative, today) == date.fromisoformat(expected)


def test_a_minutely_line_of_a_year_of_downtime_is_caught_up_fast() -> None:
    """What nobody ran for long costs no more than what somebody ran."""
    due = at("2025-11-20")
    found = rules.firing("* * * * *", ZURICH, MissedRuns.ONCE, due_us=due, now_us=at("2026-11-20 00:00:30"))
    assert found.scheduled_us == at("2026-11-20")
    assert timedelta(microseconds=found.scheduled_us - found.missed_since_us) == timedelta(days=365)
