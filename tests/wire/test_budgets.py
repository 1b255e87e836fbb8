"""Watches, uploads and unary calls have budgets of their own."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import wait as wait_all
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.rpc import error_details_pb2
from prometheus_client import REGISTRY
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
from server.telemetry import observe
from tests.operations import tally
from tests.support.server import Served, refusal, refusal_of, serving
from tests.support.waiting import wait_for
from tests.wire.locking import ledgers_locked


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


class Clock:
    """A clock that is put forward by hand, in seconds."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.rule("PLT-07")
def test_a_lane_that_was_full_takes_what_will_not_wait_for_long() -> None:
    """Bursts are taken; what was too much is told at once, until a second has passed in which little was refused."""
    clock = Clock()
    lane = Lane("test", threads=1, waiting_max=8, wait_s=0.02, now=clock)

    def work() -> None:
        clock.now += 0.015  # what one takes

    for _ in range(64):
        lane.submit(work).result(20)
    slow = threading.Event()
    running = lane.submit(lambda: slow.wait(20))
    burst = [lane.submit(work) for _ in range(8)]  # 0.12 s of waiting, which is no reason to refuse a burst
    with pytest.raises(Overloaded):
        lane.submit(work)
    slow.set()
    assert running.result(20)
    wait_all(burst)
    assert [each.exception() for each in burst] == [None] * 8
    again = threading.Event()
    running = lane.submit(lambda: again.wait(20))
    few = [lane.submit(work) for _ in range(2)]  # now there is: the second would wait for the first, a third for both
    for _ in range(3):
        with pytest.raises(Overloaded):
            lane.submit(work)
    clock.now += 1.5
    assert not lane.admits()  # three refused in the last second are too many
    clock.now += 1.5
    few.append(lane.submit(work))  # one is not
    again.set()
    assert running.result(20)
    wait_all(few)
    lane.close()


@pytest.mark.rule("PLT-07")
def test_a_burst_long_after_a_flood_is_taken() -> None:
    """However much was refused then."""
    clock, slow = Clock(), threading.Event()
    lane = Lane("test", threads=1, waiting_max=4, wait_s=0.02, now=clock)

    def take() -> None:
        clock.now += 0.1

    for _ in range(64):
        lane.submit(take).result(20)
    running = lane.submit(lambda: slow.wait(20))
    burst = [lane.submit(take) for _ in range(4)]
    assert not any(lane.admits() for _ in range(100))
    slow.set()
    assert running.result(20)
    wait_all(burst)
    clock.now += 3_600
    slow.clear()
    running = lane.submit(lambda: slow.wait(20))
    burst = [lane.submit(take) for _ in range(4)]
    slow.set()
    wait_all(burst)
    assert [each.exception() for each in burst] == [None] * 4
    lane.close()


@pytest.mark.rule("PLT-07")
def test_what_has_waited_too_long_in_a_full_lane_is_sent_back_unless_it_belongs_to_a_stream() -> None:
    """Who has waited ten times too long is told to come back; a stream that has begun is not broken off."""
    clock, slow = Clock(), threading.Event()
    lane = Lane("test", threads=1, waiting_max=2, wait_s=0.02, now=clock)
    running = lane.submit(lambda: slow.wait(20))
    waiting = [lane.submit(lambda: None) for _ in range(2)]
    with pytest.raises(Overloaded):
        lane.submit(lambda: None)
    piece = lane.submit(lambda: "written", seated=True)
    clock.now += 0.3
    slow.set()
    assert running.result(20)
    wait_all(waiting)
    assert [type(each.exception()) for each in waiting] == [Overloaded, Overloaded]
    assert piece.result(20) == "written"
    lane.close()


@pytest.mark.rule("PLT-07")
def test_a_burst_of_one_client_is_served(server: Served) -> None:
    """As many calls at once as one caller may have: none is refused where nothing else goes on."""
    gl = server.stub(gl_grpc.GLExtractionServiceStub)
    accounts = [reference_pb2.GroupAccount(code=f"A{number}") for number in range(200)]
    calls = [
        gl.CreateGroupAccount.future(reference_pb2.CreateGroupAccountRequest(group_account=account), timeout=60)
        for account in accounts
    ]
    assert {call.result(60).code for call in calls} == {account.code for account in accounts}


@pytest.mark.rule("PLT-07", "PLT-12")
def test_a_call_without_room_is_refused_before_anything_of_it_is_read(
    database: Database, migrated_url: str, tmp_path: Path
) -> None:
    """Under a load that is far too large nobody is asked who he is; streams and what others serve go on."""
    tokens = tmp_path / "tokens.toml"
    tokens.write_text('[[tokens]]\ncaller = "one"\ntoken = "a-token-of-number-one"\npermissions = ["*"]\n')
    metadata = (("authorization", "Bearer a-token-of-number-one"),)
    few: dict[str, Any] = {"connections": 2, "waiting_max": 1, "token_file": tokens}
    refused = {
        "grpc_type": "unary",
        "grpc_service": "countinghouse.gl_extraction.v1.GLExtractionService",
        "grpc_method": "CreateGroupAccount",
        "grpc_code": "RESOURCE_EXHAUSTED",
    }
    figure = partial(REGISTRY.get_sample_value, "grpc_server_handled_total")
    with serving(migrated_url, tmp_path, jobs=False, **few) as served:
        gl = served.stub(gl_grpc.GLExtractionServiceStub)
        stranger = lambda: gl.CreateGroupAccount(reference_pb2.CreateGroupAccountRequest(), timeout=20)  # noqa: E731
        assert refusal(stranger).reason == "UNAUTHENTICATED"
        before = figure(refused) or 0
        with ledgers_locked(database):
            calls = [
                gl.CreateLedger.future(_create(f"L{number}"), timeout=20, metadata=metadata) for number in range(6)
            ]
            wait_for(lambda: sum(call.done() for call in calls) >= 3)
            shed = refusal(stranger)
            assert (shed.code, shed.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "SERVER_OVERLOADED")
            assert shed.detail(error_details_pb2.RetryInfo).retry_delay.seconds == 1
            rows = iter([details_pb2.IngestAccountingDetailsRequest()])
            assert gl.IngestAccountingDetails(rows, timeout=20, metadata=metadata).received_count == 0
            health: Any = served.channel.unary_unary("/grpc.health.v1.Health/Check")
            assert health(b"", timeout=20)
        observe.flush()
    assert (figure(refused) or 0) > before


def _create(code: str) -> reference_pb2.CreateLedgerRequest:
    return reference_pb2.CreateLedgerRequest(ledger=reference_pb2.Ledger(code=code))


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
