"""What callers do with operations: start, look, pause, cancel, recover, delete (PLT-20, PLT-21, PLT-24).

An operation's resource name is `operations/{operation_id}`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.clock import now_us
from domain.kernel.documents import Document
from domain.kernel.ids import new_id
from domain.kernel.paging import Key, Page
from domain.kernel.scopes import EVERYTHING, Scope
from domain.operations import states, store
from domain.operations.errors import (
    OperationKindUnknown,
    OperationNotEnded,
    OperationNotFailed,
    OperationNotFound,
    OperationNotPaused,
    OperationNotSettled,
    OperationNotUnderWay,
    OperationPastCancel,
    WatchCursorAhead,
)
from domain.operations.model import Job, Operation, Stage, StageProgress, State, Task
from domain.operations.states import Move, NewChunk, Standing

_UNDER_WAY_MAX = 10_000

LAST_WORD = "operation.deleted"
"""The type of the last event of an operation."""


def name_of(operation_id: str) -> str:
    """The operation's resource name."""
    return f"operations/{operation_id}"


def job_of(jobs: Sequence[Job], kind: str) -> Job:
    """The job that carries out operations of a kind.

    Raises:
        OperationKindUnknown: this version of the program has none.
    """
    for job in jobs:
        if job.kind == kind:
            return job
    raise OperationKindUnknown(kind=kind)


def stage_of(job: Job, name: str) -> Stage:
    """The job's stage of a name.

    Raises:
        OperationKindUnknown: this version of the program has none.
    """
    for stage in job.stages:
        if stage.name == name:
            return stage
    raise OperationKindUnknown(kind=job.kind, stage=name)


def start(
    tx: Connection,
    call: Call,
    kind: str,
    request: Document,
    *,
    stages: Sequence[tuple[str, str]],
    description: str = "",
) -> Operation:
    """Record an operation, to be begun by the next free worker once the caller's transaction has committed.

    `kind` is the job's; `request` what the job is asked, in its own words; `stages` the names and units of its stages,
    in order.

    It has the scope of the call: who sees that much sees it (PLT-14).

    Cost: four statements.
    """
    assert stages
    at_us = now_us(tx)
    operation_id = new_id(at_us)
    first = stages[0][0]
    operation = Operation(
        operation_id=operation_id,
        kind=kind,
        method=call.method,
        state=State.QUEUED,
        stage=first,
        description=description,
        caller=call.caller,
        request_id=call.request_id,
        revision=1,
        cancel_requested=False,
        recoveries=0,
        created_us=at_us,
        started_us=0,
        updated_us=at_us,
        ended_us=0,
        request=request,
        stages=tuple(StageProgress(name, unit, 0, 0, 0, 0) for name, unit in stages),
        counts={},
        notices=(),
        result={},
        failure=None,
        scope_id=scopes.intern(tx, call.scope),
        traceparent=call.traceparent,
    )
    store.insert_operation(tx, Standing(operation, chunks_made=1, chunks_open=1, chunks_failed=0, failure=None))
    store.insert_chunks(tx, operation_id, [NewChunk(1, Task.PLAN, first, {}, 0)])
    payload = {"to": State.QUEUED, "kind": kind, "request": request}
    within = _within(call, operation_id)
    events.append(tx, within, name_of(operation_id), "operation.started", payload, scope_id=operation.scope_id)
    return operation


def get(tx: Connection, operation_id: str, scope: Scope = EVERYTHING) -> Operation:
    """The operation as it stands; Raises: OperationNotFound, also for what lies outside the scope."""
    operation = store.find_operation(tx, operation_id)
    if operation is None or not scopes.sees(tx, scope, operation.scope_id):
        raise OperationNotFound(operation_id)
    return operation


def under_way(tx: Connection, kind: str) -> list[Operation]:
    """The operations of a kind that have not ended. Cost: reads all that have not ended, of whatever kind."""
    live = [state for state in State if not state.ended]
    found = store.list_operations(tx, states=live, method="", after=None, limit=_UNDER_WAY_MAX)
    return [each for each in found if each.kind == kind]


def held(tx: Connection, operation_id: str) -> Operation:
    """The operation as it stands, held until the transaction ends: for steps that change what others have found."""
    standing = store.lock_operation(tx, operation_id)
    if standing is None:
        raise OperationNotFound(operation_id)
    return standing.operation


def call_of(tx: Connection, operation: Operation, now_us: int) -> Call:
    """The call that started the operation, and what it sees."""
    scope = scopes.load(tx, operation.scope_id)
    return Call(operation.caller, operation.method, operation.request_id, now_us, operation.operation_id, scope)


def traceparent(tx: Connection, operation_id: str) -> str:
    """The trace that an operation belongs to; empty for none, and for an operation that is gone."""
    operation = store.find_operation(tx, operation_id)
    return operation.traceparent if operation is not None else ""


def list_page(
    tx: Connection, page: Page, *, among: Collection[State] = (), method: str = "", scope: Scope = EVERYTHING
) -> tuple[list[Operation], Key | None]:
    """A page of operations of the scope, newest first, and the key of the next page if there is one.

    No state in `among` means any, and so does an empty `method`.
    """
    after = (int(page.after[0]), str(page.after[1])) if page.after else None
    seen = scopes.visible(tx, scope)
    found = store.list_operations(tx, states=among, method=method, after=after, limit=page.size + 1, seen=seen)
    if len(found) <= page.size:
        return found, None
    last = found[page.size - 1]
    return found[: page.size], [last.created_us, last.operation_id]


def changed(tx: Connection, known: Mapping[str, int]) -> dict[str, Operation | None]:
    """The operations that have another revision than the one `known`; None for those that are gone.

    What a poll for many watchers costs is one statement, and one more for each that has changed.
    """
    return {
        operation_id: None if revision is None else store.find_operation(tx, operation_id)
        for operation_id, revision in store.changed_revisions(tx, known).items()
    }


def after(tx: Connection, operation_id: str, revision: int) -> Operation | None:
    """The operation if it has changed since a revision, else None.

    Raises:
        OperationNotFound: there is no such operation.
        WatchCursorAhead: it never had this revision.
    """
    operation = get(tx, operation_id)
    if revision > operation.revision:
        raise WatchCursorAhead(after_sequence=revision, sequence=operation.revision)
    return operation if operation.revision > revision else None


def request_cancel(tx: Connection, call: Call, jobs: Sequence[Job], operation_id: str) -> Operation:
    """Stop the operation at the next safe point and have what it marked put back.

    A step under way notices at its end and rolls back. A failed operation is canceled too, as its work is half done;
    one that succeeded or was canceled already stays as it is.

    Raises:
        OperationNotFound: there is no such operation.
        OperationPastCancel: it has reached a stage from which it can only go forward.
        OperationKindUnknown: this version of the program does not know what it has marked.
    """
    standing = _lock(tx, operation_id, call.scope)
    operation = standing.operation
    if operation.state in {State.SUCCEEDED, State.CANCELED, State.CANCELING} or operation.cancel_requested:
        return operation
    stage = stage_of(job_of(jobs, operation.kind), operation.stage)
    if stage.past_cancel:
        raise OperationPastCancel(resource_name=name_of(operation_id), stage=stage.name)
    return _apply(tx, call, states.cancel_requested(standing, now_us(tx)))


def pause(tx: Connection, call: Call, operation_id: str) -> Operation:
    """Do nothing more of the operation until it is resumed: chunks under way are taken from their workers.

    A step under way notices at its end and rolls back, so that nothing of the operation commits after this does. What
    was done stays; the attempts that were cut short do not count. Also past the point of no return: it stays there.

    Raises:
        OperationNotFound: there is no such operation.
        OperationNotUnderWay: it is in another state.
    """
    standing = _lock(tx, operation_id, call.scope)
    state = standing.operation.state
    if state not in {State.QUEUED, State.RUNNING}:
        raise OperationNotUnderWay(name_of(operation_id), state=state, wanted=State.PAUSED)
    store.release_chunks_in(tx, operation_id)
    return _apply(tx, call, states.paused(standing, now_us(tx)))


def resume(tx: Connection, call: Call, operation_id: str) -> Operation:
    """Go on with a paused operation from where it stood.

    Raises:
        OperationNotFound: there is no such operation.
        OperationNotPaused: it is in another state.
    """
    standing = _lock(tx, operation_id, call.scope)
    state = standing.operation.state
    if state is not State.PAUSED:
        raise OperationNotPaused(name_of(operation_id), state=state, wanted=State.RUNNING)
    store.release_chunks_in(tx, operation_id)  # what was claimed just as it was paused
    return _apply(tx, call, states.resumed(standing, now_us(tx)))


def recover(tx: Connection, call: Call, jobs: Sequence[Job], operation_id: str) -> Operation:
    """Run a failed operation again from where it stood: its failed chunks get their attempts back.

    Raises:
        OperationNotFound: there is no such operation.
        OperationNotFailed: it is in another state.
        OperationKindUnknown: this version of the program does not know what may stand against it.
        what its job's `require_recoverable` raises, unless it was being canceled.
    """
    standing = _lock(tx, operation_id, call.scope)
    operation = standing.operation
    if operation.state is not State.FAILED:
        raise OperationNotFailed(name_of(operation_id), state=operation.state, wanted=State.RUNNING)
    if not operation.cancel_requested:
        job_of(jobs, operation.kind).require_recoverable(tx, operation)
    store.ready_failed_chunks(tx, operation_id)
    return _apply(tx, call, states.recovered(standing, now_us(tx)))


def delete(tx: Connection, call: Call, operation_id: str) -> None:
    """Delete the record of an ended operation; what it did, and its audit trail, stay.

    Raises:
        OperationNotFound: there is no such operation.
        OperationNotEnded: it is still at work.
        OperationNotSettled: it failed and left work half done, which only its record can finish or put back.
    """
    operation = _lock(tx, operation_id, call.scope).operation
    state = operation.state
    if state is State.FAILED:
        raise OperationNotSettled(resource_name=name_of(operation_id))
    if not state.ended:
        raise OperationNotEnded(name_of(operation_id), state=state, wanted="DELETED")
    store.delete_operation(tx, operation_id)
    _record_deletion(tx, call, operation_id, state, operation.scope_id)


def forget_before(tx: Connection, call: Call, before_us: int, *, after_id: str, limit: int) -> tuple[int, str]:
    """Delete the records of operations that ended before an instant, among the `limit` oldest behind `after_id`.

    As `delete`: what they did and their audit trail stay, and failed ones stay until they are recovered or canceled.
    Gives how many were deleted, and the id to go on from; empty once there are no more.

    Cost: three statements, and one for each that is deleted.
    """
    ids = store.ids_before(tx, before_us, after_id=after_id, limit=limit)
    if not ids:
        return 0, ""
    deleted = store.delete_settled(tx, ids, before_us)
    for operation_id, state, scope_id in deleted:
        _record_deletion(tx, call, operation_id, state, scope_id)
    return len(deleted), ids[-1] if len(ids) == limit else ""


def _record_deletion(tx: Connection, call: Call, operation_id: str, state: State, scope_id: int) -> None:
    store.delete_chunks(tx, operation_id)
    payload = {"from": state, "to": "DELETED"}
    within = _within(call, operation_id)
    events.append(tx, within, name_of(operation_id), LAST_WORD, payload, scope_id=scope_id)


def _lock(tx: Connection, operation_id: str, scope: Scope) -> Standing:
    if scope.limited:
        get(tx, operation_id, scope)  # what lies outside is not waited for
    standing = store.lock_operation(tx, operation_id)
    if standing is None:
        raise OperationNotFound(operation_id)
    return standing


def _apply(tx: Connection, call: Call, move: Move) -> Operation:
    operation = move.standing.operation
    store.insert_chunks(tx, operation.operation_id, move.chunks)
    store.save_operation(tx, move.standing)
    within, name = _within(call, operation.operation_id), name_of(operation.operation_id)
    for kind, payload in move.events:
        events.append(tx, within, name, kind, payload, scope_id=operation.scope_id)
    return operation


def _within(call: Call, operation_id: str) -> Call:
    return replace(call, operation_id=operation_id)
