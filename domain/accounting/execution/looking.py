"""Assignments and tasks are looked at: one, or a page of them (ACC-12, ACC-40). What lies outside is not there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from domain.accounting.claims import service as claims
from domain.accounting.configuration.registers import CLIENTS
from domain.accounting.execution.errors import AssignmentNotFound, TaskNotFound
from domain.accounting.execution.model import Assignment, Task
from domain.accounting.execution.store import assignments, pages, tasks
from domain.accounting.execution.store.pages import AssignmentFilter, TaskFilter
from domain.accounting.performing.model import Operation
from domain.accounting.performing.store import operations
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.paging import Page
from domain.kernel.registers import service as configuration


@dataclass(frozen=True, slots=True)
class Entry:
    """A task with the operation that it is about; None for one about a batch."""

    task: Task
    operation: Operation | None


def assignment_of(tx: Connection, call: Call, claim_id: str, operation_id: str) -> Assignment:
    """The assignment. Raises: AssignmentNotFound."""
    found = assignments.find(tx, claim_id, operation_id)
    if found is None or not call.scope.has_client(found.client_code):
        raise AssignmentNotFound(claim_id, operation_id)
    return found


def task_of(tx: Connection, call: Call, client_code: str, task_id: str) -> Task:
    """The task. Raises: TaskNotFound."""
    found = tasks.find(tx, client_code, task_id) if call.scope.has_client(client_code) else None
    if found is None:
        raise TaskNotFound(client_code, task_id)
    return found


def list_assignments(tx: Connection, call: Call, wanted: AssignmentFilter, page: Page) -> list[Assignment]:
    """One assignment more than the page holds, if there is one; `pages.assignment_key` gives its key.

    By claim, within a claim by workflow point, within a point by age. Raises: ClaimNotFound for the filter's.
    """
    require_storable(workflow_point=wanted.workflow_point)
    if wanted.claim_id:
        claims.get(tx, wanted.claim_id, call.scope)
    return pages.assignments(tx, wanted, call.scope.clients, after=page.after, limit=page.size + 1)


def list_tasks(tx: Connection, call: Call, wanted: TaskFilter, page: Page) -> list[Entry]:
    """One task more than the page holds, if there is one; `pages.task_key` gives its key.

    By client, of one client the oldest first. Raises: NotFound for the filter's client.
    """
    require_storable(queue=wanted.queue, assignee=wanted.assignee)
    if wanted.client_code:
        configuration.get(tx, CLIENTS, wanted.client_code, call.scope)
    return entries(tx, pages.tasks(tx, wanted, call.scope.clients, after=page.after, limit=page.size + 1))


def entries(tx: Connection, some: Sequence[Task]) -> list[Entry]:
    """Tasks with their operations. Cost: one statement."""
    there = operations.find_many(tx, [(each.claim_id, each.operation_id) for each in some if each.operation_id])
    return [Entry(each, there.get((each.claim_id, each.operation_id))) for each in some]
