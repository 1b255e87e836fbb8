"""Billing runs as the contract tells them."""

from __future__ import annotations

from google.longrunning import operations_pb2 as longrunning_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from countinghouse.billing.v1 import billing_runs_pb2 as pb
from countinghouse.operations.v1 import operations_pb2
from domain.billing.names import account_name, bill_name, window_name
from domain.billing.runs.model import PREVIEW_KIND, Request, order_from_document
from domain.billing.runs.variance import Band, Variance, from_documents
from domain.kernel.documents import Document
from domain.kernel.money import Money
from domain.operations.model import Operation, StageProgress, State
from server.mapping.billing.bill_cycles import key_from_name
from server.mapping.billing.names import id_from_name
from server.mapping.money import money_to_proto
from server.mapping.operations import Packing, instant_to_proto, progress_to_proto


def request_from_proto(request: pb.RunBillingRequest) -> Request:
    """What is to be billed."""
    window = key_from_name(request.window)
    return Request(
        cycle=window.cycle,
        window=window.code,
        accounts=tuple(map(id_from_name, request.accounts)),
        failed_only=request.failed_only,
        outside_window=request.outside_window,
        preview=request.preview,
        description=request.description,
    )


def request_to_proto(request: Request) -> pb.RunBillingRequest:
    """What is to be billed, as a schedule tells it."""
    return pb.RunBillingRequest(
        window=window_name(request.cycle, request.window),
        accounts=map(account_name, request.accounts),
        failed_only=request.failed_only,
        outside_window=request.outside_window,
        preview=request.preview,
        description=request.description,
    )


def _metadata(operation: Operation) -> Message:
    progress = progress_to_proto(operation)
    (stage,), (told,) = operation.stages, progress.stages
    per_second = told.items_per_second
    left = stage.items_total - stage.items_done
    return pb.RunBillingMetadata(
        progress=progress,
        window=order_from_document(operation.request).key.name,
        preview=operation.kind == PREVIEW_KIND,
        figures=_figures(operation.counts),
        account_total_count=stage.items_total,
        accounts_per_second=per_second,
        time_left=Duration(seconds=round(left / per_second)) if _goes_on(operation, stage) and per_second else None,
    )


def _goes_on(operation: Operation, stage: StageProgress) -> bool:
    return operation.state is State.RUNNING and stage.items_total > 0


def _response(operation: Operation) -> Message:
    counts = operation.counts
    response = pb.RunBillingResponse(window=order_from_document(operation.request).key.name, figures=_figures(counts))
    if operation.kind == PREVIEW_KIND:
        bands = counts.get("bands", {})
        variance = pb.BillingVariance(
            within_count=bands.get(Band.WITHIN, 0),
            above_count=bands.get(Band.ABOVE, 0),
            below_count=bands.get(Band.BELOW, 0),
            new_count=bands.get(Band.NEW, 0),
            largest=map(_variance_to_proto, from_documents(operation.result.get("largest", ()))),
        )
        response.variance.CopyFrom(variance)
    return response


def event_to_proto(operation: longrunning_pb2.Operation, *, sequence: int, at_us: int) -> pb.WatchBillingRunResponse:
    """A run as its watchers are told it, from its operation as all others are."""
    run = pb.BillingRun(name=operation.name, done=operation.done)
    operation.metadata.Unpack(run.metadata)
    if operation.WhichOneof("result") == "response":
        operation.response.Unpack(run.response)
    elif operation.WhichOneof("result") == "error":
        run.error.CopyFrom(operation.error)
    return pb.WatchBillingRunResponse(sequence=sequence, event_time=instant_to_proto(at_us), billing_run=run)


def heartbeat_to_proto(*, sequence: int, at_us: int) -> pb.WatchBillingRunResponse:
    """That nothing has changed for a while."""
    heartbeat = operations_pb2.WatchHeartbeat()
    return pb.WatchBillingRunResponse(sequence=sequence, event_time=instant_to_proto(at_us), heartbeat=heartbeat)


RUN = Packing(metadata=_metadata, response=_response)
"""How runs and their previews are told."""


def _figures(counts: Document) -> pb.BillingRunFigures:
    errors = sorted(counts.get("errors", {}).items(), key=lambda each: (-each[1], each[0]))
    return pb.BillingRunFigures(
        account_count=counts.get("accounts", 0),
        bill_count=counts.get("bills", 0),
        completed_bill_count=counts.get("completed", 0),
        bill_segment_count=counts.get("segments", 0),
        billing_exception_count=counts.get("exceptions", 0),
        errors=[pb.BillingRunError(reason=reason, count=count) for reason, count in errors],
        amounts=[money_to_proto(Money(minor, currency)) for currency, minor in sorted(counts.get("minor", {}).items())],
    )


def _variance_to_proto(found: Variance) -> pb.AccountVariance:
    return pb.AccountVariance(
        account=account_name(found.account_id),
        amount=money_to_proto(Money(found.minor, found.currency)),
        last_bill=bill_name(found.account_id, found.last_bill_id),
        last_amount=money_to_proto(Money(found.last_minor, found.currency)),
    )
