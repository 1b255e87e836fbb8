"""Batches are exported whole: what could not be is gone on with, and nothing is seen or done twice."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from domain.data_files.errors import DataFileSetLocked
from domain.data_files.tables import data_file_set
from domain.invoicing.batches import publishing
from domain.invoicing.batches.errors import InvoiceBatchBusy, InvoiceBatchTransitionIllegal
from domain.invoicing.batches.states import BatchState
from domain.invoicing.configuration.model import Format
from domain.invoicing.export import service
from domain.invoicing.export.errors import ExportNotPending
from domain.invoicing.export.model import EXPORT_INCOMPLETE, WORKFLOW_UNKNOWN, ExportState
from domain.invoicing.invoices.states import InvoiceKind
from domain.kernel import scopes
from server.database.transaction import Database
from tests.invoicing.export.dock import BUYER, Dock

AMOUNTS = {"A": 5_000, "B": 1_000, "C": 400}


@pytest.fixture
def dock(database: Database, tmp_path: Path) -> Dock:
    """A house that exports, on either database."""
    return Dock(database, tmp_path / "files")


@pytest.mark.rule("INV-06", "INV-15", "INV-20", "PLT-30")
def test_a_batch_is_exported_whole_and_waits_for_a_person(dock: Dock) -> None:
    """Three files for each invoice, named by its legal number, and a manifest that names them all."""
    batch = dock.ordered(AMOUNTS)
    assert batch.state is BatchState.ORDERED
    dock.receive(*AMOUNTS)
    assert dock.export() == {"started": 1}
    batch = dock.batch(batch.batch_id)
    assert batch.state is BatchState.READY_FOR_PUBLISH
    files = dock.shown(batch.batch_id)
    numbers = [f"2026-0000000{number}" for number in (1, 2, 3)]
    names = [f"{number}.{suffix}" for number in numbers for suffix in ("pdf", "xml", "json")]
    assert [each.file_name for each in files] == [*names, f"invoices-{batch.batch_id}-manifest.json"]
    assert all((dock.folder / each.path).stat().st_size == each.size_bytes for each in files)
    told = json.loads((dock.folder / files[-1].path).read_bytes())
    assert [each["name"] for each in told["files"]] == names
    assert told["totals"] == [{"currencyCode": "EUR", "amountNet": "64.00", "amountTax": "12.16"}]
    shown = json.loads((dock.folder / files[2].path).read_bytes())
    assert (shown["number"], shown["buyer"]["name"]) == (numbers[0], BUYER.name)
    record = dock.record(batch.batch_id)
    assert (record.state, record.exported_count, record.failed_count) == (ExportState.DONE, 3, 0)
    assert dock.export() == {}, "nothing is left to be exported"
    assert dock.states(batch.batch_id)[-2:] == [BatchState.ORDERED, BatchState.READY_FOR_PUBLISH]


@pytest.mark.rule("INV-15", "INV-06")
def test_what_could_not_be_exported_holds_the_batch_and_is_gone_on_with(dock: Dock) -> None:
    """One without a recipient, one whose recipient has no country: nothing is seen until both are mended."""
    batch = dock.ordered(AMOUNTS)
    dock.receive("A")
    dock.receive("B", party=replace(BUYER, name="Owe & Co", electronic_address="x@y", electronic_scheme="EM"))
    dock.export()
    held = dock.batch(batch.batch_id)
    assert held.state is BatchState.ORDERED
    assert held.held is not None
    assert held.held.reason == EXPORT_INCOMPLETE
    assert "1 of 3 invoices could not be exported" in held.held.message
    assert dock.failures(batch.batch_id) == [("C", "RECIPIENT_MISSING")]
    assert not dock.shown(batch.batch_id), "a set is visible whole, or not at all"
    first = sorted(each.name for each in dock.folder.rglob("*") if each.is_file())
    stamps = {each: each.stat().st_mtime_ns for each in dock.folder.rglob("*") if each.is_file()}
    dock.receive("C")
    dock.export()
    assert dock.batch(batch.batch_id).state is BatchState.READY_FOR_PUBLISH
    assert len(dock.shown(batch.batch_id)) == 10
    assert len(first) == 6
    assert all(each.stat().st_mtime_ns == stamp for each, stamp in stamps.items()), "what was exported stays"
    record = dock.record(batch.batch_id)
    assert (record.attempt_count, record.exported_count, record.failed_count) == (2, 3, 0)


@pytest.mark.rule("INV-15")
def test_an_invoice_that_breaks_a_rule_of_the_standard_is_not_exported(dock: Dock) -> None:
    """Its rule is the reason: an exempt line without a word of why."""
    dock.configure(taxes={"S": "VAT", "E": "VAT"})
    dock.charge({"A": 1_000}, description="Goods")
    dock.charge({"B": 1_000}, description="Care", tax_category="E", tax_ppm=0)
    batch = dock.ordered({"C": 1_000})
    dock.receive("A", "B", "C")
    dock.export()
    assert dock.failures(batch.batch_id) == [("B", "BR-E-10")]


@pytest.mark.rule("INV-06")
def test_a_cycle_that_exports_nothing_goes_on_at_once_and_an_unknown_workflow_says_so(dock: Dock) -> None:
    """Configured rightly and taken up again, it goes on."""
    dock.configure(workflow="pigeons")
    batch = dock.ordered(AMOUNTS)
    assert dock.export() == {"held": 1}
    held = dock.batch(batch.batch_id)
    assert held.held is not None
    assert (held.state, held.held.reason) == (BatchState.ORDERED, WORKFLOW_UNKNOWN)
    assert dock.record(batch.batch_id).reason == WORKFLOW_UNKNOWN
    dock.configure(workflow="no-export", formats=())
    assert dock.export() == {"held": 1}, "the record has its workflow until it is taken up again"
    dock.do(lambda tx: service.requeue(tx, dock.call, batch.batch_id, 1))
    assert dock.export() == {"exported": 1}
    assert dock.batch(batch.batch_id).state is BatchState.READY_FOR_PUBLISH
    assert not dock.folder.exists() or not any(dock.folder.rglob("*.pdf"))
    with pytest.raises(ExportNotPending):
        dock.do(lambda tx: service.requeue(tx, dock.call, batch.batch_id, 1))


@pytest.mark.rule("INV-09", "INV-13", "INV-15", "PLT-30")
def test_a_set_that_is_locked_stops_the_export_until_it_is_unlocked(dock: Dock) -> None:
    """The batch fails and is retried; what was written is not written again, and there is one record."""
    batch = dock.ordered(AMOUNTS)
    dock.receive(*AMOUNTS)
    code = f"invoices-{batch.batch_id}"
    scope_id = scopes.id_of(scopes.of_one("cycles", batch.cycle_code))
    row = {"code": code, "locked": 1, "created_us": 1, "updated_us": 1, "scope_id": scope_id}
    dock.do(lambda tx: tx.execute(data_file_set.insert().values(row)))
    dock.export()
    dock.export()
    failed = dock.batch(batch.batch_id)
    assert (failed.state, failed.failed_state) == (BatchState.ERROR, BatchState.ORDERED)
    assert failed.held is not None
    assert failed.held.reason == DataFileSetLocked.reason
    dock.do(lambda tx: tx.execute(data_file_set.update().values(locked=0)))
    dock.retry(batch.batch_id)
    dock.export()
    assert dock.batch(batch.batch_id).state is BatchState.READY_FOR_PUBLISH
    assert len(dock.shown(batch.batch_id)) == 10
    assert dock.record(batch.batch_id).export_no == 1


@pytest.mark.rule("INV-15")
def test_the_formats_are_those_of_the_cycle(dock: Dock) -> None:
    """JSON alone, also in a currency whose decimals the standard does not have."""
    dock.configure(formats=(Format.JSON,))
    batch = dock.ordered(AMOUNTS)
    dock.receive(*AMOUNTS)
    dock.export()
    assert [Path(each.file_name).suffix for each in dock.shown(batch.batch_id)] == [".json"] * 4


@pytest.mark.rule("INV-07", "INV-08", "INV-13")
def test_a_batch_is_published_once_and_what_stands_behind_it_is_invoiced(dock: Dock) -> None:
    """Early and twice are refused; details of invoices that are not in it stay as they are."""
    batch = dock.ordered(AMOUNTS)
    with pytest.raises(InvoiceBatchTransitionIllegal, match="ORDERED and cannot become PUBLISHED"):
        dock.publish(batch.batch_id)
    dock.receive(*AMOUNTS)
    dock.export()
    assert not any(dock.invoiced().values())
    dock.do(lambda tx: publishing.publish(tx, dock.call, batch.batch_id))
    with pytest.raises(InvoiceBatchBusy):
        dock.do(lambda tx: publishing.publish(tx, dock.call, batch.batch_id))
    assert dock.batch(batch.batch_id).state is BatchState.READY_FOR_PUBLISH, "readers see it only once all is marked"
    dock.work()
    published = dock.batch(batch.batch_id)
    assert (published.state, published.published_us) == (BatchState.PUBLISHED, dock.history(batch.batch_id)[-1].at_us)
    marked = dock.invoiced()
    assert len(marked) == 9, "of each invoice the receivable, the sales and the tax"
    assert all(marked.values())
    assert published.counts["marked"] == 9
    assert {each.kind for each in dock.all_invoices()} == {InvoiceKind.INVOICE}
    with pytest.raises(InvoiceBatchTransitionIllegal, match="PUBLISHED"):
        dock.publish(batch.batch_id)
