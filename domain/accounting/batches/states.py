"""Where a batch stands."""

from __future__ import annotations

from enum import StrEnum


class BatchState(StrEnum):
    """Where a batch stands: what became of its newest file."""

    WRITING = "WRITING"  # its records are settled, its first file is being written
    WRITTEN = "WRITTEN"  # the file is there, and goes nowhere by itself
    TRANSMITTING = "TRANSMITTING"
    TRANSMITTED = "TRANSMITTED"
    TRANSMISSION_FAILED = "TRANSMISSION_FAILED"  # a person looks after it (ACC-35)


_S = BatchState
_ANEW = frozenset({_S.WRITTEN, _S.TRANSMITTING})  # a file was written: the first one, or again
EDGES: dict[BatchState, frozenset[BatchState]] = {
    _S.WRITING: _ANEW,
    _S.WRITTEN: _ANEW | {_S.TRANSMITTED, _S.TRANSMISSION_FAILED},  # a person may have its file sent
    _S.TRANSMITTING: _ANEW | {_S.TRANSMITTED, _S.TRANSMISSION_FAILED},
    _S.TRANSMITTED: _ANEW | {_S.TRANSMISSION_FAILED},  # a person may have its file sent once more
    _S.TRANSMISSION_FAILED: _ANEW | {_S.TRANSMITTED},
}


def may_become(state: BatchState, wanted: BatchState) -> bool:
    """Whether there is an edge."""
    return wanted in EDGES[state]
