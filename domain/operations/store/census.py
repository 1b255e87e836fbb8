"""How much there is, for the figures of the house."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from domain.operations.model import ChunkState, State
from domain.operations.tables import chunk, operation, worker

UNENDED = (State.QUEUED, State.RUNNING, State.PAUSED, State.CANCELING)

_NONE = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Census:
    """What has not ended: operations by state, chunks by state, workers.

    Of operations also, by state, the start of the oldest, and since when the one has not moved that has not longest;
    0: there is none.
    """

    operations: dict[State, int]
    oldest_us: dict[State, int]
    unmoved_us: dict[State, int]
    chunks: dict[ChunkState, int]
    workers: int


def census(tx: Connection, now_us: int) -> Census:
    """What there is to do. Cost: five statements, by indexes that hold only what has not ended."""
    o, c = operation.c, chunk.c
    unended = (
        select(o.state, func.count(), func.min(o.created_us), func.min(o.updated_us))
        .where(o.ended_us == 0)
        .group_by(o.state)
    )
    found = {State(state): figures for state, *figures in tx.execute(unended)}
    apart = select(func.coalesce(func.sum(o.chunks_failed), 0)).where(o.ended_us == 0)
    chunks = {
        state: tx.execute(select(func.count()).where(c.state == state.value)).scalar_one()
        for state in (ChunkState.READY, ChunkState.CLAIMED)
    }
    return Census(
        operations={state: found.get(state, _NONE)[0] for state in UNENDED},
        oldest_us={state: found.get(state, _NONE)[1] for state in UNENDED},
        unmoved_us={state: found.get(state, _NONE)[2] for state in UNENDED},
        chunks={**chunks, ChunkState.FAILED: int(tx.execute(apart).scalar_one())},
        workers=tx.execute(select(func.count()).where(worker.c.lease_until_us >= now_us)).scalar_one(),
    )
