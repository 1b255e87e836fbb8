"""What people perform, over the wire."""

from __future__ import annotations

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.json_format import ParseDict

from countinghouse.accounting.v1 import clients_pb2
from tests.support.server import refusal
from tests.wire.accounting.behind import Behind
from tests.wire.accounting.desk import AWAITING, CANCELED, EXECUTED, PENDING, Desk
from tests.wire.accounting.samples import Accounting, create_claim_type, create_rule

LIMITS = {"approval_limits": [{"currency_code": "USD", "units": 100}]}


@pytest.mark.rule("ACC-53")
def test_a_rule_by_hand_is_carried_out_as_any_other(desk: Desk, behind: Behind, accounting: Accounting) -> None:
    """Amount and dispute are needed; what is not manual, of another type or unknown is refused."""
    claim = desk.claim("MANUAL")
    create_rule(accounting, "BY_HAND", workflow_point="NONE", manual=True)
    (made,) = desk.by_rule(claim, "BY_HAND", "12.00 USD", note="as agreed")
    assert (made.kind, made.state, made.note, made.workflow_point) == (3, PENDING, "as agreed", "")
    assert made.rule_version == "accountingRules/BY_HAND/versions/1"
    assert behind.assignment(made).channel == "MANUAL"
    for rule, amount, wanted in (
        ("BY_HAND", None, ("entry.amount", "AMOUNT_REQUIRED")),
        ("BY_HAND", "0.00 USD", ("entry.amount", "AMOUNT_NOT_POSITIVE")),
        ("PROVISIONAL_CREDIT", None, ("rule", "RULE_NOT_MANUAL")),
        ("NONE", None, ("rule", "RULE_UNKNOWN")),
    ):
        found = refusal(lambda rule=rule, amount=amount: desk.by_rule(claim, rule, amount))  # type: ignore[misc]
        assert (found.code, found.violations) == (grpc.StatusCode.INVALID_ARGUMENT, [wanted])
    assert behind.operations(claim) == 1


@pytest.mark.rule("ACC-07", "ACC-53")
def test_a_rule_of_another_claim_type_is_refused(desk: Desk, accounting: Accounting) -> None:
    create_claim_type(accounting, "LOAN")
    create_rule(accounting, "LOAN_ONLY", claim_type_codes=["LOAN"], workflow_point="NONE", manual=True)
    found = refusal(lambda: desk.by_rule(desk.claim("MANUAL"), "LOAN_ONLY", "1.00 USD"))
    assert found.violations == [("rule", "RULE_OF_ANOTHER_CLAIM_TYPE")]


@pytest.mark.rule("ACC-54")
def test_free_form_is_for_tracking_only_unless_said_otherwise(desk: Desk, behind: Behind) -> None:
    """Said outright, it goes through the service, or as the pre-conditions decide where there is none."""
    for client, channel in (("SERVICE", "SERVICE"), ("BATCH", "BATCH"), ("MANUAL", "MANUAL")):
        claim = desk.claim(client)
        (tracked,) = desk.free(claim, "LOSS", "FEES", "5.00 USD")
        assert (tracked.state, tracked.tracking_only, tracked.entry_reason) == (EXECUTED, True, "CORRECTION")
        (carried,) = desk.free(claim, "LOSS", "FEES", "5.00 USD", tracking_only=False)
        assert (carried.state, carried.tracking_only) == (PENDING, False)
        assert behind.assignment(carried).channel == channel


@pytest.mark.rule("ACC-54", "ACC-03", "ACC-07")
def test_all_that_is_wrong_with_a_free_form_is_told_at_once(desk: Desk, behind: Behind) -> None:
    """Accounts may be given, and stand in place of the tables'."""
    claim = desk.claim("MANUAL")
    found = refusal(lambda: desk.free(claim, "NOWHERE", "FEES", None, debit_account="x", credit_account="x"))
    assert found.violations == [
        ("entry.amount", "AMOUNT_REQUIRED"),
        ("free_form.debit_collection", "COLLECTION_UNKNOWN"),
        ("free_form.credit_account", "ACCOUNTS_EQUAL"),
    ]
    assert behind.operations(claim) == 0
    (made,) = desk.free(claim, "LOSS", "FEES", "5.00 USD", debit_account="x", credit_account="y")
    assert (made.debit.account, made.credit.account) == ("x", "y")


@pytest.mark.rule("ACC-55")
def test_manual_accounting_can_be_for_qualified_users(staff: dict[str, Desk]) -> None:
    """By the client's setting from the next call on, and always where service or batch automate it."""
    ada, cleo = staff["ada"], staff["cleo"]
    claims = {client: ada.claim(client) for client in ("MANUAL", "BATCH", "SERVICE")}
    (made,) = cleo.free(claims["MANUAL"], "LOSS", "FEES", "5.00 USD")
    for client in ("BATCH", "SERVICE"):
        found = refusal(lambda client=client: cleo.free(claims[client], "LOSS", "FEES", "5.00 USD"))  # type: ignore[misc]
        assert (found.code, found.reason) == (grpc.StatusCode.PERMISSION_DENIED, "MANUAL_ACCOUNTING_RESTRICTED")
        assert ada.free(claims[client], "LOSS", "FEES", "5.00 USD")
    restrict(ada, "MANUAL")
    found = refusal(lambda: cleo.by_rule(claims["MANUAL"], "FEE"))
    assert found.reason == "MANUAL_ACCOUNTING_RESTRICTED"
    assert cleo.get(made.name) == made
    assert ada.by_rule(claims["MANUAL"], "FEE")


@pytest.mark.rule("ACC-57")
def test_above_a_limit_another_person_must_agree(staff: dict[str, Desk], behind: Behind) -> None:
    """Manual entries, write-offs and reversals; no assignment exists before, and the balance shows them as pending."""
    ada, ben = staff["ada"], staff["ben"]
    set_limit(ada, "MANUAL")
    claim = ada.claim("MANUAL", "500.00 USD")
    (small,) = ada.free(claim, "SUSPENSE", "FEES", "100.00 USD", tracking_only=False)
    (large,) = ada.free(claim, "SUSPENSE", "FEES", "100.01 USD", tracking_only=False)
    (other,) = ada.free(claim, "SUSPENSE", "FEES", "900 JPY", tracking_only=False)
    assert (small.state, large.state, other.state) == (PENDING, AWAITING, PENDING)
    assert large.assignment == ""
    assert behind.balances(claim)["FEES", "USD"] == (0, 20_001)
    own = refusal(lambda: ada.approve(large.name))
    assert (own.code, own.reason) == (grpc.StatusCode.PERMISSION_DENIED, "ACCOUNTING_APPROVAL_OWN")
    agreed = ben.approve(large.name)
    assert (agreed.state, agreed.performer, agreed.approver) == (PENDING, "ada", "ben")
    assert behind.assignment(agreed).channel == "MANUAL"
    again = refusal(lambda: ben.approve(large.name))
    assert (again.reason, again.metadata["state"]) == ("ACCOUNTING_OPERATION_STATE", "PENDING")
    by_workflow = ada.one(claim, "CREDIT")  # 500.00, but no write-off
    assert by_workflow.state == PENDING
    behind.settle(by_workflow)
    written_off = ada.one(claim, "WRITE_OFF")
    assert written_off.state == AWAITING
    (canceled,) = ben.cancel(written_off.name)
    assert (canceled.state, behind.assignment(agreed).state) == (CANCELED, "PENDING")
    (reversal,) = ada.reverse(by_workflow.name).reversals
    assert reversal.state == AWAITING
    assert ben.approve(reversal.name).state == PENDING


@pytest.mark.rule("ACC-57", "ACC-11")
def test_what_is_for_tracking_only_is_executed_as_it_is_approved(staff: dict[str, Desk], behind: Behind) -> None:
    """By whoever performed it, when the other agreed."""
    ada, ben = staff["ada"], staff["ben"]
    set_limit(ada, "MANUAL")
    claim = ada.claim("MANUAL")
    (made,) = ada.free(claim, "SUSPENSE", "FEES", "100.01 USD")
    assert made.state == AWAITING
    agreed = ben.approve(made.name)
    assert (agreed.state, agreed.executor, agreed.approver) == (EXECUTED, "ada", "ben")
    assert behind.balances(claim) == {("SUSPENSE", "USD"): (-10_001, 0), ("FEES", "USD"): (10_001, 0)}
    assert behind.details() == 0


def restrict(desk: Desk, client: str) -> None:
    """Have a client's manual accounting be for qualified users."""
    change(desk, client, "manual_restricted", manual_restricted=True)


def set_limit(desk: Desk, client: str) -> None:
    """A limit of 100.00 USD."""
    change(desk, client, "approval_limits", **LIMITS)


def change(desk: Desk, client: str, field: str, **fields: object) -> None:
    found = desk.call("GetClient", clients_pb2.GetClientRequest(name=f"clients/{client}"))
    given = ParseDict({"name": found.name, "etag": found.etag, **fields}, clients_pb2.Client())
    request = clients_pb2.UpdateClientRequest(client=given, update_mask=FieldMask(paths=[field]))
    desk.call("UpdateClient", request)
