"""Generating, explaining and making again the bills of accounts, over the wire."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from sqlalchemy import Connection, text

from countinghouse.billing.v1 import bill_segments_pb2 as pb
from countinghouse.billing.v1 import billing_exceptions_pb2, bills_pb2
from countinghouse.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from countinghouse.operations.v1 import audit_pb2, audit_pb2_grpc
from domain.billing.configuration.model import Plausible
from domain.billing.configuration.registers import AGREEMENT_TYPES, SHELF
from domain.kernel.registers import store as registers
from server.database.transaction import Database
from tests.support.server import Served, refusal
from tests.wire.billing.office import Office
from tests.wire.billing.till import ACCOUNT, APRIL, FEBRUARY, MARCH, Till, amount, own_id, site, used

ERROR, FREEZABLE = pb.BILL_SEGMENT_STATE_ERROR, pb.BILL_SEGMENT_STATE_FREEZABLE
KWH = {"S1": "400", "S2": "350", "S3": "250"}
UNKNOWN = {"name", "bill", "create_time", "update_time", "etag", "charged_on", "bill_segment"}


@pytest.fixture
def till(utility: Served) -> Till:
    """Somebody who bills, at a server with a small utility."""
    return Till(utility.stub(BillingServiceStub))


def head_office(office: Office, *order: str) -> None:
    """Account A-1 with three sites and a head office, created in this order."""
    office.account()
    for agreement_id in order:
        if agreement_id == "HO":
            office.agreement("HO", type_code="HEAD_OFFICE")
        else:
            site(office, agreement_id)


def by_agreement(segments: Any) -> dict[str, pb.BillSegment]:
    """Segments by the ids of their agreements."""
    return {own_id(each.service_agreement): each for each in segments}


@pytest.mark.rule("BIL-01", "BIL-03", "BIL-04", "BIL-05")
@pytest.mark.parametrize("order", [("S1", "S2", "S3", "HO"), ("HO", "S3", "S1", "S2")])
def test_a_head_office_is_charged_on_what_its_sites_used(
    database: Database, office: Office, till: Till, order: tuple[str, ...]
) -> None:
    """400, 350 and 250 kWh, and 0.02 for each of the 1,000, in whichever order the agreements were created."""
    head_office(office, *order)
    for agreement_id, kwh in KWH.items():
        used(database, agreement_id, kwh)
    made = till.bill()
    assert [own_id(each.segment.service_agreement) for each in made.segments] == ["S1", "S2", "S3", "HO"]
    assert [own_id(each.service_agreement) for each in made.bill.processing_order] == ["S1", "S2", "S3", "HO"]
    assert {each.segment.state for each in made.segments} == {FREEZABLE}
    explained = till.explain(made.segments[-1].segment.name)
    assert explained == made.segments[-1]
    (line,) = explained.lines
    assert (line.quantity.value, line.unit, line.rate.value, line.amount) == ("1000", "kWh", "0.02", amount(2000))
    assert (line.unrounded_amount.value, line.rate_version) == ("20", "rates/HEAD_OFFICE/versions/1")
    assert explained.charged_on == [each.segment.name for each in made.segments[:-1]]
    assert explained.place_explanation == "sequence 10"
    assert made.bill.amount == amount(15708 + 13923 + 10353 + 2000)
    assert made.bill == till.get(made.bill.name)
    for each in made.segments:
        assert till.segment(each.segment.name) == each.segment
        assert sum(line.amount.units * 100 + line.amount.nanos // 10**7 for line in each.lines) == (
            each.segment.amount.units * 100 + each.segment.amount.nanos // 10**7
        )


@pytest.mark.rule("BIL-04", "BIL-10", "BIL-11")
def test_a_site_without_a_read_holds_up_the_head_office_alone(database: Database, office: Office, till: Till) -> None:
    """Errors are saved and told; once the read is there, making the site again makes the head office, too."""
    head_office(office, "S1", "S2", "S3", "HO")
    used(database, "S1", "400")
    used(database, "S3", "250")
    made = till.bill()
    segments = by_agreement(each.segment for each in made.segments)
    assert {name: each.reason for name, each in segments.items()} == {
        "S1": "",
        "S2": "USAGE_MISSING",
        "S3": "",
        "HO": "CHARGE_SOURCE_IN_ERROR",
    }
    (wait,) = segments["HO"].waits_on
    assert (wait.bill_segment, own_id(wait.service_agreement)) == (segments["S2"].name, "S2")
    assert segments["HO"].message.startswith("waits for S2 from 2026-01-01: ")
    assert not segments["HO"].HasField("amount")
    assert not made.bill.HasField("amount"), "nobody knows what the bill comes to"
    assert (made.bill.segment_count, made.bill.error_count) == (4, 2)
    found = till.exceptions(state="BILLING_EXCEPTION_STATE_OPEN")
    assert [(each.bill_segment, each.reason) for each in found] == [
        (segments["S2"].name, "USAGE_MISSING"),
        (segments["HO"].name, "CHARGE_SOURCE_IN_ERROR"),
    ]
    request = billing_exceptions_pb2.GetBillingExceptionRequest(name=found[0].name)
    assert till.billing.GetBillingException(request) == found[0]
    used(database, "S2", "350")
    again = till.regenerate(segments["S2"].name)
    assert [(own_id(each.service_agreement), each.state) for each in again] == [("S2", FREEZABLE), ("HO", FREEZABLE)]
    assert again[-1].amount == amount(2000)
    assert [each.name for each in again] == [segments["S2"].name, segments["HO"].name]
    assert till.get(made.bill.name).amount == amount(41984)
    assert till.exceptions(state="BILLING_EXCEPTION_STATE_OPEN") == []
    assert {each.state for each in till.exceptions()} == {billing_exceptions_pb2.BILLING_EXCEPTION_STATE_RESOLVED}


@pytest.mark.rule("BIL-14", "PLT-06")
@pytest.mark.parametrize("request_id", ["", "once"])
def test_there_is_one_bill_however_many_generate_it_at_once(
    database: Database, office: Office, till: Till, request_id: str
) -> None:
    """With one set of segments; the same request id brings the same answer."""
    head_office(office, "S1", "S2", "S3", "HO")
    for agreement_id, kwh in KWH.items():
        used(database, agreement_id, kwh)
    with ThreadPoolExecutor(8) as pool:
        made = [each.result() for each in [pool.submit(till.bill, request_id=request_id) for _ in range(8)]]
    assert len({each.bill.name for each in made}) == 1
    assert len({tuple(one.segment.name for one in each.segments) for each in made}) == 1
    assert len({each.bill.etag for each in made}) == (1 if request_id else 8)
    assert [each.amount for each in till.bills()] == [amount(41984)]
    assert len(till.segments()) == 4


@pytest.mark.rule("BIL-15")
def test_a_preview_is_the_bill_with_nothing_saved(database: Database, office: Office, till: Till) -> None:
    """To the last line; every row is as it was."""
    head_office(office, "S1", "S2", "S3", "HO")
    used(database, "S1", "400")
    used(database, "S2", "350")
    before = _rows(database)
    seen = till.bill(preview=True)
    assert _rows(database) == before
    assert seen.bill.name == ""
    made = till.bill()
    assert _plain(seen) == _plain(made)
    before = _rows(database)
    assert _plain(till.bill(preview=True)) == _plain(made)
    assert _rows(database) == before


@pytest.mark.rule("BIL-16")
def test_what_is_far_from_its_history_is_accepted_by_a_person(database: Database, office: Office, till: Till) -> None:
    """It waits with what it comes to, and so does what is charged on it; accepted, it passes as it is."""
    _limit(database, "POWER", Plausible(1, Decimal(50), Decimal(200)))
    head_office(office, "S1", "HO")
    used(database, "S1", "100")
    first = till.bill()
    database.write(lambda tx: tx.execute(text("UPDATE bill_segment SET state = 'FROZEN'")))
    used(database, "S1", "900", first=FEBRUARY, last=MARCH)
    made = by_agreement(
        each.segment for each in till.bill(through=MARCH).segments if each.segment.start_date.month == 2
    )
    site_segment, office_segment = made["S1"], made["HO"]
    assert (site_segment.reason, office_segment.reason) == ("IMPLAUSIBLE", "CHARGE_SOURCE_IN_ERROR")
    assert site_segment.amount == amount(33558)
    assert "more than 200 % of" in site_segment.message
    assert refusal(lambda: till.accept(office_segment.name)).reason == "BILL_SEGMENT_NOT_IMPLAUSIBLE"
    accepted = till.accept(site_segment.name)
    assert (accepted.state, accepted.accepted, accepted.amount) == (FREEZABLE, True, amount(33558))
    assert till.segment(office_segment.name).amount == amount(1800)
    (noted,) = till.exceptions(state="BILLING_EXCEPTION_STATE_ACCEPTED")
    assert (noted.bill_segment, noted.note) == (site_segment.name, "a new oven")
    assert till.bill(through=MARCH).bill.error_count == 0, "it still passes as long as it comes to the same"
    frozen = first.segments[0].segment.name
    assert refusal(lambda: till.regenerate(frozen)).reason == "BILL_SEGMENT_NOT_DELETABLE"
    assert refusal(lambda: till.accept(frozen)).code is grpc.StatusCode.FAILED_PRECONDITION


@pytest.mark.rule("PLT-08", "PLT-07")
def test_bills_and_segments_are_listed_by_what_is_asked_for(database: Database, office: Office, till: Till) -> None:
    """In pages, by account, cycle, state, bill and agreement; what is not there is told by its name."""
    head_office(office, "S1", "S2", "HO")
    used(database, "S1", "1", last=APRIL)
    office.account("A-2", bill_cycle_code="SOUTH")
    office.agreement("X", "accounts/A-2", type_code="AT-2")
    mine = till.bill(through=MARCH).bill.name
    other = till.bill("accounts/A-2").bill.name
    assert [each.name for each in till.bills()] == [mine]
    assert [each.name for each in till.bills("accounts/-")] == [mine, other]
    assert [each.name for each in till.bills("accounts/-", bill_cycle_code="SOUTH")] == [other]
    assert till.bills("accounts/-", state="BILL_STATE_COMPLETE") == []
    every = till.segments()
    assert [(own_id(each.service_agreement), each.start_date.month) for each in every] == [
        (name, month) for name in ("S1", "S2", "HO") for month in (1, 2)
    ]
    assert till.segments(bill=mine) == every
    assert till.segments(state="BILL_SEGMENT_STATE_ERROR") == every[2:]
    assert till.segments(service_agreement_id="S1") == every[:2]
    assert len(till.exceptions("accounts/-", bill_cycle_code="NORTH", reason="USAGE_MISSING")) == 2
    assert till.exceptions("accounts/-", bill_cycle_code="SOUTH") == []
    refused = refusal(lambda: till.segments(bill=other))
    assert refused.violations == [("bill", "BILL_OF_ANOTHER_ACCOUNT")]
    for call, name, reason in (
        (till.get, f"{ACCOUNT}/bills/none", "BILL_NOT_FOUND"),
        (till.segment, f"{ACCOUNT}/billSegments/none", "BILL_SEGMENT_NOT_FOUND"),
        (till.explain, f"{ACCOUNT}/billSegments/none", "BILL_SEGMENT_NOT_FOUND"),
        (till.regenerate, f"{ACCOUNT}/billSegments/none", "BILL_SEGMENT_NOT_FOUND"),
        (till.bill, "accounts/none", "ACCOUNT_NOT_FOUND"),
        (till.bills, "accounts/none", "ACCOUNT_NOT_FOUND"),
    ):
        assert refusal(lambda: call(name)).reason == reason  # noqa: B023
    nobody = billing_exceptions_pb2.GetBillingExceptionRequest(name=f"{ACCOUNT}/billingExceptions/none")
    refused = refusal(lambda: till.billing.GetBillingException(nobody))
    assert refused.reason == "BILLING_EXCEPTION_NOT_FOUND"


@pytest.mark.rule("BIL-11", "PLT-07")
def test_days_are_refused_that_nothing_can_be_billed_for(office: Office, till: Till) -> None:
    """A year ahead at most; and there must be something to bill."""
    head_office(office, "S1")
    late = refusal(lambda: till.bill(through=MARCH.replace(year=2028)))
    assert late.violations == [("through_date", "THROUGH_DATE_TOO_LATE")]
    assert refusal(lambda: till.bill(through=FEBRUARY.replace(year=2025))).reason == "BILL_NOTHING_DUE"
    request = bills_pb2.GenerateBillRequest(account=ACCOUNT)
    request.through_date.month = 13
    refused = refusal(lambda: till.billing.GenerateBill(request))
    assert refused.violations == [("through_date", "DATE_INVALID")]


def _limit(database: Database, code: str, limits: Plausible) -> None:
    """Give a type limits."""

    def write(tx: Connection) -> None:
        kind = registers.lock(tx, AGREEMENT_TYPES, code)
        assert kind is not None
        registers.change(tx, AGREEMENT_TYPES, replace(kind, settings=replace(kind.settings, plausible=limits)))
        registers.grow_version(tx, SHELF)

    database.write(write)


def _rows(database: Database) -> dict[str, list[tuple[object, ...]]]:
    names = ("bill", "bill_segment", "billing_exception", "billing_account", "event")

    def read(tx: Connection) -> dict[str, list[tuple[object, ...]]]:
        return {name: sorted(map(tuple, tx.execute(text(f"SELECT * FROM {name}")))) for name in names}

    return database.read(read)


def _plain(message: Any) -> Any:
    """The answer less what a row alone has: names, times, etags."""

    def less(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: less(each) for key, each in value.items() if key not in UNKNOWN}
        return [less(each) for each in value] if isinstance(value, list) else value

    return less(MessageToDict(message, preserving_proto_field_name=True))


@pytest.mark.rule("BIL-10", "BIL-13")
def test_what_stands_in_anothers_place_is_not_made_again_by_itself(
    database: Database, office: Office, till: Till
) -> None:
    """It is undone and rebilled; generating leaves it alone."""
    head_office(office, "S1")
    used(database, "S1", "1")
    (made,) = till.bill().segments
    mark = "UPDATE bill_segment SET rebills_id = 'gone' WHERE segment_id = :own"
    database.write(lambda tx: tx.execute(text(mark), {"own": own_id(made.segment.name)}))
    assert refusal(lambda: till.regenerate(made.segment.name)).reason == "BILL_SEGMENT_REBILLS"


@pytest.mark.rule("PLT-11", "PLT-14")
def test_the_audit_trail_tells_what_became_of_a_bill(
    database: Database, office: Office, till: Till, utility: Served
) -> None:
    """Who made it, up to which day, and how many segments were made and are in error; no amounts."""
    head_office(office, "S1", "HO")
    made = till.bill()
    used(database, "S1", "1")
    till.regenerate(made.segments[0].segment.name)
    audit = utility.stub(audit_pb2_grpc.AuditServiceStub)
    found = audit.ListAuditEntries(audit_pb2.ListAuditEntriesRequest(resource=made.bill.name)).audit_entries
    told = [(each.type, MessageToDict(each.changes)) for each in found]
    assert told == [
        (
            "bill_segment.regenerated",
            {"through_date": "2026-02-01", "made": 2, "kept": 0, "deleted": 2, "in_error": 0},
        ),
        ("bill.generated", {"through_date": "2026-02-01", "made": 2, "kept": 0, "deleted": 0, "in_error": 2}),
    ]
