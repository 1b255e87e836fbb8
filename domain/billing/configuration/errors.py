"""What a change of the configuration is refused for, beside what is wrong with what it says."""

from __future__ import annotations

from collections.abc import Sequence

from domain.kernel.errors import Refused, Violation


class AgreementTypeUnsound(Refused):
    """Service agreement types and agreements that use it stay sound: change them first, or give it another code."""

    reason = "SERVICE_AGREEMENT_TYPE_UNSOUND"

    def __init__(self, name: str, faults: Sequence[Violation]) -> None:
        told = "; ".join(f"{fault.field}: {fault.description}" for fault in faults)
        super().__init__(f"{name} would not be sound any more: {told}", resource_name=name)


class WindowHasBills(Refused):
    """Bills were made by the window: it stays, and nothing of it changes but that it may end later."""

    reason = "BILL_CYCLE_WINDOW_HAS_BILLS"

    def __init__(self, name: str) -> None:
        super().__init__(f"bills were made by {name}: it stays, and may but end later", resource_name=name)
