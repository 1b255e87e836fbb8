"""The SQL of returns: what receivers said of the operations of batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from itertools import accumulate

from sqlalchemy import Connection, RowMapping, func, literal_column, select, tuple_

from domain.accounting.batches.model import Batch, Returned
from domain.accounting.batches.store.taking import Key, taken_by
from domain.accounting.tables import accounting_batch_return, assignment
from domain.kernel.keys import among
from domain.kernel.script import Script

_COLUMNS = tuple(field.name for field in fields(Returned))
_r, _a = accounting_batch_return.c, assignment.c


def insert(script: Script, returned: Sequence[Returned]) -> None:
    """Add what was said. Cost: one statement of the script."""
    rows = [[_cell(getattr(each, name)) for name in _COLUMNS] for each in returned]
    script.insert("accounting_batch_return", _COLUMNS, rows)


def find_many(tx: Connection, batch: Batch, keys: Iterable[Key]) -> dict[Key, Returned]:
    """What was said of operations of a batch, those of which something was. Cost: one statement."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    query = select(accounting_batch_return).where(
        _r.client_code == batch.client_code,
        _r.batch_no == batch.batch_no,
        among((_r.claim_id, _r.operation_id), wanted),
    )
    return {(row["claim_id"], row["operation_id"]): _from_row(row) for row in tx.execute(query).mappings()}


def keys_of(tx: Connection, batch: Batch, operation_ids: Iterable[str]) -> dict[str, Key]:
    """Claim and operation of those of the operations (ids) that are in a batch, by the operation's id.

    Cost: one statement along ix_assignment_taken_operation.
    """
    wanted = sorted(set(operation_ids))
    if not wanted:
        return {}
    query = select(_a.claim_id, _a.operation_id).where(
        taken_by(batch.run_id), _a.accounting_day == batch.accounting_day, _a.operation_id.in_(wanted)
    )
    return {row[1]: (row[0], row[1]) for row in tx.execute(query)}


def places_of(tx: Connection, batch: Batch, keys: Iterable[Key]) -> dict[Key, int]:
    """Where operations of a batch stand among those of its file, from 1.

    Cost: one statement that goes once along ix_assignment_taken, up to the last of them; none for none.
    """
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    order = (_a.claim_id, _a.operation_id)
    last = (func.coalesce(func.lag(each).over(order_by=order), "") for each in order)
    named = (
        select(
            *order, *(each.label(name) for each, name in zip(last, ("last_claim_id", "last_operation_id"), strict=True))
        )
        .where(taken_by(batch.run_id), _a.accounting_day == batch.accounting_day, among(order, wanted))
        .subquery()
    )
    between = assignment.alias().c
    steps = select(func.count()).where(
        between.taken_by != literal_column("''"),
        between.taken_by == batch.run_id,
        between.accounting_day == batch.accounting_day,
        tuple_(between.claim_id, between.operation_id) > tuple_(named.c.last_claim_id, named.c.last_operation_id),
        tuple_(between.claim_id, between.operation_id) <= tuple_(named.c.claim_id, named.c.operation_id),
    )
    query = select(named.c.claim_id, named.c.operation_id, steps.scalar_subquery())
    found = [tuple(row) for row in tx.execute(query.order_by(named.c.claim_id, named.c.operation_id))]
    return {
        (claim, operation): place
        for (claim, operation, _), place in zip(found, accumulate(row[2] for row in found), strict=True)
    }


def _cell(value: str | int | bool) -> str | int:  # noqa: FBT001 - a cell
    return int(value) if isinstance(value, bool) else value


def _from_row(row: RowMapping) -> Returned:
    return Returned(**{**row, "accepted": bool(row["accepted"])})
