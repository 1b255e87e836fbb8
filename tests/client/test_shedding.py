"""Calls that a server refuses for want of room, and streams whose token runs out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2
from google.rpc import error_details_pb2

from countinghouse.client import errors
from countinghouse.gl_extraction.v1 import reference_pb2
from countinghouse.operations.v1 import operations_pb2 as watch_pb2
from tests.client.command import END, NAME, RUNNING
from tests.client.driver import Drive
from tests.client.server import refuse, serve

EXPIRED = error_details_pb2.ErrorInfo(reason="TOKEN_EXPIRED", domain="countinghouse")


def busy(milliseconds: int = 100) -> error_details_pb2.RetryInfo:
    again = error_details_pb2.RetryInfo()
    again.retry_delay.FromMilliseconds(milliseconds)
    return again


class Ledgers:
    """Makes ledgers and lists them once it has refused the calls that it is told to refuse."""

    def __init__(self, refusals: int, *details: Any) -> None:
        self._refusals = refusals
        self._details = details
        self.requests: list[Any] = []

    def create(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._shed(request, context)
        return reference_pb2.Ledger(code="MAIN")

    def list(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._shed(request, context)
        return reference_pb2.ListLedgersResponse()

    def _shed(self, request: Any, context: grpc.ServicerContext) -> None:
        self.requests.append(request)
        if len(self.requests) <= self._refusals:
            refuse(context, grpc.StatusCode.RESOURCE_EXHAUSTED, "busy", *self._details)


@pytest.mark.rule("PLT-06")
def test_a_call_that_was_shed_is_made_again_when_the_server_asks_for_it(drive: Drive) -> None:
    """Under the same request id, and not before the time that the server names."""
    ledgers, began = Ledgers(2, busy()), time.monotonic()
    with serve(CreateLedger=ledgers.create) as address:
        made = drive(address, lambda client: client.gl.create_ledger(reference_pb2.CreateLedgerRequest()))
    assert made.code == "MAIN"
    assert len({request.request_id for request in ledgers.requests}) == 1
    assert len(ledgers.requests) == 3
    assert time.monotonic() - began >= 0.2


def test_a_call_that_is_shed_over_and_over_is_given_up(drive: Drive) -> None:
    """After so many tries as the client may make, or when its time would be over before the next."""
    ledgers = Ledgers(99, busy())
    with serve(CreateLedger=ledgers.create) as address:
        for options, tries in (({"attempts_max": 3}, 3), ({"attempts_max": 1}, 1), ({"timeout_s": 0.05}, 1)):
            ledgers.requests.clear()
            with pytest.raises((errors.ResourceExhausted, errors.DeadlineExceeded)):
                drive(
                    address,
                    lambda client: client.gl.create_ledger(reference_pb2.CreateLedgerRequest()),
                    **options,
                )
            assert len(ledgers.requests) <= tries
            assert len(ledgers.requests) == tries or "timeout_s" in options


def test_what_the_server_does_not_ask_to_repeat_is_sent_once(drive: Drive) -> None:
    """A message that is too large stays too large."""
    ledgers = Ledgers(99)
    with serve(CreateLedger=ledgers.create) as address, pytest.raises(errors.ResourceExhausted):
        drive(address, lambda client: client.gl.create_ledger(reference_pb2.CreateLedgerRequest()))
    assert len(ledgers.requests) == 1


def test_what_is_not_safe_to_repeat_is_sent_once_even_then(drive: Drive) -> None:
    """Deleting has no request id."""
    ledgers = Ledgers(99, busy())
    with serve(DeleteOperation=ledgers.create) as address, pytest.raises(errors.ResourceExhausted):
        drive(address, lambda client: client.operations.delete(operations_pb2.DeleteOperationRequest(name=NAME)))
    assert len(ledgers.requests) == 1


class Watched:
    """Lets the token of a watch run out after one event, as often as it is told."""

    def __init__(self, expiries: int, *, before_events: bool = False) -> None:
        self._expiries = expiries
        self._before_events = before_events
        self.tokens: list[str] = []

    def watch(self, request: Any, context: grpc.ServicerContext) -> Iterator[watch_pb2.WatchOperationResponse]:
        metadata: Any = context.invocation_metadata()
        self.tokens.append(dict(metadata)["authorization"])
        expires = len(self.tokens) <= self._expiries
        if expires and self._before_events:
            refuse(context, grpc.StatusCode.UNAUTHENTICATED, "expired", EXPIRED)
        event = watch_pb2.WatchOperationResponse(sequence=request.after_sequence + 1)
        event.operation.CopyFrom(RUNNING if expires else END)
        yield event
        if expires:
            refuse(context, grpc.StatusCode.UNAUTHENTICATED, "expired", EXPIRED)


def renewed() -> Callable[[], str]:
    """What gives another token each time."""
    numbers = iter(range(1_000))
    return lambda: f"token-{next(numbers)}"


@pytest.mark.rule("PLT-21", "PLT-13")
def test_a_watch_whose_token_runs_out_goes_on_with_a_new_one(drive: Drive) -> None:
    """However often: whoever watches does not notice."""
    watched = Watched(3)
    with serve(WatchOperation=watched.watch) as address:
        seen = drive(address, lambda client: client.operations.handle(NAME).watch(), token=renewed())
    assert [snapshot.sequence for snapshot in seen] == [1, 2, 3, 4]
    assert watched.tokens == [f"Bearer token-{number}" for number in range(4)]


@pytest.mark.rule("PLT-13")
def test_a_token_that_is_not_renewed_ends_the_watch(drive: Drive) -> None:
    """After one more try, with the reason."""
    watched = Watched(99, before_events=True)
    with serve(WatchOperation=watched.watch) as address, pytest.raises(errors.TokenExpired) as expired:
        drive(address, lambda client: client.operations.handle(NAME).watch(), token="one-token")
    assert expired.value.reason == "TOKEN_EXPIRED"
    assert len(watched.tokens) == 2
