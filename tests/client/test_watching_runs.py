"""A billing run is watched across lost connections, to its end and no further."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2

from countinghouse.billing.v1 import billing_runs_pb2 as pb
from countinghouse.client import errors
from countinghouse.operations.v1.operations_pb2 import WatchHeartbeat
from tests.client.driver import Drive
from tests.client.server import refuse, serve

NAME = "operations/a"
GONE = grpc.StatusCode.UNAVAILABLE


def event(sequence: int, *, done: bool = False) -> pb.WatchBillingRunResponse:
    """The run as it stood."""
    return pb.WatchBillingRunResponse(sequence=sequence, billing_run=pb.BillingRun(name=NAME, done=done))


def beat(sequence: int) -> pb.WatchBillingRunResponse:
    """That nothing has changed."""
    return pb.WatchBillingRunResponse(sequence=sequence, heartbeat=WatchHeartbeat())


class Watched:
    """Serves one leg of a script after the other; tells from where each was asked for."""

    def __init__(self, *legs: list[Any]) -> None:
        self.legs = list(legs)
        self.asked: list[int] = []

    def __call__(self, request: pb.WatchBillingRunRequest, context: grpc.ServicerContext) -> Iterator[Any]:
        assert request.name == NAME
        self.asked.append(request.after_sequence)
        for step in self.legs.pop(0):
            if isinstance(step, grpc.StatusCode):
                refuse(context, step, "cut", error_details_pb2.ErrorInfo(reason="CUT"))
            yield step


@pytest.mark.rule("PLT-21", "BIL-31")
def test_a_watch_of_a_run_is_taken_up_where_it_was_cut(drive: Drive) -> None:
    """Until the run is done; a stream that ends before, with or without an error, is asked for anew."""
    watched = Watched(
        [event(3), beat(3), GONE],
        [GONE],
        [event(5)],
        [event(6), event(8, done=True)],
    )
    with serve(WatchBillingRun=watched) as address:
        found = drive(address, lambda client: client.billing.watch_run(NAME, after_sequence=2))
    assert [each.sequence for each in found] == [3, 5, 6, 8]
    assert watched.asked == [2, 3, 3, 5]


@pytest.mark.rule("PLT-21")
def test_the_end_of_a_run_is_seen_by_who_had_seen_it(drive: Drive) -> None:
    """A stream that has no more to tell is asked for the run as it stands."""
    watched = Watched([], [event(8, done=True)])
    with serve(WatchBillingRun=watched) as address:
        found = drive(address, lambda client: client.billing.watch_run(NAME, after_sequence=8))
    assert [each.sequence for each in found] == [8]
    assert watched.asked == [8, 0]


def test_a_watch_whose_time_is_over_says_that_the_run_goes_on(drive: Drive) -> None:
    """It was not done, and no error of its own."""

    def quiet(_: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        while context.is_active():
            yield beat(1)

    with serve(WatchBillingRun=quiet) as address, pytest.raises(errors.DeadlineExceeded, match="it goes on"):
        drive(address, lambda client: client.billing.watch_run(NAME, timeout_s=0.3))


def test_a_refusal_ends_a_watch_of_a_run(drive: Drive) -> None:
    """It is none that another try would cure."""
    watched = Watched([grpc.StatusCode.NOT_FOUND])
    with serve(WatchBillingRun=watched) as address, pytest.raises(errors.NotFound):
        drive(address, lambda client: client.billing.watch_run(NAME))
