"""The SQL of assignments: rows in and out, by primary key unless said otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields

from sqlalchemy import Connection, RowMapping, select

from domain.accounting.channels.model import Channel
from domain.accounting.execution.model import Assignment
from domain.accounting.execution.states import AssignmentState
from domain.accounting.tables import assignment
from domain.kernel.bulk import Cell
from domain.kernel.keys import among
from domain.kernel.script import Script

Key = tuple[str, str]
"""The ids of a claim and of one of its operations."""

COLUMNS = tuple(field.name for field in fields(Assignment))
_KEY = ("claim_id", "operation_id")
_FINAL = (*_KEY, "client_code", "workflow_point")  # these never change
_CHANGE = f"ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in COLUMNS if name not in _FINAL
)
_a = assignment.c


def insert(script: Script, assignments: Sequence[Assignment]) -> None:
    """Add assignments. Cost: one statement of the script."""
    script.insert("assignment", COLUMNS, [row_of(each) for each in assignments])


def change(script: Script, assignments: Sequence[Assignment]) -> None:
    """Put assignments as they are now in their places; their claims are locked. Cost: one statement of the script."""
    script.insert("assignment", COLUMNS, [row_of(each) for each in assignments], then=_CHANGE)


def find(tx: Connection, claim_id: str, operation_id: str) -> Assignment | None:
    """The assignment, if there is one."""
    return find_many(tx, [(claim_id, operation_id)]).get((claim_id, operation_id))


def find_many(tx: Connection, keys: Iterable[Key]) -> dict[Key, Assignment]:
    """Those of the assignments that there are. Cost: one statement."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    query = select(assignment).where(among((_a.claim_id, _a.operation_id), wanted))
    return {(row["claim_id"], row["operation_id"]): from_row(row) for row in tx.execute(query).mappings()}


def row_of(each: Assignment) -> list[Cell]:
    """The assignment as cells, in the order of COLUMNS."""
    return [int(value) if isinstance(value, bool) else value for value in (getattr(each, name) for name in COLUMNS)]


def from_row(row: RowMapping) -> Assignment:
    """The assignment of a row."""
    parts = {name: row[name] for name in COLUMNS}
    parts |= {"channel": Channel(row["channel"]), "state": AssignmentState(row["state"])}
    return Assignment(**(parts | {"unanswered": bool(row["unanswered"])}))
