"""The states of a message in the eyes of its receiver (GLX-25)."""

from __future__ import annotations

from enum import StrEnum


class ReceiptState(StrEnum):
    """What was said of a message; of an open one, nothing yet."""

    OPEN = "OPEN"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    REJECTED = "REJECTED"


EDGES = (
    (ReceiptState.OPEN, ReceiptState.ACKNOWLEDGED),
    (ReceiptState.OPEN, ReceiptState.REJECTED),
)
"""What was said is final: a rejected message may have been sent again, and would be posted twice."""


def may_become(state: ReceiptState, wanted: ReceiptState) -> bool:
    """Whether the machine has this edge."""
    return (state, wanted) in EDGES
