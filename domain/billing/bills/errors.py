"""Why a bill cannot be frozen or completed as it stands (BIL-12, BIL-13)."""

from __future__ import annotations

from collections.abc import Sequence

from domain.billing.segments.states import BillState
from domain.kernel.errors import IllegalTransition, Precondition, Refused


class BillTransition(IllegalTransition):
    """A complete bill does not change: it is corrected by others; a pending one is not given back, but made again."""

    reason = "BILL_TRANSITION"

    def __init__(self, name: str, *, state: str = BillState.COMPLETE, wanted: str) -> None:
        super().__init__(name, state=state, wanted=wanted)


class BillIncomplete(Refused):
    """Segments of the bill are in error or not calculated."""

    reason = "BILL_HAS_ERRORS"

    def __init__(self, name: str, found: Sequence[Precondition]) -> None:
        told = "; ".join(each.description for each in found)
        super().__init__(f"{name} is not sound: {told}", preconditions=found, resource_name=name)


class BillEmpty(Refused):
    """There is nothing on the bill."""

    reason = "BILL_EMPTY"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} has no segment", resource_name=name)


class BillNotInvoiceable(Refused):
    """A line of the bill cannot be told by an invoice."""

    reason = "BILL_NOT_INVOICEABLE"

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name} cannot go on an invoice: {why}", resource_name=name)


class ExceptionTransition(IllegalTransition):
    """The billing exception is closed already."""

    reason = "BILLING_EXCEPTION_CLOSED"


class ExceptionNotAcceptable(Refused):
    """Only what is implausible can be accepted; what else is wrong is mended and made again."""

    reason = "BILLING_EXCEPTION_NOT_ACCEPTABLE"


class ExceptionNotResolved(Refused):
    """The bill segment was made again, and is in error all the same."""

    reason = "BILLING_EXCEPTION_NOT_RESOLVED"

    def __init__(self, error: str, message: str) -> None:
        super().__init__(f"the segment was made again, and is in error all the same: {message}", error=error)


class SegmentTransition(IllegalTransition):
    """Only a frozen segment is canceled or rebilled, and only one that is about to be is taken back to frozen."""

    reason = "BILL_SEGMENT_TRANSITION"


class BillRouted(Refused):
    """A bill that went out stays complete: it is corrected by others."""

    reason = "BILL_ROUTED"

    def __init__(self, name: str, routed_by: str) -> None:
        super().__init__(f"{name} went out by {routed_by}", resource_name=name)


class AnotherBillPending(Refused):
    """An account has one pending bill at a time."""

    reason = "BILL_ANOTHER_PENDING"

    def __init__(self, name: str, pending: str) -> None:
        super().__init__(f"{name} cannot be reopened while {pending} is pending", resource_name=name, pending=pending)


class NothingToCredit(Refused):
    """No segment of the bill is frozen, so that there is nothing to give back."""

    reason = "BILL_NOTHING_TO_CREDIT"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} has no frozen segment", resource_name=name)


class LedgersDiffer(Refused):
    """What is owed and what it is owed for belong to different ledgers: the books of both would be out of balance."""

    reason = "BILL_LEDGERS_DIFFER"

    def __init__(self, segment: str, ledgers: Sequence[str]) -> None:
        super().__init__(f"{segment} feeds the ledgers {', '.join(ledgers)}", resource_name=segment)
