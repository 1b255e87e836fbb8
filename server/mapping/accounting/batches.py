"""Batches, their files, their runs and what receivers say of them, as the contract tells them."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message

from countinghouse.accounting.v1 import batches_pb2 as pb
from countinghouse.accounting.v1 import clients_pb2
from domain.accounting.batches.layouts.returns import Decision, ReturnFault
from domain.accounting.batches.model import (
    Batch,
    BatchFile,
    Request,
    Returned,
    order_from_document,
    rewriting_from_document,
)
from domain.accounting.batches.returning import Said, Taken
from domain.accounting.batches.service import BatchOperation
from domain.accounting.batches.states import BatchState
from domain.accounting.configuration.model import FileFormat
from domain.accounting.names import batch_name, client_name, operation_name
from domain.data_files.model import file_name, set_name, totals_from_document
from domain.kernel.documents import Document
from domain.kernel.errors import Invalid, Violation
from domain.kernel.money import Money
from domain.operations.model import Operation
from domain.operations.service import name_of
from server.mapping.data_files import totals_to_proto
from server.mapping.days import day_to_proto
from server.mapping.money import money_to_proto
from server.mapping.operations import Packing, instant_to_proto, notice_to_proto, progress_to_proto

# Looked up when the module loads: a value of the domain that the contract lacks stops the server.
_STATES = {state: pb.AccountingBatchState.Value(f"ACCOUNTING_BATCH_STATE_{state}") for state in BatchState}
_STATE_BY_NUMBER = {number: state for state, number in _STATES.items()}
_FORMATS = {each: clients_pb2.BatchFileFormat.Value(f"BATCH_FILE_FORMAT_{each}") for each in FileFormat}
_DECISIONS = {each: pb.AccountingRecordState.Value(f"ACCOUNTING_RECORD_STATE_{each}") for each in Decision}
_RETURN_FORMATS = {
    pb.RETURN_FILE_FORMAT_CSV: FileFormat.CSV,
    pb.RETURN_FILE_FORMAT_JSON_LINES: FileFormat.JSON_LINES,
}


def request_from_proto(request: pb.GenerateAccountingFilesRequest) -> Request:
    """What is to be written."""
    return Request(
        client_code=client_code_from_name(request.client),
        description=request.description,
        data_file_set_code=request.data_file_set_code,
        business_days_only=request.business_days_only,
    )


def request_to_proto(request: Request) -> pb.GenerateAccountingFilesRequest:
    """What is to be written, as a schedule tells it."""
    return pb.GenerateAccountingFilesRequest(
        client=client_name(request.client_code),
        description=request.description,
        data_file_set_code=request.data_file_set_code,
        business_days_only=request.business_days_only,
    )


def batch_to_proto(batch: Batch) -> pb.AccountingBatch:
    """A batch."""
    return pb.AccountingBatch(
        name=batch.name,
        state=_STATES[batch.state],
        accounting_date=day_to_proto(batch.accounting_day),
        rerun_number=batch.rerun_no,
        format=_FORMATS[batch.file_format],
        data_file_set=set_name(batch.data_file_set_code) if batch.written_us else "",
        operation_count=batch.operation_count,
        totals=totals_to_proto(batch.totals),
        accepted_count=batch.accepted_count,
        rejected_count=batch.rejected_count,
        regenerated_after_delivery=batch.regenerated_after_delivery,
        operation=name_of(batch.run_id),
        writing_operation=name_of(batch.writer_id) if batch.writer_id else "",
        create_time=instant_to_proto(batch.created_us),
        write_time=instant_to_proto(batch.written_us),
        update_time=instant_to_proto(batch.updated_us),
    )


def state_from_proto(request: pb.ListAccountingBatchesRequest) -> BatchState | None:
    """The state that is asked for, if one is."""
    return _STATE_BY_NUMBER.get(request.state)


def file_to_proto(file: BatchFile) -> pb.AccountingBatchFile:
    """A file of a batch."""
    return pb.AccountingBatchFile(
        rerun_number=file.rerun_no,
        data_file=file_name(file.data_file_set_code, file.file_name),
        operation=name_of(file.run_id),
        caller=file.caller,
        create_time=instant_to_proto(file.created_us),
    )


def record_to_proto(each: BatchOperation) -> pb.AccountingBatchRecord:
    """An operation of a batch."""
    debit, credit = each.records
    proto = pb.AccountingBatchRecord(
        record_number=each.number,
        operation=operation_name(debit.claim, debit.operation_id),
        debit_account=debit.account,
        credit_account=credit.account,
        amount=money_to_proto(Money(debit.amount_minor, debit.currency)),
        entry_reason=debit.reason,
        state=pb.ACCOUNTING_RECORD_STATE_SENT,
    )
    if each.returned is not None:
        _add_return(proto, each.returned)
    return proto


def accepted_from_proto(request: pb.AcceptAccountingBatchRecordsRequest) -> list[Said]:
    """What was taken."""
    return [
        Said(
            claim_id=_claim(record.operation),
            operation_id=_last(record.operation),
            decision=Decision.ACCEPTED,
            external_reference=record.external_reference,
        )
        for record in request.records
    ]


def rejected_from_proto(request: pb.RejectAccountingBatchRecordsRequest) -> list[Said]:
    """What was not taken."""
    return [
        Said(
            claim_id=_claim(record.operation),
            operation_id=_last(record.operation),
            decision=Decision.REJECTED,
            reason=record.reason,
            message=record.text,
        )
        for record in request.records
    ]


def accepted_to_proto(taken: Taken, batch: Batch) -> pb.AcceptAccountingBatchRecordsResponse:
    """What became of it."""
    return pb.AcceptAccountingBatchRecordsResponse(
        accepted_count=taken.accepted, unchanged_count=taken.unchanged, accounting_batch=batch_to_proto(batch)
    )


def rejected_to_proto(taken: Taken, batch: Batch) -> pb.RejectAccountingBatchRecordsResponse:
    """What became of it."""
    return pb.RejectAccountingBatchRecordsResponse(
        rejected_count=taken.rejected,
        unchanged_count=taken.unchanged,
        reversals=[each.name for each in taken.reversals],
        accounting_batch=batch_to_proto(batch),
    )


def return_head_from_proto(first: pb.IngestAccountingBatchReturnRequest) -> tuple[str, FileFormat]:
    """The client and the format of a return file. Raises: Invalid for the first message of a stream without them."""
    faults = [
        Violation(field, "FIELD_REQUIRED", "must be given in the first message")
        for field in ("parent", "format")
        if not getattr(first, field)
    ]
    if faults:
        raise Invalid(*faults)
    return client_code_from_name(first.parent), _RETURN_FORMATS[first.format]


def refused_to_proto(fault: ReturnFault) -> pb.RefusedReturn:
    """Why a row of a return file was left out."""
    violation = fault.violation
    return pb.RefusedReturn(
        line=fault.line, field=violation.field, reason=violation.reason, description=violation.description
    )


def batch_key_from_name(name: str) -> tuple[str, int]:
    """The client and the number in the name of a batch."""
    _, client_code, _, number = name.split("/")
    return client_code, int(number)


def client_code_from_name(name: str) -> str:
    """The code in `clients/{code}`."""
    return _last(name)


def _generation_metadata(operation: Operation) -> Message:
    counts = operation.counts
    return pb.GenerateAccountingFilesMetadata(
        progress=progress_to_proto(operation),
        client=client_name(order_from_document(operation.request).client_code),
        selected_count=counts.get("selected", 0),
        written_count=counts.get("written", 0),
        executed_count=counts.get("executed", 0),
    )


def _generation_response(operation: Operation) -> Message:
    return pb.GenerateAccountingFilesResponse(
        accounting_batches=map(_written_to_proto, operation.result["batches"]),
        notices=map(notice_to_proto, operation.notices),
    )


def _regeneration_metadata(operation: Operation) -> Message:
    order = rewriting_from_document(operation.request)
    return pb.RegenerateAccountingBatchMetadata(
        progress=progress_to_proto(operation),
        accounting_batch=batch_name(order.client_code, order.batch_no),
        rerun_number=order.rerun_no,
    )


def _regeneration_response(operation: Operation) -> Message:
    (written,) = operation.result["batches"]
    return pb.RegenerateAccountingBatchResponse(
        accounting_batch=_written_to_proto(written), notices=map(notice_to_proto, operation.notices)
    )


GENERATION = Packing(metadata=_generation_metadata, response=_generation_response)
"""How runs that write files are told."""

REGENERATION = Packing(metadata=_regeneration_metadata, response=_regeneration_response)
"""How runs that write a batch again are told."""


def _written_to_proto(written: Document) -> pb.WrittenAccountingBatch:
    return pb.WrittenAccountingBatch(
        accounting_batch=batch_name(written["client"], written["batch_no"]),
        rerun_number=written["rerun_no"],
        data_file=file_name(written["set_code"], written["file_name"]),
        accounting_date=day_to_proto(written["accounting_day"]),
        operation_count=written["operation_count"],
        totals=totals_to_proto(totals_from_document(written["totals"])),
    )


def _add_return(proto: pb.AccountingBatchRecord, returned: Returned) -> None:
    reversal = operation_name(returned.claim_id, returned.reversal_id) if returned.reversal_id else ""
    said: dict[str, Any] = {
        "state": _DECISIONS[returned.decision],
        "reason": returned.reason,
        "text": returned.message,
        "external_reference": returned.external_reference,
        "reversal": reversal,
        "return_time": instant_to_proto(returned.at_us),
    }
    proto.MergeFrom(pb.AccountingBatchRecord(**said))


def _claim(operation: str) -> str:
    return operation.split("/")[1]


def _last(name: str) -> str:
    return name.rpartition("/")[2]
