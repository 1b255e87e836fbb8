"""A place to write batch files at: a shop, a folder for files, and a worker that goes one chunk at a time."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from domain.accounting.batches import service
from domain.accounting.batches.generating import ChunkSizes, Generation
from domain.accounting.batches.layouts.model import Record
from domain.accounting.batches.layouts.reading import read
from domain.accounting.batches.model import Batch, Request
from domain.accounting.batches.regenerating import Regeneration
from domain.accounting.batches.returning import Returns
from domain.accounting.claims import store as claims
from domain.accounting.execution.model import Assignment, Task
from domain.accounting.execution.store import assignments
from domain.accounting.execution.store.tasks import from_row
from domain.accounting.performing import correcting
from domain.accounting.performing.model import Operation as AccountingOperation
from domain.accounting.tables import task
from domain.data_files import service as data_files
from domain.data_files.model import DataFile
from domain.data_files.transmissions import Routes
from domain.flows.accounting import Posting
from domain.kernel.paging import Page
from domain.operations import runner
from domain.operations import service as operations
from domain.operations.model import Job, Operation, State
from domain.operations.runner import Attempts
from server.outbound.files import LocalFiles
from server.work.chunks import Chunks
from tests.accounting.shop import Shop, add_claim

CLIENT = "FILED"
SMALL = ChunkSizes(2, 2, 2, 2)


@dataclass
class Filing:
    """Writes batch files of a shop's client FILED, in the folder, one chunk at a time."""

    shop: Shop
    folder: Path
    sizes: ChunkSizes = SMALL
    routes: Routes = ()
    worker_id: str = ""

    def __post_init__(self) -> None:
        self.store = LocalFiles(self.folder)
        self.worker_id = self.shop.database.write(
            lambda tx: runner.register(tx, host="here", pid=os.getpid(), lease_us=600_000_000)
        )

    @property
    def jobs(self) -> tuple[Job, ...]:
        return jobs_of(self.shop, self.store, self.sizes, self.routes)

    @property
    def returns(self) -> Returns:
        return Returns(self.shop.configurations, self.shop.books)

    def credit(self, claim_id: str, *amounts: int, currency: str = "USD") -> list[AccountingOperation]:
        """Operations of a claim of the client, which is made if it is not there, that wait for a file."""
        there = self.shop.database.read(lambda tx: claims.find(tx, claim_id))
        if there is None:
            self.shop.database.write(lambda tx: add_claim(tx, claim_id, CLIENT))
        return self.shop.execute(claim_id, "CREDIT", *amounts, currency=currency)

    def start(self, **asked: object) -> str:
        """Begin a generation; gives its operation's id."""
        request = Request(CLIENT, **asked)  # type: ignore[arg-type]
        return self.shop.write(service.generate, request).operation_id

    def start_again(self, batch_no: int) -> str:
        """Begin to regenerate a batch; gives the operation's id."""
        return self.shop.write(service.regenerate, CLIENT, batch_no, description="").operation_id

    def step(self) -> bool:
        """Carry out one chunk of whatever is to be done; False when nothing is."""
        attempts = Attempts(at_most=2, pause_us=0)
        chunks = Chunks(self.shop.database, self.jobs, attempts, lease_s=600, chunk_s=60, on_change=lambda _: None)
        return chunks.work_once(self.worker_id, lambda: True)

    def finish(self) -> None:
        """Carry out all there is to do."""
        while self.step():
            pass

    def step_until(self, operation_id: str, stage: str) -> None:
        """Carry out chunks until the operation is in the stage."""
        while self.look(operation_id).stage != stage:
            assert self.step(), f"the operation ended before {stage}"

    def run(self, **asked: object) -> Operation:
        """Generate to a good end."""
        return self.ended(self.start(**asked))

    def run_again(self, batch_no: int) -> Operation:
        """Regenerate to a good end."""
        return self.ended(self.start_again(batch_no))

    def ended(self, operation_id: str) -> Operation:
        """The operation at its end, which must be a good one."""
        self.finish()
        done = self.look(operation_id)
        assert done.state is State.SUCCEEDED, done.failure
        return done

    def look(self, operation_id: str) -> Operation:
        return self.shop.database.read(lambda tx: operations.get(tx, operation_id))

    def cancel(self, operation_id: str) -> None:
        self.shop.database.write(lambda tx: operations.request_cancel(tx, self.shop.call(), self.jobs, operation_id))

    def batch(self, batch_no: int) -> Batch:
        return self.shop.database.read(lambda tx: service.get(tx, CLIENT, batch_no))

    def batches(self) -> list[Batch]:
        """All batches, the first one first."""
        call = self.shop.call()
        found = self.shop.database.read(lambda tx: service.list_page(tx, call, CLIENT, None, Page(1_000, None)))
        return found[::-1]

    def files(self, code: str = f"accounting-{CLIENT}") -> list[DataFile]:
        """The visible files of a set."""
        return self.shop.database.read(lambda tx: data_files.list_files(tx, code, "", Page(1_000, None)))

    def content(self, file: DataFile) -> bytes:
        return b"".join(self.store.read(file.path))

    def records(self, batch: Batch, rerun_no: int = 0) -> list[Record]:
        """The records in a file of a batch, once its checksum, counts and totals were found right."""
        name = f"-batch-{batch.batch_no}-rerun-{rerun_no}."
        (file,) = (each for each in self.files(batch.data_file_set_code) if name in each.file_name)
        found = read(batch.file_format, [self.content(file)])
        return [each for each in found if isinstance(each, Record)]

    def operation(self, operation: AccountingOperation) -> AccountingOperation:
        """The operation as it is now."""
        call = self.shop.call()
        return self.shop.database.read(lambda tx: correcting.get(tx, call, operation.claim_id, operation.operation_id))

    def assignment(self, operation: AccountingOperation) -> Assignment:
        found = self.shop.database.read(lambda tx: assignments.find(tx, operation.claim_id, operation.operation_id))
        assert found is not None
        return found

    def tasks(self) -> list[Task]:
        """All tasks, open or not, by age."""
        query = select(task).order_by(task.c.task_id)
        return self.shop.database.read(lambda tx: [from_row(row) for row in tx.execute(query).mappings()])


def jobs_of(shop: Shop, files: LocalFiles, sizes: ChunkSizes, routes: Routes = ()) -> tuple[Job, ...]:
    """The jobs of batches."""
    generation = Generation(files, shop.configurations, Posting(), routes, sizes)
    return generation.job(), Regeneration(files, routes).job()
