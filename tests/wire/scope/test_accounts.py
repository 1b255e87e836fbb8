"""Accounts that are billed, by callers whose permissions hold for some bill cycles (PLT-14)."""

from __future__ import annotations

from functools import partial

import grpc
import pytest

from tests.support.server import refusal
from tests.wire.scope.world import AUDIT, NEW_AGREEMENT, NOBODYS, OURS, THEIRS, World, new_account


@pytest.mark.rule("PLT-14")
def test_an_account_of_a_cycle_outside_is_refused_as_one_of_an_unknown_cycle(world: World) -> None:
    """In the same words; and nobody makes, or moves away, what they could not see."""
    ann = world.ann
    ann.billing("CreateBillCycle", bill_cycle={"code": OURS})
    theirs, nobodys = (
        refusal(partial(ann.billing, "CreateAccount", account=new_account(code))) for code in (THEIRS, NOBODYS)
    )
    assert (theirs.code, theirs.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "BILL_CYCLE_UNKNOWN")
    assert str(theirs).replace(THEIRS, NOBODYS) == str(nobodys)
    assert refusal(partial(ann.billing, "CreateAccount", account=new_account(""))).reason == "BILL_CYCLE_UNKNOWN"
    made = ann.billing("CreateAccount", account_id="account-ours", account=new_account(OURS))
    moved = {"name": made.name, "etag": made.etag, "bill_cycle_code": THEIRS}
    assert refusal(partial(ann.billing, "UpdateAccount", account=moved)).reason == "BILL_CYCLE_UNKNOWN"
    assert [each.name for each in ann.billing("ListAccounts").accounts] == [made.name]
    assert {each.bill_cycle_code for each in world.cat.billing("ListAccounts").accounts} == {OURS, THEIRS}
    assert not ann.billing("ListAccounts", bill_cycle_code=THEIRS).accounts


@pytest.mark.rule("PLT-14")
def test_an_account_without_a_cycle_is_seen_by_those_who_see_all(world: World) -> None:
    """By nobody else, nor what the trail tells of it."""
    made = world.root.billing("CreateAccount", account_id="account-free", account=new_account(""))
    assert world.root.billing("GetAccount", name=made.name) == made
    audited = {"resource": made.name}
    assert world.root.call(f"{AUDIT}/ListAuditEntries", audited).audit_entries
    for caller in (world.ben, world.cat):
        assert refusal(partial(caller.billing, "GetAccount", name=made.name)).reason == "ACCOUNT_NOT_FOUND"
        assert not caller.call(f"{AUDIT}/ListAuditEntries", audited).audit_entries


@pytest.mark.rule("PLT-14", "BIL-02")
def test_a_master_outside_is_refused_as_an_unknown_one(world: World) -> None:
    """Not as one of another account: whether it is there is told to nobody."""
    ann = world.ann
    ann.billing("CreateBillCycle", bill_cycle={"code": OURS})
    made = ann.billing("CreateAccount", account_id="account-ours", account=new_account(OURS))
    outside, nowhere = (
        refusal(
            partial(
                ann.billing,
                "CreateServiceAgreement",
                parent=made.name,
                service_agreement={**NEW_AGREEMENT, "master": names["agreement"]},
            )
        )
        for names in (world.theirs, world.missing)
    )
    assert outside.violations == nowhere.violations == [("service_agreement.master", "MASTER_UNKNOWN")]


@pytest.mark.rule("PLT-14")
def test_premises_are_seen_by_all_and_changed_by_those_who_see_every_cycle(world: World) -> None:
    """They are no account's own."""
    name = "premises/premise"
    assert world.ann.billing("GetPremise", name=name) == world.ben.billing("GetPremise", name=name)
    assert [each.name for each in world.ann.billing("ListPremises").premises] == [name]
    changed = {"name": name, "etag": "1", "description": "x"}
    for call in (
        partial(world.ann.billing, "CreatePremise", premise={"time_zone": "UTC"}),
        partial(world.ann.billing, "UpdatePremise", premise=changed),
    ):
        refused = refusal(call)
        assert (refused.code, refused.reason) == (grpc.StatusCode.PERMISSION_DENIED, "SCOPE_TOO_NARROW")
    assert world.root.billing("UpdatePremise", premise=changed).description == "x"


@pytest.mark.rule("PLT-14")
def test_rows_of_a_cycle_outside_are_refused_as_those_of_an_unknown_one(world: World) -> None:
    """One by one; an account that is there but outside is not taken for one's own; premises are not made either."""

    def item(account_id: str, cycle_code: str, **more: object) -> dict[str, object]:
        return {"account_id": account_id, "account": new_account(cycle_code), **more}

    ann = world.ann
    ann.billing("CreateBillCycle", bill_cycle={"code": OURS})
    place = {"premise_id": "new", "premise": {"time_zone": "UTC"}}
    rows = [
        item("new", THEIRS),
        item("new", NOBODYS),
        item("account-theirs", THEIRS),
        item("account-theirs", OURS),
        item("new", OURS, premises=[place]),
        item("account-ours", OURS),
    ]
    answer = ann.billing("ImportAccounts", accounts=rows)
    reasons = [[each.reason for each in refused.violations] for refused in answer.refused_accounts]
    assert reasons == [
        ["BILL_CYCLE_UNKNOWN"],
        ["BILL_CYCLE_UNKNOWN"],
        ["ACCOUNT_ID_TAKEN"],
        ["ACCOUNT_ID_TAKEN"],
        ["SCOPE_TOO_NARROW"],
    ]
    assert [each.name for each in ann.billing("ListAccounts").accounts] == ["accounts/account-ours"]
