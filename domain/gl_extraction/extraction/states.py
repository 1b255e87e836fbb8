"""The states of an extraction batch (GLX-20)."""

from __future__ import annotations

from enum import StrEnum


class BatchState(StrEnum):
    """Where a batch stands."""

    SELECTING = "SELECTING"
    PREPARED = "PREPARED"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"


EDGES = (
    (BatchState.SELECTING, BatchState.PREPARED),  # elements and message ids are settled, in one commit
    (BatchState.SELECTING, BatchState.COMPLETED),  # nothing was selected
    (BatchState.SELECTING, BatchState.CANCELED),  # what was selected is put back
    (BatchState.PREPARED, BatchState.COMPLETED),  # files and stamps become visible, in one commit
)


def may_become(state: BatchState, wanted: BatchState) -> bool:
    """Whether the machine has this edge."""
    return (state, wanted) in EDGES
