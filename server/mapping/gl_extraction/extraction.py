"""Extraction and its batches as the contract tells them."""

from __future__ import annotations

from google.longrunning import operations_pb2 as longrunning_pb2
from google.type.date_pb2 import Date
from google.type.timeofday_pb2 import TimeOfDay

from countinghouse.gl_extraction.v1 import accounting_details_pb2
from countinghouse.gl_extraction.v1 import extraction_pb2 as pb
from countinghouse.operations.v1 import operations_pb2
from domain.data_files.model import set_name, totals_from_document
from domain.gl_extraction.details.model import Origin
from domain.gl_extraction.extraction.formats import FileFormat
from domain.gl_extraction.extraction.model import Batch, Day, Minute, Reconciliation, Request, Summary
from domain.gl_extraction.extraction.service import Preview
from domain.gl_extraction.extraction.states import BatchState
from domain.gl_extraction.names import batch_name
from domain.kernel.call import Call
from domain.kernel.documents import Document
from domain.operations.model import Operation
from domain.operations.service import name_of
from server.mapping.data_files import told_file_to_proto, totals_to_proto
from server.mapping.operations import Packing, instant_to_proto, notice_to_proto, progress_to_proto

# Looked up when the module loads: a value of the domain that the contract lacks stops the server.
_STATES = {state: pb.ExtractionBatchState.Value(f"EXTRACTION_BATCH_STATE_{state}") for state in BatchState}
_STATE_BY_NUMBER = {number: state for state, number in _STATES.items()}
_ORIGINS = {"": accounting_details_pb2.ORIGIN_UNSPECIFIED} | {
    origin.value: accounting_details_pb2.Origin.Value(f"ORIGIN_{origin.name}") for origin in Origin
}
_FORMATS: dict[FileFormat | None, pb.GLFileFormat.ValueType] = {None: pb.GL_FILE_FORMAT_UNSPECIFIED} | {
    form: pb.GLFileFormat.Value(f"GL_FILE_FORMAT_{form.name}") for form in FileFormat
}
_FORMAT_BY_NUMBER = {number: form for form, number in _FORMATS.items()}
_ORIGIN_BY_NUMBER = {number: origin for origin, number in _ORIGINS.items()}


def request_from_proto(request: pb.GenerateAccountingMessageRequest) -> Request:
    """What is asked for, right or wrong."""
    return Request(
        description=request.description,
        created_date_from=_day(request.created_date_from) if request.HasField("created_date_from") else None,
        created_time_from=_minute(request.created_time_from) if request.HasField("created_time_from") else None,
        created_date_to=_day(request.created_date_to) if request.HasField("created_date_to") else None,
        created_time_to=_minute(request.created_time_to) if request.HasField("created_time_to") else None,
        origin=_ORIGIN_BY_NUMBER[request.origin],
        grouping=request.grouping,
        incremental=request.incremental if request.HasField("incremental") else None,
        group_account_code=request.group_account_code,
        gl_extraction_batch_id=request.gl_extraction_batch_id,
        data_file_set_code=request.data_file_set_code,
        file_format=_FORMAT_BY_NUMBER[request.file_format],
    )


def request_to_proto(request: Request) -> pb.GenerateAccountingMessageRequest:
    """What was asked for."""
    return pb.GenerateAccountingMessageRequest(
        description=request.description,
        origin=_ORIGINS[request.origin],
        grouping=request.grouping,
        incremental=request.incremental,
        group_account_code=request.group_account_code,
        gl_extraction_batch_id=request.gl_extraction_batch_id,
        data_file_set_code=request.data_file_set_code,
        created_date_from=_date(request.created_date_from),
        created_time_from=_time_of_day(request.created_time_from),
        created_date_to=_date(request.created_date_to),
        created_time_to=_time_of_day(request.created_time_to),
        file_format=_FORMATS[request.file_format],
    )


def metadata_to_proto(operation: Operation) -> pb.GenerateAccountingMessageMetadata:
    """How far an extraction is."""
    counts = operation.counts
    totals = {currency: total for currency, total in counts.get("totals", {}).items() if _is_told(total)}
    return pb.GenerateAccountingMessageMetadata(
        progress=progress_to_proto(operation),
        extraction_batch=batch_name(operation.request["batch_no"]),
        selected_count=counts.get("selected", 0),
        grouped_count=counts.get("grouped", 0),
        written_count=counts.get("written", 0),
        stamped_count=counts.get("stamped", 0),
        totals=totals_to_proto(totals_from_document(totals)),
    )


def response_to_proto(operation: Operation) -> pb.GenerateAccountingMessageResponse:
    """What an extraction did."""
    result = operation.result
    set_code = result["data_file_set"]
    return pb.GenerateAccountingMessageResponse(
        extraction_batch=batch_name(result["extraction_batch"]),
        data_file_set=set_name(set_code) if set_code else "",
        data_files=map(told_file_to_proto, result.get("files", [])),
        detail_count=result["detail_count"],
        element_count=result["element_count"],
        message_count=result["message_count"],
        totals=totals_to_proto(totals_from_document(result["totals"])),
        notices=map(notice_to_proto, operation.notices),
        first_message_id=result["first_message_id"],
    )


PACKING = Packing(metadata=metadata_to_proto, response=response_to_proto)
"""How operations of the kind are told."""


def preview_to_proto(call: Call, request: Request, preview: Preview) -> longrunning_pb2.Operation:
    """What an extraction would do, as an operation that is done and that nobody keeps: it has no name."""
    survey = preview.survey
    response = pb.GenerateAccountingMessageResponse(
        detail_count=survey.detail_count,
        element_count=survey.element_count,
        message_count=preview.message_count,
        totals=totals_to_proto(survey.totals),
        notices=map(notice_to_proto, preview.notices),
    )
    metadata = pb.GenerateAccountingMessageMetadata(
        progress=operations_pb2.OperationProgress(
            state=operations_pb2.OPERATION_STATE_SUCCEEDED,
            method=call.method,
            description=request.description,
            caller=call.caller,
            create_time=instant_to_proto(call.now_us),
            end_time=instant_to_proto(call.now_us),
        ),
        selected_count=survey.detail_count,
        grouped_count=survey.element_count,
        totals=totals_to_proto(survey.totals),
    )
    operation = longrunning_pb2.Operation(done=True)
    operation.metadata.Pack(metadata)
    operation.response.Pack(response)
    return operation


def batch_to_proto(batch: Batch) -> pb.ExtractionBatch:
    """A batch."""
    return pb.ExtractionBatch(
        name=batch.name,
        state=_STATES[batch.state],
        description=batch.description,
        operation=name_of(batch.operation_id),
        resend_of=batch_name(batch.resend_of) if batch.resend_of else "",
        request=request_to_proto(batch.request),
        create_time=instant_to_proto(batch.created_us),
        message_time=instant_to_proto(batch.message_us),
        complete_time=instant_to_proto(batch.completed_us),
        data_file_set=set_name(batch.data_file_set_code) if batch.data_file_set_code else "",
        detail_count=batch.detail_count,
        element_count=batch.element_count,
        message_count=batch.message_count,
        first_message_id=batch.first_message_id,
        totals=totals_to_proto(batch.totals),
        caller=batch.caller,
    )


def reconciliation_to_proto(reconciliation: Reconciliation) -> pb.ReconcileExtractionBatchResponse:
    """What a batch sent against what those details are now."""
    return pb.ReconcileExtractionBatchResponse(
        extraction_batch=batch_to_proto(reconciliation.batch),
        sent=_summary(reconciliation.sent),
        found=_summary(reconciliation.found),
        current=_summary(reconciliation.current),
        voided_since=_summary(reconciliation.voided_since),
        restamped_since=_summary(reconciliation.restamped_since),
        invoiced_since=_summary(reconciliation.invoiced_since),
        matches=reconciliation.matches,
    )


def batch_no_from_name(name: str) -> int:
    """The number in `extractionBatches/{number}`."""
    return int(name.partition("/")[2])


def state_from_proto(request: pb.ListExtractionBatchesRequest) -> BatchState | None:
    """The state asked for; None for any."""
    return _STATE_BY_NUMBER.get(request.state)


def _summary(summary: Summary) -> pb.DetailsSummary:
    return pb.DetailsSummary(detail_count=summary.detail_count, totals=totals_to_proto(summary.totals))


def _is_told(total: Document) -> bool:
    """Whether progress tells a total: one of zero is none, and one beyond 63 bits is refused when it is added up."""
    largest: int = max(total.values())
    return 0 < largest < 1 << 63


def _day(date: Date) -> Day:
    return Day(date.year, date.month, date.day)


def _date(day: Day | None) -> Date | None:
    return None if day is None else Date(year=day.year, month=day.month, day=day.day)


def _time_of_day(at: Minute | None) -> TimeOfDay | None:
    return None if at is None else TimeOfDay(hours=at.hours, minutes=at.minutes, seconds=at.seconds, nanos=at.nanos)


def _minute(at: TimeOfDay) -> Minute:
    return Minute(at.hours, at.minutes, at.seconds, at.nanos)
