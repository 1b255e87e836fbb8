"""The export queue as the contract tells it."""

from __future__ import annotations

from countinghouse.invoicing.v1 import invoice_exports_pb2 as pb
from domain.invoicing.batches.model import engine_request_from_document
from domain.invoicing.export.model import ExportRecord, ExportState, Failure
from domain.invoicing.names import cycle_name, invoice_name
from domain.kernel.documents import Document
from server.mapping.operations import Packing, instant_to_proto, progress_to_proto

# Looked up when the module loads: a value of the domain that the contract lacks stops the server.
_STATES = {state: pb.ExportRecordState.Value(f"EXPORT_RECORD_STATE_{state}") for state in ExportState}
_BY_NUMBER = {number: state for state, number in _STATES.items()}


def key_from_name(name: str) -> tuple[str, int]:
    """The batch and the number of a record; the contract has checked the name."""
    _, batch_id, _, export_no = name.split("/")
    return batch_id, int(export_no)


def states_from_proto(request: pb.ListExportRecordsRequest) -> list[ExportState]:
    """The states that are listed; none: any."""
    return [_BY_NUMBER[number] for number in request.states]


def engine_request_to_proto(document: Document) -> pb.RunInvoiceExportEngineRequest:
    """What a pass is asked to look at, as a schedule tells it."""
    request = engine_request_from_document(document)
    cycle = cycle_name(request.cycle) if request.cycle else ""
    return pb.RunInvoiceExportEngineRequest(billing_cycle=cycle, description=request.description)


def record_to_proto(record: ExportRecord) -> pb.ExportRecord:
    """An export record."""
    return pb.ExportRecord(
        name=record.name,
        workflow=record.workflow,
        state=_STATES[record.state],
        attempt_count=record.attempt_count,
        exported_count=record.exported_count,
        failed_count=record.failed_count,
        reason=record.reason,
        message=record.message,
        create_time=instant_to_proto(record.created_us),
        update_time=instant_to_proto(record.updated_us),
        done_time=instant_to_proto(record.done_us),
    )


def failure_to_proto(failure: Failure) -> pb.ExportFailure:
    """An invoice that could not be exported."""
    return pb.ExportFailure(
        invoice=invoice_name(failure.account_id, failure.invoice_id),
        reason=failure.reason,
        message=failure.message,
        failure_time=instant_to_proto(failure.at_us),
    )


ENGINE = Packing(
    metadata=lambda operation: pb.RunInvoiceExportEngineMetadata(progress=progress_to_proto(operation)),
    response=lambda operation: pb.RunInvoiceExportEngineResponse(
        **{f"{name}_count": count for name, count in operation.counts.items()}
    ),
)
"""How passes of the export engine are told."""
