"""Publishing a batch: a person says so, once; what is behind its invoices is marked, then all of it is seen (INV-08).

Marks are made chunk by chunk, and can only go forward; the batch's one row is what readers look at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Protocol

from sqlalchemy import Connection, text

from domain.invoicing.batches import counting, working
from domain.invoicing.batches.counting import Span
from domain.invoicing.batches.engines import nothing_to_undo
from domain.invoicing.batches.errors import InvoiceBatchTransitionIllegal
from domain.invoicing.batches.model import PUBLISH_KIND, Batch, Facts, Order
from domain.invoicing.batches.numbering import of
from domain.invoicing.batches.states import BatchState
from domain.invoicing.batches.transitions import change, move, tell
from domain.invoicing.invoices.states import InvoiceState
from domain.invoicing.names import BATCH_TYPE
from domain.kernel.call import Call
from domain.kernel.errors import EtagStale
from domain.operations import service as operations
from domain.operations.model import ChunkPlan, Job, Operation, Stage, Stepped, Work
from domain.operations.states import added


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind an invoice in the general ledger: bill segments, and what was posted when it was locked.

    Of the latter, the distribution codes of lines and the tax rates (`category-ppm`) that it may have been posted by.
    """

    account_id: str
    invoice_id: str
    segments: Collection[str]
    codes: Collection[str]
    rates: Collection[str]


class Marks(Protocol):
    """The general ledger, as publishing needs it."""

    def mark(self, tx: Connection, call: Call, behind: Sequence[Behind]) -> int:
        """Mark the accounting details that stand behind invoices as invoiced; gives how many were not before."""
        ...


@dataclass(frozen=True, slots=True)
class Publication:
    """The job; `size` is how many invoices one step marks on PostgreSQL, on SQLite all other writers wait."""

    marks: Marks
    size: int = 5_000
    on_sqlite: int = 1_000

    def job(self) -> Job:
        """The job as the mechanism knows it."""
        (mark_stage, publish_stage) = working.STAGES[PUBLISH_KIND]
        return Job(
            kind=PUBLISH_KIND,
            stages=(
                Stage(*mark_stage, plan=self.plan, step=self.mark, past_cancel=True),
                Stage(*publish_stage, plan=working.once, step=show, past_cancel=True),
            ),
            undo=nothing_to_undo,
            links=working.links,
            require_recoverable=working.require_recoverable,
            watched=working.watched,
        )

    def plan(self, tx: Connection, operation: Operation, _now_us: int) -> Sequence[ChunkPlan]:
        """The invoices of the batch."""
        batch = working.turn(tx, operation)
        size = self.size if tx.dialect.name == "postgresql" else self.on_sqlite
        return [ChunkPlan(asdict(span), span.items) for span in counting.cut(tx, batch, [InvoiceState.LOCKED], size)]

    def mark(self, tx: Connection, work: Work) -> Stepped:
        """Mark what stands behind the invoices of a chunk."""
        batch, span = working.turn(tx, work.operation), Span(**work.payload)
        call = operations.call_of(tx, work.operation, work.now_us)
        counts = {"marked": self.marks.mark(tx, call, behind(tx, batch, span))}
        present = working.lock(tx, batch.batch_id)
        present = change(tx, call, replace(present, counts=added(present.counts, counts)))
        selection = {"schedule": span.schedule, "first_account": span.first, "last_account": span.last}
        tell(tx, call, present, "details_marked", {"selection": selection, "counts": counts})
        return Stepped(span.items, counts)


def publish(tx: Connection, call: Call, batch_id: str, etag: str = "") -> Batch:
    """Begin to publish a batch that is ready for it, which a person does once (INV-07).

    Raises: InvoiceBatchNotFound; EtagStale; InvoiceBatchBusy while it is published already;
    InvoiceBatchTransitionIllegal.
    """
    batch = working.lock(tx, batch_id, call.scope)
    if etag not in {"", str(batch.version)}:
        raise EtagStale(BATCH_TYPE, batch.name, etag=etag)
    working.refuse_busy(tx, batch)
    if batch.state is not BatchState.READY_FOR_PUBLISH:
        raise InvoiceBatchTransitionIllegal(batch.name, state=batch.state, wanted=BatchState.PUBLISHED)
    return working.start(tx, call, batch, PUBLISH_KIND, Order(batch_id, call.now_us))


def show(tx: Connection, work: Work) -> Stepped:
    """From here on readers see the invoices: the one row of the batch says so."""
    batch = working.turn(tx, work.operation, locked=True)
    call = operations.call_of(tx, work.operation, work.now_us)
    move(tx, call, replace(batch, published_us=call.now_us), BatchState.PUBLISHED, Facts())
    return Stepped(1)


# What stands behind the invoices of a span

_OF = (
    "i.cycle_code = :cycle AND i.schedule_code = :schedule AND i.account_id BETWEEN :first AND :last"
    " AND i.batch_id = :batch_id AND i.state = 'LOCKED'"
)


def _of(table: str, columns: str) -> str:
    return (
        f"SELECT DISTINCT i.account_id, i.invoice_id, {columns} FROM invoice i"  # noqa: S608 - words of ours
        f" JOIN {table} x ON x.account_id = i.account_id AND x.invoice_id = i.invoice_id WHERE {_OF}"
    )


_LINES = text(_of("invoice_line", "x.segment_id, x.distribution_code"))
_RECKONED = text(_of("invoice_reckoned_tax", "x.segment_id, '' AS distribution_code"))
_TAXES = text(_of("invoice_tax", "x.tax_category, x.tax_ppm"))


@dataclass(slots=True)
class _Found:
    segments: set[str] = field(default_factory=set)
    codes: set[str] = field(default_factory=set)
    rates: set[str] = field(default_factory=set)


def behind(tx: Connection, batch: Batch, span: Span) -> list[Behind]:
    """What stands behind the invoices of a span, by account. Cost: three statements."""
    values = of(batch, span)
    found: dict[tuple[str, str], _Found] = defaultdict(_Found)
    for statement in (_LINES, _RECKONED):
        for account_id, invoice_id, segment_id, code in tx.execute(statement, values):
            of_invoice = found[account_id, invoice_id]
            of_invoice.segments.update(filter(None, [segment_id]))
            of_invoice.codes.update(filter(None, [code]))
    for account_id, invoice_id, category, ppm in tx.execute(_TAXES, values):
        found[account_id, invoice_id].rates.add(f"{category}-{ppm}")
    return list(_behind(found))


def _behind(found: Mapping[tuple[str, str], _Found]) -> Iterator[Behind]:
    for (account_id, invoice_id), each in sorted(found.items()):
        yield Behind(account_id, invoice_id, sorted(each.segments), sorted(each.codes), sorted(each.rates))
