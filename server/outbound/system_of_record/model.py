"""An adjustment that is to be posted, and what a system of record says of it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum, auto
from typing import Protocol

from domain.kernel.documents import Document

_REFERENCE_LENGTH_MAX = 256


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What is posted (ACC-20); `amount_minor` is positive, in minor units of `currency`; days are yyyymmdd.

    `connection` names an entry of the servers' file of systems of record. An attempt takes `timeout_us` at most.
    `rule` and `reverses_operation_id` are empty where there is none.
    """

    connection: str
    client: str
    operation: str
    operation_id: str
    idempotency_key: str
    claim: str
    dispute: str
    debit_account: str
    credit_account: str
    amount_minor: int
    currency: str
    reason: str
    rule: str
    rule_version: int
    accounting_day: int
    description: str
    reverses_operation_id: str
    timeout_us: int

    @property
    def timeout_s(self) -> float:
        """How long an attempt may take."""
        return self.timeout_us / 1_000_000


def adjustment_from(payload: Document) -> Adjustment:
    """The adjustment that a delivery's payload holds: a key for each field of `Adjustment`, and others for others."""
    adjustment = Adjustment(**{each.name: payload[each.name] for each in fields(Adjustment)})
    assert adjustment.amount_minor > 0
    assert adjustment.timeout_us > 0
    assert adjustment.debit_account != adjustment.credit_account
    return adjustment


@dataclass(frozen=True, slots=True)
class Posting:
    """It is posted: by which reference it is found again, and when (microseconds UTC, 0 if that was not told)."""

    external_reference: str
    posted_us: int

    @property
    def facts(self) -> Document:
        """For those who record it."""
        return {"external_reference": self.external_reference, "posted_us": self.posted_us}


@dataclass(frozen=True, slots=True)
class NotPosted:
    """Lookup says that it is not posted, and that nothing sent before will be."""


class Means(Enum):
    """What follows from a failure."""

    LATER = auto()  # not posted; the same may be posted later
    REJECTED = auto()  # not posted, and never will be
    UNFIT = auto()  # not posted: the call was refused before anybody looked at it
    UNANSWERED = auto()  # it may be posted


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that failed; `message` is a sentence without amounts, persons and secrets.

    `pause_s`: the system asks to be left alone for so long.
    """

    means: Means
    message: str
    pause_s: float = 0


class Connector(Protocol):
    """A way to one system of record; safe to share between threads. Nothing is raised: failures are values."""

    def post(self, adjustment: Adjustment) -> Posting | Failure:
        """Post, within the adjustment's time."""

    def lookup(self, adjustment: Adjustment) -> Posting | NotPosted | Failure:
        """Ask what became of its key, within the adjustment's time."""

    def rest(self) -> None:
        """Nothing is being sent: close what should not stay open."""


def posting_of(reference: str, posted_us: int) -> Posting:
    """A posting as it was told: what cannot be shown is left out of the reference, and it is cut at its bound."""
    shown = "".join(each for each in reference if each.isprintable())
    return Posting(shown[:_REFERENCE_LENGTH_MAX], max(0, posted_us))
