"""Hookpoints: where somebody else decides whether a batch goes on (INV-10).

A hook is asked before anything is written, and as often as is needed. What it knows nothing of goes on; what it
refuses, or fails at, stays where it is, and is asked again at the next run of the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from domain.invoicing.batches.model import Batch
from domain.invoicing.batches.states import BatchState


class Point(StrEnum):
    """Where a batch asks."""

    CLOSED = "CLOSED"  # before what was not closed moves on
    READY_FOR_SENDING = "READY_FOR_SENDING"  # before its export is ordered


POINTS: Mapping[BatchState, Point] = {BatchState(point): point for point in Point}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a hook is shown: the point, and the batch as it stands there.

    `totals` are net and tax by currency, in minor units, at READY_FOR_SENDING; before, there are none.
    """

    key: str
    point: Point
    batch_id: str
    cycle_code: str
    schedules: tuple[str, ...]
    counts: Mapping[str, int]
    totals: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a hook decides: to go on, or not, and then why."""

    goes_on: bool
    message: str = ""


GO_ON = Decision(goes_on=True)

Decide = Callable[[Asked], Decision]
"""Raises whatever it likes: then the batch is held, and says that the hook failed."""


class HookFailed(Exception):
    """There is no answer; the text says why, in a clause without what the hook holds secret."""


@dataclass(frozen=True, slots=True)
class Hookpoint:
    """A key that a hook answers to. `origin` is where it is from, for people."""

    key: str
    description: str
    decide: Decide
    origin: str = ""


class Hookpoints(Protocol):
    """The hooks of a process."""

    def __call__(self) -> Mapping[str, Hookpoint]:
        """By key."""
        ...


def asked_of(batch: Batch, key: str, point: Point) -> Asked:
    """What a hook is shown of a batch."""
    totals = batch.counts.get("totals", {}) if point is Point.READY_FOR_SENDING else {}
    return Asked(
        key=key,
        point=point,
        batch_id=batch.batch_id,
        cycle_code=batch.cycle_code,
        schedules=batch.schedules,
        counts={name: each for name, each in batch.counts.items() if isinstance(each, int)},
        totals={currency: (each["net"], each["tax"]) for currency, each in totals.items()},
    )
