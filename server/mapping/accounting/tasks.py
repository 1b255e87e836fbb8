"""Tasks as the contract tells them."""

from __future__ import annotations

from countinghouse.accounting.v1 import tasks_pb2 as pb
from domain.accounting.execution.looking import Entry
from domain.accounting.execution.model import TaskKind
from domain.accounting.execution.states import TaskState
from domain.accounting.execution.store.pages import TaskFilter
from server.mapping.accounting.assignments import code_or_all
from server.mapping.accounting.operations import operation_to_proto
from server.mapping.operations import instant_to_proto

# Looked up when the module loads: a value of the domain that the contract lacks stops the server.
_KINDS = {kind: pb.TaskKind.Value(f"TASK_KIND_{kind}") for kind in TaskKind}
_KIND_BY_NUMBER = {number: kind for kind, number in _KINDS.items()}
_STATES = {state: pb.TaskState.Value(f"TASK_STATE_{state}") for state in TaskState}
_STATE_BY_NUMBER = {number: state for state, number in _STATES.items()}


def task_to_proto(entry: Entry) -> pb.Task:
    """A task with all that a person needs."""
    task = entry.task
    return pb.Task(
        name=task.name,
        kind=_KINDS[task.kind],
        queue=task.queue,
        state=_STATES[task.state],
        subject=task.subject,
        operation=operation_to_proto(entry.operation) if entry.operation else None,
        assignee=task.assignee,
        goal_time=instant_to_proto(task.goal_us),
        due_time=instant_to_proto(task.due_us),
        escalate_time=instant_to_proto(task.escalated_us),
        reason=task.reason,
        message=task.message,
        outcome=task.outcome,
        create_time=instant_to_proto(task.created_us),
        claim_time=instant_to_proto(task.claimed_us),
        close_time=instant_to_proto(task.closed_us),
        closer=task.closed_by,
        etag=task.etag,
    )


def task_key_from_name(name: str) -> tuple[str, str]:
    """The client's code and the task's id in `clients/{client}/tasks/{task}`."""
    _, client_code, _, task_id = name.split("/")
    return client_code, task_id


def filter_from_proto(request: pb.ListTasksRequest, now_us: int) -> TaskFilter:
    """Which tasks."""
    return TaskFilter(
        client_code=code_or_all(request.parent),
        queue=request.queue,
        kind=_KIND_BY_NUMBER.get(request.kind),
        state=_STATE_BY_NUMBER.get(request.state),
        assignee=request.assignee,
        overdue_us=now_us if request.overdue else 0,
    )
