"""What happened to claims, for those who watch (ACC-56), as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.accounting.names import event_name


class EventKind(StrEnum):
    """What happened."""

    CLAIM_CREATED = "CLAIM_CREATED"
    CLAIM_CHANGED = "CLAIM_CHANGED"  # itself, or one of its disputes
    CLAIM_RESOLVED = "CLAIM_RESOLVED"
    CLAIM_REOPENED = "CLAIM_REOPENED"
    OPERATION_CREATED = "OPERATION_CREATED"
    OPERATION_APPROVED = "OPERATION_APPROVED"
    OPERATION_EXECUTED = "OPERATION_EXECUTED"
    OPERATION_CANCELED = "OPERATION_CANCELED"
    OPERATION_FAILED = "OPERATION_FAILED"
    OPERATION_IN_DOUBT = "OPERATION_IN_DOUBT"
    OPERATION_REVERSED = "OPERATION_REVERSED"


@dataclass(frozen=True, slots=True)
class NewEvent:
    """Something that happened to a claim or to one of its operations (`operation_id` empty: to the claim itself)."""

    claim_id: str
    client_code: str
    kind: EventKind
    operation_id: str
    at_us: int


@dataclass(frozen=True, slots=True)
class AccountingEvent:
    """The `sequence`-th event of its claim, from 1.

    `position` is that in the client's feed, from 1; 0 until it is given, which is after the commit.
    """

    claim_id: str
    sequence: int
    client_code: str
    event_id: str
    kind: EventKind
    operation_id: str
    at_us: int
    position: int

    @property
    def name(self) -> str:
        """Its resource name."""
        return event_name(self.claim_id, self.sequence)


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event that has no position yet; its id tells how old it is, by the clock of the server that made it."""

    claim_id: str
    sequence: int
    event_id: str
