"""Assignments and tasks as values: who carries an operation out, and what waits for a person (ACC-12)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.accounting.channels.model import Channel
from domain.accounting.execution.states import AssignmentState, TaskState
from domain.accounting.names import assignment_name, batch_name, task_name


@dataclass(frozen=True, slots=True)
class Assignment:
    """The task of carrying an operation out; it has the operation's id.

    Instants are microseconds UTC, 0 for none: `scheduled_us` until when it waits, `ready_us` from when its SLA runs,
    `goal_us` and `due_us` when it is to be and must be done. `attempts` counts calls of this budget, `unanswered`
    says that the outcome of one is not known. `reason` and `message` are of the last failure. `taken_by` is the run
    that has taken it into a batch file, `batch_no` the batch whose file executed it.
    """

    claim_id: str
    operation_id: str
    client_code: str
    workflow_point: str
    channel: Channel
    state: AssignmentState
    accounting_day: int
    updated_us: int
    scheduled_us: int = 0
    ready_us: int = 0
    goal_us: int = 0
    due_us: int = 0
    escalated_us: int = 0
    attempts: int = 0
    unanswered: bool = False
    reason: str = ""
    message: str = ""
    assignee: str = ""
    batch_no: int = 0
    taken_by: str = ""

    @property
    def name(self) -> str:
        """Its resource name."""
        return assignment_name(self.claim_id, self.operation_id)


class TaskKind(StrEnum):
    """Why a person is needed."""

    MANUAL_EXECUTION = "MANUAL_EXECUTION"  # to carry an operation out (ACC-40)
    SERVICE_FAILED = "SERVICE_FAILED"  # a call failed for good (ACC-22)
    IN_DOUBT = "IN_DOUBT"  # to look what the system of record shows (ACC-22)
    OVERDUE = "OVERDUE"  # its deadline has passed while nothing waited for a person (ACC-12)
    TRANSMISSION_FAILED = "TRANSMISSION_FAILED"  # a batch did not reach its destination (ACC-35)
    RECORD_REJECTED = "RECORD_REJECTED"  # the receiver of a batch did not take an operation (ACC-37)


EXCEPTION_QUEUE = "EXCEPTION"
"""The queue to which overdue tasks are moved (ACC-12); until then a task is in the queue of its kind."""


@dataclass(frozen=True, slots=True)
class Task:
    """An entry of a work queue: about an operation's assignment, or about a batch (`batch_no` > 0, no operation)."""

    client_code: str
    task_id: str
    kind: TaskKind
    queue: str
    state: TaskState
    created_us: int
    claim_id: str = ""
    operation_id: str = ""
    batch_no: int = 0
    assignee: str = ""
    goal_us: int = 0
    due_us: int = 0
    escalated_us: int = 0
    reason: str = ""
    message: str = ""
    outcome: str = ""
    claimed_us: int = 0
    closed_us: int = 0
    closed_by: str = ""
    version: int = 1

    @property
    def name(self) -> str:
        """Its resource name."""
        return task_name(self.client_code, self.task_id)

    @property
    def etag(self) -> str:
        """Changes with every change."""
        return str(self.version)

    @property
    def subject(self) -> str:
        """The resource name of what it is about."""
        if self.operation_id:
            return assignment_name(self.claim_id, self.operation_id)
        return batch_name(self.client_code, self.batch_no)
