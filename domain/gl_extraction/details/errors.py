"""What details refuse, apart from the violations of single rows (`rules`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.gl_extraction.names import DETAIL_TYPE
from domain.kernel.errors import AlreadyExists, Invalid, NotFound, Refused, Unavailable, Violation
from domain.kernel.time import iso_day


class DetailNotFound(NotFound):
    """There is no such detail."""

    def __init__(self, name: str) -> None:
        super().__init__(DETAIL_TYPE, name)


class DetailsInMotion(Unavailable):
    """Others are changing details with the same external ids just now; try again."""

    reason = "ACCOUNTING_DETAILS_IN_MOTION"


class UndoNotAllowed(Refused):
    """Some of the details cannot be undone, so none was."""

    reason = "UNDO_NOT_ALLOWED"

    def __init__(self, scope: str, obstacles: Mapping[str, int]) -> None:
        told = ", ".join(f"{count} {obstacle}" for obstacle, count in obstacles.items())
        counts: dict[str, Any] = {obstacle.replace(" ", "_"): count for obstacle, count in obstacles.items()}
        super().__init__(f"the details of {scope} cannot be undone: {told}", resource_name=scope, **counts)


class SubjectAmbiguous(Invalid):
    """The subject's code stands for subjects of several types."""

    reason = "SUBJECT_AMBIGUOUS"

    def __init__(self, subject: str, subject_types: list[str]) -> None:
        kinds = ", ".join(kind or "not told" for kind in subject_types)
        text = f"must be told: {subject} stands for subjects of several types ({kinds})"
        super().__init__(Violation("subject.subject_type", self.reason, text))


class ReverseNotAllowed(Refused):
    """A detail cannot be reversed, so none was."""

    def __init__(self, name: str, others: int) -> None:
        sentence = (type(self).__doc__ or "").split("\n", 1)[0].removesuffix(".")
        more = f" ({others} more of the details cannot be reversed either)" if others else ""
        super().__init__(f"{name}: {sentence}{more}", resource_name=name, refused_count=others + 1)


class DetailIsVoid(ReverseNotAllowed):
    """A void detail cannot be reversed."""

    reason = "ACCOUNTING_DETAIL_VOID"


class DetailIsReversed(ReverseNotAllowed):
    """A detail is reversed once."""

    reason = "ACCOUNTING_DETAIL_REVERSED"


class DetailIsReversal(ReverseNotAllowed):
    """A reversal cannot be reversed; make the detail anew."""

    reason = "ACCOUNTING_DETAIL_IS_REVERSAL"


class DetailMadeElsewhere(ReverseNotAllowed):
    """What accounting, billing or invoicing made is corrected there."""

    reason = "ACCOUNTING_DETAIL_MADE_ELSEWHERE"


class PeriodClosed(Refused):
    """The accounting period is closed."""

    reason = "PERIOD_CLOSED"

    def __init__(self, name: str, day: int) -> None:
        super().__init__(f"{iso_day(day)} lies in {name}, which is closed", resource_name=name)


class PeriodMissing(Refused):
    """The ledger has no accounting period for the day."""

    reason = "PERIOD_MISSING"

    def __init__(self, ledger: str, day: int) -> None:
        super().__init__(f"{ledger} has no accounting period on {iso_day(day)}", resource_name=ledger)


class NoOpenPeriod(Refused):
    """The ledger has no open accounting period on the day or after it."""

    reason = "NO_OPEN_PERIOD"

    def __init__(self, ledger: str, day: int) -> None:
        super().__init__(f"{ledger} has no open accounting period on {iso_day(day)} or after it", resource_name=ledger)


class ReversalExists(AlreadyExists):
    """Another detail holds the external id that the reversal would have."""

    reason = "REVERSAL_ID_TAKEN"
