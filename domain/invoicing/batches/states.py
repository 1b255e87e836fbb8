"""The states of a batch of invoices, with the numbers by which people know them."""

from __future__ import annotations

from enum import StrEnum


class BatchKind(StrEnum):
    """What a batch has."""

    INVOICES = "INVOICES"  # those of its schedules
    CREDIT_NOTES = "CREDIT_NOTES"  # it begins where they are ready for sending


class BatchState(StrEnum):
    """Where a batch stands."""

    PENDING_CLOSE = "PENDING_CLOSE"
    CLOSING = "CLOSING"
    CLOSED = "CLOSED"
    AGGREGATING = "AGGREGATING"
    READY_FOR_SENDING = "READY_FOR_SENDING"
    ORDERED = "ORDERED"
    READY_FOR_PUBLISH = "READY_FOR_PUBLISH"
    PUBLISHED = "PUBLISHED"
    ERROR = "ERROR"
    CANCELED = "CANCELED"

    @property
    def number(self) -> int:
        """Its status id, from 1."""
        return list(BatchState).index(self) + 1


OVER = frozenset({BatchState.PUBLISHED, BatchState.CANCELED})
"""Nothing comes after these."""
