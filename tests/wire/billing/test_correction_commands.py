"""`countinghouse billing complete`, `rebill` and their kin: screens of a real server."""

from __future__ import annotations

import pytest

from countinghouse.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from server.database.transaction import Database
from tests.client.command import run
from tests.support.server import Served
from tests.wire.billing.office import Office
from tests.wire.billing.till import Till, own_id, site, used


@pytest.mark.rule("BIL-12", "BIL-13")
def test_a_bill_is_completed_corrected_and_given_back_on_the_screen(
    database: Database, utility: Served, office: Office
) -> None:
    """Each screen says what was done, and what to do next."""
    till = Till(utility.stub(BillingServiceStub))

    def shown(*words: str) -> str:
        found = run(utility.target, "billing", *words)
        assert found.exit_code == 0, found.stderr
        return f"{found.stdout}{found.stderr}"

    office.account()
    office.agreement("HO", type_code="HEAD_OFFICE")
    site(office, "S1")
    used(database, "S1", "400")
    bill = f"A-1/{own_id(till.bill().bill.name)}"
    segment = f"A-1/{own_id(till.segments()[0].name)}"
    assert "complete" in shown("complete", bill, "--validate-only")
    assert "pending" in shown("freeze", bill)
    done = shown("complete", bill)
    for words in ("complete", "165.08 EUR", "due"):
        assert words in done
    assert "pending" in shown("reopen", bill, "--reason", "one more")
    shown("complete", bill)
    rebilled = shown("rebill", segment, "--reason", "meter read wrong")
    for words in ("taken back:", "pending cancel", "in their place:", "complete the bill, or undo", "0.00 EUR"):
        assert words in rebilled
    (pending,) = till.bills(state="BILL_STATE_PENDING")
    listed = shown("bills", "A-1")
    for words in (bill, f"A-1/{own_id(pending.name)}", "complete", "pending", "165.08 EUR", "0.00 EUR"):
        assert words in listed
    assert bill not in shown("bills", "A-1", "--state", "pending")
    correction = shown("show", f"A-1/{own_id(pending.name)}")
    segments, taken_back = correction.split("It takes back:")
    assert segment not in segments
    for words in (segment, "pending cancel", "157.08 EUR", " 0.00 EUR"):
        assert words in taken_back
    assert '"takenBack": []' in shown("show", bill, "-o", "json")
    assert "as they were:" in shown("undo", segment)
    assert "pending cancel" in shown("cancel", segment, "--reason", "never moved in")
    assert "as they were:" in shown("undo", segment)
    assert "-165.08 EUR" in shown("credit", bill, "--reason", "goodwill")
    refused = run(utility.target, "billing", "credit", bill, "--reason", "again")
    assert refused.exit_code != 0
    assert "no frozen segment" in refused.stderr
