"""Batches of invoices, watched: one through its states, and all of them on a board."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Thread
from typing import Any

import grpc
import pytest

from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb
from domain.invoicing.batches import service, transitions, working
from domain.invoicing.batches.model import Facts
from domain.invoicing.batches.states import BatchState
from domain.invoicing.batches.watching import TRANSITIONS_MAX
from tests.invoicing.batches.house import IN_APRIL, House
from tests.support.server import refusal
from tests.wire.invoicing.batching import CYCLE, Batching, word

FAILURES = 40  # each is two transitions


def fail(house: House, batch_id: str) -> None:
    """Have a batch fail and be retried, again and again."""
    for _ in range(FAILURES):
        house.do(
            lambda tx: transitions.move(
                tx,
                house.call,
                working.lock(tx, batch_id),
                BatchState.ERROR,
                Facts(failure="STORAGE_AWAY"),
                reason="STORAGE_AWAY",
            )
        )
        house.do(lambda tx: service.retry(tx, house.call, batch_id))


def numbers(events: Iterable[pb.WatchInvoiceBatchResponse]) -> list[int]:
    """The transitions that are told."""
    return [int(made.name.rpartition("/")[2]) for event in events for made in event.transitions]


def until(watch: Any, number: int) -> list[pb.WatchInvoiceBatchResponse]:
    """What a watch tells up to a transition; it is given up then."""
    seen = []
    for event in watch:
        seen.append(event)
        if number in numbers([event]):
            break
    watch.cancel()
    return seen


@pytest.mark.rule("INV-18", "PLT-21")
def test_a_batch_is_watched_through_its_states(batching: Batching) -> None:
    """Every transition once, in order, with the counts; a watch goes on from what was seen, to the end."""
    house = batching.house
    house.charge({"A": 5_000, "B": 400})
    house.now_us = IN_APRIL
    batch = batching.create()
    request = pb.WatchInvoiceBatchRequest(name=batch.name)
    watch = batching.stub.WatchInvoiceBatch(request, timeout=60)
    seen, passed = [], []
    for event in watch:
        passed += [word(each.to_state) for each in event.transitions]
        seen.append(event)
        if event.HasField("invoice_batch") and word(event.invoice_batch.state) == "CLOSED":
            break
    watch.cancel()
    assert passed == ["PENDING_CLOSE", "CLOSING", "CLOSED"]
    assert seen[-1].invoice_batch.counts.closed_count == 1
    assert [each.sequence for each in seen] == sorted({each.sequence for each in seen})
    later = batching.stub.WatchInvoiceBatch(
        pb.WatchInvoiceBatchRequest(name=batch.name, after_sequence=seen[-1].sequence), timeout=60
    )
    batching.done(batching.get(batch.name).operation)
    batching.stub.CancelInvoiceBatch(pb.CancelInvoiceBatchRequest(name=batch.name), timeout=20)
    events = [event for event in later if event.HasField("invoice_batch")]
    assert all(event.sequence > seen[-1].sequence for event in events)
    assert word(events[-1].invoice_batch.state) == "CANCELED"
    ahead = pb.WatchInvoiceBatchRequest(name=batch.name, after_sequence=events[-1].sequence + 1)
    refused = refusal(lambda: list(batching.stub.WatchInvoiceBatch(ahead, timeout=20)))
    assert (refused.code, refused.reason) == (grpc.StatusCode.OUT_OF_RANGE, "INVOICE_BATCH_CURSOR_AHEAD")


@pytest.mark.rule("INV-18", "PLT-21")
def test_no_transition_is_lost_or_told_twice_however_many_there_are(batching: Batching) -> None:
    """A watch that begins has the last ones; who goes on, or was slow, has all since, page by page."""

    def watch(after: int) -> Any:
        request = pb.WatchInvoiceBatchRequest(name=batch.name, after_sequence=after)
        return batching.stub.WatchInvoiceBatch(request, timeout=20)  # less than it is silent at most

    house = batching.house
    house.charge({"A": 5_000})
    house.now_us = IN_APRIL
    batch = batching.close(invoice_batch_id="april")
    slow = watch(0)
    assert numbers([next(slow)]) == [1, 2, 3]
    fail(house, "april")
    last = 3 + 2 * FAILURES
    (newest,) = until(watch(0), last)
    assert numbers([newest]) == list(range(last - TRANSITIONS_MAX + 1, last + 1))
    assert numbers(until(slow, last)) == list(range(4, last + 1))
    (first,) = until(watch(batch.sequence), 3 + TRANSITIONS_MAX)
    rest = until(watch(first.sequence), last)
    assert [len(event.transitions) for event in (first, *rest)] == [TRANSITIONS_MAX, last - 3 - TRANSITIONS_MAX]
    assert numbers([first, *rest]) == list(range(4, last + 1))
    assert rest[-1].sequence == rest[-1].invoice_batch.sequence > first.sequence > batch.sequence
    over = batching.cancel(batch.name)
    (again,) = watch(over.sequence)
    assert (again.invoice_batch, again.sequence, numbers([again])) == (over, over.sequence, [])


@pytest.mark.rule("INV-18", "PLT-21")
def test_a_board_shows_all_batches_and_then_what_changes(batching: Batching) -> None:
    """The whole board first, then those that have changed, until they are over."""
    house = batching.house
    house.charge({"A": 5_000})
    house.now_us = IN_APRIL
    batch = batching.close()
    watch = batching.stub.WatchInvoiceBatches(pb.WatchInvoiceBatchesRequest(billing_cycle=CYCLE), timeout=60)
    first = next(watch)
    assert first.is_whole
    assert [each.name for each in first.board.invoice_batches] == [batch.name]
    Thread(target=lambda: batching.cancel(batch.name)).start()
    states = []
    for event in watch:
        states += [word(each.state) for each in event.board.invoice_batches]
        if "CANCELED" in states:
            break
    again = pb.WatchInvoiceBatchesRequest(billing_cycle=CYCLE, after_sequence=first.sequence)
    resumed = next(batching.stub.WatchInvoiceBatches(again, timeout=60))
    assert resumed.is_whole
    assert not resumed.board.invoice_batches
    watch.cancel()
