"""Batches by a real client as they are exported and published, and what is behind their invoices in the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.json_format import ParseDict

from countinghouse.client import Client, connect
from countinghouse.client.errors import NotFound
from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb
from countinghouse.invoicing.v1 import invoice_batches_pb2, invoice_exports_pb2, invoices_pb2, recipients_pb2
from countinghouse.operations.v1 import data_files_pb2
from server.database.transaction import Database
from tests.invoicing.batches.house import IN_APRIL, House
from tests.support.server import Served, serving
from tests.wire.invoicing.batching import Batching
from tests.wire.invoicing.test_recipients import BUYER

AMOUNTS = {"A": 5_000, "B": 1_000, "C": 400}
"""Net amounts of accounts in March, in cents."""


@dataclass
class Exporting(Batching):
    """Calls on a server whose clock is the house's, by the client too."""

    client: Client

    def ordered(self, amounts: Mapping[str, int] = AMOUNTS, **asked: Any) -> invoice_batches_pb2.InvoiceBatch:
        """A batch of March whose invoices are locked and wait for export."""
        self.house.charge(amounts, description="Goods")
        self.house.now_us = IN_APRIL
        batch = self.close(**asked)
        self.engine()
        self.aggregate(invoice_batch=batch.name)
        self.engine()
        return self.get(batch.name)

    def receive(self, *accounts: str, **party: Any) -> None:
        """Give accounts a recipient, or change it; `party` are fields of it."""
        for account in accounts:
            recipient = {**BUYER, "name": f"recipients/{account}", "party": {**BUYER["party"], **party}}
            if there_already := self._recipient(recipient["name"]):
                recipient["etag"] = there_already.etag
            request = {"recipient": recipient, "allow_missing": True}
            self.client.invoicing.update_recipient(ParseDict(request, recipients_pb2.UpdateRecipientRequest()))

    def _recipient(self, name: str) -> recipients_pb2.Recipient | None:
        try:
            return self.client.invoicing.get_recipient(recipients_pb2.GetRecipientRequest(name=name))
        except NotFound:
            return None

    def export(self, **asked: Any) -> invoice_exports_pb2.RunInvoiceExportEngineResponse:
        """A pass of the export engine, and all that it begins, to their ends."""
        request = invoice_exports_pb2.RunInvoiceExportEngineRequest(**asked)
        found = self.client.invoicing.run_export_engine(request).wait(60)
        self.rest()
        return found

    def rest(self) -> None:
        """Wait until nothing works on any batch."""
        for batch in self.all():
            if batch.operation:
                list(self.client.operations.handle(batch.operation).watch(timeout_s=60))

    def ready(self, *accounts: str, **asked: Any) -> invoice_batches_pb2.InvoiceBatch:
        """A batch of March that is exported and waits for a person."""
        batch = self.ordered(**asked)
        self.receive(*(accounts or AMOUNTS))
        self.export()
        return self.get(batch.name)

    def publish(self, name: str, **asked: Any) -> invoice_batches_pb2.InvoiceBatch:
        """Publish a batch, to the end."""
        request = invoice_exports_pb2.PublishInvoiceBatchRequest(name=name, **asked)
        begun = self.client.invoicing.publish_batch(request)
        self.done(begun.operation)
        return self.get(name)

    def record(self, name: str) -> invoice_exports_pb2.ExportRecord:
        """The one export record of a batch."""
        request = invoice_exports_pb2.ListExportRecordsRequest(parent=name)
        (found,) = self.client.invoicing.list_exports(request)
        assert found == self.client.invoicing.get_export(invoice_exports_pb2.GetExportRecordRequest(name=found.name))
        return found

    def failures(self, name: str) -> list[tuple[str, str]]:
        """Account and reason of invoices that could not be exported, a page for each."""
        request = invoice_exports_pb2.ListExportFailuresRequest(parent=name, page_size=1)
        return [
            (each.invoice.split("/")[1], each.reason) for each in self.client.invoicing.list_export_failures(request)
        ]

    def files(self, name: str) -> list[data_files_pb2.DataFile]:
        """The files of a batch that can be seen, in their order."""
        request = data_files_pb2.ListDataFilesRequest(parent=set_of(name))
        return list(self.client.files.list_files(request))

    def sets(self) -> list[str]:
        """The sets that there are."""
        return [each.name for each in self.client.files.list_sets(data_files_pb2.ListDataFileSetsRequest())]

    def download(self, name: str, folder: Path) -> dict[str, bytes]:
        """The files of a batch by name, each checked by the client against its SHA-256."""
        folder.mkdir()
        for file in self.files(name):
            self.client.files.download(file.name, folder / file.name.rpartition("/")[2])
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}

    def published(self) -> list[invoices_pb2.Invoice]:
        """What readers see."""
        return list(self.client.invoicing.list_published_invoices(invoices_pb2.ListPublishedInvoicesRequest()))

    def details(self, **wanted: Any) -> list[details_pb.AccountingDetail]:
        """Accounting details, by age."""
        wanted_details = details_pb.AccountingDetailFilter(**wanted)
        request = details_pb.ListAccountingDetailsRequest(filter=wanted_details, page_size=1_000)
        return list(self.client.gl.list_details(request))

    def invoiced(self, **wanted: Any) -> list[bool]:
        """Of each accounting detail whether it is marked as invoiced."""
        return [each.invoiced for each in self.details(**wanted)]


@contextmanager
def exporting(database: Database, url: str, folder: Path, **chosen: Any) -> Iterator[Exporting]:
    """A server that carries everything out, with a billing cycle and books; `chosen` are settings."""
    house = House(database)
    with at_house(house, url, folder, **chosen) as found:
        yield found


@contextmanager
def at_house(house: House, url: str, folder: Path, **chosen: Any) -> Iterator[Exporting]:
    """A server beside a house that there is already."""
    with serving(url, folder, clock_us=lambda: house.now_us, **chosen) as served, connect(served.target) as client:
        yield Exporting(served, house, client)


def as_caller(served: Served, caller: str) -> Client:
    """The client of somebody whose token is that word."""
    return connect(served.target, token=f"the-token-of-{caller}")


def set_of(name: str) -> str:
    """The data file set of a batch."""
    return f"dataFileSets/invoices-{name.rpartition('/')[2]}"
