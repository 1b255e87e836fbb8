"""Interval data that are created in order, through a real client and worker on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest

from countinghouse.billing.v1 import bill_corrections_pb2 as corrections_pb
from countinghouse.billing.v1 import bill_segments_pb2 as segments_pb
from countinghouse.billing.v1 import billing_exceptions_pb2 as exceptions_pb
from countinghouse.billing.v1 import interval_data_sets_pb2 as pb
from countinghouse.operations.v1 import schedules_pb2, schedules_pb2_grpc
from server.database.transaction import Database
from tests.billing.shop import NOW_US, open_shop
from tests.hooks.packages import install
from tests.support.server import Served, refusal, serving
from tests.wire.billing.creator import ACCOUNT, COMPLETE, ERROR, FEBRUARY, JANUARY, Creator, berlin, hours
from tests.wire.billing.registry import Registry
from tests.wire.billing.tariffs import Tariffs
from tests.wire.billing.till import Till

SECOND = date(2026, 1, 2)
THIRD = date(2026, 1, 3)
PACKAGE = """
from domain.billing.creation.algorithms.model import CreationAlgorithm

def of(code, create):
    return CreationAlgorithm(
        code=code, description="Of all sources", sources_min=1, sources_max=9, one_unit=True, create=create
    )

offered = (
    of("peak-of", lambda asked: [max(values) for values in zip(*asked.sources)]),
    of("broken", lambda asked: asked.sources["first"]),
)
"""


@pytest.fixture
def served(database: Database, migrated_url: str, tmp_path: Path) -> Iterator[Served]:
    """A server with a worker, and an account with two agreements: S-2 is first, then S-10."""
    open_shop(database)
    with serving(migrated_url, tmp_path, clock_us=lambda: NOW_US) as server:
        office = Creator(server).office
        office.account()
        office.agreement("S-10", type_code="AT-10")
        office.agreement("S-2", type_code="AT-2")
        office.profile("METER", type_code="HOURLY")
        yield server


@pytest.fixture
def creator(served: Served) -> Creator:
    """Somebody who has data created."""
    return Creator(served)


def chain(creator: Creator) -> None:
    """METER → zz → mm → aa, which the order has in turn, though neither their ids nor their age do."""
    registry = Registry(creator.billing)
    lamp: dict[str, Any] = {
        "kind": "PROFILE_KIND_INTERVALS",
        "unit": "kWh",
        "interval_length": "3600s",
        "creation_priority": 50,
    }
    registry.create("ProfileType", "LAMP", creation_algorithm="constant", **lamp)
    creator.derived("zz", "S-2", "CREATED-10", "METER", factor="3")
    creator.derived("mm", "S-2", "CREATED-90", "zz", factor="0.5")
    creator.derived("aa", "S-10", "CREATED-10", "mm", factor="-2", rounding="HALF_UP")
    creator.derived("lamp", "S-2", "LAMP", quantity="0.125")
    creator.office.profile("nobodys", type_code="LAMP", derivation={"parameters": {"quantity": "1"}})


@pytest.mark.rule("BIL-03", "BIL-22")
def test_data_are_created_in_the_order_of_agreements_and_priorities(creator: Creator) -> None:
    """What is created earlier in the same run is what later data are created from; exact, a day of 24 hours."""
    chain(creator)
    creator.read("METER", hours(berlin(JANUARY), ["1.000000000000000001"] * 24))
    figures = creator.create(SECOND)
    assert (figures.account_count, figures.complete_data_set_count, figures.error_data_set_count) == (1, 4, 0)
    assert (figures.created_count, figures.unchanged_count, figures.replaced_count) == (96, 0, 0)
    sets = creator.sets()
    assert [(each.position, each.profile.rpartition("/")[2]) for each in sets] == [
        (1, "zz"),
        (2, "lamp"),
        (3, "mm"),
        (4, "aa"),
    ]
    assert {each.state for each in sets} == {COMPLETE}
    assert [each.service_agreement.rpartition("/")[2] for each in sets] == ["S-2", "S-2", "S-2", "S-10"]
    assert sets[0].start_time.ToJsonString() == "2025-12-31T23:00:00Z"
    assert sets[0].end_time.ToJsonString() == "2026-01-01T23:00:00Z"
    assert creator.values("zz") == [("3.000000000000000003", 1)] * 24
    assert creator.values("mm") == [("1.500000000000000002", 1)] * 24, "half even"
    assert creator.values("aa") == [("-3.000000000000000004", 1)] * 24
    assert creator.values("lamp") == [("0.125", 1)] * 24
    assert creator.values("nobodys") == [], "no agreement owns it"
    assert creator.billing.GetIntervalDataSet(pb.GetIntervalDataSetRequest(name=sets[0].name)) == sets[0]
    (lamp,) = creator.sets(profile_id="lamp")
    assert lamp == sets[1]


@pytest.mark.rule("BIL-22")
def test_an_error_travels_and_the_others_go_on(creator: Creator) -> None:
    """Nothing is created from missing data; an exception each, resolved once they are created."""
    chain(creator)
    creator.office.account("A-2")
    creator.office.agreement("S-1", account="accounts/A-2")
    creator.derived("lamp", "S-1", "LAMP", account="accounts/A-2", quantity="2")
    creator.read("METER", hours(berlin(JANUARY), ["1"] * 23))
    figures = creator.create(SECOND, bill_cycle="billCycles/NORTH")
    assert (figures.account_count, figures.complete_data_set_count, figures.error_data_set_count) == (2, 2, 3)
    assert [(each.reason, each.count) for each in figures.errors] == [
        ("SOURCE_DATA_IN_ERROR", 2),
        ("SOURCE_DATA_MISSING", 1),
    ]
    wrong = creator.sets(state=ERROR)
    assert [(each.profile.rpartition("/")[2], each.reason, list(each.waits_on)) for each in wrong] == [
        ("zz", "SOURCE_DATA_MISSING", []),
        ("mm", "SOURCE_DATA_IN_ERROR", [f"{ACCOUNT}/profiles/zz"]),
        ("aa", "SOURCE_DATA_IN_ERROR", [f"{ACCOUNT}/profiles/mm"]),
    ]
    assert wrong[0].message == (
        f"{ACCOUNT}/profiles/METER has no data for 1 of 24 intervals, the first at 2026-01-01T23:00:00+01:00"
    )
    assert [creator.values(each) for each in ("zz", "mm", "aa")] == [[], [], []]
    assert creator.values("lamp") == [("0.125", 1)] * 24
    assert creator.values("accounts/A-2/profiles/lamp") == [("2", 1)] * 24
    request = exceptions_pb.ListBillingExceptionsRequest(
        parent=ACCOUNT, state=exceptions_pb.BILLING_EXCEPTION_STATE_OPEN
    )
    opened = creator.billing.ListBillingExceptions(request).billing_exceptions
    assert {(each.interval_data_set, each.reason, each.operation) for each in opened} == {
        (each.name, each.reason, each.operation) for each in wrong
    }
    creator.read("METER", hours(berlin(JANUARY), ["1"] * 24))
    assert creator.create(SECOND).complete_data_set_count == 3, "the lamp was created"
    assert {each.name for each in wrong} <= {each.name for each in creator.sets(state=COMPLETE)}
    assert not creator.billing.ListBillingExceptions(request).billing_exceptions
    request.state = exceptions_pb.BILLING_EXCEPTION_STATE_RESOLVED
    assert len(creator.billing.ListBillingExceptions(request).billing_exceptions) == 3


@pytest.mark.rule("BIL-22")
def test_old_data_of_a_source_that_is_in_error_now_are_not_made_use_of(creator: Creator) -> None:
    """Data were created once; then their source became unsound, and what derives from them waits, elsewhere too."""
    chain(creator)
    away = "accounts/A-2"
    creator.office.account("A-2")
    creator.office.agreement("S-1", account=away)
    creator.derived("copy", "S-1", "CREATED-10", f"{ACCOUNT}/profiles/zz", account=away, factor="1")
    creator.read("METER", hours(berlin(JANUARY), ["1"] * 24))
    assert creator.create(SECOND).error_data_set_count == 0
    derivation = {"sources": [f"{ACCOUNT}/profiles/METER"], "parameters": {"factor": "999999999999999"}}
    creator.office.update("Profile", "derivation", name=f"{ACCOUNT}/profiles/zz", etag="1", derivation=derivation)
    creator.read("METER", dict.fromkeys(hours(berlin(JANUARY), [""]), "999"), correction=True)
    figures = creator.create(SECOND, start=JANUARY)
    assert (figures.complete_data_set_count, figures.unchanged_count) == (1, 24)
    assert [each.reason for each in creator.sets(state=ERROR)] == [
        "INTERVAL_DATA_NOT_CREATED",
        "SOURCE_DATA_IN_ERROR",
        "SOURCE_DATA_IN_ERROR",
    ]
    assert creator.values("mm") == [("1.5", 1)] * 24
    assert creator.create(SECOND, start=JANUARY, account=away).error_data_set_count == 1
    (waiting,) = creator.sets(away)
    assert (waiting.reason, list(waiting.waits_on)) == ("SOURCE_DATA_IN_ERROR", [f"{ACCOUNT}/profiles/zz"])
    assert creator.values(f"{away}/profiles/copy") == []


@pytest.mark.rule("BIL-22")
def test_many_days_are_created_in_pieces(creator: Creator) -> None:
    """Of at most 400 days each, the next from where the one before it ended."""
    chain(creator)
    start = {"year": 2024, "month": 1, "day": 1}
    creator.office.agreement("OLD", type_code="AT-NONE", start_date=start)
    creator.derived("old", "OLD", "LAMP", quantity="1")
    creator.derived("again", "OLD", "CREATED-90", "old", factor="2")
    figures = creator.create(SECOND)
    days = 366 + 365 + 1
    assert figures.created_count == 24 * (2 * days + 1), "and the lamp of the first day"
    assert [each.created_count for each in creator.sets(profile_id="again")] == [24 * 400, 24 * (days - 400)]
    assert figures.error_data_set_count == 3, "METER was not read"


@pytest.mark.rule("BIL-03", "BIL-22")
def test_data_are_not_created_from_what_comes_later(creator: Creator) -> None:
    """The first agreement's profile would need the second one's: an error that says so."""
    chain(creator)
    creator.derived("back", "S-2", "CREATED-10", "aa", factor="1")
    creator.read("METER", hours(berlin(JANUARY), ["1"] * 24))
    for _ in range(2):
        creator.create(SECOND, start=JANUARY)
        (wrong,) = creator.sets(state=ERROR)
        assert (wrong.profile, wrong.reason) == (f"{ACCOUNT}/profiles/back", "SOURCE_CREATED_LATER")
        assert creator.values("back") == [], "not from what an earlier run has left there either"


@pytest.mark.rule("BIL-22", "BIL-24")
def test_bills_charge_what_was_created_and_corrections_go_through(creator: Creator) -> None:
    """744 hours of 2 kWh, by a factor of a half; created again it is the same, and a correction marks segments."""
    measured = {"name": "ENERGY", "measured": {"profile_type_code": "CREATED-10"}}
    Tariffs(creator.billing).type("SHARE", usage=[measured])
    creator.office.agreement("S-1", type_code="SHARE")
    creator.derived("half", "S-1", "CREATED-10", "METER", factor="0.5")
    creator.office.profile("quarter", type_code="CREATED-90", service_agreement=f"{ACCOUNT}/serviceAgreements/S-2")
    creator.office.update(
        "Profile",
        name=f"{ACCOUNT}/profiles/quarter",
        etag="1",
        derivation={"sources": [f"{ACCOUNT}/profiles/METER"], "parameters": {"factor": "0.25"}},
    )
    creator.read("METER", hours(berlin(JANUARY), ["2"] * 744))
    till = Till(creator.billing)
    before = {each.segment.service_agreement: each.segment for each in till.bill().segments}
    assert before[f"{ACCOUNT}/serviceAgreements/S-1"].reason == "USAGE_MISSING"
    assert creator.create().created_count == 2 * 744
    billed = {each.segment.service_agreement: each.segment for each in till.bill().segments}
    segment = billed[f"{ACCOUNT}/serviceAgreements/S-1"]
    assert (segment.amount.units, segment.amount.nanos) == (279, 890_000_000), "12 and 744 times 0.30, and 19 % of both"
    creator.billing.FreezeBill(corrections_pb.FreezeBillRequest(name=segment.bill))
    again = creator.create(start=JANUARY)
    assert (again.created_count, again.unchanged_count, again.replaced_count) == (0, 2 * 744, 0)
    assert again.stale_bill_segment_count == 0
    creator.read("METER", hours(berlin(JANUARY), ["4"]), correction=True)
    corrected = creator.create(start=JANUARY)
    assert (corrected.unchanged_count, corrected.replaced_count) == (2 * 743, 2)
    assert corrected.stale_bill_segment_count == 2, "of the one agreement and of the other"
    assert till.segment(segment.name).stale
    assert creator.values("half")[:2] == [("2", 2), ("1", 1)]
    assert [each.replaced_count for each in creator.sets()] == [1, 1]


@pytest.mark.rule("BIL-11", "BIL-22")
def test_nothing_is_frozen_that_was_made_of_values_from_before(creator: Creator) -> None:
    """A segment that is not frozen yet is to be made again once values were replaced."""
    measured = {"name": "ENERGY", "measured": {"profile_type_code": "CREATED-10"}}
    Tariffs(creator.billing).type("SHARE", usage=[measured])
    creator.office.agreement("S-1", type_code="SHARE")
    creator.derived("half", "S-1", "CREATED-10", "METER", factor="0.5")
    creator.read("METER", hours(berlin(JANUARY), ["2"] * 744))
    creator.create()
    till = Till(creator.billing)

    def made() -> Any:
        return next(each.segment for each in till.bill().segments if each.segment.service_agreement.endswith("S-1"))

    first = made()
    assert first.state == segments_pb.BILL_SEGMENT_STATE_FREEZABLE
    creator.read("METER", hours(berlin(JANUARY), ["202"]), correction=True)
    assert creator.create(start=JANUARY).replaced_count == 1
    assert till.segment(first.name).state == segments_pb.BILL_SEGMENT_STATE_INCOMPLETE
    again = made()
    assert (again.amount.units, again.amount.nanos) == (315, 590_000_000), "100 kWh more: 30.00, and 19 %"


@pytest.mark.rule("BIL-22")
def test_without_a_first_day_data_go_on_where_they_end(creator: Creator) -> None:
    """From the agreement's start, and then from the first error; never beyond the agreement's end."""
    chain(creator)
    creator.office.update("ServiceAgreement", name=f"{ACCOUNT}/serviceAgreements/S-10", etag="1", end_date=_json(THIRD))
    creator.read("METER", hours(berlin(JANUARY), ["1"] * 24))
    creator.create(SECOND)
    assert creator.create(SECOND).complete_data_set_count == 0, "there is nothing to be done"
    creator.create(date(2026, 1, 4))
    spans = [(each.profile[-2:], each.state, each.start_time.ToJsonString()[5:13]) for each in creator.sets()][4:]
    assert spans == [
        ("zz", ERROR, "01-01T23"),
        ("mp", COMPLETE, "01-01T23"),
        ("mm", ERROR, "01-01T23"),
        ("aa", ERROR, "01-01T23"),
    ]
    creator.read("METER", hours(berlin(SECOND), ["1"] * 48))
    creator.create(date(2026, 1, 4))
    assert {each.state for each in creator.sets()} == {COMPLETE}
    assert [len(creator.values(each)) for each in ("zz", "mm", "aa")] == [72, 72, 48], "S-10 ends on the third"
    creator.create(date(2026, 1, 4), start=JANUARY)
    assert len(creator.sets()) == 4, "the sets of single days are covered by those of three"


@pytest.mark.rule("BIL-21", "BIL-22")
def test_days_have_as_many_hours_as_the_clock_gives_them(creator: Creator) -> None:
    """25 as clocks are put back, 23 as they are put forward."""
    chain(creator)
    creator.create(date(2026, 10, 26), start=date(2026, 10, 25))
    creator.create(date(2026, 3, 30), start=date(2026, 3, 29))
    assert [each.created_count for each in creator.sets(profile_id="lamp")] == [25, 23]


@pytest.mark.rule("BIL-22", "PLT-07")
def test_what_data_would_be_created_from_is_checked(creator: Creator) -> None:
    """Their number, kind, intervals and unit, the parameters, and loops of an account, which are named."""
    registry = Registry(creator.billing)
    intervals: dict[str, Any] = {"kind": "PROFILE_KIND_INTERVALS", "interval_length": "3600s"}
    registry.create("ProfileType", "GAS", unit="m3", **intervals)
    made: dict[str, Any] = {"unit": "kWh", "creation_priority": 20, **intervals}
    for code in ("sum", "difference"):
        registry.create("ProfileType", code, creation_algorithm=code, **made)
    for own, kind in (("GAS", "GAS"), ("DIAL", "REGISTER"), ("DAYS", "DAILY")):
        creator.office.profile(own, type_code=kind)

    def wrong(kind: str, *sources: str, **parameters: str) -> list[tuple[str, str]]:
        found = refusal(lambda: creator.derived("new", "S-2", kind, *sources, **parameters)).violations
        return [(field.removeprefix("profile.derivation."), reason) for field, reason in found]

    assert wrong("CREATED-10", "METER", "GAS", factor="x", more="1") == [
        ('parameters["more"]', "ALGORITHM_PARAMETER_UNKNOWN"),
        ('parameters["factor"]', "ALGORITHM_PARAMETER_INVALID"),
        ("sources", "SOURCE_PROFILE_COUNT"),
    ]
    assert wrong("CREATED-10", "METER", rounding="UP") == [
        ('parameters["factor"]', "ALGORITHM_PARAMETER_MISSING"),
        ('parameters["rounding"]', "ALGORITHM_PARAMETER_INVALID"),
    ]
    assert wrong("sum", "METER", "GAS", "DIAL", "DAYS") == [
        ("sources[1]", "SOURCE_PROFILE_UNIT"),
        ("sources[2]", "SOURCE_PROFILE_KIND"),
        ("sources[3]", "SOURCE_PROFILE_INTERVAL"),
    ]
    assert wrong("difference", "METER", below_zero="never") == [
        ('parameters["below_zero"]', "ALGORITHM_PARAMETER_INVALID"),
        ("sources", "SOURCE_PROFILE_COUNT"),
    ]
    creator.derived("one", "S-2", "CREATED-10", "GAS", factor="10.55")
    creator.derived("two", "S-2", "sum", "one", "METER")
    change = partial(creator.office.update, "Profile", name=f"{ACCOUNT}/profiles/one", etag="1")
    looped = refusal(lambda: change(derivation={"sources": [f"{ACCOUNT}/profiles/two"], "parameters": {"factor": "1"}}))
    assert looped.violations == [("profile.derivation.sources", "DERIVATION_LOOP")]
    assert "one from two from one" in looped.message or "one from two from one" in str(looped.details)


@pytest.mark.rule("BIL-22", "BIL-23")
def test_an_algorithm_of_a_package_creates_data(
    database: Database, migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is used by its code, as the built-in ones are; one that breaks off is an error of its data set."""
    monkeypatch.syspath_prepend(install(tmp_path, PACKAGE, "acme_intervals"))
    open_shop(database)
    with serving(migrated_url, tmp_path, clock_us=lambda: NOW_US) as server:
        creator = Creator(server)
        kind: dict[str, Any] = {"kind": "PROFILE_KIND_INTERVALS", "unit": "kWh", "interval_length": "3600s"}
        for code in ("peak-of", "broken"):
            Registry(creator.billing).create("ProfileType", code, creation_algorithm=code, creation_priority=10, **kind)
        creator.office.account()
        creator.office.agreement()
        for own in ("ONE", "TWO"):
            creator.office.profile(own, type_code="HOURLY")
        creator.derived("peak", "S-1", "peak-of", "ONE", "TWO")
        creator.derived("odd", "S-1", "broken", "ONE")
        creator.read("ONE", hours(berlin(JANUARY), ["1", "4"] * 12))
        creator.read("TWO", hours(berlin(JANUARY), ["2", "3"] * 12))
        figures = creator.create(SECOND)
        assert [(each.reason, each.count) for each in figures.errors] == [("INTERVAL_DATA_NOT_CREATED", 1)]
        assert creator.values("peak") == [("2", 1), ("4", 1)] * 12


@pytest.mark.rule("BIL-22", "PLT-07")
def test_data_are_asked_for_by_days_that_can_be(creator: Creator) -> None:
    """The end after the start, neither too far apart nor too far ahead; of accounts and cycles that there are."""
    for end, start, reason in (
        (JANUARY, JANUARY, "END_BEFORE_START"),
        (date(2026, 4, 1), date(2025, 2, 1), "TOO_MANY_DAYS"),
        (date(2028, 1, 1), None, "TOO_MANY_DAYS"),
    ):
        assert refusal(partial(creator.start, end, start=start)).violations == [("end_date", reason)]
    assert refusal(partial(creator.start, account="accounts/none")).reason == "ACCOUNT_NOT_FOUND"
    assert refusal(partial(creator.start, bill_cycle="billCycles/none")).reason == "NOT_FOUND"
    missing = pb.GetIntervalDataSetRequest(name=f"{ACCOUNT}/intervalDataSets/none")
    assert refusal(lambda: creator.billing.GetIntervalDataSet(missing)).reason == "INTERVAL_DATA_SET_NOT_FOUND"
    assert creator.create(FEBRUARY).complete_data_set_count == 0, "it has nothing to create"


def _json(day: date) -> dict[str, Any]:
    return {"year": day.year, "month": day.month, "day": day.day}


@pytest.mark.rule("BIL-22", "PLT-26")
def test_a_schedule_creates_data_up_to_its_day(creator: Creator) -> None:
    """The template names the cycle alone: each time data are created from where they end up to the day of the time."""
    chain(creator)
    schedules = creator.served.stub(schedules_pb2_grpc.SchedulesServiceStub)
    wanted = pb.CreateIntervalDataRequest(bill_cycle="billCycles/NORTH", description="each night")
    schedule = schedules_pb2.Schedule(code="each-night", cron="0 3 * * *")
    schedule.request.Pack(wanted)
    made = schedules.CreateSchedule(schedules_pb2.CreateScheduleRequest(schedule=schedule), timeout=20)
    unpacked = pb.CreateIntervalDataRequest()
    assert made.request.Unpack(unpacked)
    assert unpacked == wanted
    started = schedules.RunSchedule(schedules_pb2.RunScheduleRequest(name=made.name), timeout=20)
    creator.ended(started.operation)
    newest = creator.sets()[-1]
    assert newest.end_time.ToDatetime(UTC) <= datetime.fromtimestamp(NOW_US / 1e6, UTC), "up to today, less today"
    assert {each.operation for each in creator.sets()} == {started.operation}
    gone = pb.CreateIntervalDataRequest(bill_cycle="billCycles/NONE")
    other = schedules_pb2.Schedule(code="other", cron="0 3 * * *")
    other.request.Pack(gone)
    refused = refusal(lambda: schedules.CreateSchedule(schedules_pb2.CreateScheduleRequest(schedule=other), timeout=20))
    assert refused.code is grpc.StatusCode.NOT_FOUND
