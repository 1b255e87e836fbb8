"""How operations move: pure decisions on one operation's row, taken under its lock.

Each gives a `Move`: how the row stands afterwards, which chunks are added, and what the audit trail is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from domain.kernel.documents import Document
from domain.operations.model import (
    ChunkPlan,
    Failure,
    Job,
    Notice,
    Operation,
    Severity,
    StageProgress,
    State,
    Stepped,
    Task,
)

NOTICES_MAX = 100
"""So many notices an operation keeps; the last one says how many more there were."""

LEFT_OUT = "OPERATION_NOTICES_LEFT_OUT"
CHUNK_SET_APART = "OPERATION_CHUNK_SET_APART"
CANCELED = "OPERATION_CANCELED"


@dataclass(frozen=True, slots=True)
class Standing:
    """An operation's row: the operation, its chunks counted, and the first failure among them."""

    operation: Operation
    chunks_made: int
    chunks_open: int
    chunks_failed: int
    failure: Failure | None


@dataclass(frozen=True, slots=True)
class NewChunk:
    """A chunk to add."""

    chunk_no: int
    task: Task
    stage: str
    payload: Document
    items_total: int


@dataclass(frozen=True, slots=True)
class Move:
    """What a decision comes to. `events` are kinds and payloads for the audit trail, in order."""

    standing: Standing
    chunks: tuple[NewChunk, ...] = ()
    events: tuple[tuple[str, Document], ...] = ()

    @property
    def ended(self) -> bool:
        """Whether the operation's chunks are of no more use."""
        return self.standing.operation.state in {State.SUCCEEDED, State.CANCELED}


def begun(standing: Standing, now_us: int) -> Standing:
    """The first chunk was claimed."""
    operation = standing.operation
    assert operation.state is State.QUEUED
    stages = _with_stage(operation, operation.stage, started_us=now_us)
    return _changed(standing, now_us, state=State.RUNNING, started_us=now_us, stages=stages)


def planned(standing: Standing, job: Job, plans: Sequence[Sequence[ChunkPlan]], now_us: int) -> Move:
    """Stages were cut into chunks, from the present one on; those with none are over already."""
    move = Move(standing)
    for chunks in plans:
        following = _planned(move.standing, job, chunks, now_us)
        move = replace(following, events=move.events + following.events)
    return move


def _planned(standing: Standing, job: Job, plans: Sequence[ChunkPlan], now_us: int) -> Move:
    operation = standing.operation
    first = standing.chunks_made + 1
    chunks = tuple(
        NewChunk(number, Task.STEP, operation.stage, plan.payload, plan.items_total)
        for number, plan in enumerate(plans, first)
    )
    standing = replace(
        standing,
        chunks_made=standing.chunks_made + len(chunks),
        chunks_open=standing.chunks_open - 1 + len(chunks),
    )
    total = sum(plan.items_total for plan in plans)
    standing = _changed(standing, now_us, stages=_with_stage(operation, operation.stage, items_total=total))
    move = _advanced(standing, job, now_us)
    return replace(move, chunks=chunks + move.chunks)


def stepped(standing: Standing, job: Job, did: Stepped, now_us: int) -> Move:
    """A step of the present stage was carried out."""
    operation = standing.operation
    present = next(stage for stage in operation.stages if stage.stage == operation.stage)
    standing = _changed(
        replace(standing, chunks_open=standing.chunks_open - (did.rest is None)),
        now_us,
        stages=_with_stage(operation, operation.stage, items_done=present.items_done + did.items_done),
        counts=added(operation.counts, did.counts),
        notices=_noted(operation.notices, did.notices),
        result=merged(operation.result, did.result),
    )
    return _advanced(standing, job, now_us)


def set_apart(standing: Standing, failure: Failure, now_us: int) -> Move:
    """A chunk's attempts are used up: the rest goes on, and fails once nothing but failed chunks is left."""
    operation = standing.operation
    notice = Notice(CHUNK_SET_APART, Severity.WARNING, failure.message, failure.details.get("chunk", ""))
    standing = _changed(
        replace(standing, chunks_failed=standing.chunks_failed + 1, failure=standing.failure or failure),
        now_us,
        notices=_noted(operation.notices, [notice]),
    )
    return _failed(standing, now_us) if standing.chunks_failed == standing.chunks_open else Move(standing)


def paused(standing: Standing, now_us: int) -> Move:
    """Nothing more is done until it is resumed or canceled: this is how it stands until then."""
    before = standing.operation.state
    assert before in {State.QUEUED, State.RUNNING}
    moved = _changed(standing, now_us, state=State.PAUSED)
    return Move(moved, events=(("operation.paused", {"from": before, "to": State.PAUSED}),))


def resumed(standing: Standing, now_us: int) -> Move:
    """A paused operation goes on from where it stood."""
    operation = standing.operation
    assert operation.state is State.PAUSED
    state = State.RUNNING if operation.started_us else State.QUEUED
    moved = _changed(standing, now_us, state=state, stages=_idle_until(operation, now_us))
    return Move(moved, events=(("operation.resumed", {"from": State.PAUSED, "to": state}),))


def cancel_requested(standing: Standing, now_us: int) -> Move:
    """No more steps are carried out; what has been marked is to be put back."""
    operation = standing.operation
    assert operation.state in {State.QUEUED, State.RUNNING, State.PAUSED, State.FAILED}
    number = standing.chunks_made + 1
    standing = replace(standing, chunks_made=number, chunks_open=1, chunks_failed=0, failure=None)
    moved = _changed(standing, now_us, state=State.CANCELING, cancel_requested=True, ended_us=0, failure=None)
    event = ("operation.cancel_requested", {"from": operation.state, "to": State.CANCELING})
    return Move(moved, (NewChunk(number, Task.UNDO, operation.stage, {}, 0),), (event,))


def undone(standing: Standing, now_us: int) -> Move:
    """All that canceled work had marked is put back."""
    operation = standing.operation
    assert operation.state is State.CANCELING
    failure = Failure(CANCELED, f"canceled{_so_far(operation)}", "Canceled", _figures(operation))
    standing = replace(standing, chunks_open=0, failure=failure)
    moved = _changed(standing, now_us, state=State.CANCELED, stage="", ended_us=now_us, failure=failure)
    event = ("operation.canceled", {"from": operation.state, "to": State.CANCELED, "was": _figures(operation)})
    return Move(moved, events=(event,))


def recovered(standing: Standing, now_us: int) -> Move:
    """A failed operation goes on from where it stood."""
    operation = standing.operation
    assert operation.state is State.FAILED
    state = State.CANCELING if operation.cancel_requested else State.RUNNING
    moved = _changed(
        replace(standing, chunks_failed=0, failure=None),
        now_us,
        state=state,
        ended_us=0,
        failure=None,
        recoveries=operation.recoveries + 1,
        stages=_idle_until(operation, now_us),
    )
    return Move(moved, events=(("operation.recovered", {"from": operation.state, "to": state}),))


def added(counts: Mapping[str, object], more: Mapping[str, object]) -> Document:
    """Nested documents of integers, added."""
    total: Document = dict(counts)
    for key, value in more.items():
        present = total.get(key)
        if isinstance(value, Mapping):
            assert present is None or isinstance(present, Mapping)
            total[key] = added(present or {}, value)
        else:
            assert isinstance(value, int)
            assert present is None or isinstance(present, int)
            total[key] = (present or 0) + value
    return total


def merged(document: Mapping[str, object], more: Mapping[str, object]) -> Document:
    """A document with another laid over it."""
    whole: Document = dict(document)
    for key, value in more.items():
        present = whole.get(key)
        both = isinstance(present, Mapping) and isinstance(value, Mapping)
        whole[key] = merged(present, value) if both else value  # type: ignore[arg-type]
    return whole


def _advanced(standing: Standing, job: Job, now_us: int) -> Move:
    """Go on to the next stage if the present one is over."""
    if standing.chunks_open > 0:
        return _failed(standing, now_us) if standing.chunks_failed == standing.chunks_open else Move(standing)
    operation = standing.operation
    over = next(stage for stage in operation.stages if stage.stage == operation.stage)
    done = ("operation.stage_done", _stage_event(over, operation))
    operation = replace(operation, stages=_with_stage(operation, over.stage, ended_us=now_us))
    following = _stage_after(job, over.stage)
    if following is None:
        operation = replace(operation, state=State.SUCCEEDED, stage="", ended_us=now_us)
        end = ("operation.succeeded", {"from": State.RUNNING, "to": State.SUCCEEDED, "counts": operation.counts})
        return Move(replace(standing, operation=operation), events=(done, end))
    operation = replace(operation, stage=following, stages=_with_stage(operation, following, started_us=now_us))
    number = standing.chunks_made + 1
    standing = replace(standing, operation=operation, chunks_made=number, chunks_open=1)
    return Move(standing, (NewChunk(number, Task.PLAN, following, {}, 0),), (done,))


def _failed(standing: Standing, now_us: int) -> Move:
    failure, before = standing.failure, standing.operation
    assert failure is not None
    failure = replace(failure, details={**failure.details, "chunks_failed": str(standing.chunks_failed)})
    operation = replace(before, state=State.FAILED, ended_us=now_us, failure=failure)
    payload = {"from": before.state, "to": State.FAILED, "stage": before.stage, "reason": failure.reason}
    standing = replace(standing, operation=operation, failure=failure)
    return Move(standing, events=(("operation.failed", payload),))


def _stage_after(job: Job, name: str) -> str | None:
    names = [stage.name for stage in job.stages]
    following = names.index(name) + 1
    return names[following] if following < len(names) else None


def _stage_event(stage: StageProgress, operation: Operation) -> Document:
    return {
        "stage": stage.stage,
        "unit": stage.unit,
        "items_done": stage.items_done,
        "items_total": stage.items_total,
        "counts": operation.counts,
    }


def _changed(standing: Standing, now_us: int, **changes: Any) -> Standing:  # noqa: ANN401
    """One more revision of the operation; time never runs backward from one to the next."""
    operation = standing.operation
    operation = replace(
        operation,
        revision=operation.revision + 1,
        updated_us=max(now_us, operation.updated_us),
        **changes,
    )
    return replace(standing, operation=operation)


def _with_stage(operation: Operation, name: str, **changes: Any) -> tuple[StageProgress, ...]:  # noqa: ANN401
    return tuple(replace(stage, **changes) if stage.stage == name else stage for stage in operation.stages)


def _idle_until(operation: Operation, now_us: int) -> tuple[StageProgress, ...]:
    """The stages of an operation with which nothing has happened since its last change."""
    stages = operation.stages
    present = next((each for each in stages if each.stage == operation.stage and each.started_us), None)
    if present is None:
        return stages
    idle_us = present.idle_us + max(0, now_us - operation.updated_us)
    return _with_stage(operation, present.stage, idle_us=idle_us)


def _noted(notices: tuple[Notice, ...], more: Sequence[Notice]) -> tuple[Notice, ...]:
    if not more:
        return notices
    left_out = int(notices[-1].element) if notices and notices[-1].code == LEFT_OUT else 0
    kept = [notice for notice in notices if notice.code != LEFT_OUT] + list(more)
    left_out += max(0, len(kept) - NOTICES_MAX)
    if left_out:
        message = f"{left_out} more notices are not shown"
        kept = [*kept[:NOTICES_MAX], Notice(LEFT_OUT, Severity.INFORMATIVE, message, str(left_out))]
    return tuple(kept)


def _so_far(operation: Operation) -> str:
    """What was and was not done, in words."""
    begun_stages = [stage for stage in operation.stages if stage.started_us]
    if not begun_stages:
        return " before it began; nothing was done"
    done = ", ".join(
        f"{stage.stage} {stage.items_done} of {stage.items_total or '?'} {stage.unit}" for stage in begun_stages
    )
    rest = ", ".join(stage.stage for stage in operation.stages if not stage.started_us)
    return f" after {done}, all of which was put back" + (f"; not begun: {rest}" if rest else "")


def _figures(operation: Operation) -> dict[str, str]:
    return {
        f"{stage.stage}.{name}": str(value)
        for stage in operation.stages
        for name, value in (("items_done", stage.items_done), ("items_total", stage.items_total))
    }
