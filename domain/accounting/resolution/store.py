"""The SQL of what stands in the way of a claim's end."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, Select, func, select, tuple_

from domain.accounting.execution.store import assignments
from domain.accounting.performing.states import OperationState
from domain.accounting.performing.store.operations import from_row
from domain.accounting.resolution.model import Unfinished, Unsettled
from domain.accounting.tables import accounting_operation, collection_balance
from domain.kernel.money import Money

_b, _o = collection_balance.c, accounting_operation.c
_OPEN = tuple(state.value for state in OperationState if state.counts_as_pending)

UnsettledKey = tuple[str, str, str]
"""Dispute, collection, currency."""

FIRST: UnsettledKey = ("", "", "")
"""Before all of them."""


def unsettled(
    tx: Connection, claim_id: str, collections: Collection[str], *, after: UnsettledKey, limit: int
) -> list[Unsettled]:
    """At most `limit` balances of these collections that are not zero, behind a key, by dispute.

    Cost: one statement along the primary key.
    """
    columns = (_b.dispute_id, _b.collection_code, _b.currency)
    query = select(*columns, _b.executed_minor).where(*_away(claim_id, collections), tuple_(*columns) > after)
    rows = tx.execute(query.order_by(*columns).limit(limit))
    return [Unsettled(claim_id, row[0], row[1], Money(row[3], row[2])) for row in rows]


def count_unsettled(tx: Connection, claim_id: str, collections: Collection[str]) -> int:
    """How many there are. Cost: one statement along the primary key."""
    query = select(func.count()).select_from(collection_balance).where(*_away(claim_id, collections))
    return tx.execute(query).scalar_one()


def unfinished(tx: Connection, claim_id: str, *, after: str, limit: int) -> list[Unfinished]:
    """At most `limit` operations that are neither executed nor canceled, behind an id, and their assignments.

    Cost: two statements, of which one looks at the claim's operations behind the id.
    """
    query = select(accounting_operation).where(*_of(claim_id), _o.operation_id > after)
    rows = tx.execute(query.order_by(_o.operation_id).limit(limit)).mappings()
    operations = [from_row(row) for row in rows]
    found = assignments.find_many(tx, [(claim_id, each.operation_id) for each in operations])
    return [Unfinished(each, found.get((claim_id, each.operation_id))) for each in operations]


def count_unfinished(tx: Connection, claim_id: str) -> int:
    """How many there are. Cost: one statement along the primary key; one more that looks at the operations, if any."""
    pending = select(func.count()).select_from(collection_balance)
    if not tx.execute(pending.where(_b.claim_id == claim_id, _b.pending_count > 0)).scalar_one():
        return 0
    counted: Select[int] = select(func.count()).select_from(accounting_operation).where(*_of(claim_id))
    return tx.execute(counted).scalar_one()


def _away(claim_id: str, collections: Collection[str]) -> tuple[ColumnElement[bool], ...]:
    return (_b.claim_id == claim_id, _b.collection_code.in_(sorted(collections)), _b.executed_minor != 0)


def _of(claim_id: str) -> tuple[ColumnElement[bool], ...]:
    return (_o.claim_id == claim_id, _o.state.in_(_OPEN))
