"""Where an assignment and a task stand."""

from __future__ import annotations

from enum import StrEnum


class AssignmentState(StrEnum):
    """Where the carrying out of an operation stands."""

    WAITING = "WAITING"  # the second operation of a rule: the first is not executed yet (ACC-06)
    SCHEDULED = "SCHEDULED"  # until its day comes (ACC-13)
    PENDING = "PENDING"  # it is due: to be called, to be written, to be done
    IN_PROGRESS = "IN_PROGRESS"  # a person has it in hand, or a file with it is being written
    FAILED = "FAILED"  # it was not done, and nothing goes on without a person
    IN_DOUBT = "IN_DOUBT"  # nobody knows whether it was done (ACC-22)
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"

    @property
    def ended(self) -> bool:
        """Whether nothing more happens."""
        return self in {AssignmentState.COMPLETED, AssignmentState.CANCELED}


_S = AssignmentState
EDGES: dict[AssignmentState, frozenset[AssignmentState]] = {
    _S.WAITING: frozenset({_S.PENDING, _S.SCHEDULED, _S.FAILED, _S.CANCELED}),
    _S.SCHEDULED: frozenset({_S.PENDING, _S.SCHEDULED, _S.FAILED, _S.CANCELED}),
    _S.PENDING: frozenset({_S.IN_PROGRESS, _S.COMPLETED, _S.FAILED, _S.IN_DOUBT, _S.CANCELED, _S.PENDING}),
    _S.IN_PROGRESS: frozenset({_S.PENDING, _S.COMPLETED, _S.FAILED, _S.CANCELED}),
    _S.FAILED: frozenset({_S.PENDING, _S.COMPLETED, _S.CANCELED}),
    _S.IN_DOUBT: frozenset({_S.PENDING, _S.COMPLETED, _S.FAILED}),
    _S.COMPLETED: frozenset(),
    _S.CANCELED: frozenset(),
}
"""What may follow on what; from PENDING to PENDING, and from SCHEDULED to SCHEDULED, leads a re-route."""


def may_become(state: AssignmentState, wanted: AssignmentState) -> bool:
    """Whether there is an edge."""
    return wanted in EDGES[state]


class TaskState(StrEnum):
    """Where an entry of a work queue stands."""

    OPEN = "OPEN"
    CLAIMED = "CLAIMED"
    CLOSED = "CLOSED"
