"""The SQL of lists of assignments and of tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select, tuple_

from domain.accounting.channels.model import Channel
from domain.accounting.execution.model import Assignment, Task, TaskKind
from domain.accounting.execution.states import AssignmentState, TaskState
from domain.accounting.execution.store.assignments import from_row
from domain.accounting.execution.store.due import NOT_CLOSED, OPEN
from domain.accounting.execution.store.tasks import from_row as task_from_row
from domain.accounting.tables import assignment, task
from domain.kernel.paging import Key

_a, _t = assignment.c, task.c


@dataclass(frozen=True, slots=True)
class AssignmentFilter:
    """Which assignments; the empty string and None mean any. `overdue_us`: past their deadline then, and not ended."""

    claim_id: str = ""
    client_code: str = ""
    channel: Channel | None = None
    state: AssignmentState | None = None
    workflow_point: str = ""
    overdue_us: int = 0


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks; the empty string and None mean any, but of the state: those that are not closed."""

    client_code: str = ""
    queue: str = ""
    kind: TaskKind | None = None
    state: TaskState | None = None
    assignee: str = ""
    overdue_us: int = 0


def assignments(
    tx: Connection, wanted: AssignmentFilter, clients: frozenset[str] | None, *, after: Key | None, limit: int
) -> list[Assignment]:
    """At most `limit` assignments by claim, workflow point and id; `clients` None: of any.

    Cost: one statement along the primary key; where only those are asked for that have not ended, along
    ix_assignment_open.
    """
    order = (_a.claim_id, _a.workflow_point, _a.operation_id)
    query = select(assignment).order_by(*order).limit(limit).where(*_which_assignments(wanted, clients))
    if after is not None:
        claim_id, *rest = after
        inside = and_(_a.claim_id == claim_id, tuple_(_a.workflow_point, _a.operation_id) > tuple(rest))
        query = query.where(_a.claim_id >= claim_id, or_(_a.claim_id > claim_id, inside))
    return [from_row(row) for row in tx.execute(query).mappings()]


def assignment_key(each: Assignment) -> Key:
    """The key of an assignment in its list."""
    return [each.claim_id, each.workflow_point, each.operation_id]


def tasks(
    tx: Connection, wanted: TaskFilter, clients: frozenset[str] | None, *, after: Key | None, limit: int
) -> list[Task]:
    """At most `limit` tasks by client and age; `clients` None: of any.

    Cost: one statement along ix_task_open, for closed ones along the primary key.
    """
    query = select(task).order_by(_t.client_code, _t.task_id).limit(limit).where(*_which_tasks(wanted, clients))
    if after is not None:
        query = query.where(tuple_(_t.client_code, _t.task_id) > tuple(after))
    return [task_from_row(row) for row in tx.execute(query).mappings()]


def task_key(each: Task) -> Key:
    """The key of a task in its list."""
    return [each.client_code, each.task_id]


def _which_assignments(wanted: AssignmentFilter, clients: frozenset[str] | None) -> list[ColumnElement[bool]]:
    found = _equal(
        (_a.claim_id, wanted.claim_id),
        (_a.client_code, wanted.client_code),
        (_a.channel, wanted.channel),
        (_a.state, wanted.state),
        (_a.workflow_point, wanted.workflow_point),
    )
    if clients is not None:
        found.append(_a.client_code.in_(sorted(clients)))
    if wanted.overdue_us or (wanted.state is not None and not wanted.state.ended):
        found.append(OPEN)
    if wanted.overdue_us:
        found += [_a.due_us > 0, _a.due_us <= wanted.overdue_us]
    return found


def _which_tasks(wanted: TaskFilter, clients: frozenset[str] | None) -> list[ColumnElement[bool]]:
    found = _equal(
        (_t.client_code, wanted.client_code),
        (_t.queue, wanted.queue),
        (_t.kind, wanted.kind),
        (_t.state, wanted.state),
        (_t.assignee, wanted.assignee),
    )
    if clients is not None:
        found.append(_t.client_code.in_(sorted(clients)))
    if wanted.state is not TaskState.CLOSED:
        found.append(NOT_CLOSED)
    if wanted.overdue_us:
        found += [_t.due_us > 0, _t.due_us <= wanted.overdue_us]
    return found


def _equal(*pairs: tuple[Any, str | None]) -> list[ColumnElement[bool]]:
    return [column == value for column, value in _given(pairs)]


def _given(pairs: Sequence[tuple[Any, str | None]]) -> list[tuple[Any, str]]:
    return [(column, value) for column, value in pairs if value]
