"""What accounting periods refuse."""

from __future__ import annotations

from domain.gl_extraction.names import PERIOD_TYPE
from domain.kernel.errors import AlreadyExists, IllegalTransition, Invalid, Refused, Stale, Violation


class PeriodEndsBeforeItStarts(Invalid):
    """A period's last day is its first day or a later one."""

    reason = "PERIOD_ENDS_BEFORE_IT_STARTS"

    def __init__(self) -> None:
        super().__init__(Violation("accounting_period.end_date", self.reason, "must not be before the start date"))


class PeriodCodeTaken(AlreadyExists):
    """The ledger has a period with this code already."""

    reason = "PERIOD_CODE_TAKEN"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} exists already", resource_type=PERIOD_TYPE, resource_name=name)


class PeriodOverlaps(Refused):
    """The period would share days with others of its ledger."""

    reason = "PERIOD_OVERLAPS"


class PeriodLeavesGap(Refused):
    """The period would leave days between itself and the others of its ledger."""

    reason = "PERIOD_LEAVES_GAP"


class PeriodEtagStale(Stale):
    """The period was changed by others since it was read; read it again."""

    reason = "PERIOD_ETAG_STALE"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} was changed since it had this etag; read it again", resource_type=PERIOD_TYPE, resource_name=name
        )


class PeriodTransition(IllegalTransition):
    """The period is in that state already."""

    reason = "PERIOD_STATE"


class PeriodNotExtracted(Refused):
    """Details in the period are not extracted: extract them first, or force the closing with a reason."""

    reason = "PERIOD_NOT_EXTRACTED"

    def __init__(self, name: str, *, unextracted: int) -> None:
        super().__init__(
            f"{unextracted} details in {name} are not extracted; extract them first, or force it with a reason",
            resource_name=name,
            unextracted_count=unextracted,
        )


class ForceNeedsReason(Invalid):
    """A period is closed by force only with a reason."""

    reason = "FORCE_NEEDS_REASON"

    def __init__(self) -> None:
        super().__init__(Violation("reason", self.reason, "must say why the period is closed by force"))
