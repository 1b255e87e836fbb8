"""The SQL of tasks: entries of work queues."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields

from sqlalchemy import ColumnElement, Connection, RowMapping, literal_column, select

from domain.accounting.execution.model import Task, TaskKind
from domain.accounting.execution.states import TaskState
from domain.accounting.tables import task
from domain.kernel.bulk import Cell
from domain.kernel.keys import among
from domain.kernel.script import Script

COLUMNS = tuple(field.name for field in fields(Task))
_FINAL = ("client_code", "task_id", "kind", "created_us", "claim_id", "operation_id", "batch_no")  # never change
_CHANGE = "ON CONFLICT (client_code, task_id) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in COLUMNS if name not in _FINAL
)
_t = task.c


def insert(script: Script, tasks: Sequence[Task]) -> None:
    """Add tasks; a second open one of the same thing violates `one_open_task_of_a_thing`."""
    script.insert("task", COLUMNS, [_row_of(each) for each in tasks])


def change(script: Script, tasks: Sequence[Task]) -> None:
    """Put tasks as they are now in their places; they are locked."""
    script.insert("task", COLUMNS, [_row_of(each) for each in tasks], then=_CHANGE)


def find(tx: Connection, client_code: str, task_id: str, *, lock: bool = False) -> Task | None:
    """The task, if there is one; with `lock` it stays as it is until the transaction ends."""
    query = select(task).where(_t.client_code == client_code, _t.task_id == task_id)
    row = tx.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    return None if row is None else from_row(row)


def open_of(tx: Connection, keys: Iterable[tuple[str, str]]) -> list[Task]:
    """The open tasks of operations (claim and operation), locked. Cost: one statement along ix_task_claim."""
    wanted = sorted(set(keys))
    if not wanted:
        return []
    query = select(task).where(
        _t.claim_id != literal_column("''"),
        among((_t.claim_id, _t.operation_id), wanted),
        _t.state != literal_column("'CLOSED'"),
    )
    return [
        from_row(row) for row in tx.execute(query.order_by(_t.client_code, _t.task_id).with_for_update()).mappings()
    ]


def open_of_batch(tx: Connection, client_code: str, batch_no: int) -> list[Task]:
    """The open tasks of a batch, locked. Cost: one statement along one_open_task_of_a_thing."""
    none: ColumnElement[str] = literal_column("''")
    query = select(task).where(
        _t.client_code == client_code,
        _t.claim_id == none,
        _t.operation_id == none,
        _t.batch_no == batch_no,
        _t.state != literal_column("'CLOSED'"),
    )
    return [from_row(row) for row in tx.execute(query.with_for_update()).mappings()]


def _row_of(each: Task) -> list[Cell]:
    return [getattr(each, name) for name in COLUMNS]


def from_row(row: RowMapping) -> Task:
    """The task of a row."""
    parts = {name: row[name] for name in COLUMNS}
    return Task(**(parts | {"kind": TaskKind(row["kind"]), "state": TaskState(row["state"])}))
