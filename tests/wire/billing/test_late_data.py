"""Data that come in after what they are missing from was estimated, over the wire: no estimate stays in silence."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from countinghouse.billing.v1 import bill_segments_pb2 as segments_pb2
from countinghouse.billing.v1 import usage_pb2 as pb
from countinghouse.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from server.database.transaction import Database
from tests.support.server import Served, refusal
from tests.wire.billing.office import Office
from tests.wire.billing.tariffs import Tariffs
from tests.wire.billing.test_corrections import Desk
from tests.wire.billing.till import MARCH, site, used

FREEZABLE = segments_pb2.BILL_SEGMENT_STATE_FREEZABLE
FROZEN = segments_pb2.BILL_SEGMENT_STATE_FROZEN
INCOMPLETE = segments_pb2.BILL_SEGMENT_STATE_INCOMPLETE
PROFILE = "accounts/A-1/profiles/S1"


@pytest.fixture
def desk(utility: Served, office: Office, tariffs: Tariffs) -> Desk:
    """A site whose missing days, and one whose missing reads, may be estimated; and their head office."""
    for code, profile_type in (("ESTIMATED", "DAILY"), ("COUNTED", "REGISTER")):
        measured = {"profile_type_code": profile_type, "missing_data": "MISSING_DATA_ESTIMATE"}
        tariffs.type(code, usage=[{"name": "ENERGY", "measured": measured}])
    charged = {"service_agreement_type_codes": ["ESTIMATED", "COUNTED"], "measure": "kWh"}
    sums = [{"name": "SITES", "charged_on": charged}]
    tariffs.type("ALL", rate_code="HEAD_OFFICE", processing_sequence="10", usage=sums)
    office.account()
    return Desk(utility.stub(BillingServiceStub))


def ingest(desk: Desk, profile: str, kind: str, *rows: dict[str, Any]) -> pb.IngestUsageResponse:
    """Hand rows in, as of Berlin."""
    first = {"usage_import": {"time_zone": "Europe/Berlin"}, "usage": [{"profile": profile, kind: list(rows)}]}
    return desk.billing.IngestUsage(iter([ParseDict(first, pb.IngestUsageRequest())]))


def day(on: date, kwh: str) -> dict[str, Any]:
    return {"local_start_time": on.isoformat(), "quantity": {"value": kwh}}


def read(on: date, stand: str) -> dict[str, Any]:
    return {"local_read_time": f"{on.isoformat()}T06:00:00", "quantity": {"value": stand}}


def lacking(database: Database, on: date) -> None:
    """January without a day."""
    used(database, "S1", "300", last=on)
    used(database, "S1", "0", first=on + timedelta(days=1))


@pytest.mark.rule("BIL-10", "BIL-21", "BIL-24")
def test_what_was_estimated_and_is_not_frozen_is_made_again(desk: Desk, office: Office, database: Database) -> None:
    """With all that is charged on it; data of other days, and rows that are there already, change nothing."""
    site(office, "S1", type_code="ESTIMATED")
    office.agreement("HO", type_code="ALL")
    lacking(database, date(2026, 1, 20))
    bill = desk.bill().bill
    estimate = desk.by_agreement(bill.name)["S1"]
    assert (estimate.estimated, estimate.state) == (True, FREEZABLE)
    ingest(desk, PROFILE, "interval_data", day(date(2026, 2, 3), "5"), day(date(2026, 1, 19), "0"))
    assert desk.by_agreement(bill.name)["S1"] == estimate
    answer = ingest(desk, PROFILE, "interval_data", day(date(2026, 1, 20), "100"))
    assert (answer.accepted_count, list(answer.stale_segments)) == (1, [])
    assert {each.state for each in desk.by_agreement(bill.name).values()} == {INCOMPLETE}
    assert refusal(lambda: desk.complete(bill.name)).reason == "BILL_HAS_ERRORS"
    desk.bill()
    made = desk.by_agreement(bill.name)
    assert {(each.estimated, each.state) for each in made.values()} == {(False, FREEZABLE)}
    assert desk.explain(made["HO"].name).segment.amount.units == 8, "0.02 for each of 400 kWh"
    assert desk.complete(bill.name).amount.units == 165  # 12 and 400 times 0.30, with 19 %; and 8


@pytest.mark.rule("BIL-13", "BIL-21", "BIL-24")
def test_what_was_estimated_and_is_frozen_is_stale_until_it_is_rebilled(
    desk: Desk, office: Office, database: Database
) -> None:
    """The answer names it; rebilled it is what was measured, and later data of that time mark nothing any more."""
    site(office, "S1", type_code="ESTIMATED")
    lacking(database, date(2026, 1, 20))
    bill = desk.bill().bill
    desk.complete(bill.name)
    frozen = desk.by_agreement(bill.name)["S1"]
    assert (frozen.estimated, frozen.stale) == (True, False)
    late = ingest(desk, PROFILE, "interval_data", day(date(2026, 1, 20), "100"))
    assert list(late.stale_segments) == [frozen.name]
    after = desk.by_agreement(bill.name)["S1"]
    assert (after.estimated, after.stale, after.state) == (True, True, FROZEN)
    assert after.amount == frozen.amount, "it never changes"
    correction = desk.rebill(frozen.name)
    (instead,) = correction.made
    assert (instead.estimated, instead.stale, instead.amount.units) == (False, False, 157)


@pytest.mark.rule("BIL-21", "BIL-24")
def test_a_read_that_tells_more_than_an_estimate_makes_it_stale(desk: Desk, office: Office) -> None:
    """Also one behind the period, where the line had to go on; but none that the segment would not look at."""
    site(office, "S1", "REGISTER", type_code="COUNTED")
    starts = [read(date(2025, 12, 1), "900"), read(date(2026, 1, 1), "1000")]
    ingest(desk, PROFILE, "register_reads", *starts)
    first = desk.bill().bill
    desk.complete(first.name)
    estimate = desk.by_agreement(first.name)["S1"]
    assert estimate.estimated, "as in December"
    nothing = ingest(desk, PROFILE, "register_reads", read(date(2025, 10, 1), "700"))
    assert list(nothing.stale_segments) == []
    behind = ingest(desk, PROFILE, "register_reads", read(date(2026, 3, 1), "1300"))
    assert list(behind.stale_segments) == [estimate.name]
    second = desk.bill(through=MARCH).bill
    assert not desk.by_agreement(second.name)["S1"].stale
    further = ingest(desk, PROFILE, "register_reads", read(date(2026, 4, 1), "1400"))
    assert list(further.stale_segments) == []
    assert desk.by_agreement(second.name)["S1"].state == FREEZABLE
