"""The states of an accounting period: open and closed, either way (GLX-04)."""

from __future__ import annotations

from enum import StrEnum


class PeriodState(StrEnum):
    """Whether a period takes details."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"


EDGES = (
    (PeriodState.OPEN, PeriodState.CLOSED),  # nothing unextracted in it, or forced
    (PeriodState.CLOSED, PeriodState.OPEN),  # with a permission of its own and a reason
)


def may_become(state: PeriodState, wanted: PeriodState) -> bool:
    """Whether the machine has this edge."""
    return (state, wanted) in EDGES
