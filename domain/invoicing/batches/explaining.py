"""Why a batch stands where it does: what it waits for, since when, who can move it on, and by which call (INV-18)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from domain.invoicing.batches import counting, edges, working
from domain.invoicing.batches.errors import NOT_AGGREGATED, NOTHING_ENDED, TAX_CATEGORIES_MIXED
from domain.invoicing.batches.model import Batch, Mover
from domain.invoicing.batches.states import OVER, BatchState
from domain.kernel.scopes import Scope
from domain.kernel.time import iso_of
from domain.operations.model import Operation, State

_S = BatchState
TIME_NOT_COME = "INVOICE_BATCH_TIME_NOT_COME"
WORKED_ON = "INVOICE_BATCH_WORKED_ON"
OPERATION_PAUSED = "INVOICE_BATCH_OPERATION_PAUSED"
OPERATION_FAILED = "INVOICE_BATCH_OPERATION_FAILED"
ENGINE_NEXT = "INVOICE_BATCH_ENGINE_NEXT"
EXPORT_PENDING = "INVOICE_BATCH_EXPORT_PENDING"
NOT_PUBLISHED = "INVOICE_BATCH_NOT_PUBLISHED"
OVER_ALREADY = "INVOICE_BATCH_OVER"


@dataclass(frozen=True, slots=True)
class Way:
    """Who can move a batch on, by which method, and which permission that needs."""

    mover: Mover
    method: str
    permission: str = "administerbatches"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a batch waits for, since an instant in microseconds UTC; `facts` are what was counted."""

    batch: Batch
    reason: str
    message: str
    since_us: int
    ways: tuple[Way, ...] = ()
    facts: Mapping[str, int] = field(default_factory=dict)


ENGINE = Way(Mover.ENGINE, "RunInvoiceBatchEngine")
AGGREGATE = Way(Mover.ENGINE, "AggregateInvoices")
EXPORT = Way(Mover.EXPORT, "RunInvoiceExportEngine")
RETRY = Way(Mover.PERSON, "RetryInvoiceBatch")
CANCEL = Way(Mover.PERSON, "CancelInvoiceBatch")
PUBLISH = Way(Mover.PERSON, "PublishInvoiceBatch", "publish")
RESUME = Way(Mover.PERSON, "ResumeOperation")
RECOVER = Way(Mover.PERSON, "RecoverOperation")


def explain(tx: Connection, scope: Scope, batch_id: str, now_us: int) -> Explanation:
    """What a batch waits for now. Cost: a few statements; one that is closed and not locked has its invoices counted.

    Raises: InvoiceBatchNotFound.
    """
    batch = working.get(tx, batch_id, scope)
    if batch.state in OVER:
        return Explanation(batch, OVER_ALREADY, f"it is {batch.state}: nothing comes after it", batch.state_since_us)
    if batch.state is _S.ERROR:
        return _failed(batch)
    operation = working.last_operation(tx, batch)
    if operation is not None and (told := _worked_on(batch, operation)):
        return told
    return _waits(tx, batch, now_us)


def _failed(batch: Batch) -> Explanation:
    assert batch.held is not None, "what has failed says why"
    ways = (RETRY, CANCEL) if not batch.number_count else (RETRY,)
    message = f"it failed in {batch.failed_state}: {batch.held.message}; mend the cause, then retry it"
    return Explanation(batch, batch.held.reason, message, batch.held.since_us, ways)


def _worked_on(batch: Batch, operation: Operation) -> Explanation | None:
    """What is to be said while an operation works on it, or has failed."""
    name = f"operations/{operation.operation_id}"
    if operation.state is State.FAILED:
        assert operation.failure is not None, "what has failed says why"
        message = f"{name} has failed: {operation.failure.message}; mend the cause, then recover it"
        ways = (RECOVER, EXPORT) if batch.state is _S.ORDERED else (RECOVER,)
        return Explanation(batch, OPERATION_FAILED, message, operation.ended_us, ways)
    if operation.state.ended:
        return None
    stage = next((each for each in operation.stages if each.stage == operation.stage), None)
    facts = {"items_done": stage.items_done, "items_total": stage.items_total} if stage else {}
    if operation.state is State.PAUSED:
        return Explanation(batch, OPERATION_PAUSED, f"{name} is paused", operation.updated_us, (RESUME,), facts)
    message = f"{name} is at work on it: {operation.stage}"
    return Explanation(batch, WORKED_ON, message, operation.created_us, (), facts)


def _waits(tx: Connection, batch: Batch, now_us: int) -> Explanation:
    if batch.state is _S.PENDING_CLOSE:
        return _pending(tx, batch, now_us)
    if batch.state is _S.AGGREGATING and not batch.locked_us:
        figures = counting.figures(tx, batch)
        if figures.unaggregated:
            facts = {"invoices": figures.invoices, "unaggregated": figures.unaggregated}
            message = f"{figures.unaggregated:,} of {figures.invoices:,} invoices are not aggregated"
            reason = NOT_AGGREGATED
            if batch.held is not None and batch.held.reason == TAX_CATEGORIES_MIXED:
                reason, message = batch.held.reason, batch.held.message
            return Explanation(batch, reason, message, _since(batch), (AGGREGATE, CANCEL), facts)
    if batch.state is _S.ORDERED:
        total, pending = counting.exports(tx, batch)
        message = "its export record is not done" if pending else "its export is done: the export engine takes it on"
        facts = {"exports": total, "pending_exports": pending}
        reason, message = (batch.held.reason, batch.held.message) if batch.held else (EXPORT_PENDING, message)
        return Explanation(batch, reason, message, _since(batch), (EXPORT,), facts)
    if batch.state is _S.READY_FOR_PUBLISH:
        message = "it is exported, and waits for somebody to publish it"
        return Explanation(batch, NOT_PUBLISHED, message, _since(batch), (PUBLISH,))
    return _next(batch)


def _pending(tx: Connection, batch: Batch, now_us: int) -> Explanation:
    if batch.close_at_us > now_us:
        message = f"it closes at {iso_of(batch.close_at_us)}"
        return Explanation(batch, TIME_NOT_COME, message, batch.state_since_us, (ENGINE, CANCEL))
    ended, others = counting.schedules(tx, batch, now_us)
    if not ended:
        message = f"none of its {others} schedules has ended"
        return Explanation(batch, NOTHING_ENDED, message, _since(batch), (ENGINE, CANCEL), {"schedules": others})
    return _next(batch)


def _next(batch: Batch) -> Explanation:
    """The engine can take it on; what has held it so far is told."""
    cancelable = edges.between(batch.state, _S.CANCELED) is not None and not batch.locked_us
    ways = (ENGINE, CANCEL) if cancelable else (ENGINE,)
    if batch.held is not None:
        return Explanation(batch, batch.held.reason, batch.held.message, batch.held.since_us, ways)
    edge = edges.onward(batch.state)
    assert edge is not None, "it is not over"
    return Explanation(batch, ENGINE_NEXT, f"the engine takes it on: {edge.waits_for}", batch.state_since_us, ways)


def _since(batch: Batch) -> int:
    """Since when it is held, or in its state."""
    return batch.held.since_us if batch.held else batch.state_since_us
