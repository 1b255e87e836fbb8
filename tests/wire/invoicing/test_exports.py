"""Batches exported by a real client: files downloaded and checked, failures mended and gone on with, sent, shared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import grpc
import pytest
from lxml import etree
from sqlalchemy import insert

from countinghouse.client.errors import FailedPrecondition, NotFound
from countinghouse.invoicing.v1 import invoice_batches_pb2
from countinghouse.invoicing.v1 import invoice_exports_pb2 as pb
from countinghouse.operations.v1 import data_files_pb2, schedules_pb2, schedules_pb2_grpc
from countinghouse.operations.v1 import notifications_pb2 as deliveries_pb
from domain.data_files.tables import data_file_set
from domain.invoicing.configuration.model import Format
from domain.kernel import scopes
from server.database.transaction import Database
from tests.support.server import refusal
from tests.support.waiting import wait_for
from tests.wire.invoicing.batching import CYCLE, word
from tests.wire.invoicing.desk import refused
from tests.wire.invoicing.exporting import AMOUNTS, Exporting, at_house, exporting, set_of

NUMBERS = [f"2026-0000000{number}" for number in (1, 2, 3)]
NAMES = [f"{number}.{suffix}" for number in NUMBERS for suffix in ("pdf", "xml", "json")]
DONE, PENDING = pb.EXPORT_RECORD_STATE_DONE, pb.EXPORT_RECORD_STATE_PENDING
_UBL = {
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
}


@pytest.fixture
def at_work(database: Database, migrated_url: str, tmp_path: Path) -> Iterator[Exporting]:
    """A server that carries everything out, on either database."""
    with exporting(database, migrated_url, tmp_path) as found:
        yield found


@pytest.mark.rule("INV-06", "INV-15", "PLT-30", "PLT-31")
def test_a_batch_is_exported_and_its_files_are_downloaded(at_work: Exporting, tmp_path: Path) -> None:
    """A PDF, an e-invoice and JSON for each invoice, and a manifest that has the SHA-256 of each and what is owed."""
    batch = at_work.ordered(invoice_batch_id="march", description="March")
    at_work.receive(*AMOUNTS)
    assert (word(batch.state), batch.data_file_set, at_work.sets()) == ("ORDERED", "", [])
    assert at_work.record(batch.name).state == PENDING
    passed = at_work.export(billing_cycle=CYCLE)
    assert (passed.started_count, passed.held_count, passed.failed_count) == (1, 0, 0)
    batch = at_work.get(batch.name)
    assert (word(batch.state), batch.data_file_set) == ("READY_FOR_PUBLISH", "dataFileSets/invoices-march")
    assert batch.counts.exported_count == 3
    record = at_work.record(batch.name)
    assert (record.name, record.state, record.attempt_count) == ("invoiceBatches/march/exports/1", DONE, 1)
    assert (record.exported_count, record.failed_count, record.reason, record.workflow) == (3, 0, "", "data-files")
    shown = at_work.files(batch.name)
    assert [each.name.rpartition("/")[2] for each in shown] == [*NAMES, "invoices-march-manifest.json"]
    got = at_work.download(batch.name, tmp_path / "got")
    told = json.loads(got["invoices-march-manifest.json"])
    assert {each["name"]: each["sha256"] for each in told["files"]} == {
        name: sha256(got[name]).hexdigest() for name in NAMES
    }
    assert (told["invoiceBatch"], told["invoiceCount"]) == ("march", 3)
    assert told["totals"] == [{"currencyCode": "EUR", "amountNet": "64.00", "amountTax": "12.16"}]
    (owed,) = shown[-1].control_totals
    assert (owed.debit.units, owed.debit.nanos) == (76, 160_000_000)
    for number, total in zip(NUMBERS, ("59.50", "11.90", "4.76"), strict=True):
        assert got[f"{number}.pdf"].startswith(b"%PDF-")
        invoice = etree.fromstring(got[f"{number}.xml"])
        assert invoice.findtext("cbc:ID", namespaces=_UBL) == number
        assert invoice.findtext("cac:LegalMonetaryTotal/cbc:PayableAmount", namespaces=_UBL) == total
        assert json.loads(got[f"{number}.json"])["number"] == number
    assert at_work.client.files.verify(set_of(batch.name)).sound
    again = at_work.export()
    assert again == pb.RunInvoiceExportEngineResponse(), "nothing is left to be exported"


@pytest.mark.rule("INV-15", "INV-06", "INV-18")
def test_what_could_not_be_exported_is_told_mended_and_gone_on_with(at_work: Exporting, tmp_path: Path) -> None:
    """Nothing is seen until all is there; what was exported is not written again, and there is one record."""
    batch = at_work.ordered()
    at_work.receive("A")
    at_work.export()
    held = at_work.get(batch.name)
    assert (word(held.state), held.hold.reason) == ("ORDERED", "EXPORT_INCOMPLETE")
    assert at_work.failures(batch.name) == [("B", "RECIPIENT_MISSING"), ("C", "RECIPIENT_MISSING")]
    assert not at_work.sets()
    record = at_work.record(batch.name)
    assert (record.state, record.exported_count, record.failed_count) == (PENDING, 1, 2)
    assert (record.reason, record.attempt_count) == ("RECIPIENT_MISSING", 1)
    why = at_work.explain(batch.name)
    assert (why.reason, why.message) == ("EXPORT_INCOMPLETE", held.hold.message)
    assert (why.facts["pending_exports"], [way.method for way in why.ways]) == (1, ["RunInvoiceExportEngine"])
    stamps = {each: each.stat().st_mtime_ns for each in tmp_path.rglob("*-00000001.*")}
    assert len(stamps) == 3
    at_work.receive("B", "C")
    at_work.export()
    assert word(at_work.get(batch.name).state) == "READY_FOR_PUBLISH"
    assert at_work.failures(batch.name) == []
    assert {each: each.stat().st_mtime_ns for each in stamps} == stamps, "what was exported stays"
    assert len(at_work.files(batch.name)) == 10
    record = at_work.record(batch.name)
    assert (record.state, record.exported_count, record.attempt_count, record.reason) == (DONE, 3, 2, "")
    assert at_work.states(batch.name)[-2:] == ["ORDERED", "READY_FOR_PUBLISH"], "held is no transition"


@pytest.mark.rule("INV-09", "INV-13", "INV-15", "PLT-30")
def test_a_locked_set_stops_one_batch_until_it_is_unlocked_and_the_batch_retried(
    at_work: Exporting, database: Database
) -> None:
    """The batch fails and says why; it goes back to where it failed, and exports the rest."""
    batch = at_work.ordered(invoice_batch_id="march")
    at_work.receive(*AMOUNTS)
    scope_id = scopes.id_of(scopes.of_one("cycles", "CYCLE"))
    row = {"code": "invoices-march", "locked": 1, "created_us": 1, "updated_us": 1, "scope_id": scope_id}
    database.write(lambda tx: tx.execute(insert(data_file_set).values(row)))
    at_work.export()
    assert at_work.export().failed_count == 1
    failed = at_work.get(batch.name)
    assert (word(failed.state), word(failed.failed_state)) == ("ERROR", "ORDERED")
    assert failed.hold.reason == at_work.explain(batch.name).reason == "DATA_FILE_SET_LOCKED"
    assert at_work.export() == pb.RunInvoiceExportEngineResponse(), "what has failed waits for a person"
    found = at_work.client.files.get_set(data_files_pb2.GetDataFileSetRequest(name="dataFileSets/invoices-march"))
    unlock = data_files_pb2.UnlockDataFileSetRequest(name=found.name, etag=found.etag)
    at_work.client.files.unlock_set(unlock)
    retry = invoice_batches_pb2.RetryInvoiceBatchRequest(name=batch.name)
    assert word(at_work.client.invoicing.retry_batch(retry).state) == "ORDERED"
    assert at_work.export().started_count == 1
    assert word(at_work.get(batch.name).state) == "READY_FOR_PUBLISH"
    assert at_work.record(batch.name).state == DONE
    assert len(at_work.files(batch.name)) == 10
    assert at_work.states(batch.name)[-4:] == ["ORDERED", "ERROR", "ORDERED", "READY_FOR_PUBLISH"]


@pytest.mark.rule("INV-06", "INV-09", "INV-13", "INV-18")
def test_a_workflow_that_nobody_has_holds_a_batch_and_says_so(at_work: Exporting) -> None:
    """Others go on; requeued, its record is read as the cycle is then: one that exports nothing goes on at once."""
    at_work.house.put_cycle(workflow="pigeons")
    batch = at_work.ordered()
    at_work.receive(*AMOUNTS)
    assert at_work.export().held_count == 1
    held = at_work.get(batch.name)
    assert (word(held.state), held.hold.reason) == ("ORDERED", "WORKFLOW_UNKNOWN")
    assert "pigeons" in held.hold.message
    assert at_work.explain(batch.name).reason == "WORKFLOW_UNKNOWN"
    record = at_work.record(batch.name)
    assert (record.workflow, record.reason, record.state) == ("pigeons", "WORKFLOW_UNKNOWN", PENDING)
    at_work.house.put_cycle(workflow="no-export", formats=())
    assert at_work.export().held_count == 1, "it has its workflow until it is requeued"
    requeue = pb.RequeueExportRecordRequest(name=record.name, validate_only=True)
    assert at_work.client.invoicing.requeue_export(requeue).workflow == "no-export"
    assert at_work.record(batch.name).workflow == "pigeons"
    requeue = pb.RequeueExportRecordRequest(name=record.name, request_id="again")
    taken_up = at_work.client.invoicing.requeue_export(requeue)
    assert (taken_up.workflow, taken_up.reason) == ("no-export", "")
    assert at_work.client.invoicing.requeue_export(requeue) == taken_up
    assert not at_work.get(batch.name).HasField("hold")
    assert at_work.export().exported_count == 1
    assert word(at_work.get(batch.name).state) == "READY_FOR_PUBLISH"
    assert (at_work.record(batch.name).state, at_work.sets()) == (DONE, [])
    late = pb.RequeueExportRecordRequest(name=record.name)
    assert refused(lambda: at_work.client.invoicing.requeue_export(late), FailedPrecondition).reason == (
        "EXPORT_RECORD_DONE"
    )


@pytest.mark.rule("INV-15", "PLT-07", "PLT-10")
def test_what_is_not_in_the_queue_is_not_found_and_the_queue_is_listed_by_state(at_work: Exporting) -> None:
    """Records by batch, cycle and state; a name that is none is refused by its field."""
    batch = at_work.ordered()
    records = at_work.client.invoicing.list_exports
    for asked, count in (
        ({"parent": "invoiceBatches/-"}, 1),
        ({"parent": "invoiceBatches/-", "billing_cycle": CYCLE}, 1),
        ({"parent": batch.name, "states": [PENDING]}, 1),
        ({"parent": batch.name, "states": [DONE]}, 0),
        ({"parent": "invoiceBatches/none"}, 0),
    ):
        assert len(list(records(pb.ListExportRecordsRequest(**asked)))) == count, asked
    invoicing = at_work.client.invoicing
    missing = pb.GetExportRecordRequest(name=f"{batch.name}/exports/2")
    assert refused(lambda: invoicing.get_export(missing), NotFound).reason == "EXPORT_RECORD_NOT_FOUND"
    wrong = pb.GetExportRecordRequest(name=f"{batch.name}/exports/none")
    assert [each.field for each in refused(lambda: invoicing.get_export(wrong)).violations] == ["name"]
    none = pb.ListExportFailuresRequest(parent="invoiceBatches/none")
    assert refused(lambda: list(invoicing.list_export_failures(none)), NotFound).reason == "INVOICE_BATCH_NOT_FOUND"


@pytest.mark.rule("INV-15")
def test_an_invoice_that_breaks_the_standard_is_told_by_its_rule(at_work: Exporting) -> None:
    """Exempt, and the issuer has not said why."""
    at_work.house.put_cycle(taxes={"S": "VAT", "E": "VAT"})
    at_work.house.charge({"X": 1_000}, description="Care", tax_category="E", tax_ppm=0)
    batch = at_work.ordered({"A": 5_000})
    at_work.receive("A", "X")
    at_work.export()
    assert at_work.failures(batch.name) == [("X", "BR-E-10")]
    assert "BR-E-10" in at_work.get(batch.name).hold.message


@pytest.mark.rule("INV-06", "PLT-26")
def test_the_export_engine_runs_by_schedule(at_work: Exporting) -> None:
    """It is the same operation, started by the scheduler."""
    batch = at_work.ordered()
    at_work.receive(*AMOUNTS)
    schedules = at_work.served.stub(schedules_pb2_grpc.SchedulesServiceStub)
    schedule = schedules_pb2.Schedule(code="export", cron="*/5 * * * *")
    schedule.request.Pack(pb.RunInvoiceExportEngineRequest(billing_cycle=CYCLE, description="nightly"))
    made = schedules.CreateSchedule(schedules_pb2.CreateScheduleRequest(schedule=schedule), timeout=20)
    asked = pb.RunInvoiceExportEngineRequest()
    assert made.request.Unpack(asked)
    assert (asked.billing_cycle, asked.description) == (CYCLE, "nightly")
    run = schedules.RunSchedule(schedules_pb2.RunScheduleRequest(name=made.name), timeout=20)
    at_work.done(run.operation)
    at_work.rest()
    assert word(at_work.get(batch.name).state) == "READY_FOR_PUBLISH"


@pytest.mark.rule("INV-13", "INV-15", "PLT-23")
def test_two_engines_at_once_on_two_servers_export_a_batch_once(
    database: Database, migrated_url: str, tmp_path: Path
) -> None:
    """Each batch by one operation: the same files once, one record, one transition."""
    with exporting(database, migrated_url, tmp_path) as one:
        batch = one.ordered({f"A-{number:02}": 1_000 + number for number in range(12)})
        one.receive(*(f"A-{number:02}" for number in range(12)))
        with at_house(one.house, migrated_url, tmp_path) as other:
            runs = [
                each.client.invoicing.run_export_engine(pb.RunInvoiceExportEngineRequest()) for each in (one, other)
            ]
            counted = [run.wait(60) for run in runs]
            one.rest()
            assert sum(each.started_count for each in counted) == 1, counted
            assert word(other.get(batch.name).state) == "READY_FOR_PUBLISH"
            assert len(other.files(batch.name)) == 37
            assert other.record(batch.name).attempt_count == 1
            assert other.states(batch.name)[-2:] == ["ORDERED", "READY_FOR_PUBLISH"]


@pytest.mark.rule("PLT-06", "INV-06")
def test_a_pass_is_begun_once_however_often_it_is_asked_for(at_work: Exporting) -> None:
    """The same request id gives the same operation; validate_only begins none; a cycle must be there."""
    at_work.ordered()
    stub = at_work.stub
    stub.RunInvoiceExportEngine(pb.RunInvoiceExportEngineRequest(validate_only=True), timeout=20)
    asked = pb.RunInvoiceExportEngineRequest(request_id="tonight")
    first = stub.RunInvoiceExportEngine(asked, timeout=20)
    assert stub.RunInvoiceExportEngine(asked, timeout=20).name == first.name
    found = refusal(
        lambda: stub.RunInvoiceExportEngine(
            pb.RunInvoiceExportEngineRequest(billing_cycle="billingCycles/NONE"), timeout=20
        )
    )
    assert found.code is grpc.StatusCode.NOT_FOUND
    at_work.done(first.name)
    at_work.rest()


@pytest.mark.rule("PLT-32", "INV-15")
def test_files_are_sent_where_their_set_goes_the_manifest_last(
    database: Database, migrated_url: str, tmp_path: Path
) -> None:
    """To a folder: byte by byte what is downloaded, once the whole set is shown."""
    outbox = tmp_path / "outbox"
    outbox.mkdir()
    path = tmp_path / "destinations.toml"
    path.write_text(f'[[destinations]]\nname = "printer"\nurl = "file://{outbox}"\nsets = ["invoices-*"]\n')
    chosen = {"transmission_file": path, "delivery_pause_s": 0.05, "delivery_pause_max_s": 0.2}
    with exporting(database, migrated_url, tmp_path, **chosen) as at_work:
        batch = at_work.ordered()
        at_work.receive("A", "B")
        at_work.export()
        assert list(outbox.iterdir()) == [], "what is not whole is not sent"
        at_work.receive("C")
        at_work.export()

        def sent() -> list[deliveries_pb.Delivery]:
            return [one for file in at_work.files(batch.name) for one in file.transmissions]

        wait_for(
            lambda: [one.state for one in sent()] == [deliveries_pb.DELIVERY_STATE_DELIVERED] * 10, 30, "ten files"
        )
        assert {one.target for one in sent()} == {"transmissionDestinations/printer"}
        got = at_work.download(batch.name, tmp_path / "got")
        assert {each.name: each.read_bytes() for each in outbox.iterdir()} == got
        manifest = next(each for each in outbox.iterdir() if each.name.endswith("manifest.json"))
        assert manifest.stat().st_ctime_ns == max(each.stat().st_ctime_ns for each in outbox.iterdir())


@pytest.mark.rule("INV-15")
def test_a_recipient_that_came_after_the_lock_is_taken_and_one_that_changed_is_not(
    at_work: Exporting, tmp_path: Path
) -> None:
    """An invoice goes to who its recipient was when it was locked, or to the one that came since."""
    at_work.house.put_cycle(formats=(Format.JSON,))
    at_work.house.charge({"A": 5_000, "B": 1_000}, description="Goods")
    at_work.receive("A", name="Who it was")
    batch = at_work.ordered({"C": 400})
    at_work.receive("A", name="Who it is")
    at_work.receive("B", "C", name="Who came since")
    at_work.export()
    got = at_work.download(batch.name, tmp_path / "got")
    assert [json.loads(got[f"{number}.json"])["buyer"]["name"] for number in NUMBERS] == [
        "Who it was",
        "Who came since",
        "Who came since",
    ]
