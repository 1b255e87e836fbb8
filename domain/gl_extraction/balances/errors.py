"""What trial balances refuse."""

from __future__ import annotations

from domain.kernel.errors import NotFound, Refused

TRIAL_BALANCE_TYPE = "countinghouse.gl_extraction/TrialBalance"


class TrialBalanceNotFound(NotFound):
    """There is no such period, and so no trial balance of it."""

    reason = "TRIAL_BALANCE_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(TRIAL_BALANCE_TYPE, name)


class BalanceTooLarge(Refused):
    """A figure comes to more than can be told: 9.2e18 units of its currency."""

    reason = "BALANCE_TOO_LARGE"
