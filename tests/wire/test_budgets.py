"""Watches, uploads and unary calls have budgets of their own."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.rpc import error_details_pb2
from sqlalchemy import Connection

from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2
from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc as gl_grpc
from countinghouse.gl_extraction.v1 import reference_pb2
from countinghouse.operations.v1 import operations_pb2 as watch_pb2
from countinghouse.operations.v1 import operations_pb2_grpc as watch_pb2_grpc
from domain.kernel.scopes import Scope
from domain.operations import service
from domain.operations.model import Operation
from server.call import Lane
from server.database.transaction import Database
from server.gate.errors import Overloaded, TooManyStreams
from server.gate.interceptors import Seats
from tests.operations import tally
from tests.support.server import refusal, refusal_of, serving
from tests.support.waiting import wait_for


def test_seats_are_counted_as_a_whole_and_by_caller() -> None:
    """No caller takes all of them, and what is given back can be taken again."""
    seats = Seats(total=3, per_caller=2)
    seats.take("a")
    seats.take("a")
    with pytest.raises(TooManyStreams):
        seats.take("a")
    seats.take("b")
    with pytest.raises(TooManyStreams):
        seats.take("c")
    seats.leave("a")
    seats.take("c")


@pytest.mark.rule("PLT-21")
def test_watches_beyond_the_budget_are_refused_and_unary_calls_go_on(
    database: Database, migrated_url: str, tmp_path: Path
) -> None:
    """A wait counts as a watch; once a watch ends, another may begin."""
    tally.prepare(database)
    few: dict[str, Any] = {"watches_max": 3, "watches_per_caller_max": 3, "connections": 2}
    with serving(migrated_url, tmp_path, carries_out=tally.JOBS, jobs=False, **few) as served:
        name = f"operations/{tally.start(database, numbers=1, size=1)}"
        watching = served.stub(watch_pb2_grpc.OperationsServiceStub)
        operations = served.stub(operations_pb2_grpc.OperationsStub)
        watches = [watching.WatchOperation(watch_pb2.WatchOperationRequest(name=name), timeout=30) for _ in range(3)]
        for watch in watches:
            next(iter(watch))
        one_more = refusal(lambda: next(iter(watching.WatchOperation(watch_pb2.WatchOperationRequest(name=name)))))
        assert (one_more.code, one_more.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_STREAMS")
        assert one_more.detail(error_details_pb2.RetryInfo).retry_delay.seconds
        waits = refusal(lambda: operations.WaitOperation(operations_pb2.WaitOperationRequest(name=name)))
        assert waits.reason == "TOO_MANY_STREAMS"
        for _ in range(20):
            assert not operations.GetOperation(operations_pb2.GetOperationRequest(name=name), timeout=5).done
        watches[0].cancel()

        def another() -> bool:
            try:
                return next(iter(watching.WatchOperation(watch_pb2.WatchOperationRequest(name=name)))).sequence > 0
            except grpc.RpcError:
                return False

        wait_for(another)


@pytest.mark.rule("PLT-21")
def test_a_flood_of_watches_leaves_room_for_other_calls(
    database: Database, migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that had watched come back at once: they wait for their first look, and unary calls are answered."""
    tally.prepare(database)
    few: dict[str, Any] = {"connections": 2, "waiting_max": 3, "watches_max": 40, "watches_per_caller_max": 40}
    with serving(migrated_url, tmp_path, carries_out=tally.JOBS, jobs=False, **few) as served:
        name = f"operations/{tally.start(database, numbers=1, size=1)}"
        look, slow = service.get, threading.Event()

        def look_slowly(tx: Connection, operation_id: str, scope: Scope) -> Operation:
            assert slow.wait(20)
            return look(tx, operation_id, scope)

        monkeypatch.setattr(service, "get", look_slowly)
        watching = served.stub(watch_pb2_grpc.OperationsServiceStub)
        watches = [watching.WatchOperation(watch_pb2.WatchOperationRequest(name=name), timeout=30) for _ in range(40)]
        gl = served.stub(gl_grpc.GLExtractionServiceStub)
        for _ in range(20):
            gl.ListLedgers(reference_pb2.ListLedgersRequest(), timeout=5)
        slow.set()
        assert {next(iter(watch)).operation.name for watch in watches} == {name}


def test_a_call_that_is_dropped_while_it_waits_holds_nothing() -> None:
    """Who calls and hangs up, over and over, while the database hangs must not fill the memory with requests."""
    lane, slow = Lane("test", threads=1, waiting_max=1), threading.Event()

    class Request:
        def carry_out(self) -> None:
            raise AssertionError("it was dropped")

    running = lane.submit(lambda: slow.wait(20))
    for _ in range(50):
        request = Request()
        gone = weakref.ref(request)
        waiting = lane.submit(request.carry_out)
        with pytest.raises(Overloaded):
            lane.submit(request.carry_out)
        assert waiting.cancel()
        del request
        assert gone() is None
    slow.set()
    assert running.result(20)
    lane.close()


@pytest.mark.rule("GLX-02")
def test_bulk_streams_beyond_the_budget_are_refused(migrated_url: str, tmp_path: Path) -> None:
    """Each holds rows in memory, so there are only so many at once."""
    with serving(migrated_url, tmp_path, uploads_max=1) as served:
        gl = served.stub(gl_grpc.GLExtractionServiceStub)
        finish = threading.Event()

        def slowly() -> Iterator[details_pb2.IngestAccountingDetailsRequest]:
            yield details_pb2.IngestAccountingDetailsRequest()
            assert finish.wait(20)

        first = gl.IngestAccountingDetails.future(slowly(), timeout=30)
        wait_for(lambda: served.server._gate._limits.uploads.taken)  # or another call could take the only seat
        assert _refused_reason(gl) == "TOO_MANY_STREAMS"
        finish.set()
        assert first.result().received_count == 0


def _refused_reason(gl: gl_grpc.GLExtractionServiceStub) -> str:
    try:
        gl.IngestAccountingDetails(iter([]), timeout=10)
    except grpc.RpcError as error:
        return refusal_of(error).reason
    return ""
