"""Aggregation as long-running work: the lines of closed invoices are added up, chunk by chunk (INV-04, INV-16).

It is no engine's: batches wait for it. Any number may run at once, as each invoice is aggregated by whoever locks it
first; one that gets a line while that goes on is not aggregated again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from sqlalchemy import Connection

from domain.invoicing.batches import aggregating, counting, engines, store, working
from domain.invoicing.batches.counting import Span
from domain.invoicing.batches.errors import TAX_CATEGORIES_MIXED, InvoiceBatchNotAggregating
from domain.invoicing.batches.model import (
    AGGREGATE_KIND,
    Batch,
    EngineRequest,
    engine_request_from_document,
)
from domain.invoicing.batches.states import BatchState
from domain.invoicing.batches.transitions import change, hold, scope_of, tell
from domain.invoicing.names import invoice_name
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.operations import service as operations
from domain.operations.model import ChunkPlan, Job, Operation, Stage, Stepped, Work
from domain.operations.states import added


@dataclass(frozen=True, slots=True)
class Aggregation:
    """The job; `size` is how many invoices one step aggregates on PostgreSQL, on SQLite all other writers wait."""

    size: int = 10_000
    on_sqlite: int = 4_000

    def job(self) -> Job:
        """The job as the mechanism knows it."""
        ((name, unit),) = working.STAGES[AGGREGATE_KIND]
        return Job(
            kind=AGGREGATE_KIND,
            stages=(Stage(name, unit, plan=self.plan, step=step),),
            undo=engines.nothing_to_undo,
            watched=working.watched_by_payload,
        )

    def plan(self, tx: Connection, operation: Operation, _now_us: int) -> Sequence[ChunkPlan]:
        """What is not aggregated of the batches asked about."""
        size = self.size if tx.dialect.name == "postgresql" else self.on_sqlite
        request = engine_request_from_document(operation.request)
        scope = operations.call_of(tx, operation, 0).scope
        batches = engines.batches(tx, request, scope, [BatchState.AGGREGATING])
        return [
            ChunkPlan({"batch_id": batch.batch_id, "span": asdict(span)}, span.items)
            for batch in batches
            if not batch.locked_us
            for span in counting.cut_unaggregated(tx, batch, size)
        ]


def start(tx: Connection, call: Call, request: EngineRequest) -> Operation:
    """Begin to aggregate the invoices of a batch, or of all batches that wait for it.

    Raises: NotFound; InvoiceBatchNotFound; InvoiceBatchNotAggregating for one that is named and does not wait for it.
    """
    require_storable(description=request.description)
    scope = engines.scope_of(tx, call.scope, request)
    if request.batch_id:
        batch = working.get(tx, request.batch_id, call.scope)
        scope = scope_of(batch)
        if batch.state is not BatchState.AGGREGATING or batch.locked_us:
            raise InvoiceBatchNotAggregating(batch.name, state=batch.state, locked=bool(batch.locked_us))
    return operations.start(
        tx,
        replace(call, scope=scope),
        AGGREGATE_KIND,
        asdict(request),
        stages=working.STAGES[AGGREGATE_KIND],
        description=request.description,
    )


def step(tx: Connection, work: Work) -> Stepped:
    """Aggregate a chunk."""
    batch, span = working.get(tx, work.payload["batch_id"]), Span(**work.payload["span"])
    if batch.state is not BatchState.AGGREGATING or batch.locked_us:
        return Stepped()
    done, mixed = aggregating.aggregate(tx, batch, span, work.now_us)
    call = operations.call_of(tx, work.operation, work.now_us)
    if done:
        _note(tx, call, batch, span, done)
    if mixed:
        _hold(tx, call, batch, mixed[0])
    return Stepped(span.items, {"aggregated": done, **({"mixed": len(mixed)} if mixed else {})})


def _hold(tx: Connection, call: Call, batch: Batch, mixed: tuple[str, str]) -> None:
    """Say of which invoice lines are to be taken off: it would get a number, and no document."""
    message = (
        f"{invoice_name(*mixed)} has lines that are not subject to VAT (category O) beside others, which EN 16931"
        " forbids (BR-O-11): take the ones or the others off, and aggregate again"
    )
    hold(tx, call, working.lock(tx, batch.batch_id), TAX_CATEGORIES_MIXED, message)


def _note(tx: Connection, call: Call, batch: Batch, span: Span, count: int) -> None:
    """For watchers and the audit trail; the batch is locked last, and shortly."""
    present = store.lock(tx, batch.batch_id)
    assert present is not None, "batches are never deleted"
    counts = {"aggregated": count}
    present = change(tx, call, replace(present, counts=added(present.counts, counts)))
    selection = {"schedule": span.schedule, "first_account": span.first, "last_account": span.last}
    tell(tx, call, present, "invoices_aggregated", {"selection": selection, "counts": counts})
