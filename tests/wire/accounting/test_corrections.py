"""Reversals and cancellations over the wire, and the second operations of rules."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from tests.support.server import refusal
from tests.wire.accounting.behind import Behind
from tests.wire.accounting.desk import CANCELED, EXECUTED, PENDING, Desk
from tests.wire.accounting.samples import Accounting, create_collection, create_rule, create_table

TO_NOSTRO = {"debit_collection_code": "SUSPENSE_TWO", "credit_collection_code": "SUSPENSE", "entry_reason": "SETTLE"}


@pytest.mark.rule("ACC-08")
def test_a_reversal_mirrors_its_operation_and_both_name_each_other(desk: Desk, behind: Behind) -> None:
    """It goes by the same channel; executed, it brings every balance back."""
    claim = desk.claim("MANUAL")
    made = desk.one(claim, "CREDIT")
    behind.settle(made)
    (reversal,) = desk.reverse(made.name, "not his card").reversals
    original = desk.get(made.name)
    assert (reversal.debit, reversal.credit, reversal.amount) == (made.credit, made.debit, made.amount)
    assert (reversal.reverses, original.reversed_by) == (made.name, reversal.name)
    assert (reversal.state, reversal.note) == (PENDING, "not his card")
    assert behind.assignment(reversal).channel == behind.assignment(made).channel
    behind.settle(reversal)
    assert behind.balances(claim) == {}
    assert behind.details() == 4


@pytest.mark.rule("ACC-08")
def test_what_was_reversed_is_not_reversed_again(desk: Desk, behind: Behind) -> None:
    """A pending reversal blocks another, a canceled one frees the original; a reversal is never reversed."""
    claim = desk.claim("MANUAL")
    made = desk.one(claim, "CREDIT")
    pending = refusal(lambda: desk.reverse(made.name))
    assert (pending.code, pending.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ACCOUNTING_OPERATION_STATE")
    assert pending.metadata["state"] == "PENDING"
    behind.settle(made)
    (first,) = desk.reverse(made.name).reversals
    assert refusal(lambda: desk.reverse(made.name)).reason == "ACCOUNTING_OPERATION_REVERSED"
    (canceled,) = desk.cancel(first.name)
    assert (canceled.state, desk.get(made.name).reversed_by) == (CANCELED, "")
    (second,) = desk.reverse(made.name).reversals
    behind.settle(second)
    assert refusal(lambda: desk.reverse(made.name)).reason == "ACCOUNTING_OPERATION_REVERSED"
    assert refusal(lambda: desk.reverse(second.name)).reason == "REVERSAL_NOT_REVERSIBLE"


@pytest.mark.rule("ACC-08")
def test_of_two_who_reverse_at_once_one_wins(desk: Desk, behind: Behind) -> None:
    claim = desk.claim("MANUAL")
    made = desk.one(claim, "CREDIT")
    behind.settle(made)

    def run(_: int) -> str:
        try:
            desk.reverse(made.name)
        except grpc.RpcError as error:
            return str(error.code().name)
        return "OK"

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(run, range(12))) == ["FAILED_PRECONDITION"] * 11 + ["OK"]
    assert behind.operations(claim) == 2


@pytest.mark.rule("ACC-08", "ACC-11")
def test_a_tracking_only_operation_is_reversed_at_once(desk: Desk, behind: Behind) -> None:
    claim = desk.claim("SERVICE")
    made = desk.one(claim, "CHARGEBACK", "80.00 USD")
    (reversal,) = desk.reverse(made.name).reversals
    assert (reversal.state, reversal.tracking_only) == (EXECUTED, True)
    assert behind.balances(claim) == {}
    assert behind.details() == 0


@pytest.mark.rule("ACC-08")
def test_what_is_not_executed_is_canceled_with_its_assignment(desk: Desk, behind: Behind) -> None:
    """Of every channel; the balance forgets it; canceling twice, or what is executed, is refused."""
    for client in ("MANUAL", "BATCH", "SERVICE"):
        claim = desk.claim(client)
        made = desk.one(claim, "CREDIT")
        assert behind.balances(claim)["ACCOUNT_HOLDER", "USD"] == (0, 15_000)
        (canceled,) = desk.cancel(made.name, "typed twice")
        assert (canceled.state, canceled.cancel_reason, canceled.canceler) == (CANCELED, "typed twice", "anybody")
        assert behind.assignment(made).state == "CANCELED"
        assert behind.tasks(made) == []
        assert behind.balances(claim) == {}
        found = refusal(lambda made=made: desk.cancel(made.name))  # type: ignore[misc]
        assert (found.reason, found.metadata["state"]) == ("ACCOUNTING_OPERATION_STATE", "CANCELED")
    done = desk.one(desk.claim("MANUAL"), "CREDIT")
    behind.settle(done)
    assert refusal(lambda: desk.cancel(done.name)).metadata["state"] == "EXECUTED"
    missing = refusal(lambda: desk.cancel(done.name.rpartition("/")[0] + "/" + "0" * 26))
    assert (missing.code, missing.reason) == (grpc.StatusCode.NOT_FOUND, "ACCOUNTING_OPERATION_NOT_FOUND")


@pytest.fixture
def settling(accounting: Accounting) -> Accounting:
    """Rules with a second operation, carried out and for tracking only."""
    create_collection(accounting, "SUSPENSE_TWO", suspense=True)
    create_table(accounting, "SUSPENSE_TWO", account="1991", distribution_code="SUSPENSE")
    create_rule(accounting, "BOTH", workflow_point="BOTH", settlement=TO_NOSTRO)
    return accounting


@pytest.mark.rule("ACC-06")
def test_the_second_operation_is_carried_out_once_the_first_is_executed(
    desk: Desk, behind: Behind, settling: Accounting
) -> None:
    """It is created with the first, and waits: no task, no call, no file."""
    claim = desk.claim("MANUAL")
    first, second = desk.execute(claim, "BOTH", "30.00 USD").operations
    assert (second.kind, second.settles, second.amount) == (2, first.name, first.amount)
    assert (second.debit.account, second.credit.account, second.entry_reason) == ("1991", "1990", "SETTLE")
    assert (behind.assignment(second).state, behind.tasks(second)) == ("WAITING", [])
    behind.settle(first)
    assert behind.assignment(second).state == "PENDING"
    assert len(behind.tasks(second)) == 1
    behind.settle(second)
    assert desk.get(second.name).state == EXECUTED


@pytest.mark.rule("ACC-06", "ACC-08")
def test_canceling_the_first_cancels_the_second(desk: Desk, behind: Behind, settling: Accounting) -> None:
    claim = desk.claim("SERVICE")
    first, second = desk.execute(claim, "BOTH", "30.00 USD").operations
    assert [each.name for each in desk.cancel(first.name)] == [second.name, first.name]
    assert behind.assignment(second).state == "CANCELED"
    assert behind.balances(claim) == {}


@pytest.mark.rule("ACC-06", "ACC-08")
def test_reversing_the_first_reverses_the_second_before_it(desk: Desk, behind: Behind, settling: Accounting) -> None:
    """Last made first; a second one that is not executed yet is canceled instead."""
    claim = desk.claim("MANUAL")
    first, second = desk.execute(claim, "BOTH", "30.00 USD").operations
    behind.settle(first)
    behind.settle(second)
    done = desk.reverse(first.name)
    assert [each.reverses for each in done.reversals] == [second.name, first.name]
    assert list(done.canceled) == []
    behind.settle(*done.reversals)
    assert behind.balances(claim) == {}
    first, second = desk.execute(claim, "BOTH", "30.00 USD").operations
    behind.settle(first)
    done = desk.reverse(first.name)
    assert [each.reverses for each in done.reversals] == [first.name]
    assert [each.name for each in done.canceled] == [second.name]
