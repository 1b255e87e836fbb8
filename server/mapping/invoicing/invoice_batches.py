"""Batches of invoices as the contract tells them."""

from __future__ import annotations

from collections.abc import Collection

from countinghouse.invoicing.v1 import hookpoints_pb2, invoice_exports_pb2
from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb
from countinghouse.operations.v1 import operations_pb2
from domain.invoicing.batches.asking import Answer
from domain.invoicing.batches.explaining import Explanation
from domain.invoicing.batches.hooks import Hookpoint, Point
from domain.invoicing.batches.model import (
    Batch,
    EngineRequest,
    Mover,
    Request,
    Transition,
    engine_request_from_document,
    order_from_document,
)
from domain.invoicing.batches.states import BatchKind, BatchState
from domain.invoicing.batches.watching import Seen
from domain.invoicing.names import batch_name, cycle_name, hookpoint_name, schedule_name, transition_name
from domain.kernel.documents import Document
from domain.kernel.errors import Invalid, Violation
from domain.kernel.money import Money
from domain.operations.model import Operation
from domain.operations.service import name_of
from server.mapping.days import day_to_proto
from server.mapping.entries import code_from_name
from server.mapping.instants import instant_from_proto
from server.mapping.money import money_to_proto
from server.mapping.operations import Packing, instant_to_proto, progress_to_proto

# Looked up when the module loads: a value of the domain that the contract lacks stops the server.
_STATES = {state: pb.InvoiceBatchState.Value(f"INVOICE_BATCH_STATE_{state}") for state in BatchState}
_BY_NUMBER = {number: state for state, number in _STATES.items()}
_KINDS = {kind: pb.InvoiceBatchKind.Value(f"INVOICE_BATCH_KIND_{kind}") for kind in BatchKind}
_MOVERS = {mover: pb.InvoiceBatchMover.Value(f"INVOICE_BATCH_MOVER_{mover}") for mover in Mover}
_POINTS = {hookpoints_pb2.InvoiceBatchPoint.Value(f"INVOICE_BATCH_POINT_{point}"): point for point in Point}
_COUNTS = ("closed", "empty", "moved", "merged", "aggregated", "numbered", "reopened", "exported", "marked")


def request_from_proto(request: pb.CreateInvoiceBatchRequest) -> Request:
    """What is to be closed when. Raises: Invalid for schedules of another cycle, or a time that is none."""
    cycle = code_from_name(request.billing_cycle)
    prefix = f"{request.billing_cycle}/schedules/"
    faults = [
        Violation(f"schedules[{at}]", "INVOICE_SCHEDULE_OF_OTHER_CYCLE", f"is no schedule of {request.billing_cycle}")
        for at, name in enumerate(request.schedules)
        if not name.startswith(prefix)
    ]
    if faults:
        raise Invalid(*faults)
    return Request(
        cycle=cycle,
        schedules=tuple(name.removeprefix(prefix) for name in request.schedules),
        close_at_us=instant_from_proto(request, "close_time") or 0,
        description=request.description,
        batch_id=request.invoice_batch_id,
    )


def states_from_proto(request: pb.ListInvoiceBatchesRequest) -> list[BatchState]:
    """The states that are listed; none: any."""
    return [_BY_NUMBER[number] for number in request.states]


def point_from_proto(request: hookpoints_pb2.TestHookpointRequest) -> Point:
    """The point at which a hook is tested; the contract has checked it."""
    return _POINTS[request.point]


def batch_to_proto(batch: Batch) -> pb.InvoiceBatch:
    """A batch."""
    held = batch.held
    return pb.InvoiceBatch(
        name=batch.name,
        description=batch.description,
        billing_cycle=cycle_name(batch.cycle_code),
        kind=_KINDS[batch.kind],
        state=_STATES[batch.state],
        state_time=instant_to_proto(batch.state_since_us),
        close_time=instant_to_proto(batch.close_at_us),
        schedules=_places(batch),
        hold=pb.InvoiceBatchHold(reason=held.reason, message=held.message, since_time=instant_to_proto(held.since_us))
        if held
        else None,
        failed_state=_STATES[batch.failed_state] if batch.failed_state else pb.INVOICE_BATCH_STATE_UNSPECIFIED,
        operation=name_of(batch.operation_id) if batch.operation_id else "",
        lock_time=instant_to_proto(batch.locked_us),
        issue_date=day_to_proto(batch.issue_day) if batch.issue_day else None,
        first_number=batch.first_number,
        number_count=batch.number_count,
        counts=_counts_to_proto(batch.counts),
        data_file_set=f"dataFileSets/{batch.data_file_set_code}" if batch.data_file_set_code else "",
        publish_time=instant_to_proto(batch.published_us),
        create_time=instant_to_proto(batch.created_us),
        update_time=instant_to_proto(batch.updated_us),
        sequence=batch.version,
    )


def transition_to_proto(made: Transition) -> pb.InvoiceBatchTransition:
    """One entry of a batch's history."""
    return pb.InvoiceBatchTransition(
        name=transition_name(made.batch_id, made.transition_no),
        from_state=_STATES[made.from_state] if made.from_state else pb.INVOICE_BATCH_STATE_UNSPECIFIED,
        to_state=_STATES[made.to_state],
        transition_time=instant_to_proto(made.at_us),
        caller=made.caller,
        method=made.method,
        operation=name_of(made.operation_id) if made.operation_id else "",
        reason=made.reason,
        counts=_counts_to_proto(made.counts),
    )


def explanation_to_proto(found: Explanation) -> pb.ExplainInvoiceBatchResponse:
    """What a batch waits for."""
    return pb.ExplainInvoiceBatchResponse(
        invoice_batch=batch_to_proto(found.batch),
        reason=found.reason,
        message=found.message,
        since_time=instant_to_proto(found.since_us),
        ways=[
            pb.InvoiceBatchWay(mover=_MOVERS[way.mover], method=way.method, permission=way.permission)
            for way in found.ways
        ],
        facts=dict(found.facts),
    )


def hookpoint_to_proto(hook: Hookpoint) -> hookpoints_pb2.Hookpoint:
    """A hookpoint."""
    name = hookpoint_name(hook.key)
    return hookpoints_pb2.Hookpoint(name=name, key=hook.key, description=hook.description, origin=hook.origin)


def answer_to_proto(answer: Answer) -> hookpoints_pb2.TestHookpointResponse:
    """What a hook says."""
    return hookpoints_pb2.TestHookpointResponse(goes_on=not answer.reason, reason=answer.reason, message=answer.message)


# Watches


def event_to_proto(seen: Seen) -> pb.WatchInvoiceBatchResponse:
    """A batch as its watchers are told it."""
    operation = seen.operation
    return pb.WatchInvoiceBatchResponse(
        sequence=seen.sequence,
        event_time=instant_to_proto(seen.batch.updated_us),
        transitions=map(transition_to_proto, seen.transitions),
        invoice_batch=batch_to_proto(seen.batch),
        progress=progress_to_proto(operation) if operation is not None and not operation.state.ended else None,
    )


def heartbeat_to_proto(*, sequence: int, at_us: int) -> pb.WatchInvoiceBatchResponse:
    """That nothing has changed for a while."""
    heartbeat = operations_pb2.WatchHeartbeat()
    return pb.WatchInvoiceBatchResponse(sequence=sequence, event_time=instant_to_proto(at_us), heartbeat=heartbeat)


def board_to_proto(
    batches: Collection[Batch] | None, *, sequence: int, at_us: int, is_whole: bool
) -> pb.WatchInvoiceBatchesResponse:
    """Batches as their watchers are told them; None: that nothing has changed for a while."""
    told = pb.WatchInvoiceBatchesResponse(sequence=sequence, event_time=instant_to_proto(at_us), is_whole=is_whole)
    if batches is None:
        told.heartbeat.SetInParent()
    else:
        told.board.CopyFrom(pb.InvoiceBatchBoard(invoice_batches=map(batch_to_proto, batches)))
    return told


# Operations


def engine_request_from_proto(
    request: pb.RunInvoiceBatchEngineRequest
    | pb.AggregateInvoicesRequest
    | invoice_exports_pb2.RunInvoiceExportEngineRequest,
) -> EngineRequest:
    """What a pass, or aggregation, is asked to look at."""
    batch = request.invoice_batch if isinstance(request, pb.AggregateInvoicesRequest) else ""
    return EngineRequest(
        cycle=code_from_name(request.billing_cycle) if request.billing_cycle else "",
        batch_id=code_from_name(batch) if batch else "",
        description=request.description,
    )


def engine_request_to_proto(document: Document) -> pb.RunInvoiceBatchEngineRequest:
    """What a pass is asked to look at, as a schedule tells it."""
    request = engine_request_from_document(document)
    cycle = cycle_name(request.cycle) if request.cycle else ""
    return pb.RunInvoiceBatchEngineRequest(billing_cycle=cycle, description=request.description)


def aggregation_request_to_proto(document: Document) -> pb.AggregateInvoicesRequest:
    """What aggregation is asked to look at, as a schedule tells it."""
    request = engine_request_from_document(document)
    return pb.AggregateInvoicesRequest(
        invoice_batch=batch_name(request.batch_id) if request.batch_id else "",
        billing_cycle=cycle_name(request.cycle) if request.cycle else "",
        description=request.description,
    )


def _batch_of(operation: Operation) -> str:
    return batch_name(order_from_document(operation.request).batch_id)


ADVANCE = Packing(
    metadata=lambda operation: pb.AdvanceInvoiceBatchMetadata(
        progress=progress_to_proto(operation),
        invoice_batch=_batch_of(operation),
        counts=_counts_to_proto(operation.counts),
    ),
    response=lambda operation: pb.AdvanceInvoiceBatchResponse(invoice_batch=_batch_of(operation)),
)
"""How operations that work on one batch are told."""

ENGINE = Packing(
    metadata=lambda operation: pb.RunInvoiceBatchEngineMetadata(progress=progress_to_proto(operation)),
    response=lambda operation: pb.RunInvoiceBatchEngineResponse(
        **{f"{name}_count": count for name, count in operation.counts.items()}
    ),
)
"""How passes of the engine are told."""

AGGREGATION = Packing(
    metadata=lambda operation: pb.AggregateInvoicesMetadata(progress=progress_to_proto(operation)),
    response=lambda operation: pb.AggregateInvoicesResponse(aggregated_count=operation.counts.get("aggregated", 0)),
)
"""How aggregation is told."""


def _places(batch: Batch) -> list[str]:
    if batch.kind is BatchKind.CREDIT_NOTES:
        return []
    return [schedule_name(batch.cycle_code, code) for code in batch.schedules]


def _counts_to_proto(counts: Document) -> pb.InvoiceBatchCounts:
    totals = sorted(counts.get("totals", {}).items())
    return pb.InvoiceBatchCounts(
        **{f"{name}_count": counts.get(name, 0) for name in _COUNTS},
        totals=[
            pb.InvoiceBatchTotal(
                net_amount=money_to_proto(Money(each["net"], currency)),
                tax_amount=money_to_proto(Money(each["tax"], currency)),
            )
            for currency, each in totals
        ],
    )
