"""`countinghouse invoicing export`, `exports`, `failures`, `requeue`, `publish`: what goes out, and is seen."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from countinghouse.cli.exits import FINDINGS
from countinghouse.cli.following import follow
from countinghouse.cli.invoicing.batches import follow_to_end
from countinghouse.cli.invoicing.standing import show_batch
from countinghouse.cli.invoicing.words import Batch, Cycle, MaxWait, RequestId, cycle_name, short
from countinghouse.cli.names import full, last
from countinghouse.cli.output import (
    Column,
    Format,
    Limit,
    ListOutput,
    Output,
    jsonable,
    moment,
    say,
    show_fields,
    show_list,
    show_table,
    show_value,
    word,
)
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from countinghouse.client import Client
    from countinghouse.invoicing.v1.invoice_exports_pb2 import ExportRecord, RunInvoiceExportEngineResponse

_ALL = "invoiceBatches/-"


class RecordState(StrEnum):
    """Where an export record stands."""

    PENDING = "pending"
    DONE = "done"


def _state(record: "ExportRecord") -> str:
    from countinghouse.invoicing.v1.invoice_exports_pb2 import ExportRecordState

    return word(ExportRecordState, record.state)


def _batch(record: "ExportRecord") -> str:
    return record.name.split("/")[1]


_RECORDS = (
    Column("BATCH", _batch),
    Column("NO", lambda one: last(one.name), right=True),
    Column("STATE", _state),
    Column("WORKFLOW", lambda one: one.workflow),
    Column("ORDERED", lambda one: moment(one.create_time)),
    Column("TRIED", lambda one: f"{one.attempt_count:,}", right=True),
    Column("EXPORTED", lambda one: f"{one.exported_count:,}", right=True),
    Column("FAILED", lambda one: f"{one.failed_count:,}", right=True),
    Column("WHY", lambda one: one.message, prose=True),
)
_FAILURES = (
    Column("INVOICE", lambda one: short(one.invoice)),
    Column("REASON", lambda one: one.reason),
    Column("TRIED", lambda one: moment(one.failure_time)),
    Column("WHAT", lambda one: one.message, prose=True),
)


def export(
    context: typer.Context,
    cycle: Cycle = "",
    watch: Annotated[
        bool, typer.Option("--watch", help="Show how each batch is exported, then what came of it.")
    ] = False,
    max_wait: MaxWait = None,
    request_id: RequestId = "",
    output: Output = Format.TABLE,
) -> None:
    """Export what is ordered: every batch by an operation of its own.

    With --watch it ends with 9 when something could not be exported.
    """
    from countinghouse.invoicing.v1 import invoice_exports_pb2 as pb

    within = cycle_name(cycle)
    request = pb.RunInvoiceExportEngineRequest(billing_cycle=within, request_id=request_id)
    with session(context, patient=True) as client:
        waiting = [each.name for each in _pending(client, within)] if watch else []
        snapshot = follow(client.invoicing.run_export_engine(request), quiet=True, lines=False, timeout_s=max_wait)
        if snapshot.error is not None:
            raise snapshot.error
        assert snapshot.response is not None, "what has ended without an error has a response"
        records = [_followed(client, name, max_wait) for name in waiting]
    if output is not Format.TABLE:
        show_value({**jsonable(snapshot.response), "exportRecords": [jsonable(each) for each in records]}, output)
    else:
        _show_pass(snapshot.response, records)
    if any(each.failed_count or each.reason for each in records):
        raise typer.Exit(FINDINGS)


def exports(
    context: typer.Context,
    batch: Annotated[str, typer.Option(help="Only of this batch.")] = "",
    cycle: Cycle = "",
    state: Annotated[list[RecordState] | None, typer.Option(help="In this state; may be given again.")] = None,
    limit: Limit = 50,
    output: ListOutput = Format.TABLE,
) -> None:
    """The export queue: what is ordered, how far it is, and why it does not go on."""
    from countinghouse.invoicing.v1 import invoice_exports_pb2 as pb

    request = pb.ListExportRecordsRequest(
        parent=full("invoiceBatches", batch) if batch else _ALL,
        billing_cycle=cycle_name(cycle),
        states=[pb.ExportRecordState.Value(f"EXPORT_RECORD_STATE_{each.name}") for each in state or ()],
    )
    with session(context) as client:
        show_list(client.invoicing.list_exports(request, limit=limit or None), _RECORDS, output)


def failures(context: typer.Context, name: Batch, limit: Limit = 50, output: ListOutput = Format.TABLE) -> None:
    """The invoices of a batch that could not be exported, each with its reason."""
    from countinghouse.invoicing.v1 import invoice_exports_pb2 as pb

    request = pb.ListExportFailuresRequest(parent=full("invoiceBatches", name))
    with session(context) as client:
        show_list(client.invoicing.list_export_failures(request, limit=limit or None), _FAILURES, output)


def requeue(context: typer.Context, name: Batch, request_id: RequestId = "", output: ListOutput = Format.TABLE) -> None:
    """Have the export of a batch taken up again, as its cycle is configured now; what was exported stays."""
    from countinghouse.invoicing.v1 import invoice_exports_pb2 as pb

    batch = full("invoiceBatches", name)
    with session(context) as client:
        found = list(client.invoicing.list_exports(pb.ListExportRecordsRequest(parent=batch)))
        if not found:
            raise typer.BadParameter("has no export record", param_hint="BATCH")
        request = pb.RequeueExportRecordRequest(name=found[-1].name, request_id=request_id)
        show_list(iter([client.invoicing.requeue_export(request)]), _RECORDS, output)
        if output is Format.TABLE:
            say("Go on with it: countinghouse invoicing export --watch")


def publish(
    context: typer.Context,
    name: Batch,
    watch: Annotated[bool, typer.Option("--watch", help="Show how it is published, to the end.")] = False,
    max_wait: MaxWait = None,
    request_id: RequestId = "",
    validate_only: Annotated[
        bool, typer.Option("--dry-run", "--validate-only", help="Show what would be; publish nothing.")
    ] = False,
    output: Output = Format.TABLE,
) -> None:
    """Publish a batch, once: its invoices are seen by readers, and cannot be changed any more."""
    from countinghouse.invoicing.v1 import invoice_batches_pb2, invoice_exports_pb2

    batch = full("invoiceBatches", name)
    request = invoice_exports_pb2.PublishInvoiceBatchRequest(
        name=batch, request_id=request_id, validate_only=validate_only
    )
    with session(context) as client:
        begun = client.invoicing.publish_batch(request)
        if watch and not validate_only:
            follow_to_end(client, begun.operation, timeout_s=max_wait)
            begun = client.invoicing.get_batch(invoice_batches_pb2.GetInvoiceBatchRequest(name=batch))
        show_batch(begun, output)
        if not (watch or validate_only) and output is Format.TABLE:
            say(f"It is published by {begun.operation}. Watch it: countinghouse invoicing watch {last(batch)}")


def _pending(client: "Client", cycle: str) -> "list[ExportRecord]":
    from countinghouse.invoicing.v1 import invoice_exports_pb2 as pb

    request = pb.ListExportRecordsRequest(
        parent=_ALL, billing_cycle=cycle, states=[pb.EXPORT_RECORD_STATE_PENDING], page_size=1_000
    )
    return list(client.invoicing.list_exports(request))


def _followed(client: "Client", record: str, max_wait: float | None) -> "ExportRecord":
    """An export record once nothing works on its batch any more."""
    from countinghouse.invoicing.v1 import invoice_batches_pb2, invoice_exports_pb2

    batch = client.invoicing.get_batch(
        invoice_batches_pb2.GetInvoiceBatchRequest(name=record.partition("/exports/")[0])
    )
    if batch.operation:
        follow(client.operations.handle(batch.operation), quiet=False, lines=False, timeout_s=max_wait)
    return client.invoicing.get_export(invoice_exports_pb2.GetExportRecordRequest(name=record))


def _show_pass(found: "RunInvoiceExportEngineResponse", records: "Sequence[ExportRecord]") -> None:
    counts = (
        ("begun", found.started_count),
        ("nothing to export", found.exported_count),
        ("held", found.held_count),
        ("failed", found.failed_count),
        ("under way", found.busy_count),
    )
    show_fields([(name, f"{count:,}") for name, count in counts if count] or [("begun", "0")])
    if records:
        print()
        show_table(_RECORDS, [[column.text(each) for column in _RECORDS] for each in records])
    for each in records:
        if each.failed_count:
            say(f"What could not be exported: countinghouse invoicing failures {_batch(each)}")
