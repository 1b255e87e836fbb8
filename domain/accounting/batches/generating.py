"""Batch files as long-running work: select, number, write, execute, publish; and back again (ACC-30 to ACC-33).

Selecting can be undone. The commit of `number` prepares: records, batches and their numbers are settled, and from there
the work only goes forward. Files are written from what is settled, the same bytes each time; what stands in a written
file is executed; then all files are shown, and sent, together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection

from domain.accounting.batches import files, notices, publishing, sifting
from domain.accounting.batches.model import GENERATE_KIND, Batch, Order, order_from_document
from domain.accounting.batches.states import BatchState
from domain.accounting.batches.store import batches, taking
from domain.accounting.batches.store.taking import Span
from domain.accounting.claims import store as claims
from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.execution.settling import Done, Posting, settle
from domain.accounting.names import client_name
from domain.data_files import store as file_records
from domain.data_files.model import Total, Totals, totals_to_document
from domain.data_files.storage import FileStore, Written
from domain.data_files.transmissions import Routes
from domain.kernel import events
from domain.kernel.documents import Document
from domain.operations import service as operations
from domain.operations.model import ChunkPlan, Job, Operation, Stage, Stepped, Work

STAGES = (
    ("select", "operations"),
    ("number", "batches"),
    ("write", "operations"),
    ("execute", "operations"),
    ("publish", "batches"),
)

BATCHES_TOLD_MAX = 100
"""So many batches the result lists; the client's list has them all."""


@dataclass(frozen=True, slots=True)
class ChunkSizes:
    """About how many operations one step takes, or executes, on each database: on SQLite all other writers wait."""

    taken_on_postgresql: int = 5_000
    taken_on_sqlite: int = 2_000
    executed_on_postgresql: int = 1_000
    executed_on_sqlite: int = 250

    def taken(self, tx: Connection) -> int:
        """What one step takes."""
        return self.taken_on_postgresql if tx.dialect.name == "postgresql" else self.taken_on_sqlite

    def executed(self, tx: Connection) -> int:
        """What one step executes."""
        return self.executed_on_postgresql if tx.dialect.name == "postgresql" else self.executed_on_sqlite


@dataclass(frozen=True, slots=True)
class Generation:
    """The job's steps, with the place for files, where they are sent, and what executed operations are told to."""

    files: FileStore
    configurations: Configurations
    posting: Posting
    routes: Routes = ()
    sizes: ChunkSizes = ChunkSizes()

    def job(self) -> Job:
        """The job as the mechanism knows it."""
        select, number, write, execute, publish = STAGES
        return Job(
            kind=GENERATE_KIND,
            stages=(
                Stage(*select, plan=self.plan_select, step=self.select),
                Stage(*number, plan=self.plan_number, step=self.number),
                Stage(*write, plan=self.plan_write, gather=self.render, step=self.record, past_cancel=True),
                Stage(*execute, plan=self.plan_execute, step=self.execute, past_cancel=True),
                Stage(*publish, plan=self.plan_publish, step=self.publish, past_cancel=True),
            ),
            undo=self.undo,
            links=lambda operation: {"client": client_name(_order(operation).client_code)},
        )

    def plan_select(self, tx: Connection, operation: Operation, _now_us: int) -> Sequence[ChunkPlan]:
        """Spans of claims over what waits now; what arrives after its span was taken is for the next run."""
        order = _order(operation)
        if order.day_off:
            return []
        spans = taking.cut_waiting(tx, order.client_code, self.sizes.taken(tx))
        return [ChunkPlan(asdict(span), span.items) for span in spans]

    def select(self, tx: Connection, work: Work) -> Stepped:
        """Take what waits in a span. Whoever cancels or re-routes one of it holds its claim, and so do we.

        What the file cannot hold is no part of it: it is set apart here, before anything is counted.
        """
        order, span = _order(work.operation), Span(**work.payload)
        locked = claims.lock_many(tx, taking.claims_waiting(tx, order.client_code, span))
        call = operations.call_of(tx, work.operation, work.now_us)
        apart = sifting.set_apart(tx, call, order, span, locked)
        found = taking.figures(tx, order.client_code, span, locked)
        count = sum(many for many, _ in found.values())
        run_id = work.operation.operation_id
        taken = taking.take(tx, order.client_code, span, locked, run_id=run_id, now_us=work.now_us)
        assert taken == count, "nobody changes what is of a claim that we hold"
        day = {"operations": count, "minor": {currency: minor for currency, (_, minor) in found.items()}}
        counts = {"selected": count, "days": {str(span.day): day}} if count else {}
        return Stepped(span.items or count, {**counts, "set_apart": apart} if apart else counts)

    def plan_number(self, _tx: Connection, _operation: Operation, _now_us: int) -> Sequence[ChunkPlan]:
        """One step, as it is one commit."""
        return [ChunkPlan({}, 1)]

    def number(self, tx: Connection, work: Work) -> Stepped:
        """Prepare: make a batch for each accounting date, under the client's next numbers."""
        order, days = _order(work.operation), work.operation.counts.get("days", {})
        apart = work.operation.counts.get("set_apart", 0)
        told = [notices.set_apart(order.client_code, apart)] if apart else []
        if not days:
            said = notices.day_off if order.day_off else notices.nothing_pending
            return Stepped(1, {}, [*told, said(order.client_code)], {"batches": []})
        call = operations.call_of(tx, work.operation, work.now_us)
        numbers = batches.take_numbers(tx, order.client_code, len(days))
        for batch_no, day in zip(numbers, sorted(map(int, days)), strict=True):
            batch = _batch(order, work, batch_no, day, days[str(day)])
            batches.insert_batch(tx, batch)
            events.append(tx, call, batch.name, "accounting_batch.made", _told(batch))
        return Stepped(1, {"batches": len(days)}, told)

    def plan_write(self, tx: Connection, operation: Operation, _now_us: int) -> Sequence[ChunkPlan]:
        """A file for each batch."""
        made = batches.of_run(tx, operation.operation_id)
        return [ChunkPlan({"batch_no": each.batch_no}, each.operation_count) for each in made]

    def render(self, tx: Connection, work: Work) -> Written:
        """Write a batch's file."""
        batch = self._batch(tx, work)
        self.files.tidy(batch.run_id)
        return files.render(tx, self.files, batch, 0, run_id=batch.run_id, created_us=batch.created_us)

    def record(self, tx: Connection, work: Work) -> Stepped:
        """Record the file; it is not to be seen yet."""
        batch = self._batch(tx, work)
        assert isinstance(work.facts, Written)
        file_records.add_file(
            tx,
            files.data_file(
                batch,
                0,
                work.facts,
                run_id=batch.run_id,
                position=batch.batch_no,
                now_us=work.now_us,
            ),
        )
        return Stepped(batch.operation_count, {"written": batch.operation_count})

    def plan_execute(self, tx: Connection, operation: Operation, _now_us: int) -> Sequence[ChunkPlan]:
        """Spans of claims over what was taken."""
        numbers = {each.accounting_day: each.batch_no for each in batches.of_run(tx, operation.operation_id)}
        spans = taking.cut_taken(tx, operation.operation_id, self.sizes.executed(tx))
        return [ChunkPlan({"batch_no": numbers[span.day], "span": asdict(span)}, span.items) for span in spans]

    def execute(self, tx: Connection, work: Work) -> Stepped:
        """What stands in a written file is executed (ACC-32)."""
        batch, span = self._batch(tx, work), Span(**work.payload["span"])
        done = [
            Done(*key, executed_us=work.now_us, executed_by=batch.name, batch_no=batch.batch_no)
            for key in taking.keys(tx, batch.run_id, span)
        ]
        call = operations.call_of(tx, work.operation, work.now_us)
        settle(tx, call, self.configurations, self.posting, done)
        return Stepped(span.items, {"executed": len(done)})

    def plan_publish(self, tx: Connection, operation: Operation, _now_us: int) -> Sequence[ChunkPlan]:
        """One step, unless nothing was taken."""
        return [ChunkPlan({}, 1)] if batches.of_run(tx, operation.operation_id) else []

    def publish(self, tx: Connection, work: Work) -> Stepped:
        """Show the files and have them sent, at once.

        Raises: DataFileSetLocked, which is mended by unlocking the set and recovering the operation.
        """
        made = batches.of_run(tx, work.operation.operation_id, lock=True)
        shown = publishing.publish(tx, work, self.routes, [(each, 0) for each in made])
        result = {"batches": [publishing.result_of(each) for each in shown[:BATCHES_TOLD_MAX]]}
        return Stepped(1, {"published": len(shown)}, [notices.written(each) for each in shown], result)

    def undo(self, tx: Connection, operation: Operation, now_us: int) -> bool:
        """Give back what a canceled run has taken, a piece at a time."""
        run_id = operation.operation_id
        locked = claims.lock_many(tx, taking.claims_taken(tx, run_id, self.sizes.taken(tx)))
        if not locked:
            return True
        taking.give_back(tx, run_id, locked, now_us)
        return False

    def _batch(self, tx: Connection, work: Work) -> Batch:
        batch = batches.find(tx, _order(work.operation).client_code, work.payload["batch_no"])
        assert batch is not None, "batches are never deleted"
        return batch


def _order(operation: Operation) -> Order:
    return order_from_document(operation.request)


def _batch(order: Order, work: Work, batch_no: int, day: int, counted: Document) -> Batch:
    totals: Totals = {currency: Total(minor, minor) for currency, minor in sorted(counted["minor"].items())}
    run_id = work.operation.operation_id
    return Batch(
        client_code=order.client_code,
        batch_no=batch_no,
        accounting_day=day,
        state=BatchState.WRITING,
        rerun_no=0,
        file_format=order.file_format,
        data_file_set_code=order.data_file_set_code,
        run_id=run_id,
        writer_id=run_id,
        operation_count=counted["operations"],
        totals=totals,
        accepted_count=0,
        rejected_count=0,
        regenerated_after_delivery=False,
        created_us=work.now_us,
        written_us=0,
        updated_us=work.now_us,
    )


def _told(batch: Batch) -> Document:
    return {
        "from": None,
        "to": {"state": batch.state.value},
        "accounting_day": batch.accounting_day,
        "operation_count": batch.operation_count,
        "totals": totals_to_document(batch.totals),
    }
