"""Entries of work queues, as they are opened for assignments."""

from __future__ import annotations

from domain.accounting.execution.model import EXCEPTION_QUEUE, Assignment, Task, TaskKind
from domain.accounting.execution.states import TaskState
from domain.kernel.ids import new_id


def task_of(assignment: Assignment, kind: TaskKind, now_us: int) -> Task:
    """A new task about an assignment: with its times and last error, in the queue of its kind.

    What was escalated before stays among the exceptions.
    """
    escalated = assignment.escalated_us > 0 or kind is TaskKind.OVERDUE
    return Task(
        client_code=assignment.client_code,
        task_id=new_id(now_us),
        kind=kind,
        queue=EXCEPTION_QUEUE if escalated else kind.value,
        state=TaskState.OPEN,
        created_us=now_us,
        claim_id=assignment.claim_id,
        operation_id=assignment.operation_id,
        goal_us=assignment.goal_us,
        due_us=assignment.due_us,
        escalated_us=assignment.escalated_us,
        reason=assignment.reason,
        message=assignment.message,
    )
