"""The states of a claim: open until it is resolved, and again when it is reopened (ACC-58)."""

from __future__ import annotations

from enum import StrEnum


class ClaimState(StrEnum):
    """Whether a claim takes new operations."""

    OPEN = "OPEN"
    RESOLVED = "RESOLVED"


EDGES = (
    (ClaimState.OPEN, ClaimState.RESOLVED),  # its accounting allows it
    (ClaimState.RESOLVED, ClaimState.OPEN),
)


def may_become(state: ClaimState, wanted: ClaimState) -> bool:
    """Whether the machine has this edge."""
    return (state, wanted) in EDGES
