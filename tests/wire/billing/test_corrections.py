"""Bills are completed, corrected and given back, over the wire, and the ledger is told of each to the cent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import ParseDict
from google.rpc.error_details_pb2 import PreconditionFailure
from sqlalchemy import delete, text

from countinghouse.billing.v1 import bill_corrections_pb2 as pb
from countinghouse.billing.v1 import bill_segments_pb2 as segments_pb2
from countinghouse.billing.v1 import bills_pb2
from countinghouse.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from domain.billing.tables import interval_data
from server.database.transaction import Database
from tests.support.server import Served, refusal
from tests.wire.billing.office import Office
from tests.wire.billing.till import ACCOUNT, Till, amount, own_id, site, used

KWH = {"S1": "400", "S2": "350", "S3": "250"}
FROZEN, CANCELED = segments_pb2.BILL_SEGMENT_STATE_FROZEN, segments_pb2.BILL_SEGMENT_STATE_CANCELED
PENDING, COMPLETE = bills_pb2.BILL_STATE_PENDING, bills_pb2.BILL_STATE_COMPLETE


@dataclass(frozen=True, slots=True)
class Desk(Till):
    """Calls of one who corrects bills."""

    def complete(self, name: str, **more: Any) -> bills_pb2.Bill:
        """Complete a bill."""
        return self.billing.CompleteBill(ParseDict({"name": name, **more}, pb.CompleteBillRequest()))

    def freeze(self, name: str, **more: Any) -> bills_pb2.Bill:
        """Freeze a bill."""
        return self.billing.FreezeBill(ParseDict({"name": name, **more}, pb.FreezeBillRequest()))

    def reopen(self, name: str, **more: Any) -> bills_pb2.Bill:
        """Reopen a bill."""
        return self.billing.ReopenBill(ParseDict({"name": name, "reason": "r", **more}, pb.ReopenBillRequest()))

    def credit(self, bill: str, **more: Any) -> bills_pb2.Bill:
        """Give a bill back."""
        request = ParseDict({"bill": bill, "reason": "r", **more}, pb.CreateCreditNoteRequest())
        return self.billing.CreateCreditNote(request)

    def cancel(self, name: str, **more: Any) -> pb.BillCorrection:
        """Cancel a segment."""
        request = ParseDict({"name": name, "reason": "r", **more}, pb.CancelBillSegmentRequest())
        return self.billing.CancelBillSegment(request)

    def rebill(self, name: str, **more: Any) -> pb.BillCorrection:
        """Rebill a segment."""
        request = ParseDict({"name": name, "reason": "r", **more}, pb.RebillBillSegmentRequest())
        return self.billing.RebillBillSegment(request)

    def undo(self, name: str) -> pb.BillCorrection:
        """Undo the correction of a segment."""
        return self.billing.UndoBillSegmentCorrection(pb.UndoBillSegmentCorrectionRequest(name=name))

    def by_agreement(self, bill: str) -> dict[str, segments_pb2.BillSegment]:
        """The segments of a bill by agreement."""
        return {own_id(each.service_agreement): each for each in self.segments(bill=bill)}


@pytest.fixture
def desk(utility: Served) -> Desk:
    """Somebody who corrects bills, at a server with a small utility."""
    return Desk(utility.stub(BillingServiceStub))


@pytest.fixture
def billed(database: Database, office: Office, desk: Desk) -> bills_pb2.Bill:
    """The complete bill of a head office and three sites for January: 419.84 EUR."""
    office.account()
    office.agreement("HO", type_code="HEAD_OFFICE")
    for agreement_id, kwh in KWH.items():
        site(office, agreement_id)
        used(database, agreement_id, kwh)
    return desk.complete(desk.bill().bill.name)


def owed(database: Database) -> dict[str, int]:
    """Debits less credits by distribution account, of all that billing has posted."""
    query = text(
        "SELECT distribution_account, SUM(debit_minor - credit_minor) FROM accounting_detail"
        " WHERE source = 'billing' GROUP BY distribution_account"
    )
    return {row[0]: int(row[1]) for row in database.read(lambda tx: tx.execute(query).all())}


@pytest.mark.rule("BIL-10", "BIL-12")
def test_a_bill_is_completed_and_posted(database: Database, desk: Desk, billed: bills_pb2.Bill) -> None:
    """Due by the class, and balanced in the ledger; not twice, also when it is asked for twice."""
    assert (billed.state, billed.amount, billed.tax) == (COMPLETE, amount(41_984), amount(6_384))
    assert (billed.due_date.year, billed.due_date.month, billed.due_date.day) == (2026, 12, 2)
    assert {each.state for each in desk.segments()} == {FROZEN}
    assert owed(database) == {"RECEIVABLE": 41_984, "REVENUE": -(41_984 - 6_384), "TAXES": -6_384}
    assert desk.get(billed.name) == billed
    refused = refusal(lambda: desk.complete(billed.name))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "BILL_TRANSITION")


@pytest.mark.rule("BIL-12", "BIL-04", "BIL-11")
def test_an_unsound_bill_is_refused_naming_both_segments(database: Database, office: Office, desk: Desk) -> None:
    """Site 2 without a read, and the head office that waits for it; what is sound can be frozen."""
    office.account()
    office.agreement("HO", type_code="HEAD_OFFICE")
    for agreement_id, kwh in KWH.items():
        site(office, agreement_id)
        if agreement_id != "S2":
            used(database, agreement_id, kwh)
    name = desk.bill().bill.name
    refused = refusal(lambda: desk.complete(name))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "BILL_HAS_ERRORS")
    assert [(each.type, each.subject) for each in refused.detail(PreconditionFailure).violations] == [
        ("USAGE_MISSING", desk.by_agreement(name)["S2"].name),
        ("CHARGE_SOURCE_IN_ERROR", desk.by_agreement(name)["HO"].name),
    ]
    assert owed(database) == {}
    desk.freeze(name, validate_only=True)
    assert owed(database) == {}
    assert desk.freeze(name, request_id="once").state == PENDING
    assert desk.freeze(name, request_id="once").state == PENDING
    assert owed(database)["RECEIVABLE"] == 15_708 + 10_353


@pytest.mark.rule("BIL-13")
def test_a_site_is_rebilled_with_what_was_charged_on_it(database: Database, desk: Desk, billed: bills_pb2.Bill) -> None:
    """450 kWh, not 350: the old ones go, the new ones come, and the books agree."""
    before = desk.by_agreement(billed.name)
    mine = interval_data.c.profile_id == "S2"
    database.write(lambda tx: tx.execute(delete(interval_data).where(mine)))
    used(database, "S2", "450")
    done = desk.rebill(before["S2"].name)
    assert [own_id(each.service_agreement) for each in done.corrected] == ["S2", "HO"]
    assert [(own_id(each.service_agreement), each.rebills, each.amount) for each in done.made] == [
        ("S2", before["S2"].name, amount(17_493)),
        ("HO", before["HO"].name, amount(2_200)),
    ]
    difference = 17_493 - 13_923 + 2_200 - 2_000
    assert (done.bill.state, done.bill.amount) == (PENDING, amount(difference))
    assert desk.get(done.bill.name).amount == amount(difference)
    bill = desk.complete(done.bill.name)
    assert bill.amount == amount(difference)
    assert owed(database)["RECEIVABLE"] == 41_984 + difference
    assert sum(owed(database).values()) == 0
    after = desk.by_agreement(billed.name)
    assert {name: each.state for name, each in after.items()} == {
        "S1": FROZEN,
        "S2": CANCELED,
        "S3": FROZEN,
        "HO": CANCELED,
    }
    assert after["S2"].cancel_bill == bill.name
    assert desk.get(billed.name) == billed, "what is complete stays as it was"


@pytest.mark.rule("BIL-13")
def test_a_correction_is_undone_before_it_is_frozen(database: Database, desk: Desk, billed: bills_pb2.Bill) -> None:
    """And a canceled segment is reversed once it is."""
    segment = desk.by_agreement(billed.name)["HO"].name
    done = desk.cancel(segment)
    assert done.bill.amount == amount(-2_000)
    assert [each.state for each in desk.undo(segment).corrected] == [FROZEN]
    assert desk.by_agreement(billed.name)["HO"].state == FROZEN
    assert refusal(lambda: desk.undo(segment)).reason == "BILL_SEGMENT_TRANSITION"
    assert desk.complete(desk.cancel(segment).bill.name).amount == amount(-2_000)
    assert owed(database)["RECEIVABLE"] == 41_984 - 2_000
    assert refusal(lambda: desk.rebill(segment)).reason == "BILL_SEGMENT_TRANSITION"


@pytest.mark.rule("BIL-13")
def test_a_bill_is_given_back_by_a_credit_note(database: Database, desk: Desk, billed: bills_pb2.Bill) -> None:
    """All of it or what is named, complete at once."""
    first = desk.by_agreement(billed.name)["S1"].name
    note = desk.credit(billed.name, bill_segments=[first])
    assert (note.kind, note.state, note.amount) == (bills_pb2.BILL_KIND_CREDIT_NOTE, COMPLETE, amount(-15_708))
    assert desk.credit(billed.name).amount == amount(-(41_984 - 15_708))
    assert owed(database) == {"RECEIVABLE": 0, "REVENUE": 0, "TAXES": 0}
    assert refusal(lambda: desk.credit(billed.name)).reason == "BILL_NOTHING_TO_CREDIT"
    assert refusal(lambda: desk.reopen(note.name)).reason == "BILL_TRANSITION"
    refused = refusal(lambda: desk.credit(billed.name, bill_segments=["accounts/B/billSegments/x"]))
    assert refused.violations == [("bill_segments[0]", "BILL_SEGMENT_OF_ANOTHER_ACCOUNT")]
    with pytest.raises(grpc.RpcError):
        desk.credit(billed.name, bill_segments=[f"{ACCOUNT}/billSegments/none"])


@pytest.mark.rule("BIL-13")
def test_a_complete_bill_is_opened_again(database: Database, desk: Desk, billed: bills_pb2.Bill) -> None:
    """As long as it did not go out; not beside another pending bill."""
    opened = desk.reopen(billed.name, etag=billed.etag)
    assert (opened.state, opened.amount) == (PENDING, billed.amount)
    assert desk.complete(billed.name).amount == billed.amount
    assert owed(database)["RECEIVABLE"] == 41_984
    assert refusal(lambda: desk.reopen(billed.name, etag="1")).code == grpc.StatusCode.ABORTED
    desk.cancel(desk.by_agreement(billed.name)["HO"].name)
    assert refusal(lambda: desk.reopen(billed.name)).reason == "BILL_ANOTHER_PENDING"
