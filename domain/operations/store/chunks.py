"""The SQL of chunks: who gets which, the fence, and what becomes of those that nobody holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    bindparam,
    delete,
    insert,
    select,
    text,
    tuple_,
    update,
)

from domain.kernel.documents import Document, from_text, to_text
from domain.operations.model import ChunkState, Failure, State, Task
from domain.operations.states import NewChunk
from domain.operations.store.failures import failure_to_text
from domain.operations.tables import chunk, operation, worker


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """A chunk as it was claimed."""

    operation_id: str
    chunk_no: int
    task: Task
    stage: str
    epoch: int
    attempts: int
    payload: Document


_CLAIM = {
    # The operation with the fewest running chunks comes first, then the one that has waited longest for progress.
    # The inner list is in order and read lazily, so no more than one chunk is locked.
    "postgresql": """
        UPDATE chunk SET state = 'CLAIMED', worker_id = :worker_id, epoch = epoch + 1, attempts = attempts + 1
        WHERE state = 'READY' AND (operation_id, chunk_no) = (
            SELECT due.operation_id, next.chunk_no FROM (
                SELECT o.operation_id, o.state, (
                    SELECT count(*) FROM chunk c WHERE c.operation_id = o.operation_id AND c.state = 'CLAIMED'
                ) AS running
                FROM operation o WHERE o.ended_us = 0 AND o.state <> 'PAUSED' AND o.kind IN :kinds AND EXISTS (
                    SELECT 1 FROM chunk c WHERE c.operation_id = o.operation_id AND c.state = 'READY'
                    AND c.not_before_us <= :now_us AND (c.task = 'UNDO') = (o.state = 'CANCELING')
                )
                ORDER BY running, o.updated_us, o.operation_id LIMIT 64
            ) due CROSS JOIN LATERAL (
                SELECT c.chunk_no FROM chunk c WHERE c.operation_id = due.operation_id AND c.state = 'READY'
                AND c.not_before_us <= :now_us AND (c.task = 'UNDO') = (due.state = 'CANCELING')
                ORDER BY c.chunk_no LIMIT 1 FOR UPDATE SKIP LOCKED
            ) next LIMIT 1
        )
        AND EXISTS (SELECT 1 FROM worker w WHERE w.worker_id = :worker_id AND w.lease_until_us >= :now_us)
        RETURNING operation_id, chunk_no, task, stage, epoch, attempts, payload""",
    "sqlite": """
        UPDATE chunk SET state = 'CLAIMED', worker_id = :worker_id, epoch = epoch + 1, attempts = attempts + 1
        WHERE (operation_id, chunk_no) = (
            SELECT operation_id, chunk_no FROM (
                SELECT o.operation_id, o.updated_us, (
                    SELECT min(c.chunk_no) FROM chunk c WHERE c.operation_id = o.operation_id AND c.state = 'READY'
                    AND c.not_before_us <= :now_us AND (c.task = 'UNDO') = (o.state = 'CANCELING')
                ) AS chunk_no, (
                    SELECT count(*) FROM chunk c WHERE c.operation_id = o.operation_id AND c.state = 'CLAIMED'
                ) AS running
                FROM operation o WHERE o.ended_us = 0 AND o.state <> 'PAUSED' AND o.kind IN :kinds
            ) WHERE chunk_no IS NOT NULL ORDER BY running, updated_us, operation_id LIMIT 1
        )
        AND EXISTS (SELECT 1 FROM worker w WHERE w.worker_id = :worker_id AND w.lease_until_us >= :now_us)
        RETURNING operation_id, chunk_no, task, stage, epoch, attempts, payload""",
}
_CLAIMS = {
    dialect: text(statement).bindparams(bindparam("kinds", expanding=True)) for dialect, statement in _CLAIM.items()
}


def claim_chunk(tx: Connection, worker_id: str, kinds: Sequence[str], now_us: int) -> ChunkRow | None:
    """Claim the next chunk for a worker whose lease holds; None when there is none.

    Cost: one statement over the unfinished operations and one READY chunk of each, by partial indexes.
    """
    if not kinds:
        return None
    parameters = {"worker_id": worker_id, "kinds": list(kinds), "now_us": now_us}
    row = tx.execute(_CLAIMS[tx.dialect.name], parameters).mappings().one_or_none()
    return _chunk_from_row(row) if row else None


def is_chunk_due(tx: Connection, kinds: Sequence[str], now_us: int) -> bool:
    """Whether there is a chunk to claim. Cost: one statement, as for a claim."""
    undo_when_canceling = (chunk.c.task == Task.UNDO) == (operation.c.state == State.CANCELING)
    query = (
        select(1)
        .select_from(operation)
        .where(operation.c.ended_us == 0, operation.c.state != State.PAUSED, operation.c.kind.in_(kinds))
        .where(
            select(1)
            .where(chunk.c.operation_id == operation.c.operation_id, chunk.c.state == ChunkState.READY)
            .where(chunk.c.not_before_us <= now_us, undo_when_canceling)
            .exists()
        )
        .limit(1)
    )
    return tx.execute(query).first() is not None


def insert_chunks(tx: Connection, operation_id: str, chunks: Sequence[NewChunk]) -> None:
    """Cost: one statement for every thousand."""
    if chunks:
        tx.execute(
            insert(chunk),
            [
                {
                    "operation_id": operation_id,
                    "chunk_no": new.chunk_no,
                    "task": new.task,
                    "stage": new.stage,
                    "state": ChunkState.READY,
                    "items_total": new.items_total,
                    "payload": to_text(new.payload),
                }
                for new in chunks
            ],
        )


def is_chunk_mine(tx: Connection, row: ChunkRow) -> bool:
    """Whether the chunk is still claimed as it was, and its operation neither canceled nor paused since.

    Cost: one statement.
    """
    canceled = and_(operation.c.cancel_requested == 1, chunk.c.task != Task.UNDO)
    paused = operation.c.state == State.PAUSED
    query = select(1).join_from(chunk, operation, chunk.c.operation_id == operation.c.operation_id)
    return tx.execute(query.where(_mine(row), ~canceled, ~paused)).first() is not None


def end_chunk(
    tx: Connection,
    row: ChunkRow,
    state: ChunkState,
    *,
    not_before_us: int = 0,
    attempts: int | None = None,
    failure: Failure | None = None,
    payload: Document | None = None,
) -> bool:
    """The fence: let go of a claimed chunk, unless somebody has taken it over; says whether it was still ours.

    `payload` is what it is from then on; None: what it was.

    Cost: one statement by primary key.
    """
    changes: dict[str, Any] = {"state": state, "worker_id": "", "not_before_us": not_before_us}
    changes |= {} if attempts is None else {"attempts": attempts}
    changes |= {} if payload is None else {"payload": to_text(payload)}
    changes |= {"error": failure_to_text(failure)}
    return tx.execute(update(chunk).where(_mine(row)).values(**changes)).rowcount == 1


def ready_failed_chunks(tx: Connection, operation_id: str) -> None:
    """Give every chunk set apart its attempts back. Cost: one statement over the operation's chunks."""
    tx.execute(
        update(chunk)
        .where(chunk.c.operation_id == operation_id, chunk.c.state == ChunkState.FAILED)
        .values(state=ChunkState.READY, attempts=0, not_before_us=0, error="{}")
    )


def delete_chunks(tx: Connection, operation_id: str) -> None:
    """Cost: one statement over the operation's chunks."""
    tx.execute(delete(chunk).where(chunk.c.operation_id == operation_id))


def release_abandoned(tx: Connection, now_us: int) -> int:
    """Make ready what workers hold whose lease is over or whose row is gone; returns how many chunks.

    Cost: two statements over the claimed chunks, of which there are as many as slots; locked ones are passed over.
    """
    alive = select(1).where(worker.c.worker_id == chunk.c.worker_id, worker.c.lease_until_us >= now_us)
    abandoned = (
        select(chunk.c.operation_id, chunk.c.chunk_no)
        .where(chunk.c.state == ChunkState.CLAIMED, ~alive.exists())
        .with_for_update(skip_locked=True)
    )
    keys = [tuple(row) for row in tx.execute(abandoned)]
    if keys:
        here = tuple_(chunk.c.operation_id, chunk.c.chunk_no).in_(keys)
        tx.execute(update(chunk).where(here).values(state=ChunkState.READY, worker_id=""))
    tx.execute(delete(worker).where(worker.c.lease_until_us < now_us))
    return len(keys)


def release_chunks_of(tx: Connection, worker_id: str) -> int:
    """Make ready what a worker holds, as if it had never begun it; returns how many chunks."""
    return _release(tx, chunk.c.worker_id == worker_id)


def release_chunks_in(tx: Connection, operation_id: str) -> int:
    """Make ready what workers hold of an operation, as if they had never begun it; returns how many chunks.

    Cost: one statement over its claimed chunks.
    """
    return _release(tx, chunk.c.operation_id == operation_id)


def _release(tx: Connection, held: ColumnElement[bool]) -> int:
    changes = {"state": ChunkState.READY, "worker_id": "", "attempts": chunk.c.attempts - 1}
    return tx.execute(update(chunk).where(chunk.c.state == ChunkState.CLAIMED, held).values(**changes)).rowcount


def _mine(row: ChunkRow) -> Any:  # noqa: ANN401
    return and_(
        chunk.c.operation_id == row.operation_id,
        chunk.c.chunk_no == row.chunk_no,
        chunk.c.epoch == row.epoch,
        chunk.c.state == ChunkState.CLAIMED,
    )


def _chunk_from_row(row: RowMapping) -> ChunkRow:
    return ChunkRow(
        operation_id=row["operation_id"],
        chunk_no=row["chunk_no"],
        task=Task(row["task"]),
        stage=row["stage"],
        epoch=row["epoch"],
        attempts=row["attempts"],
        payload=from_text(row["payload"]),
    )
