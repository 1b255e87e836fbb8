"""How much waits to go outside, for the figures of the house."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from domain.deliveries.model import Kind, State
from domain.deliveries.tables import delivery


@dataclass(frozen=True, slots=True)
class Census:
    """By kind: deliveries pending, since when the oldest of them waits (0: none), and deliveries given up."""

    pending: dict[Kind, int]
    oldest_us: dict[Kind, int]
    given_up: dict[Kind, int]


def census(tx: Connection) -> Census:
    """What waits and what was given up. Cost: two statements, by indexes that hold nothing else."""
    d = delivery.c
    waiting = select(d.kind, func.count(), func.min(d.since_us)).where(d.state == State.PENDING.value).group_by(d.kind)
    lost = select(d.kind, func.count().label("lost")).where(d.state == State.GIVEN_UP.value).group_by(d.kind)
    pending = {kind: (count, oldest) for kind, count, oldest in tx.execute(waiting)}
    given_up: dict[str, int] = {row.kind: row.lost for row in tx.execute(lost)}
    return Census(
        pending={kind: pending.get(kind, (0, 0))[0] for kind in Kind},
        oldest_us={kind: pending.get(kind, (0, 0))[1] for kind in Kind},
        given_up={kind: given_up.get(kind, 0) for kind in Kind},
    )
