"""Invoices exported by one worker, files written and recorded, against rendering alone in one process."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from bench.databases import Databases, open_databases
from bench.figures import Table, interleave, spread
from bench.invoicing import TIMEOUT_S, take_through
from bench.invoicing_world import World, fill
from bench.meter import Meter, Spent
from bench.options import Options
from bench.product import serve
from countinghouse.invoicing.v1 import invoice_batches_pb2
from countinghouse.invoicing.v1 import invoice_exports_pb2 as pb
from domain.invoicing.batches import counting, store
from domain.invoicing.configuration.model import DATA_FILES, Format
from domain.invoicing.configuration.registers import CYCLES, SHELF
from domain.invoicing.documents.model import InvoiceDocument
from domain.invoicing.export.gathering import drafts
from domain.invoicing.export.rendering import rendered
from domain.invoicing.invoices.states import InvoiceState
from domain.kernel.registers import store as registers
from server.database.transaction import Database

HEAD = (
    "database",
    "format",
    "exported a second",
    "rendered a second and core",
    "of rendering alone",
    "CPU of the product, µs a document",
)
_NOTES = (
    "Exported: read, rendered, written to a folder, recorded and shown, with one worker, to the end of the operation.",
    "Rendering has the same documents in memory, and checks their soundness too.",
)


def invoice_export(options: Options) -> Iterator[Table]:
    """The operation by a real worker, on copies of a template whose batch is ordered."""
    rows = []
    for dialect in options.databases:
        for form, count in ((Format.UBL, options.documents), (Format.PDF, max(10, options.documents // 5))):
            with options.folder() as folder, open_databases(dialect, folder) as databases:
                world = World(count)
                databases.template("ordered", partial(_order, folder=folder, world=world, form=form))
                print(f"invoice export on {dialect} as {form}", flush=True)
                side = _Side(databases, folder, world, form)
                pairs = interleave(options.pairs, side.product, side.rendering)
                rows.append(_row(dialect, form, pairs))
    yield Table("Invoices of 5 lines exported by one worker", HEAD, rows, _NOTES)


class _Side:
    """Both sides on copies of one template."""

    def __init__(self, databases: Databases, folder: Path, world: World, form: Format) -> None:
        self._databases, self._folder, self._form = databases, folder, form
        self._count = world.invoices - world.carried

    def product(self) -> Spent:
        with self._databases.copy("ordered") as url, serve(url, self._folder) as product:
            (batch,) = product.client.invoicing.list_batches(invoice_batches_pb2.ListInvoiceBatchesRequest())
            taken = Meter([*self._databases.roots, product.server])
            passed = product.client.invoicing.run_export_engine(pb.RunInvoiceExportEngineRequest()).wait(TIMEOUT_S)
            assert passed.started_count == 1, passed
            named = invoice_batches_pb2.GetInvoiceBatchRequest(name=batch.name)
            operation = product.client.invoicing.get_batch(named).operation
            product.client.operations.handle(operation).wait(TIMEOUT_S)
            spent = taken.spent(self._count)
            exported = product.client.invoicing.get_batch(named)
            assert exported.counts.exported_count == self._count, exported
        return spent

    def rendering(self) -> Spent:
        with self._databases.copy("ordered") as url:
            documents = _documents(url)
        assert len(documents) == self._count
        gc.collect()
        taken = Meter((), own=True)
        for document in documents:
            rendered(document, (self._form,))
        return taken.spent(len(documents))


def _order(url: str, *, folder: Path, world: World, form: Format) -> None:
    """A batch that waits for its export as that format."""
    fill(url, world)
    database = Database(url)
    database.write(partial(_export_as, form=form))
    database.dispose()
    with serve(url, folder) as product:
        take_through(product, world)


def _export_as(tx: Connection, form: Format) -> None:
    cycle = registers.find(tx, CYCLES, "CYCLE")
    assert cycle is not None
    settings = replace(cycle.settings, workflow=DATA_FILES, formats=(form,))
    registers.change(tx, CYCLES, replace(cycle, settings=settings))
    registers.grow_version(tx, SHELF)


def _documents(url: str) -> list[InvoiceDocument]:
    def read(tx: Connection) -> list[InvoiceDocument]:
        (batch,) = store.page(tx, cycles=None, limit=2)
        cycle = registers.find(tx, CYCLES, batch.cycle_code)
        assert cycle is not None
        spans = counting.cut(tx, batch, [InvoiceState.LOCKED], 1_000)
        found = [each.document for span in spans for each in drafts(tx, batch, cycle.settings, span)]
        return [each for each in found if each is not None]

    database = Database(url)
    try:
        return database.read(read)
    finally:
        database.dispose()


def _row(dialect: str, form: Format, pairs: Sequence[tuple[Spent, Spent]]) -> list[str]:
    rates, alone = (spread(spent.rate for spent in side) for side in zip(*pairs, strict=True))
    return [
        dialect,
        form.value,
        f"{rates.median:,.0f} ({rates.low:,.0f} to {rates.high:,.0f})",
        f"{alone.median:,.0f}",
        str(spread(product.rate / floor.rate for product, floor in pairs)),
        f"{spread(product.cpu_us for product, _ in pairs).median:,.0f}",
    ]
