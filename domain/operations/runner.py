"""How operations are carried out: claim a chunk, gather, carry it out behind its fence (PLT-22 to PLT-24).

Every function is one transaction's worth; threads, retries and time-outs are the worker's (`server/work/worker.py`).
The order of locks is always the operation's row, then the chunk's.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from domain.kernel import events
from domain.kernel.call import Call
from domain.kernel.clock import now_us
from domain.kernel.documents import Document, WrittenByNewer
from domain.kernel.errors import DomainError, Invalid, Unavailable
from domain.kernel.ids import new_id
from domain.operations import states, store
from domain.operations.errors import OperationKindUnknown, StepOvertaken
from domain.operations.model import ChunkPlan, ChunkState, Failure, Job, Operation, Stage, State, Task, Work
from domain.operations.service import job_of, name_of, stage_of
from domain.operations.states import Move
from domain.operations.store import ChunkRow
from domain.operations.telling import tell

_FOR_OTHERS_US = 1_000_000
"""How long a chunk rests that this version cannot carry out, so that a worker of another version may have it."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often a chunk is tried, and how long it rests before it is tried again: longer each time, up to a bound."""

    at_most: int = 5
    pause_us: int = 1_000_000
    pause_max_us: int = 60_000_000

    def pause_after(self, attempt: int) -> int:
        """The pause after the `attempt`-th attempt, in microseconds."""
        return min(self.pause_us << (attempt - 1), self.pause_max_us)


@dataclass(frozen=True, slots=True)
class Claim:
    """A chunk in a worker's hands. `now_us` is the database's clock at the claim."""

    operation: Operation
    row: ChunkRow
    now_us: int

    @property
    def work(self) -> Work:
        """What the stage's functions are handed."""
        return Work(self.operation, self.row.payload, self.row.attempts, self.now_us)


class TakenOver(Exception):
    """The chunk is no longer ours, or its operation was canceled or paused: nothing of what was done may stay."""


class LostItsWorkers(Unavailable):
    """The worker ended or stopped during each attempt."""

    reason = "OPERATION_LOST_ITS_WORKERS"


def register(tx: Connection, *, host: str, pid: int, lease_us: int) -> str:
    """Make a worker known, for as long as its lease; gives its id."""
    at_us = now_us(tx)
    worker_id = new_id(at_us)
    store.insert_worker(tx, worker_id, host=host, pid=pid, now_us=at_us, lease_until_us=at_us + lease_us)
    return worker_id


def extend_lease(tx: Connection, worker_id: str, *, lease_us: int) -> bool:
    """Extend the worker's lease; False when it is over, and its chunks may be others' by now."""
    at_us = now_us(tx)
    return store.extend_lease(tx, worker_id, now_us=at_us, lease_until_us=at_us + lease_us)


def neighbours(tx: Connection, host: str) -> dict[str, int]:
    """Process ids of the workers of a host, by worker id."""
    return store.workers_on(tx, host)


def take_over(tx: Connection, *, dead: Collection[str] = ()) -> int:
    """Make ready what workers left whose lease is over, or who are known to be `dead`; gives how many chunks."""
    if dead:
        store.delete_workers(tx, dead)
    return store.release_abandoned(tx, now_us(tx))


def hand_over(tx: Connection, worker_id: str) -> int:
    """Give back what a leaving worker still holds, and strike it off; gives how many chunks."""
    released = store.release_chunks_of(tx, worker_id)
    store.delete_workers(tx, [worker_id])
    return released


def is_due(tx: Connection, jobs: Sequence[Job]) -> bool:
    """Whether there is a chunk to claim; takes no lock."""
    return store.is_chunk_due(tx, [job.kind for job in jobs], now_us(tx))


def claim(tx: Connection, jobs: Sequence[Job], worker_id: str) -> Claim | None:
    """Claim the chunk whose turn it is, if there is one and the worker's lease holds.

    The operation with the fewest running chunks is served first, so that a small one never waits for a large one.
    """
    at_us = now_us(tx)
    row = store.claim_chunk(tx, worker_id, [job.kind for job in jobs], at_us)
    if row is None:
        return None
    operation = store.find_operation(tx, row.operation_id)
    assert operation is not None
    if operation.state is State.QUEUED:
        standing = store.lock_operation(tx, row.operation_id)
        if standing is not None and standing.operation.state is State.QUEUED:
            standing = states.begun(standing, at_us)
            store.save_operation(tx, standing)
            operation = standing.operation
    return Claim(operation, row, at_us)


def gathers(jobs: Sequence[Job], claimed: Claim) -> bool:
    """Whether the chunk has something to `gather` before its transaction."""
    return claimed.row.task is Task.PLAN or (claimed.row.task is Task.STEP and _stage(jobs, claimed).gather is not None)


def gather(tx: Connection, jobs: Sequence[Job], claimed: Claim) -> object:
    """What the chunk's transaction will need: what stages come to, or what the stage gathers. Runs on a snapshot."""
    stage = _stage(jobs, claimed)
    if claimed.row.task is Task.PLAN:
        return _plans(tx, job_of(jobs, claimed.operation.kind), claimed)
    assert stage.gather is not None
    return stage.gather(tx, claimed.work)


def carry_out(tx: Connection, jobs: Sequence[Job], claimed: Claim, facts: object) -> Operation:
    """Carry the chunk out; with it commit the operation's progress and the chunk's end. Gives the operation after it.

    Raises:
        TakenOver: the chunk has another worker by now, or the operation was canceled, paused, or is gone.
        whatever the step raises.
    """
    job, row = job_of(jobs, claimed.operation.kind), claimed.row
    if not store.is_chunk_mine(tx, row):
        raise TakenOver
    move: Move | None
    rest: Document | None = None
    if row.task is Task.PLAN:
        assert isinstance(facts, tuple)
        move = states.planned(_standing(tx, row), job, facts, now_us(tx))
    elif row.task is Task.STEP:
        did = _stage(jobs, claimed).step(tx, replace(claimed.work, facts=facts))
        move, rest = states.stepped(_standing(tx, row), job, did, now_us(tx)), did.rest
    else:
        over = job.undo(tx, claimed.operation, claimed.now_us)
        move = states.undone(_standing(tx, row), now_us(tx)) if over else None
    if move is None:
        _fence(tx, row, ChunkState.READY, attempts=0)
        return claimed.operation
    _apply(tx, job, move)
    if rest is None:
        _fence(tx, row, ChunkState.DONE)
    else:
        _fence(tx, row, ChunkState.READY, attempts=0, payload=rest)
    if move.ended:
        store.delete_chunks(tx, row.operation_id)
    return move.standing.operation


def set_back(
    tx: Connection, jobs: Sequence[Job], claimed: Claim, error: Exception, attempts: Attempts
) -> Operation | None:
    """Let the chunk be tried again later, or set it apart for good; None when it is no longer ours.

    What a person must mend first (any refusal but Unavailable) is not tried again. What only a newer version of the
    program can carry out waits for a worker of that version, however long that takes.
    """
    row = claimed.row
    standing = store.lock_operation(tx, row.operation_id)
    if standing is None or not store.is_chunk_mine(tx, row):
        return None
    failure = _failure(error, row)
    at_us = now_us(tx)
    if isinstance(error, (WrittenByNewer, OperationKindUnknown)):
        later, attempts_before = at_us + _FOR_OTHERS_US, row.attempts - 1
        store.end_chunk(tx, row, ChunkState.READY, not_before_us=later, attempts=attempts_before, failure=failure)
        return standing.operation
    passing = isinstance(error, Unavailable) or not isinstance(error, DomainError)
    counted = row.attempts - 1 if isinstance(error, StepOvertaken) else row.attempts
    if passing and counted < attempts.at_most:
        later = at_us + attempts.pause_after(max(counted, 1))
        store.end_chunk(tx, row, ChunkState.READY, attempts=counted, not_before_us=later, failure=failure)
        return standing.operation
    move = states.set_apart(standing, failure, at_us)
    _apply(tx, job_of(jobs, standing.operation.kind), move)
    store.end_chunk(tx, row, ChunkState.FAILED, failure=failure)
    return move.standing.operation


def _stage(jobs: Sequence[Job], claimed: Claim) -> Stage:
    return stage_of(job_of(jobs, claimed.operation.kind), claimed.row.stage)


def _plans(tx: Connection, job: Job, claimed: Claim) -> tuple[Sequence[ChunkPlan], ...]:
    """The chunks of the present stage; where there are none, of the next one, too, and so on."""
    plans: list[Sequence[ChunkPlan]] = []
    for stage in job.stages[job.stages.index(stage_of(job, claimed.row.stage)) :]:
        plans.append(stage.plan(tx, claimed.operation, claimed.now_us))
        if plans[-1]:
            break
    return tuple(plans)


def _standing(tx: Connection, row: ChunkRow) -> states.Standing:
    """Lock the operation; from here on nobody cancels or pauses it before this transaction ends."""
    standing = store.lock_operation(tx, row.operation_id)
    if standing is None or standing.operation.state is State.PAUSED:
        raise TakenOver
    if standing.operation.cancel_requested and row.task is not Task.UNDO:
        raise TakenOver
    return standing


def _apply(tx: Connection, job: Job, move: Move) -> None:
    operation, name = move.standing.operation, name_of(move.standing.operation.operation_id)
    store.insert_chunks(tx, operation.operation_id, move.chunks)
    store.save_operation(tx, move.standing)
    if operation.state is State.FAILED:
        job.failed(tx, operation)
    call = Call(operation.caller, operation.method, operation.request_id, operation.updated_us, operation.operation_id)
    for kind, payload in move.events:
        event_id = events.append(tx, call, name, kind, payload, scope_id=operation.scope_id)
        tell(tx, job, operation, event_id=event_id, kind=kind, subject=name)


def _fence(
    tx: Connection, row: ChunkRow, state: ChunkState, *, attempts: int | None = None, payload: Document | None = None
) -> None:
    if not store.end_chunk(tx, row, state, attempts=attempts, payload=payload):
        raise TakenOver


def _failure(error: Exception, row: ChunkRow) -> Failure:
    """The error as it is kept; of what was nobody's plan nothing but the place is told."""
    where = {"stage": row.stage, "chunk": str(row.chunk_no), "attempts": str(row.attempts)}
    if not isinstance(error, DomainError):
        return Failure("INTERNAL", "an unexpected error, which the server's log describes", "Internal", where)
    reason = error.code if isinstance(error, Invalid) else error.reason
    return Failure(reason, error.message, _category(error), {**error.details, **where})


def _category(error: DomainError) -> str:
    """The name of the class right below DomainError."""
    line = type(error).__mro__
    return line[line.index(DomainError) - 1].__name__
