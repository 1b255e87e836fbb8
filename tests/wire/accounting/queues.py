"""Work queues and assignments, as tests ask for them in short."""

from __future__ import annotations

from typing import Any

from google.type.date_pb2 import Date

from countinghouse.accounting.v1 import assignments_pb2 as assignments_pb
from countinghouse.accounting.v1 import operations_pb2
from countinghouse.accounting.v1 import tasks_pb2 as tasks_pb
from tests.wire.accounting.desk import Desk

State = assignments_pb.AssignmentState
TaskState = tasks_pb.TaskState


def state_of(assignment: assignments_pb.Assignment) -> str:
    """`PENDING`."""
    return State.Name(assignment.state).removeprefix("ASSIGNMENT_STATE_")


def assignment_of(desk: Desk, operation: operations_pb2.AccountingOperation) -> assignments_pb.Assignment:
    """The assignment of an operation as it stands."""
    found: assignments_pb.Assignment = desk.call(
        "GetAssignment", assignments_pb.GetAssignmentRequest(name=operation.assignment)
    )
    return found


def listed(desk: Desk, parent: str = "claims/-", **filters: Any) -> assignments_pb.ListAssignmentsResponse:
    """A page of assignments."""
    request = assignments_pb.ListAssignmentsRequest(parent=parent, **filters)
    found: assignments_pb.ListAssignmentsResponse = desk.call("ListAssignments", request)
    return found


def queue(desk: Desk, parent: str = "clients/-", **filters: Any) -> list[tasks_pb.Task]:
    """Tasks, those that are not closed unless the filters say otherwise."""
    return list(desk.call("ListTasks", tasks_pb.ListTasksRequest(parent=parent, **filters)).tasks)


def claim(desk: Desk, task: tasks_pb.Task, **more: Any) -> tasks_pb.Task:
    """Take a task in hand."""
    found: tasks_pb.Task = desk.call("ClaimTask", tasks_pb.ClaimTaskRequest(name=task.name, **more))
    return found


def release(desk: Desk, task: tasks_pb.Task, **more: Any) -> tasks_pb.Task:
    """Give a task back."""
    found: tasks_pb.Task = desk.call("ReleaseTask", tasks_pb.ReleaseTaskRequest(name=task.name, **more))
    return found


def close(desk: Desk, task: tasks_pb.Task, note: str = "seen to", **more: Any) -> tasks_pb.Task:
    """Close a task."""
    found: tasks_pb.Task = desk.call("CloseTask", tasks_pb.CloseTaskRequest(name=task.name, note=note, **more))
    return found


def complete(desk: Desk, name: str, reference: str = "ref-1", day: str = "", **more: Any) -> assignments_pb.Assignment:
    """Carry an assignment out by hand, on a day (`2026-05-27`) or today."""
    year, month, number = map(int, day.split("-")) if day else (0, 0, 0)
    request = assignments_pb.CompleteAssignmentRequest(
        name=name,
        external_reference=reference,
        completion_date=Date(year=year, month=month, day=number) if day else None,
        **more,
    )
    found: assignments_pb.Assignment = desk.call("CompleteAssignment", request)
    return found


def retry(desk: Desk, name: str, **more: Any) -> assignments_pb.Assignment:
    """Try an assignment again."""
    found: assignments_pb.Assignment = desk.call(
        "RetryAssignment", assignments_pb.RetryAssignmentRequest(name=name, **more)
    )
    return found


def reroute(desk: Desk, name: str, **more: Any) -> assignments_pb.Assignment:
    """Have an assignment carried out by another channel."""
    found: assignments_pb.Assignment = desk.call(
        "RerouteAssignment", assignments_pb.RerouteAssignmentRequest(name=name, **more)
    )
    return found


def record(desk: Desk, name: str, **more: Any) -> assignments_pb.Assignment:
    """Record what a system of record shows: posted with a reference, or else not posted."""
    outcome = assignments_pb.ASSIGNMENT_OUTCOME_NOT_POSTED
    if "external_reference" in more or "posting_date" in more:
        outcome = assignments_pb.ASSIGNMENT_OUTCOME_POSTED
    request = assignments_pb.RecordAssignmentOutcomeRequest(name=name, outcome=outcome, **more)
    found: assignments_pb.Assignment = desk.call("RecordAssignmentOutcome", request)
    return found
