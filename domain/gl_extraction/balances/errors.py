"""What trial balances refuse."""

from __future__ import annotations

from domain.kernel.errors import NotFound, OutOfRange, Refused
from domain.kernel.time import iso_of

TRIAL_BALANCE_TYPE = "countinghouse.gl_extraction/TrialBalance"


class AsOfInFuture(OutOfRange):
    """A balance is told as of an instant that is over, or as of now."""

    reason = "AS_OF_IN_FUTURE"

    def __init__(self, as_of_us: int, now_us: int) -> None:
        super().__init__(f"as_of_time {iso_of(as_of_us)} is still to come: it is {iso_of(now_us)}", field="as_of_time")


class TrialBalanceNotFound(NotFound):
    """There is no such period, and so no trial balance of it."""

    reason = "TRIAL_BALANCE_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(TRIAL_BALANCE_TYPE, name)


class BalanceTooLarge(Refused):
    """A figure comes to more than can be told: 9.2e18 units of its currency."""

    reason = "BALANCE_TOO_LARGE"
