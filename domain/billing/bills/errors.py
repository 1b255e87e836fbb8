"""Why a bill cannot be frozen or completed as it stands (BIL-12, BIL-13)."""

from __future__ import annotations

from collections.abc import Sequence

from domain.billing.segments.states import BillState
from domain.kernel.errors import IllegalTransition, Precondition, Refused


class BillTransition(IllegalTransition):
    """A complete bill does not change: it is corrected by others."""

    reason = "BILL_NOT_PENDING"

    def __init__(self, name: str, *, wanted: str) -> None:
        super().__init__(name, state=BillState.COMPLETE, wanted=wanted)


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


class LedgersDiffer(Refused):
    """What is owed and what it is owed for belong to different ledgers: the books of both would be out of balance."""

    reason = "LEDGERS_DIFFER"

    def __init__(self, segment: str, ledgers: Sequence[str]) -> None:
        super().__init__(f"{segment} feeds the ledgers {', '.join(ledgers)}", resource_name=segment)
