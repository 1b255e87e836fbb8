"""Interval data sets and their creation as the contract tells them."""

from __future__ import annotations

from google.protobuf.message import Message

from countinghouse.billing.v1 import billing_runs_pb2
from countinghouse.billing.v1 import interval_data_sets_pb2 as pb
from domain.billing.creation.model import DataSet, DataSetFilter, DataSetState, Request, request_from_document
from domain.billing.names import account_name, agreement_name, cycle_name, profile_name
from domain.kernel.documents import Document
from domain.operations.model import Operation
from server.mapping.billing.names import id_from_name
from server.mapping.days import day_to_proto, days_from_proto
from server.mapping.operations import Packing, instant_to_proto, progress_to_proto

# Looked up when the module loads: a state of the domain that the contract lacks stops the server.
_STATES = {each: pb.IntervalDataSetState.Value(f"INTERVAL_DATA_SET_STATE_{each}") for each in DataSetState}
_STATE_NAMES = {0: ""} | {number: each.value for each, number in _STATES.items()}


def request_from_proto(request: pb.CreateIntervalDataRequest) -> Request:
    """What is to be created. Raises: Invalid for every date that is none."""
    start, end = days_from_proto(
        {
            "start_date": request.start_date if request.HasField("start_date") else None,
            "end_date": request.end_date if request.HasField("end_date") else None,
        }
    )
    account, cycle = id_from_name(request.account), id_from_name(request.bill_cycle)
    return Request(account, cycle, end, start, request.description)


def request_to_proto(request: Request) -> pb.CreateIntervalDataRequest:
    """What is to be created, as a schedule tells it."""
    told = pb.CreateIntervalDataRequest(
        start_date=day_to_proto(request.start_day) if request.start_day else None,
        end_date=day_to_proto(request.end_day) if request.end_day else None,
        description=request.description,
    )
    if request.account:
        told.account = account_name(request.account)
    else:
        told.bill_cycle = cycle_name(request.cycle)
    return told


def filter_from_proto(request: pb.ListIntervalDataSetsRequest) -> DataSetFilter:
    """Which data sets."""
    return DataSetFilter(id_from_name(request.parent), request.profile_id, _STATE_NAMES[request.state])


def data_set_to_proto(found: DataSet) -> pb.IntervalDataSet:
    """A data set."""
    account_id = found.account_id
    return pb.IntervalDataSet(
        name=found.name,
        profile=profile_name(account_id, found.profile_id),
        service_agreement=agreement_name(account_id, found.agreement_id),
        start_time=instant_to_proto(found.start_us),
        end_time=instant_to_proto(found.end_us),
        position=found.position,
        state=_STATES[found.state],
        reason=found.reason,
        message=found.message,
        waits_on=found.waits_on,
        created_count=found.created_count,
        unchanged_count=found.unchanged_count,
        replaced_count=found.replaced_count,
        estimated=found.estimated,
        operation=f"operations/{found.operation_id}" if found.operation_id else "",
        create_time=instant_to_proto(found.created_us),
        update_time=instant_to_proto(found.updated_us),
    )


def _metadata(operation: Operation) -> Message:
    request = request_from_document(operation.request)
    return pb.CreateIntervalDataMetadata(
        progress=progress_to_proto(operation),
        account=account_name(request.account) if request.account else "",
        bill_cycle=cycle_name(request.cycle) if request.cycle else "",
        figures=_figures(operation.counts),
    )


def _response(operation: Operation) -> Message:
    return pb.CreateIntervalDataResponse(figures=_figures(operation.counts))


CREATION = Packing(metadata=_metadata, response=_response)
"""How the creation of interval data is told."""


def _figures(counts: Document) -> pb.IntervalDataFigures:
    errors = sorted(counts.get("errors", {}).items(), key=lambda each: (-each[1], each[0]))
    return pb.IntervalDataFigures(
        account_count=counts.get("accounts", 0),
        complete_data_set_count=counts.get("complete", 0),
        error_data_set_count=sum(count for _, count in errors),
        errors=[billing_runs_pb2.BillingRunError(reason=reason, count=count) for reason, count in errors],
        created_count=counts.get("created", 0),
        unchanged_count=counts.get("unchanged", 0),
        replaced_count=counts.get("replaced", 0),
        stale_bill_segment_count=counts.get("stale", 0),
    )
