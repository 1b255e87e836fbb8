"""Receipts as the contract tells them."""

from __future__ import annotations

from collections.abc import Sequence

from countinghouse.gl_extraction.v1 import extraction_pb2
from countinghouse.gl_extraction.v1 import receipts_pb2 as pb
from domain.data_files.model import set_name
from domain.gl_extraction.extraction.model import Batch
from domain.gl_extraction.names import batch_name
from domain.gl_extraction.receipts.model import Counts, Receipt, Received, Said, Span
from domain.gl_extraction.receipts.service import BatchesWanted, counts_of
from domain.gl_extraction.receipts.states import ReceiptState
from server.mapping.gl_extraction.extraction import batch_no_from_name
from server.mapping.instants import instant_from_proto
from server.mapping.operations import instant_to_proto

# Looked up when the module loads: a state of the domain that the contract lacks stops the server.
_STATES = {state: pb.MessageReceiptState.Value(f"MESSAGE_RECEIPT_STATE_{state}") for state in ReceiptState}
_STATE_BY_NUMBER = {number: state for state, number in _STATES.items()}


def acknowledged_from_proto(request: pb.AcknowledgeMessagesRequest) -> Said:
    """What the receiver says it has taken."""
    spans = _spans(request.message_ranges)
    batch_no = batch_no_from_name(request.name)
    return Said(batch_no, spans, ReceiptState.ACKNOWLEDGED, reference=request.reference)


def rejected_from_proto(request: pb.RejectMessagesRequest) -> Said:
    """What the receiver says it does not take."""
    spans = _spans(request.message_ranges)
    batch_no = batch_no_from_name(request.name)
    return Said(batch_no, spans, ReceiptState.REJECTED, reason=request.reason, reference=request.reference)


def acknowledged_to_proto(received: Received) -> pb.AcknowledgeMessagesResponse:
    """What became of it."""
    return pb.AcknowledgeMessagesResponse(
        changed_count=received.changed,
        unchanged_count=received.unchanged,
        counts=counts_to_proto(received.counts),
    )


def rejected_to_proto(batch_no: int, received: Received) -> pb.RejectMessagesResponse:
    """What became of it, and what sends the batch again."""
    resend = extraction_pb2.GenerateAccountingMessageRequest(gl_extraction_batch_id=str(batch_no))
    return pb.RejectMessagesResponse(
        changed_count=received.changed,
        unchanged_count=received.unchanged,
        counts=counts_to_proto(received.counts),
        resend=resend if received.resend else None,
    )


def counts_to_proto(counts: Counts) -> pb.MessageReceiptCounts:
    """How many messages stand where."""
    return pb.MessageReceiptCounts(
        message_count=counts.messages,
        open_count=counts.open,
        acknowledged_count=counts.acknowledged,
        rejected_count=counts.rejected,
    )


def receipt_to_proto(receipt: Receipt) -> pb.MessageReceipt:
    """What was said of a span of messages."""
    return pb.MessageReceipt(
        first_message_id=receipt.span.first,
        last_message_id=receipt.span.last,
        state=_STATES[receipt.state],
        reason=receipt.reason,
        reference=receipt.reference,
        caller=receipt.caller,
        create_time=instant_to_proto(receipt.created_us),
        update_time=instant_to_proto(receipt.updated_us),
    )


def batch_to_proto(batch: Batch) -> pb.BatchReceipt:
    """A batch and how its messages stand."""
    return pb.BatchReceipt(
        extraction_batch=batch_name(batch.batch_no),
        data_file_set=set_name(batch.data_file_set_code) if batch.data_file_set_code else "",
        first_message_id=batch.first_message_id,
        counts=counts_to_proto(counts_of(batch)),
        complete_time=instant_to_proto(batch.completed_us),
    )


def state_from_proto(request: pb.ListMessageReceiptsRequest) -> ReceiptState | None:
    """The state asked for; None for any."""
    return _STATE_BY_NUMBER.get(request.state)


def batches_from_proto(request: pb.ListBatchReceiptsRequest) -> BatchesWanted:
    """Which batches. Raises: Invalid for an instant that is none."""
    before_us = instant_from_proto(request, "completed_before") or 0
    return BatchesWanted(rejected=request.receipts == pb.BATCH_RECEIPTS_REJECTED, before_us=before_us)


def _spans(ranges: Sequence[pb.MessageRange]) -> list[Span]:
    return [Span(one.first_message_id, one.last_message_id or one.first_message_id) for one in ranges]
