"""Asking a batch's hook, and what comes of its answer (INV-10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from domain.invoicing.batches.errors import HOOK_FAILED, HOOK_REFUSES
from domain.invoicing.batches.hooks import POINTS, Decision, HookFailed, Hookpoint, Point, asked_of
from domain.invoicing.batches.model import Batch
from domain.invoicing.batches.transitions import change, hold
from domain.kernel.call import Call

_MESSAGE_MAX = 512
_UNEXPECTED = "an unexpected error, which the server's log describes"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking: `reason` is why the batch is held, empty where it goes on."""

    reason: str = ""
    message: str = ""


GOES_ON = Answer()


def answer(_tx: Connection, batch: Batch, key: str, hooks: Mapping[str, Hookpoint]) -> Answer:
    """What the hook of a key says of a batch; without one, or one of this key, it goes on.

    Nothing is asked of a point that has let the batch go, nor of a batch without invoices that is to be sent.
    """
    point = POINTS.get(batch.state)
    hook = hooks.get(key) if key else None
    if hook is None or point is None or batch.asked_point == point:
        return GOES_ON
    if point is Point.READY_FOR_SENDING and not batch.number_count and batch.locked_us:
        return GOES_ON
    return tried(hook, batch, point)


def tried(hook: Hookpoint, batch: Batch, point: Point) -> Answer:
    """What a hook says of a batch, whatever it does."""
    try:
        decision: object = hook.decide(asked_of(batch, hook.key, point))
    except HookFailed as error:
        return Answer(HOOK_FAILED, f"hook {hook.key}: {error}"[:_MESSAGE_MAX])
    except Exception:  # noqa: BLE001 - a hook's code may raise anything; whoever offers it logs it
        return Answer(HOOK_FAILED, f"hook {hook.key}: {_UNEXPECTED}")
    if not isinstance(decision, Decision):  # what a package offers may answer anything
        return Answer(HOOK_FAILED, f"hook {hook.key} answered what is no decision")
    if decision.goes_on:
        return GOES_ON
    return Answer(HOOK_REFUSES, f"hook {hook.key}: {decision.message or 'it says so'}"[:_MESSAGE_MAX])


def note(tx: Connection, call: Call, batch: Batch, point: Point, found: object) -> Batch:
    """Let a batch, whose row is locked, go on from a point, or hold it there, by the answer that was `found`."""
    assert isinstance(found, Answer)
    if found.reason:
        return hold(tx, call, batch, found.reason, found.message)
    return change(tx, call, replace(batch, asked_point=point, held=None))
