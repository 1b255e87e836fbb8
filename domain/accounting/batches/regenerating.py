"""A batch written again, as long-running work: the same records under the next rerun number, sent again (ACC-34)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from domain.accounting.batches import files, notices, publishing
from domain.accounting.batches.model import REGENERATE_KIND, Batch, Rewriting, rewriting_from_document
from domain.accounting.batches.store import batches
from domain.accounting.names import batch_name
from domain.data_files import store as file_records
from domain.data_files.storage import FileStore, Written
from domain.data_files.transmissions import Routes
from domain.operations.model import ChunkPlan, Job, Operation, Stage, Stepped, Work

STAGES = (("write", "operations"),)


@dataclass(frozen=True, slots=True)
class Regeneration:
    """The job's one step, with the place for files, and where they are sent."""

    files: FileStore
    routes: Routes = ()

    def job(self) -> Job:
        """The job as the mechanism knows it."""
        (write,) = STAGES
        return Job(
            kind=REGENERATE_KIND,
            stages=(Stage(*write, plan=self.plan, gather=self.render, step=self.publish),),
            undo=self.undo,
            links=_links,
        )

    def plan(self, tx: Connection, operation: Operation, _now_us: int) -> Sequence[ChunkPlan]:
        """One step: until its commit nothing has happened."""
        return [ChunkPlan({}, _batch(tx, operation).operation_count)]

    def render(self, tx: Connection, work: Work) -> Written:
        """Write the file from what is in the batch."""
        operation, batch = work.operation, _batch(tx, work.operation)
        self.files.tidy(operation.operation_id)
        return files.render(
            tx,
            self.files,
            batch,
            _order(operation).rerun_no,
            run_id=operation.operation_id,
            created_us=operation.created_us,
        )

    def publish(self, tx: Connection, work: Work) -> Stepped:
        """Record the file, show it and have it sent.

        Raises: DataFileSetLocked, which is mended by unlocking the set and recovering the operation.
        """
        order, batch = _order(work.operation), _batch(tx, work.operation, lock=True)
        assert isinstance(work.facts, Written)
        assert batch.writer_id == work.operation.operation_id, "one writes at a time"
        file_records.add_file(
            tx,
            files.data_file(
                batch,
                order.rerun_no,
                work.facts,
                run_id=work.operation.operation_id,
                position=1,
                now_us=work.now_us,
            ),
        )
        (shown,) = publishing.publish(tx, work, self.routes, [(batch, order.rerun_no)])
        count = batch.operation_count
        result = {"batches": [publishing.result_of(shown)]}
        return Stepped(count, {"written": count}, [notices.written(shown)], result)

    def undo(self, tx: Connection, operation: Operation, now_us: int) -> bool:
        """Let others write the batch again."""
        batch = _batch(tx, operation, lock=True)
        if batch.writer_id == operation.operation_id:
            batches.change(tx, replace(batch, writer_id="", updated_us=now_us))
        return True


def _order(operation: Operation) -> Rewriting:
    return rewriting_from_document(operation.request)


def _links(operation: Operation) -> dict[str, str]:
    order = _order(operation)
    return {"accounting_batch": batch_name(order.client_code, order.batch_no)}


def _batch(tx: Connection, operation: Operation, *, lock: bool = False) -> Batch:
    order = _order(operation)
    batch = batches.find(tx, order.client_code, order.batch_no, lock=lock)
    assert batch is not None, "batches are never deleted"
    return batch
