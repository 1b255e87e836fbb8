"""What is refused about bills, and what puts segments in error."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from domain.billing.names import BILL_TYPE, EXCEPTION_TYPE, SEGMENT_TYPE, bill_name, exception_name, segment_name
from domain.billing.segments.model import Wait
from domain.billing.segments.states import SegmentState
from domain.kernel.amounts import Fault
from domain.kernel.errors import IllegalTransition, NotFound, Refused
from domain.kernel.time import iso_day


class BillNotFound(NotFound):
    """The account has no such bill."""

    reason = "BILL_NOT_FOUND"

    def __init__(self, account_id: str, bill_id: str) -> None:
        super().__init__(BILL_TYPE, bill_name(account_id, bill_id))


class SegmentNotFound(NotFound):
    """The account has no such bill segment; one in error may have been made again."""

    reason = "BILL_SEGMENT_NOT_FOUND"

    def __init__(self, account_id: str, segment_id: str) -> None:
        super().__init__(SEGMENT_TYPE, segment_name(account_id, segment_id))


class ExceptionNotFound(NotFound):
    """The account has no such billing exception."""

    reason = "BILLING_EXCEPTION_NOT_FOUND"

    def __init__(self, account_id: str, exception_id: str) -> None:
        super().__init__(EXCEPTION_TYPE, exception_name(account_id, exception_id))


class NothingToBill(Refused):
    """No period of the account's agreements that was not billed is over by the day; none is on its pending bill."""

    reason = "BILL_NOTHING_DUE"


class SegmentNotDeletable(IllegalTransition):
    """The segment is on the bill for good: only incomplete ones, and those in error or freezable, are made again."""

    reason = "BILL_SEGMENT_NOT_DELETABLE"

    def __init__(self, account_id: str, segment_id: str, state: SegmentState) -> None:
        name = segment_name(account_id, segment_id)
        super().__init__(
            name,
            state=state,
            wanted=SegmentState.INCOMPLETE,
            message=f"{name} is {state}, so it cannot be made again; what is frozen is canceled and rebilled",
        )


class SegmentIsRebilling(Refused):
    """The segment stands in place of one that is canceled; undo that, and rebill it again."""

    reason = "BILL_SEGMENT_REBILLS"


class SegmentNotImplausible(Refused):
    """Only a segment that is in error as implausible can be accepted."""

    reason = "BILL_SEGMENT_NOT_IMPLAUSIBLE"


class ImplausibleAmount(Refused):
    """What the segment comes to is outside the limits of its type against the agreement's own history."""

    reason = "IMPLAUSIBLE"

    def __init__(self, side: str, percent: Decimal, average: str) -> None:
        super().__init__(
            f"comes to {side} than {percent.normalize():f} % of {average} a day, the average of its last bills",
        )


class ChargeSourceInError(Refused):
    """A segment that this one is charged on is in error; make that one again, and this one follows."""

    reason = "CHARGE_SOURCE_IN_ERROR"

    def __init__(self, waits_on: Sequence[Wait], told: str) -> None:
        super().__init__(f"waits for {told}")
        self.waits_on = tuple(waits_on)


class ChargeSourceOnAnotherBill(Refused):
    """What this segment is to be charged on was billed with an earlier bill, so that the sum would be too low."""

    reason = "CHARGE_SOURCE_ON_ANOTHER_BILL"

    def __init__(self, agreement_id: str, through: int) -> None:
        super().__init__(
            f"{agreement_id} was billed up to {iso_day(through)} with another bill: what it came to cannot be added up"
        )


class ChargeUnsound(Refused):
    """A segment is charged on what cannot be added up; its own reason is told."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault[1])
        self.fault_reason = fault[0]
