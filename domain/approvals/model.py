"""Approvals as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

TYPE = "countinghouse.operations/Approval"


class State(StrEnum):
    """Where an approval stands."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    USED = "USED"
    EXPIRED = "EXPIRED"


LIVE = (State.PENDING, State.APPROVED)
"""States from which something may still come of it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A call that needs a second person: the method's permission, the request, and the digest that tells it again.

    `request_type` is the full name of the request's message; `patience_us` is how long the approval is good for.
    """

    permission: str
    request_type: str
    request: bytes
    digest: bytes
    patience_us: int


@dataclass(frozen=True, slots=True)
class Approval:
    """One call and who agreed to it. Instants are microseconds UTC, 0 for never; in lists `request` is empty."""

    approval_id: str
    state: State
    method: str
    permission: str
    caller: str
    request_type: str
    request: bytes
    created_us: int
    expire_us: int
    decider: str
    decided_us: int
    reason: str
    used_us: int
    scope_id: int

    @property
    def name(self) -> str:
        """Its resource name."""
        return name_of(self.approval_id)


def name_of(approval_id: str) -> str:
    """`approvals/{id}`."""
    return f"approvals/{approval_id}"
