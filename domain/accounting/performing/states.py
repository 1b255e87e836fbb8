"""Where an operation stands."""

from __future__ import annotations

from enum import StrEnum


class OperationState(StrEnum):
    """Performed is one fact, executed another (ACC-04): what is pending has been performed."""

    AWAITING_APPROVAL = "AWAITING_APPROVAL"  # nothing is done before another person agrees (ACC-57)
    PENDING = "PENDING"
    EXECUTED = "EXECUTED"
    CANCELED = "CANCELED"

    @property
    def counts_as_pending(self) -> bool:
        """Whether its amount is among what balances show as pending."""
        return self in {OperationState.AWAITING_APPROVAL, OperationState.PENDING}


EDGES = {
    OperationState.AWAITING_APPROVAL: {OperationState.PENDING, OperationState.EXECUTED, OperationState.CANCELED},
    OperationState.PENDING: {OperationState.EXECUTED, OperationState.CANCELED},
    OperationState.EXECUTED: set(),
    OperationState.CANCELED: set(),
}
"""What may follow on what; an executed operation is corrected by a reversal alone (ACC-08)."""


def may_become(state: OperationState, wanted: OperationState) -> bool:
    """Whether there is an edge."""
    return wanted in EDGES[state]
