"""What invoice batches that are not over come to, for figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, case, func, select

from domain.invoicing.batches.states import BatchState
from domain.invoicing.tables import invoice_batch

_OVER = (BatchState.PUBLISHED, BatchState.CANCELED)


@dataclass(frozen=True, slots=True)
class Census:
    """How many stand in each state, and since when the one that is held longest is held; 0 for none."""

    batches: Mapping[str, int]
    held_since_us: int


def census(tx: Connection) -> Census:
    """Count them. Cost: one statement by index over those that are not over."""
    columns = invoice_batch.c
    held = case((columns.held_since_us > 0, columns.held_since_us))
    over = columns.state.in_([state.value for state in _OVER])
    query = select(columns.state, func.count(), func.min(held)).where(~over).group_by(columns.state)
    rows = tx.execute(query).all()
    found = {state: count for state, count, _ in rows}
    counted = {state.value: found.get(state.value, 0) for state in BatchState if state not in _OVER}
    return Census(counted, min((since for _, _, since in rows if since), default=0))
