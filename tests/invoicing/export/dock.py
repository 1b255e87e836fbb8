"""A house whose batches are exported and published, a chunk at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from domain.data_files import service as data_files
from domain.data_files import store as file_records
from domain.data_files.model import DataFile
from domain.flows.publishing import InvoicedMarks
from domain.gl_extraction.tables import accounting_detail
from domain.invoicing.batches import publishing
from domain.invoicing.batches.model import Batch, EngineRequest
from domain.invoicing.batches.publishing import Publication
from domain.invoicing.configuration import recipients
from domain.invoicing.configuration.model import Address, Party
from domain.invoicing.configuration.registers import CYCLES
from domain.invoicing.export import engines, service, store
from domain.invoicing.export.jobs import Export
from domain.invoicing.export.model import ExportRecord
from domain.kernel.paging import Page
from domain.kernel.registers import store as registers
from domain.operations.model import Job
from domain.operations.runner import Attempts
from server.database.transaction import Database
from server.outbound.files import LocalFiles
from server.work.chunks import Chunks
from tests.invoicing.batches import house
from tests.invoicing.batches.house import IN_APRIL, House

BUYER = Party(
    "Erika Muster", Address("DE", "Nebenstr. 2", city="Musterstadt", postal_code="12345"), vat_id="DE987654321"
)


def jobs(folder: Path) -> tuple[Job, ...]:
    """What a worker knows of exporting into a folder, and of publishing, two invoices at a time."""
    return Export(LocalFiles(folder), size=2).job(), engines.job(), Publication(InvoicedMarks(), 2, 2).job()


class Dock(House):
    """A house with three accounts whose March is locked; what is exported lies in a folder."""

    def __init__(self, database: Database, folder: Path, **cycle: Any) -> None:
        super().__init__(database, **cycle)
        self.folder = folder

    def jobs(self) -> tuple[Job, ...]:
        """What the worker knows."""
        return (*house.jobs(self.hooks, self.sizes), *jobs(self.folder))

    def step(self) -> bool:
        """Carry out one chunk of whatever is to be done; False when nothing is."""
        attempts = Attempts(at_most=2, pause_us=0)
        chunks = Chunks(self.database, self.jobs(), attempts, lease_s=600, chunk_s=60, on_change=lambda _: None)
        return chunks.work_once(self.worker_id, lambda: True)

    def ordered(self, amounts: Mapping[str, int]) -> Batch:
        """A batch of March whose invoices are locked and wait for export."""
        self.charge(amounts, description="Goods")
        self.now_us = IN_APRIL
        batch = self.close()
        return self.go_on(batch.batch_id)

    def receive(self, *accounts: str, party: Party = BUYER) -> None:
        """Give accounts a recipient."""
        for each in accounts:
            changes = {"party": party}
            self.do(
                lambda tx, a=each, c=changes: recipients.update(tx, self.call, a, "", c, allow_missing=True)  # type: ignore[misc]
            )

    def export(self) -> Mapping[str, int]:
        """A pass of the export engine with all that it begins; what it has counted."""
        started = self.do(lambda tx: engines.start(tx, self.call, EngineRequest()))
        return self.done(started).counts

    def publish(self, batch_id: str) -> Batch:
        """Publish a batch."""
        self.do(lambda tx: publishing.publish(tx, self.call, batch_id))
        self.work()
        return self.batch(batch_id)

    def record(self, batch_id: str) -> ExportRecord:
        """The one record of a batch."""
        (found,) = self.database.read(lambda tx: service.list_page(tx, Page(10, None), batch_id=batch_id))
        return found

    def failures(self, batch_id: str) -> list[tuple[str, str]]:
        """Account and reason of invoices that could not be exported."""
        found = self.database.read(lambda tx: store.failures(tx, batch_id, after=None, limit=10))
        return [(each.account_id, each.reason) for each in found]

    def shown(self, batch_id: str) -> list[DataFile]:
        """The files that are to be seen of a batch."""

        def read(tx: Connection) -> list[DataFile]:
            code = f"invoices-{batch_id}"
            if file_records.find_set(tx, code) is None:
                return []
            return data_files.list_files(tx, code, "", Page(100, None))

        return self.database.read(read)

    def configure(self, **settings: Any) -> None:
        """Change the cycle behind the calls' backs."""

        def write(tx: Connection) -> None:
            found = registers.find(tx, CYCLES, "CYCLE")
            assert found is not None
            registers.change(tx, CYCLES, replace(found, settings=replace(found.settings, **settings)))

        self.do(write)

    def invoiced(self) -> dict[str, bool]:
        """By external id of accounting details, whether they are marked as invoiced."""
        d = accounting_detail.c
        rows = self.database.read(lambda tx: tx.execute(select(d.external_id, d.invoiced_us)).all())
        return {row[0]: row[1] > 0 for row in rows}
