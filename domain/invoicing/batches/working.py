"""Which operation works on a batch: one at a time (INV-13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from domain.invoicing.batches import store
from domain.invoicing.batches.errors import InvoiceBatchBusy, InvoiceBatchGoneOn, InvoiceBatchNotFound
from domain.invoicing.batches.model import (
    ADVANCE_KIND,
    AGGREGATE_KIND,
    CANCEL_KIND,
    PUBLISH_KIND,
    Batch,
    Facts,
    Order,
    order_from_document,
)
from domain.invoicing.batches.states import BatchState
from domain.invoicing.batches.transitions import change, move, scope_of
from domain.invoicing.export.model import EXPORT_KIND
from domain.invoicing.names import batch_name
from domain.kernel.call import Call
from domain.kernel.documents import Document
from domain.kernel.scopes import EVERYTHING, Scope
from domain.operations import service as operations
from domain.operations.errors import OperationNotFound
from domain.operations.model import ChunkPlan, Operation

ALL = "-"
"""In place of a batch's id: all of them, as they are watched."""

STAGES: dict[str, tuple[tuple[str, str], ...]] = {
    ADVANCE_KIND: (
        ("begin", "batches"),
        ("close", "invoices"),
        ("settle", "batches"),
        ("ask", "batches"),
        ("carry", "invoices"),
        ("aggregate", "batches"),
        ("lock", "batches"),
        ("number", "invoices"),
        ("send", "batches"),
        ("order", "batches"),
    ),
    CANCEL_KIND: (("reopen", "invoices"), ("release", "batches")),
    AGGREGATE_KIND: (("aggregate", "invoices"),),
    PUBLISH_KIND: (("mark", "invoices"), ("publish", "batches")),
    EXPORT_KIND: (("write", "invoices"), ("show", "batches")),
}


def get(tx: Connection, batch_id: str, scope: Scope = EVERYTHING) -> Batch:
    """The batch. Raises: InvoiceBatchNotFound, also for what lies outside the scope."""
    return _seen(store.find(tx, batch_id), batch_id, scope)


def lock(tx: Connection, batch_id: str, scope: Scope = EVERYTHING) -> Batch:
    """The batch, locked until the transaction ends; likewise."""
    if scope.limited:
        get(tx, batch_id, scope)  # what lies outside is not waited for
    return _seen(store.lock(tx, batch_id), batch_id, scope)


def last_operation(tx: Connection, batch: Batch) -> Operation | None:
    """What works on the batch, or did last; None for nothing, and for what is forgotten."""
    if not batch.operation_id:
        return None
    try:
        return operations.get(tx, batch.operation_id)
    except OperationNotFound:
        return None


def refuse_busy(tx: Connection, batch: Batch) -> None:
    """Refuse what must be alone with a batch, whose row is locked. Raises: InvoiceBatchBusy."""
    operation = last_operation(tx, batch)
    if operation is not None and not operation.state.ended:
        raise InvoiceBatchBusy(batch.name, operation.operation_id)


def start(tx: Connection, call: Call, batch: Batch, kind: str, order: Order) -> Batch:
    """Begin to work on a batch, whose row is locked and on which nothing else works; gives it as it is then."""
    within = replace(call, scope=scope_of(batch))
    started = operations.start(tx, within, kind, order.document(), stages=STAGES[kind], description=batch.description)
    return change(tx, call, replace(batch, operation_id=started.operation_id))


def turn(tx: Connection, operation: Operation, *, locked: bool = False) -> Batch:
    """The batch that an operation works on.

    Raises: InvoiceBatchGoneOn when it is another operation's by now.
    """
    batch_id = order_from_document(operation.request).batch_id
    batch = lock(tx, batch_id) if locked else get(tx, batch_id)
    if batch.operation_id != operation.operation_id:
        raise InvoiceBatchGoneOn(resource_name=batch.name)
    return batch


def require_recoverable(tx: Connection, operation: Operation) -> None:
    """Refuse to go on with an operation that failed once its batch has, or is in ERROR. Raises: InvoiceBatchGoneOn."""
    batch = turn(tx, operation, locked=True)
    if batch.state is BatchState.ERROR:
        raise InvoiceBatchGoneOn(resource_name=batch.name)


def failed(tx: Connection, operation: Operation) -> None:
    """The operation that moves a batch on has failed, just now."""
    batch = lock(tx, order_from_document(operation.request).batch_id)
    if batch.operation_id == operation.operation_id:
        fail(tx, operations.call_of(tx, operation, operation.updated_us), batch, operation)


def fail(tx: Connection, call: Call, batch: Batch, operation: Operation) -> None:
    """Have a batch, whose row is locked and whose operation has failed, be in ERROR, for a person to mend (INV-09)."""
    failure = operation.failure
    assert failure is not None, "what has failed says why"
    facts = Facts(failure=failure.reason)
    move(tx, call, batch, BatchState.ERROR, facts, reason=failure.reason, message=failure.message)


def once(_tx: Connection, _operation: Operation, _now_us: int) -> Sequence[ChunkPlan]:
    """The plan of a stage that is one step, whatever there is."""
    return [ChunkPlan({}, 1)]


def links(operation: Operation) -> dict[str, str]:
    """What notifications of an operation lead to."""
    return {"invoice_batch": batch_name(order_from_document(operation.request).batch_id)}


def watched(operation: Operation, _payload: Document) -> list[str]:
    """What else is watched that an operation changes: its batch, and the board of all batches."""
    return [batch_name(order_from_document(operation.request).batch_id), batch_name(ALL)]


def watched_by_payload(_operation: Operation, payload: Document) -> list[str]:
    """Likewise, of an operation on several batches: those that a chunk's payload names."""
    ids = [*payload.get("batches", ()), *([payload["batch_id"]] if "batch_id" in payload else ())]
    return [batch_name(each) for each in (*ids, ALL)] if ids else []


def _seen(found: Batch | None, batch_id: str, scope: Scope) -> Batch:
    if found is None or not scope.has("cycles", found.cycle_code):
        raise InvoiceBatchNotFound(batch_id)
    return found
