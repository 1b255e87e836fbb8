"""Batches of invoices are watched across lost connections, one to its end, all without end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2

from countinghouse.client import errors
from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb
from countinghouse.operations.v1.operations_pb2 import WatchHeartbeat
from tests.client.driver import Drive
from tests.client.server import refuse, serve

NAME = "invoiceBatches/april"
GONE = grpc.StatusCode.UNAVAILABLE
PUBLISHED = pb.INVOICE_BATCH_STATE_PUBLISHED


def event(
    sequence: int, state: pb.InvoiceBatchState.ValueType = pb.INVOICE_BATCH_STATE_CLOSED, *, behind: int = 0
) -> pb.WatchInvoiceBatchResponse:
    """The batch as it stood, `behind` events before the newest."""
    batch = pb.InvoiceBatch(name=NAME, state=state, sequence=sequence + behind)
    return pb.WatchInvoiceBatchResponse(sequence=sequence, invoice_batch=batch)


def beat(sequence: int) -> pb.WatchInvoiceBatchResponse:
    """That nothing has changed."""
    return pb.WatchInvoiceBatchResponse(sequence=sequence, heartbeat=WatchHeartbeat())


def board(sequence: int) -> pb.WatchInvoiceBatchesResponse:
    """All batches as they stood."""
    return pb.WatchInvoiceBatchesResponse(sequence=sequence, board=pb.InvoiceBatchBoard(), is_whole=True)


class Watched:
    """Serves one leg of a script after the other; tells from where each was asked for."""

    def __init__(self, *legs: list[Any]) -> None:
        self.legs = list(legs)
        self.asked: list[int] = []

    def __call__(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        self.asked.append(request.after_sequence)
        for step in self.legs.pop(0):
            if isinstance(step, grpc.StatusCode):
                refuse(context, step, "cut", error_details_pb2.ErrorInfo(reason="CUT"))
            yield step


@pytest.mark.rule("PLT-21", "INV-18")
def test_a_watch_of_a_batch_is_taken_up_where_it_was_cut(drive: Drive) -> None:
    """Until all is told of one that is over, and not before: it may be cut between the pages of its history."""
    watched = Watched(
        [event(3), beat(3), GONE],
        [GONE],
        [event(5)],
        [event(6, PUBLISHED, behind=2), GONE],
        [event(8, PUBLISHED)],
    )
    with serve(WatchInvoiceBatch=watched) as address:
        found = drive(address, lambda client: client.invoicing.watch_batch(NAME, after_sequence=2))
    assert [each.sequence for each in found] == [3, 5, 6, 8]
    assert watched.asked == [2, 3, 3, 5, 6]


@pytest.mark.rule("PLT-21", "INV-18")
def test_a_board_is_taken_up_where_it_was_cut(drive: Drive) -> None:
    """Until it is refused, by what no other try would cure."""
    watched = Watched([board(3), GONE], [board(9), grpc.StatusCode.PERMISSION_DENIED])
    seen = []

    def use(client: Any) -> Any:
        return client.invoicing.watch_batches("billingCycles/C", on_retry=lambda error, _: seen.append(error))

    with serve(WatchInvoiceBatches=watched) as address, pytest.raises(errors.PermissionDenied):
        drive(address, use)
    assert watched.asked == [0, 3]
    assert [error.reason for error in seen] == ["CUT"]
