"""Canceling a batch before its lock: its invoices run again, its schedules are open again (INV-21).

What was moved to the next schedule stays there. Chunk by chunk: whoever is killed is gone on from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from sqlalchemy import Connection

from domain.invoicing.batches import closing, counting, edges, locking, working
from domain.invoicing.batches.counting import Span
from domain.invoicing.batches.engines import nothing_to_undo
from domain.invoicing.batches.errors import InvoiceBatchTransitionIllegal
from domain.invoicing.batches.model import CANCEL_KIND, Batch, Facts, Order
from domain.invoicing.batches.states import BatchState
from domain.invoicing.batches.transitions import change, move, tell
from domain.invoicing.configuration import schedules
from domain.kernel.call import Call
from domain.operations import service as operations
from domain.operations.model import ChunkPlan, Job, Operation, Stage, Stepped, Work
from domain.operations.states import added


@dataclass(frozen=True, slots=True)
class Cancellation:
    """The job; `size` is how many invoices one step reopens on PostgreSQL, on SQLite all other writers wait."""

    size: int = 10_000
    on_sqlite: int = 4_000

    def job(self) -> Job:
        """The job as the mechanism knows it."""
        (reopen_stage, release_stage) = working.STAGES[CANCEL_KIND]
        return Job(
            kind=CANCEL_KIND,
            stages=(
                Stage(*reopen_stage, plan=self.plan, step=reopen, past_cancel=True),
                Stage(*release_stage, plan=working.once, step=release, past_cancel=True),
            ),
            undo=nothing_to_undo,
            links=working.links,
            require_recoverable=working.require_recoverable,
            failed=working.failed,
            watched=working.watched,
        )

    def plan(self, tx: Connection, operation: Operation, _now_us: int) -> Sequence[ChunkPlan]:
        """The invoices that the batch has closed."""
        batch = working.turn(tx, operation)
        size = self.size if tx.dialect.name == "postgresql" else self.on_sqlite
        return [ChunkPlan(asdict(span), span.items) for span in counting.cut(tx, batch, locking.BATCHED, size)]


def cancel(tx: Connection, call: Call, batch_id: str) -> Batch:
    """Begin to cancel a batch: from 1 to 3, from 4 before its lock, and from 9 if nothing is locked.

    Raises: InvoiceBatchNotFound; InvoiceBatchBusy; InvoiceBatchTransitionIllegal.
    """
    batch = working.lock(tx, batch_id, call.scope)
    working.refuse_busy(tx, batch)
    edge = edges.between(batch.state, BatchState.CANCELED)
    if edge is None or not edge.guard(_facts(tx, batch)):
        raise InvoiceBatchTransitionIllegal(batch.name, state=batch.state, wanted=BatchState.CANCELED)
    return working.start(tx, call, batch, CANCEL_KIND, Order(batch_id, call.now_us))


def reopen(tx: Connection, work: Work) -> Stepped:
    """Have the closed invoices of a chunk run again."""
    batch, span = working.turn(tx, work.operation), Span(**work.payload)
    call = operations.call_of(tx, work.operation, work.now_us)
    counts = {"reopened": closing.reopen(tx, batch, span, call.now_us)}
    present = working.lock(tx, batch.batch_id)
    present = change(tx, call, replace(present, counts=added(present.counts, counts)))
    selection = {"schedule": span.schedule, "first_account": span.first, "last_account": span.last}
    tell(tx, call, present, "invoices_reopened", {"selection": selection, "counts": counts})
    return Stepped(span.items, counts)


def release(tx: Connection, work: Work) -> Stepped:
    """Its schedules are open and free again, and it is canceled."""
    batch = working.turn(tx, work.operation, locked=True)
    call = operations.call_of(tx, work.operation, work.now_us)
    schedules.release(tx, call, schedules.lock_of_batch(tx, batch.batch_id))
    move(tx, call, batch, BatchState.CANCELED, _facts(tx, batch))
    return Stepped(1)


def _facts(tx: Connection, batch: Batch) -> Facts:
    figures = counting.figures(tx, batch)
    return Facts(locked=batch.locked_us > 0, numbered=figures.numbered, invoices=figures.billable)
