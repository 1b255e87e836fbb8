"""What extraction refuses; the codes of GLX-15 in one place."""

from __future__ import annotations

from enum import StrEnum

from domain.gl_extraction.names import batch_name
from domain.kernel.errors import Damaged, IllegalTransition, Invalid, NotFound, Refused, Unavailable, Violation

BATCH_TYPE = "countinghouse.gl_extraction/ExtractionBatch"


class Code(StrEnum):
    """The codes that the extraction publishes; 001 to 004 are fatal, the last is informative."""

    NO_CRITERION = "FIN-IP-ACDE-001"
    FROM_AFTER_TO = "FIN-IP-ACDE-002"
    BATCH_WITH_CRITERIA = "FIN-IP-ACDE-003"
    GROUP_ACCOUNT_UNKNOWN = "FIN-IP-ACDE-004"
    WRITTEN_TO_SET = "ACT-FL-DAFI-001"
    NOTHING_SELECTED = "EXTRACTION_NOTHING_SELECTED"
    FIELD_EMPTIED = "EXTRACTION_FIELD_EMPTIED"


class RequestInvalid(Invalid):
    """What is asked for breaks rules; all of them are told, nothing was created."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__(*violations, severity="FATAL")


class BatchNotFound(NotFound):
    """There is no such extraction batch."""

    reason = "EXTRACTION_BATCH_NOT_FOUND"

    def __init__(self, batch_id: str) -> None:
        super().__init__(BATCH_TYPE, f"extractionBatches/{batch_id}")


class BatchNotCompleted(IllegalTransition):
    """Only a batch that has ended can be sent again."""

    reason = "EXTRACTION_BATCH_NOT_COMPLETED"

    def __init__(self, batch_no: int, *, state: str) -> None:
        name = batch_name(batch_no)
        message = f"{name} is {state}; it can be sent again once it is COMPLETED"
        super().__init__(name, state=state, wanted="COMPLETED", message=message)


class RestampRunning(Refused):
    """A run that stamps details anew is at work, and there is one such run at a time."""

    reason = "EXTRACTION_RESTAMP_RUNNING"

    def __init__(self, batch_no: int, operation_id: str, *, is_seen: bool = True) -> None:
        if not is_seen:  # the caller's permissions do not hold for it: nothing more is told
            super().__init__(resource_type=BATCH_TYPE)
            return
        super().__init__(
            f"{batch_name(batch_no)} stamps details anew, and one such run goes at a time: "
            f"wait for operations/{operation_id}, or cancel or recover it",
            resource_type=BATCH_TYPE,
            resource_name=batch_name(batch_no),
            operation=f"operations/{operation_id}",
        )


class TotalTooLarge(Refused):
    """An element, or all in a currency, comes to more than 9.2e18 minor units, which no ledger takes; select less."""

    reason = "EXTRACTION_TOTAL_TOO_LARGE"


class SelectionDisturbed(Unavailable):
    """Details of the run were voided while they were added up; they are added up again."""

    reason = "EXTRACTION_SELECTION_DISTURBED"


class BatchDamaged(Damaged):
    """What the run has selected, added up and written does not come to the same; nothing of it is shown."""

    reason = "EXTRACTION_BATCH_DAMAGED"
