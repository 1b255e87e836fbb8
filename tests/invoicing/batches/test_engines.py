"""Engines: exclusive per batch, any number of times; hooks hold their batch alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from domain.invoicing.batches import engines, store, working
from domain.invoicing.batches.errors import InvoiceBatchBusy, InvoiceBatchGoneOn
from domain.invoicing.batches.hooks import GO_ON, Asked, Decision, HookFailed, Hookpoint, Point
from domain.invoicing.batches.model import EngineRequest
from domain.invoicing.batches.states import BatchState
from domain.invoicing.tables import invoice_batch
from domain.operations import service as operations
from server.hookpoints import guarded
from tests.invoicing.batches.house import IN_APRIL, House, jobs

S = BatchState


def hooked(house: House, decide: Callable[[Asked], Any], key: str = "approve") -> list[Asked]:
    """Have a hook answer to the cycle's key; gives what it was asked."""
    asked: list[Asked] = []

    def note(question: Asked) -> Any:
        asked.append(question)
        return decide(question)

    house.hooks[key] = guarded(Hookpoint(key, "", note, "a test"), timeout_s=0.3)
    house.put_cycle(hookpoint=key)
    return asked


@pytest.mark.rule("INV-10", "INV-03", "INV-05")
def test_a_hook_is_asked_at_both_points(house: House) -> None:
    """Once each where it lets the batch go, with what has become of it."""
    asked = hooked(house, lambda _: GO_ON)
    house.charge({"A": 5_000, "B": 400})
    house.now_us = IN_APRIL
    batch = house.go_on(house.close().batch_id)
    assert batch.state is S.ORDERED
    assert [each.point for each in asked] == [Point.CLOSED, Point.READY_FOR_SENDING]
    assert (asked[0].counts["closed"], asked[0].schedules) == (1, ("2026-03-01",))
    assert asked[1].totals == {"EUR": (5_000, 950)}


def _raise(_: Asked) -> Decision:
    raise RuntimeError("whatever")


def _hang(_: Asked) -> Decision:
    time.sleep(1)
    return GO_ON


def _fail(_: Asked) -> Decision:
    raise HookFailed("it is out")


@pytest.mark.rule("INV-10", "INV-13")
@pytest.mark.parametrize(
    ("decide", "reason", "says"),
    [
        (lambda _: Decision(goes_on=False, message="count again"), "INVOICE_BATCH_HOOK_REFUSES", "count again"),
        (_raise, "INVOICE_BATCH_HOOK_FAILED", "unexpected"),
        (_hang, "INVOICE_BATCH_HOOK_FAILED", "in time"),
        (_fail, "INVOICE_BATCH_HOOK_FAILED", "it is out"),
        (lambda _: "yes", "INVOICE_BATCH_HOOK_FAILED", "no decision"),
        (lambda _: None, "INVOICE_BATCH_HOOK_FAILED", "no decision"),
    ],
)
def test_a_hook_that_does_not_let_it_go_holds_the_batch(
    house: House, decide: Callable[[Asked], Any], reason: str, says: str
) -> None:
    """Nothing moves, and it says why; another batch goes on, and so does this one once the hook lets it."""
    asked = hooked(house, decide)
    house.charge({"A": 5_000, "B": 400})
    house.now_us = IN_APRIL
    batch = house.close()
    house.engine()
    held = house.batch(batch.batch_id)
    assert held.state is S.CLOSED
    assert held.held is not None
    assert held.held.reason == reason
    assert says in held.held.message
    assert house.standing()["B"] == [("RUNNING", "2026-03-01", 400, 0)]
    house.charge({"C": 5_000})
    house.now_us = IN_APRIL + 31 * 86_400_000_000
    house.put_cycle(hookpoint="")
    other = house.go_on(house.close().batch_id)
    assert other.state is S.ORDERED
    house.put_cycle(hookpoint="approve")
    hooked(house, lambda _: GO_ON)
    house.engine()
    house.aggregate()
    house.engine()
    assert house.batch(batch.batch_id).state is S.ORDERED
    assert len(asked) == 1


@pytest.mark.rule("INV-03", "INV-10")
def test_a_hook_holds_a_batch_of_which_nothing_is_left_to_move(house: House) -> None:
    """That there is nothing to move is no answer."""
    hooked(house, lambda _: Decision(goes_on=False, message="count again"))
    house.charge({"A": 5_000})
    house.now_us = IN_APRIL
    batch = house.close()
    house.engine()
    held = house.batch(batch.batch_id)
    assert (held.state, held.held and held.held.reason) == (S.CLOSED, "INVOICE_BATCH_HOOK_REFUSES")


@pytest.mark.rule("INV-10")
def test_a_key_that_no_hook_answers_to_lets_the_batch_go(house: House) -> None:
    """As no key does."""
    house.put_cycle(hookpoint="nobody")
    house.charge({"A": 5_000})
    house.now_us = IN_APRIL
    assert house.go_on(house.close().batch_id).state is S.ORDERED


@pytest.mark.rule("INV-13")
def test_a_batch_that_is_worked_on_is_left_alone_by_engines(house: House) -> None:
    """However long that takes, also while it is paused."""
    house.charge({"A": 5_000})
    house.now_us = IN_APRIL
    batch = house.create()
    house.do(lambda tx: operations.pause(tx, house.call, batch.operation_id))
    assert house.engine().counts == {"busy": 1}
    assert house.batch(batch.batch_id) == batch
    house.do(lambda tx: operations.resume(tx, house.call, batch.operation_id))
    house.work()
    assert house.batch(batch.batch_id).state is S.CLOSED


@pytest.mark.rule("INV-13")
def test_two_engines_at_once_start_one_operation_a_batch(house: House) -> None:
    """Whoever comes second finds it busy; nothing is done twice, and canceling waits its turn."""
    house.charge({"A": 5_000})
    house.now_us = IN_APRIL
    batch = house.close()
    for _ in range(2):
        house.do(lambda tx: engines.start(tx, house.call, EngineRequest()))
    found: list[str] = []
    while not found or house.batch(batch.batch_id).operation_id == found[0]:
        found.append(house.batch(batch.batch_id).operation_id)
        house.step()
    with pytest.raises(InvoiceBatchBusy):
        house.do(lambda tx: working.refuse_busy(tx, house.batch(batch.batch_id)))
    house.work()
    assert house.states(batch.batch_id) == [S.PENDING_CLOSE, S.CLOSING, S.CLOSED, S.AGGREGATING]
    advances = [each for each in house.history(batch.batch_id) if each.to_state is S.AGGREGATING]
    assert len(advances) == 1


@pytest.mark.rule("INV-09", "INV-13")
def test_a_batch_is_in_error_as_soon_as_its_operation_has_failed(house: House) -> None:
    """No pass of an engine has to come for it; then the batch is retried, and the operation is not recovered."""
    house.charge({"A": 5_000})
    house.put_cycle(taxes={})
    house.now_us = IN_APRIL
    batch = house.close()
    house.engine()
    house.aggregate()
    house.engine()
    failed = house.batch(batch.batch_id)
    assert failed.held is not None
    assert (failed.state, failed.failed_state, failed.held.reason) == (
        S.ERROR,
        S.AGGREGATING,
        "INVOICE_TAX_CODE_MISSING",
    )
    assert house.history(batch.batch_id)[-1].operation_id == failed.operation_id
    assert house.engine().counts == {}
    house.put_cycle(taxes={"S": "VAT"})
    known = jobs(house.hooks)
    for _ in ("in ERROR", "retried"):
        with pytest.raises(InvoiceBatchGoneOn):
            house.do(lambda tx: operations.recover(tx, house.call, known, failed.operation_id))
        if house.batch(batch.batch_id).state is S.ERROR:
            house.retry(batch.batch_id)
    house.engine()
    assert house.batch(batch.batch_id).state is S.ORDERED
    assert house.only("A").number_no == 1


@pytest.mark.rule("INV-09", "PLT-40")
def test_a_batch_whose_operation_failed_in_the_release_before_is_put_into_error_by_the_next_pass(house: House) -> None:
    """That release did not tell the batch when its operation failed."""
    house.charge({"A": 5_000})
    house.put_cycle(taxes={})
    house.now_us = IN_APRIL
    batch = house.go_on(house.close().batch_id)
    as_before = {"state": S.AGGREGATING, "failed_state": "", "held_reason": "", "held_message": "", "held_since_us": 0}
    house.do(lambda tx: tx.execute(update(invoice_batch).values(as_before)))
    assert house.engine().counts == {"failed": 1}
    failed = house.batch(batch.batch_id)
    assert failed.held is not None
    assert (failed.state, failed.held.reason) == (S.ERROR, "INVOICE_TAX_CODE_MISSING")


@pytest.mark.rule("INV-13")
def test_a_pass_over_batches_that_cannot_move_is_one_statement_and_short(house: House) -> None:
    """A thousand idle batches cost less than a second, and none of them is touched."""
    house.charge({"A": 5_000})
    batch = house.create(schedules=("2026-03-01",), close_at_us=IN_APRIL + 1)

    def copy(tx: Any) -> None:
        for number in range(999):
            store.insert_batch(tx, replace(batch, batch_id=f"copy-{number:04}", schedules=()))

    house.do(copy)
    began = time.perf_counter()
    assert house.engine().counts == {"waiting": 1_000}
    assert time.perf_counter() - began < 1
    assert house.batch("copy-0000").version == batch.version


@pytest.mark.rule("INV-13", "PLT-24")
def test_a_batch_whose_operation_was_canceled_is_gone_on_with(house: House) -> None:
    """What was done stays done, and the next pass takes the batch from where it stands."""
    house.charge({f"A{n}": 5_000 for n in range(5)})
    house.now_us = IN_APRIL
    batch = house.create()
    while house.batch(batch.batch_id).counts.get("closed", 0) < 2:
        house.step()
    operation_id = house.batch(batch.batch_id).operation_id
    house.do(lambda tx: operations.request_cancel(tx, house.call, jobs(house.hooks), operation_id))
    house.work()
    assert house.batch(batch.batch_id).state is S.CLOSING
    done = house.go_on(batch.batch_id)
    assert (done.state, done.counts["closed"], done.number_count) == (S.ORDERED, 5, 5)
