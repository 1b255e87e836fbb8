"""Every kind of operation that can be started by schedule: one line a kind (PLT-26)."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from domain.accounting.batches import model as batches_model
from domain.accounting.batches import service as batches
from domain.billing.creation import model as creation_model
from domain.billing.creation import service as creation
from domain.billing.runs import model as runs_model
from domain.billing.runs import service as runs
from domain.gl_extraction.extraction import service as extraction
from domain.gl_extraction.extraction.model import JOB_KIND, request_from_document
from domain.invoicing.batches import aggregation, engines
from domain.invoicing.batches.model import AGGREGATE_KIND, ENGINE_KIND, EngineRequest, engine_request_from_document
from domain.invoicing.export import engines as export_engines
from domain.invoicing.export.model import EXPORT_ENGINE_KIND
from domain.kernel.call import Call
from domain.kernel.documents import Document
from domain.kernel.scopes import EVERYTHING
from domain.kernel.time import BusinessZone
from domain.operations.model import Operation
from domain.schedules.model import Kind, Registry


def registry(gl_extraction: extraction.Settings) -> Registry:
    """What this program can start by schedule."""
    return Registry(
        kinds=(
            _generate_accounting_message(gl_extraction),
            _generate_accounting_files(),
            _run_billing(gl_extraction.zone),
            _create_interval_data(gl_extraction.zone),
            _of_batches(ENGINE_KIND, "RunInvoiceBatchEngine", engines.start),
            _of_batches(AGGREGATE_KIND, "AggregateInvoices", aggregation.start),
            _of_batches(EXPORT_ENGINE_KIND, "RunInvoiceExportEngine", export_engines.start),
        ),
        zone=gl_extraction.zone,
    )


def _generate_accounting_message(settings: extraction.Settings) -> Kind:
    def check(tx: Connection, _call: Call, request: Document) -> None:
        extraction.require_sound(tx, request_from_document(request), settings.zone)

    def start(tx: Connection, call: Call, request: Document) -> Operation:
        return extraction.start(tx, call, request_from_document(request), settings)

    return Kind(
        name=JOB_KIND,
        method="countinghouse.gl_extraction.v1.GLExtractionService/GenerateAccountingMessage",
        dates=frozenset({"created_date_from", "created_date_to"}),
        check=check,
        start=start,
    )


def _generate_accounting_files() -> Kind:
    def check(tx: Connection, call: Call, request: Document) -> None:
        batches.require_configured(tx, batches_model.request_from_document(request), call.scope)

    def start(tx: Connection, call: Call, request: Document) -> Operation:
        return batches.generate(tx, call, batches_model.request_from_document(request))

    def zone(tx: Connection, request: Document) -> str:
        client, _ = batches.require_configured(tx, batches_model.request_from_document(request), EVERYTHING)
        return client.settings.calendar.zone.name

    return Kind(
        name=batches_model.GENERATE_KIND,
        method="countinghouse.accounting.v1.AccountingService/GenerateAccountingFiles",
        dates=frozenset(),
        check=check,
        start=start,
        zone=zone,
    )


def _run_billing(zone: BusinessZone) -> Kind:
    def check(tx: Connection, call: Call, request: Document) -> None:
        runs.require_sound(tx, runs_model.request_from_document(request), call.scope)

    def start(tx: Connection, call: Call, request: Document) -> Operation:
        return runs.run(tx, call, runs_model.request_from_document(request), zone)

    return Kind(
        name=runs_model.RUN_KIND,
        method="countinghouse.billing.v1.BillingService/RunBilling",
        dates=frozenset(),
        check=check,
        start=start,
    )


def _create_interval_data(zone: BusinessZone) -> Kind:
    def check(tx: Connection, call: Call, request: Document) -> None:
        creation.require_there(tx, creation_model.request_from_document(request), call.scope)

    def start(tx: Connection, call: Call, request: Document) -> Operation:
        return creation.create(tx, call, creation_model.request_from_document(request), zone)

    return Kind(
        name=creation_model.CREATE_KIND,
        method="countinghouse.billing.v1.BillingService/CreateIntervalData",
        dates=frozenset(),
        check=check,
        start=start,
    )


def _of_batches(name: str, method: str, begin: Callable[[Connection, Call, EngineRequest], Operation]) -> Kind:
    """What looks at batches of invoices: those of a cycle, or of all."""

    def check(tx: Connection, call: Call, request: Document) -> None:
        engines.scope_of(tx, call.scope, engine_request_from_document(request))

    def start(tx: Connection, call: Call, request: Document) -> Operation:
        return begin(tx, call, engine_request_from_document(request))

    return Kind(
        name=name,
        method=f"countinghouse.invoicing.v1.InvoiceBatchService/{method}",
        dates=frozenset(),
        check=check,
        start=start,
    )
