"""What operations refuse."""

from __future__ import annotations

from domain.kernel.errors import IllegalTransition, NotFound, OutOfRange, Refused, Unavailable

RESOURCE_TYPE = "google.longrunning.Operation"


class OperationNotFound(NotFound):
    """There is no such operation."""

    reason = "OPERATION_NOT_FOUND"

    def __init__(self, operation_id: str) -> None:
        super().__init__(RESOURCE_TYPE, f"operations/{operation_id}")


class OperationPastCancel(Refused):
    """The operation has come so far that it can only go forward; it can no longer be canceled."""

    reason = "OPERATION_PAST_CANCEL"


class OperationNotFailed(IllegalTransition):
    """Only a failed operation can be recovered."""

    reason = "OPERATION_NOT_FAILED"


class OperationNotUnderWay(IllegalTransition):
    """Only an operation that waits for its turn or is at work can be paused."""

    reason = "OPERATION_NOT_UNDER_WAY"


class OperationNotPaused(IllegalTransition):
    """Only a paused operation can be resumed."""

    reason = "OPERATION_NOT_PAUSED"


class OperationNotEnded(IllegalTransition):
    """Only the record of an ended operation can be deleted."""

    reason = "OPERATION_NOT_ENDED"


class OperationNotSettled(Refused):
    """The failed operation has left work half done: recover it, or cancel it, before its record is deleted."""

    reason = "OPERATION_NOT_SETTLED"


class WatchCursorAhead(OutOfRange):
    """The operation has not reached the sequence that the watch asks to go on from."""

    reason = "WATCH_CURSOR_AHEAD"


class StepOvertaken(Unavailable):
    """Others have changed what the step was prepared for; it is prepared again, and that attempt does not count."""

    reason = "OPERATION_STEP_OVERTAKEN"


class OperationKindUnknown(Unavailable):
    """This server is of another version than the one that started the operation; try again, at another one."""

    reason = "OPERATION_KIND_UNKNOWN"
