"""Billing exceptions are worked off over the wire and on the command line, one by one."""

from __future__ import annotations

import grpc
import pytest

from countinghouse.billing.v1 import billing_exceptions_pb2 as pb
from countinghouse.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from server.database.transaction import Database
from tests.client.command import run
from tests.support.server import Served, refusal
from tests.wire.billing.office import Office
from tests.wire.billing.till import ACCOUNT, Till, own_id, site, used

ACCEPTED, RESOLVED = pb.BILLING_EXCEPTION_STATE_ACCEPTED, pb.BILLING_EXCEPTION_STATE_RESOLVED


@pytest.fixture
def till(utility: Served, office: Office) -> Till:
    """Somebody who bills an account with two sites of which nothing was read."""
    office.account("A-1")
    for name in ("S1", "S2"):
        site(office, name)
    return Till(utility.stub(BillingServiceStub))


@pytest.mark.rule("BIL-11", "BIL-31", "PLT-10")
def test_an_exception_is_resolved_once_its_cause_is_mended(utility: Served, till: Till, database: Database) -> None:
    """Refused before, with the segment's own reason; a check alone changes nothing; twice is refused."""
    till.bill()
    names = {
        own_id(each.service_agreement): each.name for each in till.exceptions(state="BILLING_EXCEPTION_STATE_OPEN")
    }
    wanted = pb.ResolveBillingExceptionRequest(name=names["S1"], note="read by hand")
    refused = refusal(lambda: till.billing.ResolveBillingException(wanted))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "BILLING_EXCEPTION_NOT_RESOLVED")
    assert refused.metadata["error"] == "USAGE_MISSING"
    used(database, "S1", "100")
    wanted.validate_only = True
    assert till.billing.ResolveBillingException(wanted).state == RESOLVED
    wanted.validate_only = False
    done = till.billing.ResolveBillingException(wanted)
    assert (done.state, done.note, done.HasField("close_time")) == (RESOLVED, "read by hand", True)
    refused = refusal(lambda: till.billing.ResolveBillingException(wanted))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "BILLING_EXCEPTION_CLOSED")
    assert (refused.metadata["state"], refused.metadata["wanted"]) == ("RESOLVED", "RESOLVED")
    used(database, "S2", "50")
    asked = ("exceptions", "resolve", f"A-1/{own_id(names['S2'])}", "--note", "read by hand")
    shown = run(utility.target, "billing", *asked)
    assert shown.exit_code == 0, shown.stderr
    assert "USAGE_MISSING" in shown.stdout
    assert not till.exceptions(ACCOUNT, state="BILLING_EXCEPTION_STATE_OPEN")
    assert till.bills()[0].error_count == 0


@pytest.mark.rule("BIL-16", "PLT-10")
def test_only_an_implausible_exception_is_accepted(utility: Served, till: Till) -> None:
    """What else is wrong is mended; the command says so."""
    till.bill()
    name = till.exceptions()[0].name
    refused = refusal(
        lambda: till.billing.AcceptBillingException(pb.AcceptBillingExceptionRequest(name=name, note="it is right"))
    )
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "BILLING_EXCEPTION_NOT_ACCEPTABLE")
    shown = run(utility.target, "billing", "exceptions", "accept", f"A-1/{own_id(name)}", "--note", "it is right")
    assert shown.exit_code != 0
    assert "BILLING_EXCEPTION_NOT_ACCEPTABLE" in shown.stderr
    listed = run(utility.target, "billing", "exceptions", "--cycle", "NORTH")
    assert f"A-1/{own_id(name)}" in listed.stdout
    assert "USAGE_MISSING" not in run(utility.target, "billing", "exceptions", "--cycle", "NORTH/JAN").stdout
    assert "write it as ACCOUNT/ID" in run(utility.target, "billing", "exceptions", "accept", "x", "--note", "n").stderr
