"""Operations are watched across lost connections, and their ends are results or typed errors."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2
from google.protobuf import any_pb2, empty_pb2
from google.rpc import error_details_pb2

from countinghouse.client import OperationCanceled, OperationFailed, connect, errors
from countinghouse.client.snapshot import Snapshot, snapshot_from_operation
from countinghouse.gl_extraction.v1 import accounting_details_pb2, extraction_pb2
from countinghouse.operations.v1 import operations_pb2 as watch_pb2
from tests.client.driver import Drive
from tests.client.server import operation, refuse, serve, status

NAME = "operations/a"
RUNNING, SUCCEEDED = watch_pb2.OPERATION_STATE_RUNNING, watch_pb2.OPERATION_STATE_SUCCEEDED
PAUSED = watch_pb2.OPERATION_STATE_PAUSED
RESPONSE = extraction_pb2.GenerateAccountingMessageResponse(extraction_batch="extractionBatches/7", detail_count=10)
END = operation(NAME, SUCCEEDED, written=10, response=RESPONSE)
Events = Iterator[watch_pb2.WatchOperationResponse]


def event(sequence: int, at: operations_pb2.Operation | None = None) -> watch_pb2.WatchOperationResponse:
    """A snapshot, or without one a heartbeat."""
    if at is None:
        return watch_pb2.WatchOperationResponse(sequence=sequence, heartbeat=watch_pb2.WatchHeartbeat())
    return watch_pb2.WatchOperationResponse(sequence=sequence, operation=at)


class Watched:
    """Serves one leg of a script after the other; tells from where each was asked for."""

    def __init__(self, *legs: list[Any]) -> None:
        self.legs = list(legs)
        self.asked: list[int] = []

    def watch(self, request: watch_pb2.WatchOperationRequest, context: grpc.ServicerContext) -> Events:
        self.asked.append(request.after_sequence)
        for step in self.legs.pop(0) if self.legs else [grpc.StatusCode.UNAVAILABLE]:
            if isinstance(step, grpc.StatusCode):
                refuse(context, step, "cut", error_details_pb2.ErrorInfo(reason="DRAINING"))
            yield step


@pytest.mark.rule("PLT-21")
def test_a_watch_is_taken_up_where_it_was_cut(drive: Drive) -> None:
    """A server that drains in the middle costs the watcher nothing: each event once, in order, to the end."""
    watched = Watched(
        [
            event(1, operation(NAME, RUNNING)),
            event(4, operation(NAME, RUNNING, written=4)),
            grpc.StatusCode.UNAVAILABLE,
        ],
        [grpc.StatusCode.UNAVAILABLE],
        [event(6), event(7, operation(NAME, RUNNING, written=7))],  # ends without an error before the operation does
        [event(9, END)],
    )
    with serve(WatchOperation=watched.watch) as address:
        seen = drive(address, lambda client: client.operations.handle(NAME).watch())
    assert [snapshot.sequence for snapshot in seen] == [1, 4, 7, 9]
    assert [snapshot.metadata.written_count for snapshot in seen] == [0, 4, 7, 10]
    assert watched.asked == [0, 4, 4, 7]
    assert seen[-1].result() == RESPONSE


@pytest.mark.rule("PLT-21")
def test_a_watch_can_begin_after_what_was_seen_before(drive: Drive) -> None:
    """A program that was restarted hands in the last sequence it kept."""
    watched = Watched([event(9, END)])
    with serve(WatchOperation=watched.watch) as address:
        drive(address, lambda client: client.operations.handle(NAME).watch(after_sequence=5))
    assert watched.asked == [5]


@pytest.mark.rule("PLT-21")
def test_a_watch_after_the_last_event_of_an_ended_operation_gives_its_end(drive: Drive) -> None:
    """Nothing is left to tell, and the caller still learns how it ended."""
    watched = Watched([], [event(9, END)])
    with serve(WatchOperation=watched.watch) as address:
        seen = drive(address, lambda client: client.operations.handle(NAME).watch(after_sequence=9))
    assert [snapshot.done for snapshot in seen] == [True]
    assert watched.asked == [9, 0]


@pytest.mark.rule("PLT-21")
def test_a_cursor_that_grew_too_old_begins_anew(drive: Drive) -> None:
    """Away for so long that the events are gone: the present state stands for all before it."""
    watched = Watched(
        [event(3, operation(NAME, RUNNING)), grpc.StatusCode.UNAVAILABLE],
        [grpc.StatusCode.OUT_OF_RANGE],
        [event(9000, END)],
    )
    with serve(WatchOperation=watched.watch) as address:
        seen = drive(address, lambda client: client.operations.handle(NAME).watch())
    assert [snapshot.sequence for snapshot in seen] == [3, 9000]
    assert watched.asked == [0, 3, 0]


def test_a_cursor_that_the_caller_kept_too_long_is_refused(drive: Drive) -> None:
    """The caller who hands in a cursor that is too old hears of it."""
    watched = Watched([grpc.StatusCode.OUT_OF_RANGE])
    with serve(WatchOperation=watched.watch) as address, pytest.raises(errors.OutOfRange):
        drive(address, lambda client: client.operations.handle(NAME).watch(after_sequence=5))


def test_patience_with_a_lost_server_is_bounded(drive: Drive) -> None:
    """A server that does not come back ends the watch with the error that it ended with; every try was told of."""
    watched, told = Watched([event(1, operation(NAME, RUNNING))]), []
    with serve(WatchOperation=watched.watch) as address, pytest.raises(errors.Unavailable):
        drive(
            address,
            lambda client: client.operations.handle(NAME).watch(
                patience_s=0.6, on_retry=lambda error, delay_s: told.append((error.code, delay_s))
            ),
        )
    assert told
    assert all(code is grpc.StatusCode.UNAVAILABLE and 0 < delay_s < 0.6 for code, delay_s in told)


@pytest.mark.rule("PLT-43")
def test_the_pause_that_a_draining_server_asks_for_is_kept(drive: Drive) -> None:
    """RetryInfo goes before the client's own backoff."""
    told: list[float] = []
    first = True

    def watch(_request: object, context: grpc.ServicerContext) -> Events:
        nonlocal first
        if first:
            first = False
            wait = error_details_pb2.RetryInfo()
            wait.retry_delay.FromMilliseconds(400)
            refuse(context, grpc.StatusCode.UNAVAILABLE, "draining", wait)
        yield event(1, END)

    with serve(WatchOperation=watch) as address:
        drive(
            address,
            lambda client: client.operations.handle(NAME).watch(on_retry=lambda _error, delay_s: told.append(delay_s)),
        )
    assert 0.4 <= told[0] <= 0.8  # not all callers at the same instant
    assert len(told) == 1


def test_waiting_gives_the_response(drive: Drive) -> None:
    """The typed response of the method that started it."""
    watched = Watched([event(1, operation(NAME, RUNNING)), event(2, END)])

    def start(_request: object, _context: object) -> operations_pb2.Operation:
        return operation(NAME, RUNNING)

    with serve(WatchOperation=watched.watch, GenerateAccountingMessage=start) as address, connect(address) as client:
        request = extraction_pb2.GenerateAccountingMessageRequest(origin=accounting_details_pb2.ORIGIN_FINANCIAL)
        run = client.gl.generate_accounting_message(request)
        assert run.wait(5).extraction_batch == "extractionBatches/7"


def test_waiting_longer_than_asked_says_that_the_work_goes_on(drive: Drive) -> None:
    """A timeout of the caller is no failure of the operation."""

    def watch(_request: object, context: grpc.ServicerContext) -> Events:
        while context.is_active():
            yield event(1, operation(NAME, RUNNING))

    with serve(WatchOperation=watch) as address, pytest.raises(errors.DeadlineExceeded, match="it goes on"):
        drive(address, lambda client: client.operations.handle(NAME).wait(0.4))


def test_what_is_done_at_once_is_not_watched() -> None:
    """A validation answers with an operation that is done and leaves no record to ask for."""

    def start(_request: object, _context: object) -> operations_pb2.Operation:
        return operation("", SUCCEEDED, response=RESPONSE)

    with serve(GenerateAccountingMessage=start) as address, connect(address) as client:
        run = client.gl.generate_accounting_message(extraction_pb2.GenerateAccountingMessageRequest(validate_only=True))
        assert [snapshot.done for snapshot in run.watch()] == [True]
        assert run.wait(5).detail_count == 10


@pytest.mark.rule("PLT-24")
@pytest.mark.parametrize(
    ("code", "kind"),
    [(grpc.StatusCode.CANCELLED, OperationCanceled), (grpc.StatusCode.RESOURCE_EXHAUSTED, OperationFailed)],
)
def test_an_operation_that_failed_raises_its_cause(
    drive: Drive, code: grpc.StatusCode, kind: type[OperationFailed]
) -> None:
    """Failed and canceled are told apart, and the cause is typed like the error of a call."""
    why = status(code, "the disk is full", error_details_pb2.ErrorInfo(reason="STORAGE_FULL"))
    watched = Watched([event(1, operation(NAME, watch_pb2.OPERATION_STATE_FAILED, error=why))])
    with serve(WatchOperation=watched.watch) as address, pytest.raises(OperationFailed) as caught:
        drive(address, lambda client: client.operations.handle(NAME).wait(5))
    assert type(caught.value) is kind
    assert caught.value.operation == NAME
    assert caught.value.cause.code is code
    assert caught.value.reason == "STORAGE_FULL"


@pytest.mark.rule("PLT-24")
def test_pause_cancel_recover_and_delete_name_the_operation(drive: Drive) -> None:
    """The handle calls the standard methods, and ours with a request id."""
    seen: list[Any] = []

    def note(answer: Any) -> Any:
        def method(request: Any, _context: object) -> Any:
            seen.append(request)
            return answer

        return method

    methods = {
        "CancelOperation": note(empty_pb2.Empty()),
        "DeleteOperation": note(empty_pb2.Empty()),
        "PauseOperation": note(operation(NAME, PAUSED)),
        "ResumeOperation": note(operation(NAME, RUNNING)),
        "RecoverOperation": note(operation(NAME, RUNNING)),
        "GetOperation": note(END),
    }
    with serve(**methods) as address:
        drive(address, lambda client: client.operations.handle(NAME).cancel())
        recovered = drive(address, lambda client: client.operations.handle(NAME).recover())
        paused = drive(address, lambda client: client.operations.handle(NAME).pause())
        resumed = drive(address, lambda client: client.operations.handle(NAME).resume())
        drive(address, lambda client: client.operations.handle(NAME).delete())
        assert drive(address, lambda client: client.operations.handle(NAME).get()).done
    assert [request.name for request in seen] == [NAME] * 6
    assert len({request.request_id for request in seen[1:4]} - {""}) == 3
    assert [each.progress.state for each in (recovered, paused, resumed)] == [RUNNING, PAUSED, RUNNING]


def test_progress_of_an_unknown_kind_of_operation_is_still_understood() -> None:
    """A newer server runs work that this client has no types for: state and stages show all the same."""
    newer = operation(NAME, RUNNING, written=3)
    newer.metadata.type_url = "type.googleapis.com/countinghouse.future.v1.Metadata"
    snapshot: Snapshot[Any, Any] = snapshot_from_operation(newer)
    assert snapshot.metadata is None
    assert snapshot.progress.state == RUNNING
    assert snapshot.progress.stages[0].items_done == 3
    assert snapshot_from_operation(operations_pb2.Operation(metadata=any_pb2.Any())).progress.state == 0
