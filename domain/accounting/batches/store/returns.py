"""The SQL of returns: what receivers said of the operations of batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields

from sqlalchemy import Connection, RowMapping, select

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


def _cell(value: str | int | bool) -> str | int:  # noqa: FBT001 - a cell
    return int(value) if isinstance(value, bool) else value


def _from_row(row: RowMapping) -> Returned:
    return Returned(**{**row, "accepted": bool(row["accepted"])})
