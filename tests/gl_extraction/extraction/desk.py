"""A desk to extract from: start runs, carry them out chunk by chunk, and read what they wrote."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from domain.data_files import service as data_files
from domain.data_files.model import DataFile, DataFileSet
from domain.data_files.storage import FileStore
from domain.gl_extraction import tables
from domain.gl_extraction.details.model import NewDetail
from domain.gl_extraction.extraction import service
from domain.gl_extraction.extraction.jobs import ChunkSizes, Extraction
from domain.gl_extraction.extraction.model import Batch, Day, Limits, Reconciliation, Request
from domain.gl_extraction.extraction.service import Preview, Settings
from domain.kernel.call import Call
from domain.kernel.paging import Page
from domain.kernel.time import BusinessZone
from domain.operations import runner
from domain.operations import service as operations
from domain.operations.model import Job, Operation, State
from domain.operations.runner import Attempts
from server.database.transaction import Database
from server.outbound.files import LocalFiles
from server.work.chunks import Chunks
from tests.gl_extraction.samples import CALL, ids_of, taken_in

EVERYTHING = Request(created_date_from=Day(2020, 1, 1))
METHOD = "countinghouse.gl_extraction.v1.GLExtractionService/GenerateAccountingMessage"
CALLER = Call(caller="gina", method=METHOD, request_id="r-7", now_us=CALL.now_us)


@dataclass
class Desk:
    """Runs extractions on a database, with its files in `folder`, one chunk at a time."""

    database: Database
    folder: Path
    sizes: ChunkSizes = field(default_factory=ChunkSizes)
    limits: Limits = field(default_factory=Limits)
    zone: str = "UTC"
    files: FileStore | None = None
    attempts: Attempts = field(default_factory=lambda: Attempts(at_most=2, pause_us=0))
    worker_id: str = ""

    def __post_init__(self) -> None:
        self.store: FileStore = self.files or LocalFiles(self.folder)
        self.worker_id = self.database.write(
            lambda tx: runner.register(tx, host="here", pid=os.getpid(), lease_us=600_000_000)
        )

    @property
    def settings(self) -> Settings:
        return Settings(BusinessZone(self.zone), self.limits)

    @property
    def jobs(self) -> tuple[Job, ...]:
        return (Extraction(self.store, self.sizes).job(),)

    def start(self, request: Request = EVERYTHING, **changes: Any) -> str:
        """Start a run; gives its operation's id."""
        asked = replace(request, **changes)
        return self.database.write(lambda tx: service.start(tx, CALLER, asked, self.settings)).operation_id

    def step(self) -> bool:
        """Carry out one chunk of whatever is to be done; False when nothing is."""
        chunks = Chunks(self.database, self.jobs, self.attempts, lease_s=600, chunk_s=60, on_change=lambda _: None)
        return chunks.work_once(self.worker_id, lambda: True)

    def finish(self) -> int:
        """Carry out all there is to do; gives how many chunks."""
        steps = 0
        while self.step():
            steps += 1
        return steps

    def step_until(self, operation_id: str, stage: str) -> None:
        """Carry out chunks until the operation is in the stage."""
        while self.look(operation_id).stage != stage:
            assert self.step(), f"the operation ended before {stage}"

    def run(self, request: Request = EVERYTHING, **changes: Any) -> Operation:
        """Run an extraction to its end, which must be a good one."""
        operation_id = self.start(request, **changes)
        self.finish()
        done = self.look(operation_id)
        assert done.state is State.SUCCEEDED, done.failure
        return done

    def look(self, operation_id: str) -> Operation:
        return self.database.read(lambda tx: operations.get(tx, operation_id))

    def recover(self, operation_id: str) -> Operation:
        """Recover a failed run, and carry it out."""
        self.database.write(lambda tx: operations.recover(tx, CALLER, self.jobs, operation_id))
        self.finish()
        return self.look(operation_id)

    def cancel(self, operation_id: str) -> None:
        self.database.write(lambda tx: operations.request_cancel(tx, CALLER, self.jobs, operation_id))

    def preview(self, request: Request = EVERYTHING, **changes: Any) -> Preview:
        asked = replace(request, **changes)
        return self.database.read(lambda tx: service.preview(tx, asked, self.settings))

    def batch(self, batch_no: int) -> Batch:
        return self.database.read(lambda tx: service.get(tx, batch_no))

    def batch_of(self, operation: Operation | str) -> Batch:
        operation = self.look(operation) if isinstance(operation, str) else operation
        return self.batch(operation.request["batch_no"])

    def reconcile(self, batch_no: int) -> Reconciliation:
        return self.database.read(lambda tx: service.reconcile(tx, batch_no))

    def sets(self) -> list[DataFileSet]:
        return self.database.read(lambda tx: data_files.list_sets(tx, Page(100, None)))

    def files_of(self, code: str, operation_id: str = "") -> list[DataFile]:
        """The visible files of a set."""
        return self.database.read(lambda tx: data_files.list_files(tx, code, operation_id, Page(1_000, None)))

    def content(self, file: DataFile) -> bytes:
        return b"".join(self.store.read(file.path))

    def written(self, operation: Operation) -> list[Any]:
        """The documents that a run wrote, the manifest last."""
        code = operation.result["data_file_set"]
        return [json.loads(self.content(file)) for file in self.files_of(code, operation.operation_id)]

    def messages(self, operation: Operation) -> list[dict[str, Any]]:
        """The messages of a run, in order."""
        return [message for document in self.written(operation)[:-1] for message in document["messages"]]

    def elements(self, operation: Operation) -> list[dict[str, Any]]:
        """The elements of a run, in order."""
        return [element for message in self.messages(operation) for element in message["accountingDetails"]]

    def stamps(self) -> dict[int, list[int]]:
        """By detail, the batches that have stamped it, provisionally or not."""
        stamp = tables.extraction_stamp.c
        query = select(stamp.detail_id, stamp.batch_no).order_by(stamp.detail_id, stamp.batch_no)
        found: dict[int, list[int]] = {}
        for detail_id, batch_no in self.database.read(lambda tx: tx.execute(query).all()):
            found.setdefault(detail_id, []).append(batch_no)
        return found

    def pending(self) -> set[int]:
        """Details that no run has taken."""
        query = select(tables.accounting_detail_pending.c.detail_id)
        return set(self.database.read(lambda tx: tx.execute(query).scalars().all()))

    def take_in(self, rows: Iterable[NewDetail], call: Call = CALL) -> list[int]:
        """Ingest the rows; gives the ids of their details."""
        given: Sequence[NewDetail] = list(rows)
        result = taken_in(self.database, given, call)
        assert not result.refusals, result.refusals
        return ids_of(self.database, given)
