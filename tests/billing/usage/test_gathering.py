"""What was used in periods, gathered for many accounts at once; on both databases."""

import random
from dataclasses import replace
from datetime import time as time_of_day
from decimal import Decimal
from functools import partial

import pytest

from domain.billing.configuration.model import SchemeRow, SchemeSettings
from domain.billing.rating.segments import Intervals, Register
from domain.billing.usage import clock
from domain.billing.usage.errors import UsageFault
from domain.billing.usage.gathering import gather
from domain.billing.usage.model import Gathered, Wanted
from domain.kernel.quantities import ATTOS, UNITS_MAX
from server.database.transaction import Database
from tests.billing.usage.samples import (
    COUNTER,
    DAILY,
    DAY_AND_NIGHT,
    ESTIMATE,
    HALF_HOURLY,
    HOURLY,
    LONDON,
    keep_intervals,
    keep_reads,
    part,
    utc,
    wanted,
)

MARCH = part(20260301, 20260401)
BEGINS = clock.begins(LONDON, 3_600, 20260301, 20260401)


def ask(database: Database, *questions: Wanted) -> dict[object, Gathered]:
    """The answers; gathering reads and nothing else."""
    return database.read(lambda tx: gather(tx, questions))


def intervals(found: Gathered) -> Intervals:
    assert isinstance(found, Intervals), found
    return found


def fault(found: Gathered) -> UsageFault:
    assert isinstance(found, UsageFault), found
    return found


@pytest.mark.rule("BIL-21", "BIL-20")
def test_intervals_are_added_up_by_part_and_bucket(database: Database) -> None:
    """Exactly, across the day on which clocks change, for any number of accounts."""
    chance = random.Random(7)
    names = [f"A{number:03}" for number in range(20)]
    data = {name: {at: chance.randrange(-(10**24), 10**24) for at in BEGINS} for name in names}
    for name in names:
        database.write(partial(keep_intervals, account=name, profile="P", attos=data[name]))
    parts = part(20260301, 20260316), part(20260316, 20260401, number=1, first=15)
    found = ask(database, *(wanted(name, *parts, scheme=DAY_AND_NIGHT) for name in names))
    for name in names:
        sums = [dict.fromkeys(("NIGHT", "DAY"), 0) for _ in parts]
        for at, attos in data[name].items():
            hour = (at + clock.offset_us(LONDON, at)) % clock.DAY_US // 3_600_000_000
            sums[clock.day_at(LONDON, at) >= 20260316]["NIGHT" if hour < 7 else "DAY"] += attos
        told = intervals(found[name])
        assert told.parts == tuple(sums)
        assert told.sources == (f"accounts/{name}/profiles/P: 743 intervals, 2026-03-01 to 2026-04-01, revision 1",)
        assert not told.estimated


@pytest.mark.rule("BIL-21", "BIL-24")
def test_the_largest_intervals_are_added_up_exactly_however_many_they_are(database: Database) -> None:
    """Five minutes each for a quarter of a year, of what 64 bits hold 9,000 of; negative ones, too."""
    short = replace(HOURLY, interval_s=300)
    begins = clock.begins(LONDON, 300, 20260101, 20260401)
    assert len(begins) > 2 * 9_223
    largest = UNITS_MAX * ATTOS
    for name, sign in (("A", 1), ("B", -1)):
        data = dict.fromkeys(begins, sign * largest)
        database.write(partial(keep_intervals, account=name, profile="P", attos=data))
        (total,) = intervals(ask(database, wanted(name, part(20260101, 20260401), profile_type=short))[name]).parts
        assert total == {"": sign * largest * len(begins)}


@pytest.mark.rule("BIL-20", "BIL-21")
@pytest.mark.parametrize("profiles", [("P",), ("P", "Q")])
def test_a_maximum_is_the_highest_interval_of_each_part(database: Database, profiles: tuple[str, ...]) -> None:
    """Several profiles are added up interval by interval before: what counts is what was drawn at one time."""
    first = {at: 10 * ATTOS + number for number, at in enumerate(BEGINS)}
    second = {at: (len(BEGINS) - number) * 3 for number, at in enumerate(BEGINS)}
    database.write(lambda tx: keep_intervals(tx, "A", "P", first))
    database.write(lambda tx: keep_intervals(tx, "A", "Q", second))
    parts = part(20260301, 20260316), part(20260316, 20260401, number=1, first=15)
    found = intervals(ask(database, wanted("A", *parts, profiles=profiles, maximum=True))["A"])
    both = {at: first[at] + (second[at] if len(profiles) > 1 else 0) for at in BEGINS}
    middle = clock.begin_us(LONDON, 20260316)
    assert found.parts == (
        {"": max(attos for at, attos in both.items() if at < middle)},
        {"": max(attos for at, attos in both.items() if at >= middle)},
    )


@pytest.mark.rule("BIL-20", "BIL-21")
@pytest.mark.parametrize("profiles", [("P",), ("P", "Q")])
def test_a_maximum_by_bucket_is_told_of_each_bucket(database: Database, profiles: tuple[str, ...]) -> None:
    """Also where a part has no time in it: that is nothing, and no other bucket's."""
    rows = (SchemeRow("NIGHT", start=time_of_day(0), end=time_of_day(7)), SchemeRow("JUNE", months=(6,)))
    scheme = replace(DAY_AND_NIGHT, settings=SchemeSettings(rows, otherwise="DAY"))
    data = {at: -number * ATTOS for number, at in enumerate(BEGINS)}
    for profile in ("P", "Q"):
        database.write(partial(keep_intervals, account="A", profile=profile, attos=data))
    found = intervals(ask(database, wanted("A", MARCH, profiles=profiles, maximum=True, scheme=scheme))["A"])
    assert found.parts == ({"DAY": -7 * len(profiles) * ATTOS, "JUNE": 0, "NIGHT": 0},)


@pytest.mark.rule("BIL-21")
def test_missing_intervals_are_an_error_that_counts_them(database: Database) -> None:
    """And says since when; what others used is told beside it."""
    kept = {at: ATTOS for at in BEGINS if not utc("2026-03-10 05:00") <= at < utc("2026-03-10 08:00")}
    database.write(lambda tx: keep_intervals(tx, "A", "P", kept))
    database.write(lambda tx: keep_intervals(tx, "B", "P", dict.fromkeys(BEGINS, ATTOS)))
    found = ask(database, wanted("A", MARCH), wanted("B", MARCH), wanted("C", MARCH), wanted("D", MARCH, profiles=()))
    told = fault(found["A"])
    assert (told.reason, told.details["missing"], told.details["expected"]) == ("USAGE_MISSING", "3", "743")
    assert "2026-03-10T05:00" in told.message
    assert intervals(found["B"]).parts == ({"": 743 * ATTOS},)
    assert fault(found["C"]).details["missing"] == "743"
    assert fault(found["D"]).reason == "USAGE_PROFILE_MISSING"


@pytest.mark.rule("BIL-21")
def test_missing_intervals_are_estimated_as_a_week_before(database: Database) -> None:
    """By the clock: what is missing behind the change of clocks is as at that time before it. It is marked."""
    early = clock.begins(LONDON, 3_600, 20260201, 20260401)
    data = {at: number * ATTOS for number, at in enumerate(early)}
    gone = utc("2026-03-31 10:00")  # 11:00 by the clock, as 11:00 UTC a week before
    kept = {at: attos for at, attos in data.items() if at != gone}
    database.write(lambda tx: keep_intervals(tx, "A", "P", kept))
    told = intervals(ask(database, wanted("A", MARCH, missing=ESTIMATE))["A"])
    rest = sum(attos for at, attos in kept.items() if at in set(BEGINS))
    assert told.parts == ({"": rest + data[utc("2026-03-24 11:00")]},)
    assert told.estimated
    assert told.sources[0].endswith("revision 1, 1 estimated by SAME_TIME_OF_WEEK")


@pytest.mark.rule("BIL-21")
def test_what_has_no_weeks_before_is_estimated_by_the_average(database: Database) -> None:
    """And where nothing at all is known, it is missing, whatever the agreement's type says."""
    days = clock.begins(LONDON, 86_400, 20260301, 20260401)
    kept = dict.fromkeys(days[3:17], 3 * ATTOS) | dict.fromkeys(days[17:], 6 * ATTOS)
    database.write(lambda tx: keep_intervals(tx, "A", "P", kept))
    questions = [wanted(key, MARCH, profile_type=DAILY, missing=ESTIMATE) for key in ("A", "B")]
    found = ask(database, *questions)
    mean = round(Decimal(14 * 3 + 14 * 6) * ATTOS / 28)
    assert intervals(found["A"]).parts == ({"": (14 * 3 + 14 * 6) * ATTOS + 3 * mean},)
    assert intervals(found["A"]).sources[0].endswith("3 estimated by AVERAGE")
    assert "nothing to estimate them from" in fault(found["B"]).message


@pytest.mark.rule("BIL-21")
def test_data_that_came_in_as_estimates_mark_the_usage(database: Database) -> None:
    """The bill says so, whoever estimated; sources tell the newest revision."""
    first, *others = BEGINS
    database.write(lambda tx: keep_intervals(tx, "A", "P", dict.fromkeys(others, ATTOS)))
    database.write(lambda tx: keep_intervals(tx, "A", "P", {first: ATTOS}, estimated=1, revision=4))
    told = intervals(ask(database, wanted("A", MARCH))["A"])
    assert told.estimated
    assert told.sources[0].endswith("revision 4, 1 came in as estimates")


@pytest.mark.rule("BIL-21")
def test_neither_neighbours_nor_other_lengths_count(database: Database) -> None:
    """Data of other accounts, profiles and days stay out, and half hours are expected of a profile of half hours."""
    data = dict.fromkeys(clock.begins(LONDON, 3_600, 20260201, 20260501), ATTOS)
    for account, profile in (("A", "P"), ("A", "PP"), ("AA", "P"), ("", "P")):
        database.write(partial(keep_intervals, account=account, profile=profile, attos=data))
    assert intervals(ask(database, wanted("A", MARCH))["A"]).parts == ({"": 743 * ATTOS},)
    told = fault(ask(database, wanted("A", MARCH, profile_type=HALF_HOURLY))["A"])
    assert told.details["missing"] == "743"


@pytest.mark.rule("BIL-21")
def test_registers_are_gathered_with_the_reads_around_the_period(database: Database) -> None:
    """Reads of the period, the two before and the one after; a rollover is seen within it."""
    database.write(
        lambda tx: keep_reads(
            tx,
            "A",
            "P",
            {
                utc("2026-01-31 12:00"): 99_800,
                utc("2026-03-01 09:00"): 99_900,
                utc("2026-03-20 09:00"): 99_960,
                utc("2026-04-01 09:00"): 40,
                utc("2026-05-01 09:00"): 90,
            },
        )
    )
    database.write(lambda tx: keep_reads(tx, "B", "P", {utc("2026-02-15 00:00"): 0, utc("2026-04-15 00:00"): 590}))
    questions = [wanted(key, MARCH, profile_type=COUNTER, missing=ESTIMATE) for key in ("A", "B")]
    found = ask(database, *questions, wanted("C", MARCH, profile_type=COUNTER))
    counter = found["A"]
    assert isinstance(counter, Register)
    assert counter.quantities == {"": 140 * ATTOS}
    assert not counter.estimated
    between = found["B"]
    assert isinstance(between, Register)
    share = Decimal(MARCH.days * 24 - 1) / (59 * 24)  # of an hour less, for summer time
    assert abs(between.quantities[""] - 590 * ATTOS * share) <= 1
    assert between.estimated
    assert fault(found["C"]).reason == "REGISTER_READ_MISSING"
