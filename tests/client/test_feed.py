"""What happens to claims is watched across lost connections: nothing is missed, nothing told twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2

from countinghouse.accounting.v1 import claims_pb2, feed_pb2
from countinghouse.client import errors
from countinghouse.operations.v1.operations_pb2 import WatchHeartbeat
from tests.client.driver import Drive
from tests.client.server import refuse, serve

Client, Claim = feed_pb2.WatchAccountingEventsResponse, feed_pb2.WatchClaimResponse
GONE = grpc.StatusCode.UNAVAILABLE
BEAT, EVENT = WatchHeartbeat(), feed_pb2.AccountingEvent()


class Watched:
    """Serves one leg of a script after the other; tells from where each was asked for."""

    def __init__(self, *legs: list[Any]) -> None:
        self.legs = list(legs)
        self.asked: list[int | None] = []

    def of_client(self, request: feed_pb2.WatchAccountingEventsRequest, context: grpc.ServicerContext) -> Iterator[Any]:
        self.asked.append(request.after_position if request.HasField("after_position") else None)
        yield from self._leg(context)

    def of_claim(self, request: feed_pb2.WatchClaimRequest, context: grpc.ServicerContext) -> Iterator[Any]:
        self.asked.append(request.after_sequence)
        yield from self._leg(context)

    def _leg(self, context: grpc.ServicerContext) -> Iterator[Any]:
        for step in self.legs.pop(0) if self.legs else [grpc.StatusCode.PERMISSION_DENIED]:
            if isinstance(step, grpc.StatusCode):
                refuse(context, step, "cut", error_details_pb2.ErrorInfo(reason="CUT"))
            yield step


@pytest.mark.rule("ACC-56", "PLT-21")
def test_a_watch_of_a_client_is_taken_up_where_it_was_cut(drive: Drive) -> None:
    """From the place that the first message told, though nothing had happened yet; heartbeats are kept to oneself."""
    watched = Watched(
        [Client(position=7, heartbeat=BEAT), GONE],
        [GONE],
        [Client(position=8, event=EVENT), Client(position=9, event=EVENT), Client(position=9, heartbeat=BEAT)],
        [Client(position=10, event=EVENT), GONE],
        [grpc.StatusCode.OUT_OF_RANGE],
    )
    seen: list[int] = []

    def note(client: Any) -> Any:
        return _noted(client.accounting.watch_events("clients/ACME"), seen)

    with serve(WatchAccountingEvents=watched.of_client) as address, pytest.raises(errors.OutOfRange):
        drive(address, note)
    assert seen == [8, 9, 10]
    assert watched.asked == [None, 7, 7, 9, 10]


@pytest.mark.rule("ACC-56", "PLT-21")
def test_a_watch_of_a_claim_is_taken_up_where_it_was_cut(drive: Drive) -> None:
    """The claim comes once; a program that was restarted hands in the last sequence it kept."""
    claim = claims_pb2.Claim(name="claims/C-1")
    script: tuple[list[Any], ...] = (
        [Claim(sequence=3, claim=claim), Claim(sequence=4, event=EVENT), GONE],
        [Claim(sequence=4, heartbeat=BEAT), Claim(sequence=5, event=EVENT), GONE],
    )
    for after, told in ((0, [3, 4, 5]), (2, [3, 4, 5])):
        watched, seen = Watched(*script), list[int]()

        def note(client: Any, after: int = after, seen: list[int] = seen) -> Any:
            return _noted(client.accounting.watch_claim("claims/C-1", after_sequence=after), seen)

        with serve(WatchClaim=watched.of_claim) as address, pytest.raises(errors.PermissionDenied):
            drive(address, note)
        assert seen == told
        assert watched.asked == [after, 4, 5]


def test_a_watch_ends_when_its_time_is_over(drive: Drive) -> None:
    """Quietly: there is no end that it could have seen."""

    def quiet(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        yield Client(position=1, event=EVENT)
        while context.is_active():
            yield Client(position=1, heartbeat=BEAT)

    with serve(WatchAccountingEvents=quiet) as address:
        found = drive(address, lambda client: client.accounting.watch_events("clients/ACME", timeout_s=0.3))
    assert [message.position for message in found] == [1]


def _noted(messages: Any, seen: list[int]) -> Any:
    """The messages, whose places are noted as they come, for one that ends with an error."""
    if isinstance(messages, Iterator):
        return _noted_now(messages, seen)
    return _noted_soon(messages, seen)


def _noted_now(messages: Iterator[Any], seen: list[int]) -> Iterator[Any]:
    for message in messages:
        seen.append(_place(message))
        yield message


async def _noted_soon(messages: Any, seen: list[int]) -> Any:
    async for message in messages:
        seen.append(_place(message))
        yield message


def _place(message: Any) -> int:
    return int(message.position if isinstance(message, Client) else message.sequence)
