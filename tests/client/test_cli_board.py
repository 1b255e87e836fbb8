"""The board of invoice batches, kept live: in a terminal, in a pipe, and for programs."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb
from tests.client.command import run
from tests.client.server import serve
from tests.client.test_cli_terminal import in_terminal

ORDERED, FAILED = pb.INVOICE_BATCH_STATE_ORDERED, pb.INVOICE_BATCH_STATE_ERROR
PUBLISHED = pb.INVOICE_BATCH_STATE_PUBLISHED
WATCH = ("invoicing", "batches", "--watch", "--max-wait", "2")


def batch(name: str, state: pb.InvoiceBatchState.ValueType, *, closed: int = 12_345, held: str = "") -> pb.InvoiceBatch:
    """A batch of the cycle HOMES."""
    return pb.InvoiceBatch(
        name=f"invoiceBatches/{name}",
        billing_cycle="billingCycles/HOMES",
        state=state,
        counts=pb.InvoiceBatchCounts(closed_count=closed),
        hold=pb.InvoiceBatchHold(reason="HELD", message=held) if held else None,
    )


def event(sequence: int, *batches: pb.InvoiceBatch, whole: bool = False) -> pb.WatchInvoiceBatchesResponse:
    """What has changed."""
    board = pb.InvoiceBatchBoard(invoice_batches=batches)
    seen = Timestamp(seconds=1_775_811_600)
    return pb.WatchInvoiceBatchesResponse(sequence=sequence, event_time=seen, board=board, is_whole=whole)


def board(_request: object, context: grpc.ServicerContext) -> Iterator[Any]:
    """Two batches, of which one fails and the other is published."""
    yield event(1, batch("april", ORDERED), batch("may", ORDERED, held="storage is away"), whole=True)
    yield event(2, batch("april", ORDERED, closed=12_346))
    time.sleep(0.7)  # it is drawn twice a second
    yield event(3, batch("may", FAILED, held="the set is locked"))
    yield event(4, batch("april", PUBLISHED))
    while context.is_active():
        time.sleep(0.05)


@pytest.mark.rule("INV-18", "PLT-21")
def test_a_terminal_has_a_board_that_is_drawn_in_place() -> None:
    """What is over is told above it, once, and leaves it; at its end it stands as it is."""
    with serve(WatchInvoiceBatches=board) as address:
        shown = in_terminal(address, *WATCH, columns=130)
    assert "\x1b[" in shown
    plain = re.sub("\x1b[^A-Za-z]*[A-Za-z]", "", shown)
    assert "12,346" in plain
    assert plain.count("april  HOMES  8 published: closed 12,345") == 1
    end = plain[plain.rindex("BATCH") :]
    assert [words in end for words in ("april", "may", "9 error", "the set is locked")] == [False, True, True, True]
    assert "Batches: 1; held: 1. Last change: 2026-04-10 09:00:00Z." in end


@pytest.mark.rule("INV-18")
def test_a_narrow_terminal_has_a_board_without_counts() -> None:
    """No line is longer than it is wide, and what a batch waits for can be read."""
    with serve(WatchInvoiceBatches=board) as address:
        shown = re.sub("\x1b[^A-Za-z]*[A-Za-z]", "", in_terminal(address, *WATCH, columns=60))
    end = shown[shown.rindex("BATCH") :]
    assert "NUMBERED" not in end
    assert "the set is locked" in " ".join(end.split())
    assert max(map(len, end.splitlines())) <= 60


@pytest.mark.rule("INV-18", "PLT-21")
def test_a_pipe_has_a_line_for_each_change() -> None:
    """Of its state and of what holds it at once; of counts alone now and then."""
    with serve(WatchInvoiceBatches=board) as address:
        shown = run(address, *WATCH).stdout
    assert [line.strip() for line in shown.splitlines()] == [
        "april  HOMES  6 ordered: closed 12,345, moved 0, numbered 0; waits for its export",
        "may  HOMES  6 ordered: closed 12,345, moved 0, numbered 0; held: storage is away",
        "may  HOMES  9 error: closed 12,345, moved 0, numbered 0; held: the set is locked",
        "april  HOMES  8 published: closed 12,345, moved 0, numbered 0",
    ]


@pytest.mark.rule("PLT-21")
def test_a_batch_that_was_over_while_the_connection_was_lost_is_told() -> None:
    """The whole board that comes then has it no more."""
    legs = iter(([event(1, batch("april", ORDERED), batch("may", ORDERED), whole=True)], None))

    def cut(_request: object, context: grpc.ServicerContext) -> Iterator[Any]:
        yield from next(legs) or board_without(context)

    def board_without(context: grpc.ServicerContext) -> Iterator[Any]:
        yield event(9, batch("may", ORDERED), whole=True)
        while context.is_active():
            time.sleep(0.05)

    with serve(WatchInvoiceBatches=cut) as address:
        shown = run(address, *WATCH).stdout.split("\n")
    assert [line.strip() for line in shown][-2:] == ["2026-04-10 09:00:00Z  april  is over", ""]


def test_programs_have_a_line_of_json_for_each_event() -> None:
    """As the contract has it; in words that do not go together it is refused."""
    with serve(WatchInvoiceBatches=board) as address:
        lines = run(address, *WATCH, "-o", "json").stdout.splitlines()
        assert run(address, *WATCH, "-o", "yaml").exit_code == 2
        assert run(address, *WATCH, "--all").exit_code == 2
    assert [json.loads(line)["sequence"] for line in lines] == ["1", "2", "3", "4"]
