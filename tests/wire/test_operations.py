"""`google.longrunning.Operations` and WatchOperation, as any client sees them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import grpc
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2, error_details_pb2

from countinghouse.operations.v1 import operations_pb2 as watch_pb2
from countinghouse.operations.v1 import operations_pb2_grpc as watch_pb2_grpc
from domain.operations.model import Operation
from domain.operations.runner import Attempts
from server.database.transaction import Database
from server.mapping import kinds
from tests.operations import tally
from tests.operations.conftest import Stepper
from tests.support.server import Served, refusal, serving
from tests.support.waiting import wait_for

WAIT_S = 20


@pytest.fixture
def operations(tallying: Served) -> operations_pb2_grpc.OperationsStub:
    return tallying.stub(operations_pb2_grpc.OperationsStub)


@pytest.fixture
def watching(tallying: Served) -> watch_pb2_grpc.OperationsServiceStub:
    return tallying.stub(watch_pb2_grpc.OperationsServiceStub)


def _name(operation_id: str) -> str:
    return f"operations/{operation_id}"


def _watch(
    stub: watch_pb2_grpc.OperationsServiceStub, operation_id: str, after: int = 0
) -> Iterator[watch_pb2.WatchOperationResponse]:
    request = watch_pb2.WatchOperationRequest(name=_name(operation_id), after_sequence=after)
    return iter(stub.WatchOperation(request, timeout=WAIT_S))


def _progress(operation: operations_pb2.Operation) -> watch_pb2.OperationProgress:
    progress = watch_pb2.OperationProgress()
    assert operation.metadata.Unpack(progress)
    return progress


def _ended(stub: operations_pb2_grpc.OperationsStub, operation_id: str) -> operations_pb2.Operation:
    answer = stub.WaitOperation(operations_pb2.WaitOperationRequest(name=_name(operation_id)), timeout=WAIT_S)
    assert answer.done
    return answer


@pytest.mark.rule("PLT-21")
def test_a_watch_tells_each_change_and_ends_when_the_operation_does(
    database: Database, watching: watch_pb2_grpc.OperationsServiceStub
) -> None:
    """The state comes at once, then growing sequences, and the last event is the end, with OK."""
    operation_id = tally.start(database, numbers=40, size=10, pause_s="0.05")
    events = list(_watch(watching, operation_id))
    sequences = [event.sequence for event in events]
    assert sequences == sorted(set(sequences))
    assert [event.operation.done for event in events].index(True) == len(events) - 1
    progress = _progress(events[-1].operation)
    assert progress.state == watch_pb2.OPERATION_STATE_SUCCEEDED
    assert [
        (stage.stage, stage.unit, stage.items_done, stage.items_total, stage.done) for stage in progress.stages
    ] == [
        ("enter", "numbers", 40, 40, True),
        ("close", "totals", 1, 1, True),
    ]
    assert progress.stages[0].items_per_second > 0
    assert [notice.code for notice in progress.notices] == ["TALLY_ENTERED"] * 4
    assert progress.method == "test.Tally/Start"
    assert progress.start_time.ToMicroseconds() <= progress.end_time.ToMicroseconds()


@pytest.mark.rule("PLT-21")
def test_a_lost_watch_goes_on_after_the_last_sequence_seen(
    database: Database, watching: watch_pb2_grpc.OperationsServiceStub
) -> None:
    """Nothing seen is sent again, and the end is not missed, though the connection was lost in between."""
    operation_id = tally.start(database, numbers=60, size=10, pause_s="0.05")
    first = next(_watch(watching, operation_id))
    rest = list(_watch(watching, operation_id, after=first.sequence))
    assert all(event.sequence > first.sequence for event in rest)
    assert rest[-1].operation.done
    assert list(_watch(watching, operation_id, after=rest[-1].sequence)) == []


@pytest.mark.rule("PLT-21")
def test_a_watch_of_nothing_or_from_the_future_is_refused(
    database: Database, watching: watch_pb2_grpc.OperationsServiceStub
) -> None:
    """An unknown operation is NOT_FOUND; a sequence that was never sent belongs to something else: OUT_OF_RANGE."""
    unknown = refusal(lambda: next(_watch(watching, "nosuch")))
    assert (unknown.code, unknown.reason) == (grpc.StatusCode.NOT_FOUND, "OPERATION_NOT_FOUND")
    assert unknown.detail(error_details_pb2.ResourceInfo).resource_name == "operations/nosuch"
    operation_id = tally.start(database, numbers=1, size=1)
    ahead = refusal(lambda: next(_watch(watching, operation_id, after=1_000)))
    assert (ahead.code, ahead.reason) == (grpc.StatusCode.OUT_OF_RANGE, "WATCH_CURSOR_AHEAD")
    assert ahead.metadata["after_sequence"] == "1000"


@pytest.mark.rule("PLT-21")
def test_a_watch_says_that_it_is_alive_while_nothing_changes(
    database: Database, migrated_url: str, tmp_path: Path
) -> None:
    """Heartbeats carry the last sequence sent."""
    tally.prepare(database)
    with serving(migrated_url, tmp_path, carries_out=tally.JOBS, jobs=False, watch_heartbeat_s=0.1) as served:
        events = _watch(served.stub(watch_pb2_grpc.OperationsServiceStub), tally.start(database, numbers=1, size=1))
        first = next(events)
        assert first.HasField("operation")
        for _ in range(3):
            beat = next(events)
            assert beat.HasField("heartbeat")
            assert beat.sequence == first.sequence


@pytest.mark.rule("PLT-21", "PLT-07")
def test_what_cannot_be_told_of_one_operation_is_no_harm_to_watches_of_others(
    database: Database, migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A watch of it ends with INTERNAL and an error id; the other one, on the same server, is told its changes."""
    tally.prepare(database)
    told, broken, sound = kinds.to_proto, *(tally.start(database, numbers=4, size=1) for _ in range(2))

    def to_proto(operation: Operation) -> operations_pb2.Operation:
        if operation.operation_id == broken and operation.revision > 1:
            raise KeyError("from another version")
        return told(operation)

    monkeypatch.setattr(kinds, "to_proto", to_proto)
    with serving(migrated_url, tmp_path, carries_out=tally.JOBS, jobs=False) as served:
        watching = served.stub(watch_pb2_grpc.OperationsServiceStub)
        one, other = _watch(watching, broken), _watch(watching, sound)
        assert [next(events).sequence for events in (one, other)] == [1, 1]
        Stepper(database, Attempts()).finish()
        assert list(other)[-1].operation.done
        refused = refusal(lambda: list(one))
        assert (refused.code, refused.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
        assert refused.metadata["error_id"]


@pytest.mark.rule("PLT-21")
def test_many_watchers_of_one_operation_all_see_its_end(
    database: Database, watching: watch_pb2_grpc.OperationsServiceStub
) -> None:
    """Any number may watch; a hundred on one channel leave room for other calls."""
    operation_id = tally.start(database, numbers=20, size=5, pause_s="0.2")
    with ThreadPoolExecutor(100) as watchers:
        ends = list(watchers.map(lambda _: list(_watch(watching, operation_id))[-1].operation.done, range(100)))
    assert ends == [True] * 100


@pytest.mark.rule("PLT-21")
def test_a_watch_at_another_server_sees_what_happens_here(
    tallying: Served, database: Database, migrated_url: str, tmp_path: Path
) -> None:
    """The operation is carried out beside one server, and watched at another one on the same database."""
    with serving(migrated_url, tmp_path, carries_out=tally.JOBS, jobs=False) as other:
        operation_id = tally.start(database, numbers=20, size=5, pause_s="0.05")
        events = list(_watch(other.stub(watch_pb2_grpc.OperationsServiceStub), operation_id))
    assert tallying.target != other.target
    assert events[-1].operation.done
    assert len(events) > 2


@pytest.mark.rule("PLT-20")
def test_the_standard_methods_work_on_any_operation(
    database: Database, operations: operations_pb2_grpc.OperationsStub
) -> None:
    """Get, wait, list and delete, by the stubs that every language has; what is deleted is gone."""
    operation_id = tally.start(database, numbers=10, size=5)
    done = _ended(operations, operation_id)
    assert done.WhichOneof("result") == "response"
    got = operations.GetOperation(operations_pb2.GetOperationRequest(name=_name(operation_id)), timeout=WAIT_S)
    assert got == done
    listed = operations.ListOperations(operations_pb2.ListOperationsRequest(name="operations"), timeout=WAIT_S)
    assert list(listed.operations) == [done]
    operations.DeleteOperation(operations_pb2.DeleteOperationRequest(name=_name(operation_id)), timeout=WAIT_S)
    gone = refusal(lambda: operations.GetOperation(operations_pb2.GetOperationRequest(name=_name(operation_id))))
    assert gone.code is grpc.StatusCode.NOT_FOUND


@pytest.mark.rule("PLT-20")
def test_a_wait_ends_with_its_time_or_with_the_operation(
    database: Database, operations: operations_pb2_grpc.OperationsStub
) -> None:
    """A wait of its own time answers with the state then; one bounded by the deadline alone answers before it."""
    operation_id = tally.start(database, numbers=2, size=1, pause_s="1.5")
    began = time.monotonic()
    request = operations_pb2.WaitOperationRequest(name=_name(operation_id), timeout=Duration(nanos=200_000_000))
    assert not operations.WaitOperation(request, timeout=WAIT_S).done
    assert 0.2 <= time.monotonic() - began < 1
    assert not operations.WaitOperation(operations_pb2.WaitOperationRequest(name=_name(operation_id)), timeout=0.6).done
    assert _ended(operations, operation_id).done


@pytest.mark.rule("PLT-20", "PLT-10")
def test_only_an_ended_operation_is_deleted(database: Database, operations: operations_pb2_grpc.OperationsStub) -> None:
    """The refusal names the state that it is in and the one that was wanted."""
    operation_id = tally.start(database, numbers=1, size=1, pause_s="1")
    wait_for(lambda: tally.look(database, operation_id).state == "RUNNING")
    refused = refusal(
        lambda: operations.DeleteOperation(operations_pb2.DeleteOperationRequest(name=_name(operation_id)))
    )
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "OPERATION_NOT_ENDED")
    assert (refused.metadata["state"], refused.metadata["wanted"]) == ("RUNNING", "DELETED")
    failure = refused.detail(error_details_pb2.PreconditionFailure)
    assert [violation.subject for violation in failure.violations] == [_name(operation_id)]


@pytest.mark.rule("PLT-20", "PLT-24")
def test_cancel_ends_an_operation_and_says_what_was_done(
    database: Database, operations: operations_pb2_grpc.OperationsStub
) -> None:
    """The end is an error with the status CANCELLED, and everything that had been entered is put back."""
    operation_id = tally.start(database, numbers=400, size=4, pause_s="0.05")
    wait_for(lambda: tally.tally_of(database, operation_id).numbers)
    operations.CancelOperation(operations_pb2.CancelOperationRequest(name=_name(operation_id)), timeout=WAIT_S)
    canceled = _ended(operations, operation_id)
    assert canceled.error.code == code_pb2.CANCELLED
    assert "numbers" in canceled.error.message
    assert tally.tally_of(database, operation_id) == tally.Tally(0, 0)


@pytest.mark.rule("PLT-24", "PLT-10", "PLT-06")
def test_a_failed_operation_tells_why_and_is_recovered_once(
    database: Database,
    operations: operations_pb2_grpc.OperationsStub,
    watching: watch_pb2_grpc.OperationsServiceStub,
) -> None:
    """It goes on from where it stood; the same request id gives the first answer; a second recovery is refused."""
    operation_id = tally.start(database, numbers=30, size=10, bad=15, way="refuse")
    failed = _ended(operations, operation_id)
    assert failed.error.code == code_pb2.FAILED_PRECONDITION
    info = error_details_pb2.ErrorInfo()
    assert failed.error.details[0].Unpack(info)
    assert info.reason == "NUMBER_REFUSED"
    tally.mend(database, operation_id)
    request = watch_pb2.RecoverOperationRequest(name=_name(operation_id), request_id="mended")
    first = watching.RecoverOperation(request, timeout=WAIT_S)
    assert not first.done
    assert _progress(_ended(operations, operation_id)).recoveries == 1
    assert watching.RecoverOperation(request, timeout=WAIT_S) == first
    assert tally.tally_of(database, operation_id) == tally.whole(30)
    request.request_id = "again"
    refused = refusal(lambda: watching.RecoverOperation(request))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "OPERATION_NOT_FAILED")
    assert (refused.metadata["state"], refused.metadata["wanted"]) == ("SUCCEEDED", "RUNNING")


@pytest.mark.rule("PLT-24", "PLT-21", "PLT-10", "PLT-06")
def test_a_paused_operation_stands_still_before_its_watchers(
    database: Database, watching: watch_pb2_grpc.OperationsServiceStub
) -> None:
    """Watchers are told of both; once it is paused nothing more is done; the end is as if it had never been."""
    operation_id = tally.start(database, numbers=100, size=5, pause_s="0.05")
    events = _watch(watching, operation_id)
    next(each for each in events if _progress(each.operation).start_time.seconds)
    request = watch_pb2.PauseOperationRequest(name=_name(operation_id), request_id="stop")
    paused = watching.PauseOperation(request, timeout=WAIT_S)
    stands = tally.tally_of(database, operation_id)
    assert _progress(paused).state == watch_pb2.OPERATION_STATE_PAUSED
    assert not paused.done
    seen = next(each for each in events if _progress(each.operation).state == watch_pb2.OPERATION_STATE_PAUSED)
    assert watching.PauseOperation(request, timeout=WAIT_S) == paused == seen.operation
    again = watch_pb2.PauseOperationRequest(name=_name(operation_id))
    refused = refusal(lambda: watching.PauseOperation(again))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "OPERATION_NOT_UNDER_WAY")
    assert (refused.metadata["state"], refused.metadata["wanted"]) == ("PAUSED", "PAUSED")
    assert tally.tally_of(database, operation_id) == stands != tally.whole(100)
    resume = watch_pb2.ResumeOperationRequest(name=_name(operation_id))
    assert _progress(watching.ResumeOperation(resume, timeout=WAIT_S)).state == watch_pb2.OPERATION_STATE_RUNNING
    refused = refusal(lambda: watching.ResumeOperation(resume))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "OPERATION_NOT_PAUSED")
    assert list(events)[-1].operation.done
    assert tally.tally_of(database, operation_id) == tally.whole(100)


@pytest.mark.rule("PLT-20", "PLT-08")
def test_operations_are_listed_in_pages_by_filter(
    database: Database, operations: operations_pb2_grpc.OperationsStub
) -> None:
    """Newest first, no gap and no repetition while others are started, by state, by method and by being done."""
    started = [tally.start(database, numbers=1, size=1) for _ in range(5)]
    for operation_id in started:
        _ended(operations, operation_id)
    seen: list[str] = []
    request = operations_pb2.ListOperationsRequest(name="operations", page_size=2, filter="done = true")
    while True:
        page = operations.ListOperations(request, timeout=WAIT_S)
        seen += [operation.name for operation in page.operations]
        _ended(operations, tally.start(database, numbers=1, size=1))
        request.page_token = page.next_page_token
        if not request.page_token:
            break
    assert seen == [_name(operation_id) for operation_id in reversed(started)]

    def listed(condition: str) -> int:
        wanted = operations_pb2.ListOperationsRequest(filter=condition, page_size=1_000)
        return len(operations.ListOperations(wanted, timeout=WAIT_S).operations)

    assert listed("") == listed("state = SUCCEEDED") == listed('method = "test.Tally/Start" AND done = true') == 8
    assert listed("done = false") == listed("state = FAILED") == listed('method = "another"') == 0
    assert listed("done = true AND done = false") == 0


@pytest.mark.rule("PLT-08", "PLT-07")
def test_a_list_that_cannot_be_meant_is_refused(operations: operations_pb2_grpc.OperationsStub) -> None:
    """The refusal names the field and the rule."""
    wanted = operations_pb2.ListOperationsRequest
    for request, field, reason in (
        (wanted(filter="state = ASLEEP"), "filter", "FILTER_INVALID"),
        (wanted(filter="kind < 3"), "filter", "FILTER_INVALID"),
        (wanted(name="projects/x"), "name", "OPERATIONS_PARENT_INVALID"),
        (wanted(page_size=-1), "page_size", "PAGE_SIZE_INVALID"),
        (wanted(page_size=1_001), "page_size", "PAGE_SIZE_INVALID"),
        (wanted(page_token="invented"), "page_token", "PAGE_TOKEN_INVALID"),
    ):
        refused = refusal(partial(operations.ListOperations, request))
        assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
        assert refused.violations == [(field, reason)]


@pytest.mark.rule("PLT-08")
def test_a_page_token_is_good_for_its_own_list_only(
    database: Database, operations: operations_pb2_grpc.OperationsStub
) -> None:
    """Handed in with another filter, or with a character changed, it is refused."""
    for _ in range(2):
        tally.start(database, numbers=1, size=1)
    request = operations_pb2.ListOperationsRequest(page_size=1)
    token = operations.ListOperations(request, timeout=WAIT_S).next_page_token
    other = operations_pb2.ListOperationsRequest(page_size=1, page_token=token, filter="done = true")
    tampered = operations_pb2.ListOperationsRequest(page_size=1, page_token=token[:-2] + token[:2])
    for wrong in (other, tampered):
        assert refusal(partial(operations.ListOperations, wrong)).reason == "PAGE_TOKEN_INVALID"
