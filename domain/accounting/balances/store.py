"""The SQL of balances: what is kept by collection, and the same worked out from operations."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, case, func, not_, or_, select, union

from domain.accounting.balances.folding import Moved
from domain.accounting.balances.model import Figures, Part, Place
from domain.accounting.performing.store import pages
from domain.accounting.tables import accounting_operation, collection_balance, dispute

_b, _o, _d = collection_balance.c, accounting_operation.c, dispute.c


def kept(tx: Connection, claim_id: str, dispute_id: str) -> dict[Place, tuple[Figures, int]]:
    """What the collections of a claim, or of one of its disputes, have come to, and in how many disputes not to zero.

    Cost: one statement along the primary key, which reads a row for each dispute, collection and currency.
    """
    sums = (func.sum(_b[name]) for name in ("executed_minor", "pending_minor", "executed_count", "pending_count"))
    off = func.sum(case((_b.executed_minor != 0, 1), else_=0))
    query = select(_b.collection_code, _b.currency, *sums, off).where(_b.claim_id == claim_id)
    query = query.where(_b.dispute_id == dispute_id) if dispute_id else query
    rows = tx.execute(query.group_by(_b.collection_code, _b.currency)).all()
    return {(row[0], row[1]): (Figures(*map(int, row[2:6])), int(row[6])) for row in rows}


def moved_at(tx: Connection, claim_id: str, dispute_id: str, at_us: int) -> list[Moved]:
    """What operations had moved as of an instant, added up by dispute and collections.

    Cost: one statement, which reads the operations.
    """
    return _moved(tx, claim_id, dispute_id, at_us, ())


def moved_before(tx: Connection, claim_id: str, dispute_id: str, place: pages.Place) -> list[Moved]:
    """What the operations before a place in the order of dates move, as they stand now.

    Cost: one statement, which reads those operations.
    """
    return _moved(tx, claim_id, dispute_id, None, (pages.before(place),))


def moved_from(tx: Connection, claim_id: str, dispute_id: str, place: pages.Place) -> list[Moved]:
    """What the operations from a place on move, that at it included, as they stand now. Cost: as `moved_before`."""
    return _moved(tx, claim_id, dispute_id, None, (not_(pages.before(place)),))


def currencies(tx: Connection, claim_id: str, dispute_id: str) -> list[str]:
    """The currencies in which there are balances, or disputed amounts. Cost: one statement along primary keys."""
    disputed = select(_d.currency).where(_d.claim_id == claim_id)
    moved = select(_b.currency).where(_b.claim_id == claim_id)
    if dispute_id:
        disputed, moved = disputed.where(_d.dispute_id == dispute_id), moved.where(_b.dispute_id == dispute_id)
    return sorted(tx.execute(union(disputed, moved)).scalars())


def _moved(
    tx: Connection, claim_id: str, dispute_id: str, at_us: int | None, more: Sequence[ColumnElement[bool]]
) -> list[Moved]:
    parts = {part: pages.counts_in(part, at_us) for part in Part}
    part = case((parts[Part.EXECUTED], Part.EXECUTED.value), else_=Part.PENDING.value).label("part")
    keys = (_o.dispute_id, _o.debit_collection, _o.credit_collection, _o.currency)
    query = select(*keys, part, func.sum(_o.amount_minor), func.count()).where(
        _o.claim_id == claim_id, or_(*parts.values()), *more
    )
    query = query.where(_o.dispute_id == dispute_id) if dispute_id else query
    rows = tx.execute(query.group_by(*keys, part)).all()
    return [Moved(row[0], row[1], row[2], row[3], Part(row[4]), int(row[5]), row[6]) for row in rows]
