"""What the carrying out of operations refuses, each with its own reason."""

from __future__ import annotations

from domain.accounting.names import ASSIGNMENT_TYPE, TASK_TYPE, assignment_name, task_name
from domain.kernel.errors import IllegalTransition, NotFound, Refused


class AssignmentNotFound(NotFound):
    """There is no such assignment."""

    reason = "ASSIGNMENT_NOT_FOUND"

    def __init__(self, claim_id: str, operation_id: str) -> None:
        super().__init__(ASSIGNMENT_TYPE, assignment_name(claim_id, operation_id))


class TaskNotFound(NotFound):
    """There is no such task."""

    reason = "TASK_NOT_FOUND"

    def __init__(self, client_code: str, task_id: str) -> None:
        super().__init__(TASK_TYPE, task_name(client_code, task_id))


class AssignmentTransition(IllegalTransition):
    """The assignment is in another state."""

    reason = "ASSIGNMENT_STATE"


class TaskTransition(IllegalTransition):
    """The task is in another state."""

    reason = "TASK_STATE"


class ClaimedByAnother(Refused):
    """Another person has it in hand."""

    reason = "TASK_CLAIMED_BY_ANOTHER"


class ClosesByItself(Refused):
    """The task closes when its operation is executed, sent again, re-routed or canceled."""

    reason = "TASK_CLOSES_BY_ITSELF"


class PostedAlready(Refused):
    """The system of record has posted it: record its outcome."""

    reason = "ASSIGNMENT_POSTED"


class OutcomeKnown(Refused):
    """Only of what is in doubt an outcome is recorded."""

    reason = "OUTCOME_KNOWN"


class NotDoneByHand(Refused):
    """It is being carried out by the client's service or batch; only what failed there is completed by hand."""

    reason = "ASSIGNMENT_NOT_BY_HAND"


class NotRetried(Refused):
    """Only what failed, or is in doubt, is tried again."""

    reason = "ASSIGNMENT_NOT_RETRIED"
