"""Deliveries as values: what is to go outside, where it stands, what became of an attempt (PLT-25, PLT-32, ACC-21)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from domain.kernel.documents import Document

RESOURCE_TYPE = "countinghouse.operations/Delivery"


class Kind(StrEnum):
    """What kind of thing goes outside; each has one handler (`server/work/dispatch.py`)."""

    WEBHOOK = "WEBHOOK"
    TRANSMISSION = "TRANSMISSION"
    SYSTEM_OF_RECORD = "SYSTEM_OF_RECORD"


class State(StrEnum):
    """Where a delivery stands."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    GIVEN_UP = "GIVEN_UP"  # its attempts or its time are used up; a person can have it sent again
    WITHDRAWN = "WITHDRAWN"  # what it tells of was taken back before it was sent, or settled otherwise


@dataclass(frozen=True, slots=True)
class Limits:
    """What a delivery asks for itself; 0 is what the dispatch's settings say (`Patience`).

    With `attempts_max` of its own it has no limit of time: it waits for as long as its target's trouble holds it back.
    `under_way_max`: so many to its target may be claimed at once, by all servers together.
    """

    attempts_max: int = 0
    pause_us: int = 0
    pause_max_us: int = 0
    under_way_max: int = 0


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """Something to send to `target` (a resource name), told apart there by `key`.

    The same key for the same target is recorded once. `subject` is the resource name of what it is about; `payload` is
    what the kind's handler needs, the same for every attempt; `scope_id` is `kernel.scopes`'.
    """

    kind: Kind
    target: str
    key: str
    subject: str
    event_type: str = ""
    payload: Document = field(default_factory=dict)
    scope_id: int = 0
    limits: Limits = NO_LIMITS


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery as it stands.

    `attempts` counts those since `since_us`, when it was recorded or last sent again by a person; an attempt counts
    when it is claimed. `next_attempt_us` is the end of the lease while it is claimed. `reason` and `message` are those
    of the last failure, empty without one. `unanswered` counts attempts since the last that was answered, whatever the
    answer, the one under way among them. Instants are microseconds UTC by the database's clock, 0 for none.
    """

    delivery_id: str
    kind: Kind
    target: str
    key: str
    subject: str
    event_type: str
    payload: Document
    state: State
    attempts: int
    redeliveries: int
    epoch: int
    claimed: bool
    next_attempt_us: int
    since_us: int
    created_us: int
    attempted_us: int
    ended_us: int
    reason: str
    message: str
    scope_id: int
    unanswered: int = 0
    limits: Limits = NO_LIMITS

    @property
    def in_doubt(self) -> bool:
        """Whether an attempt before the one under way may have arrived: it had no answer, or died with its sender."""
        return self.unanswered > (1 if self.claimed else 0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt.

    A failure has a stable `reason` (UPPER_SNAKE) and a sentence without secrets, amounts or persons. `final`: to try
    again is of no use. `pause_us`: the receiver asks for at least so long a pause; `pause_all`: for all that goes to
    it. `unanswered`: it may have arrived, nobody knows. `rejected`: the receiver is well, and will not have this one.
    `facts` are what a receiver told of what it took, for those who record it.
    """

    delivered: bool
    reason: str = ""
    message: str = ""
    final: bool = False
    pause_us: int = 0
    pause_all: bool = False
    unanswered: bool = False
    rejected: bool = False
    facts: Document = field(default_factory=dict)


DELIVERED = Outcome(delivered=True)


def failed(reason: str, message: str, *, final: bool = False, pause_us: int = 0, pause_all: bool = False) -> Outcome:
    """An attempt that failed, and is known not to have arrived."""
    assert reason
    return Outcome(delivered=False, reason=reason, message=message, final=final, pause_us=pause_us, pause_all=pause_all)


def unanswered(reason: str, message: str, *, final: bool = False) -> Outcome:
    """An attempt of which nobody knows whether it arrived."""
    assert reason
    return Outcome(delivered=False, reason=reason, message=message, final=final, unanswered=True)


def rejected(reason: str, message: str) -> Outcome:
    """An attempt that the receiver refused for good."""
    assert reason
    return Outcome(delivered=False, reason=reason, message=message, final=True, rejected=True)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a delivery is tried: at most `attempts_max` times and, once tried, for `within_us` at most.

    It rests between two attempts: a random part of `pause_us` doubled with each attempt, up to `pause_max_us`.
    """

    attempts_max: int = 30
    within_us: int = 3 * 86_400_000_000
    pause_us: int = 2_000_000
    pause_max_us: int = 6 * 3_600_000_000


@dataclass(frozen=True, slots=True)
class Trouble:
    """A target whose last attempts failed: how many one after another, since when, and until when it rests."""

    failures: int
    failing_since_us: int
    paused_until_us: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A target with pending deliveries: when the first is due, how many are under way, and its trouble, if any.

    `under_way_max` is what its first delivery asks for (`Limits`), 0 for nothing; `held` is how many of those under way
    are in the hands of who asks.
    """

    kind: Kind
    target: str
    due_us: int
    under_way: int
    trouble: Trouble | None
    under_way_max: int = 0
    held: int = 0


@dataclass(frozen=True, slots=True)
class Claimed:
    """What was claimed, and how many to a target with a limit of its own may be sent at once by who claimed them."""

    deliveries: list[Delivery]
    at_once: dict[str, int]


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries; the empty string means any."""

    state: State | None = None
    kind: Kind | None = None
    target: str = ""
    subject: str = ""
    key: str = ""
