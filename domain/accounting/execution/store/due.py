"""The SQL of what time brings: assignments whose day has come, and what is past its deadline.

Conditions stand in the words of the partial indexes, so that SQLite, too, finds its way along them.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, and_, func, literal_column, select

from domain.accounting.execution.model import Assignment, Task
from domain.accounting.execution.store.assignments import Key, from_row
from domain.accounting.execution.store.tasks import from_row as task_from_row
from domain.accounting.tables import accounting_operation, assignment, task

_a, _o, _t = assignment.c, accounting_operation.c, task.c
_NONE: ColumnElement[int] = literal_column("0")
OPEN = _a.state.in_(
    [literal_column(f"'{name}'") for name in ("SCHEDULED", "WAITING", "PENDING", "IN_PROGRESS", "FAILED", "IN_DOUBT")]
)
"""Assignments that have not ended."""
NOT_CLOSED = _t.state != literal_column("'CLOSED'")
"""Tasks that wait for somebody."""
_SCHEDULED = _a.state == literal_column("'SCHEDULED'")
_OVERDUE = and_(OPEN, _a.due_us > _NONE, _a.escalated_us == _NONE)


def scheduled(tx: Connection, now_us: int, *, limit: int) -> list[Key]:
    """Assignments whose time has come, the longest due first. Cost: one statement along ix_assignment_scheduled."""
    query = select(_a.claim_id, _a.operation_id).where(_SCHEDULED, _a.scheduled_us <= now_us)
    return [(row[0], row[1]) for row in tx.execute(query.order_by(_a.scheduled_us).limit(limit))]


def overdue(tx: Connection, now_us: int, *, limit: int) -> list[Key]:
    """Assignments past their deadline that were not escalated, the longest due first.

    Cost: one statement along ix_assignment_due.
    """
    query = select(_a.claim_id, _a.operation_id).where(_OVERDUE, _a.due_us <= now_us)
    return [(row[0], row[1]) for row in tx.execute(query.order_by(_a.due_us).limit(limit))]


def still_scheduled(tx: Connection, claim_ids: Collection[str], now_us: int) -> list[Assignment]:
    """Those of claims, now that they are locked. Cost: one statement."""
    query = select(assignment).where(_a.claim_id.in_(sorted(claim_ids)), _SCHEDULED, _a.scheduled_us <= now_us)
    return [from_row(row) for row in tx.execute(query).mappings()]


def still_overdue(tx: Connection, claim_ids: Collection[str], now_us: int) -> list[Assignment]:
    """Those of claims, now that they are locked. Cost: one statement."""
    query = select(assignment).where(_a.claim_id.in_(sorted(claim_ids)), _OVERDUE, _a.due_us <= now_us)
    return [from_row(row) for row in tx.execute(query).mappings()]


def has_overdue_tasks(tx: Connection, now_us: int) -> bool:
    """Whether there are tasks past their deadline that were not escalated. Cost: one statement along ix_task_due."""
    return bool(tx.execute(select(_t.task_id).where(*_late(now_us)).limit(1)).first())


def overdue_tasks(tx: Connection, now_us: int, *, limit: int) -> list[Task]:
    """Tasks past their deadline that were not escalated, locked; those that others hold are left out.

    Cost: one statement along ix_task_due.
    """
    query = select(task).where(*_late(now_us))
    found = tx.execute(query.order_by(_t.due_us).limit(limit).with_for_update(skip_locked=True))
    return [task_from_row(row) for row in found.mappings()]


def count_overdue(tx: Connection, now_us: int) -> int:
    """Assignments that are past their deadline and have not ended. Cost: one statement over those that have not."""
    query = select(func.count()).select_from(assignment).where(OPEN, _a.due_us > _NONE, _a.due_us <= now_us)
    return int(tx.execute(query).scalar_one())


def count_open(tx: Connection, first_day: int, last_day: int) -> dict[str, int]:
    """Assignments that have not ended with accounting dates of a span of days, by the debit's distribution code.

    Cost: one statement over those that have not ended.
    """
    query = (
        select(_o.debit_distribution_code, func.count())
        .select_from(assignment)
        .join(accounting_operation, and_(_o.claim_id == _a.claim_id, _o.operation_id == _a.operation_id))
        .where(OPEN, _a.accounting_day >= first_day, _a.accounting_day <= last_day)
        .group_by(_o.debit_distribution_code)
    )
    return {row[0]: row[1] for row in tx.execute(query)}


def count_tasks(tx: Connection) -> dict[str, int]:
    """Tasks that are not closed, by queue. Cost: one statement along ix_task_open."""
    query = select(_t.queue, func.count()).where(NOT_CLOSED).group_by(_t.queue)
    return {row[0]: row[1] for row in tx.execute(query)}


def _late(now_us: int) -> tuple[ColumnElement[bool], ...]:
    return NOT_CLOSED, _t.due_us > _NONE, _t.escalated_us == _NONE, _t.due_us <= now_us
