"""Assignments as the contract tells them."""

from __future__ import annotations

from countinghouse.accounting.v1 import assignments_pb2 as pb
from domain.accounting.channels.model import Channel
from domain.accounting.execution.completing import Report
from domain.accounting.execution.model import Assignment
from domain.accounting.execution.states import AssignmentState
from domain.accounting.execution.store.pages import AssignmentFilter
from domain.accounting.names import batch_name, client_name, operation_name
from server.mapping.accounting.configuration import code_from_name
from server.mapping.accounting.vocabulary import CHANNELS, CHANNELS_BY_NUMBER
from server.mapping.days import day_to_proto, days_from_proto
from server.mapping.operations import instant_to_proto

# Looked up when the module loads: a state of the domain that the contract lacks stops the server.
_STATES = {state: pb.AssignmentState.Value(f"ASSIGNMENT_STATE_{state}") for state in AssignmentState}
_STATE_BY_NUMBER = {number: state for state, number in _STATES.items()}
_ALL = "-"


def assignment_to_proto(assignment: Assignment) -> pb.Assignment:
    """An assignment."""
    return pb.Assignment(
        name=assignment.name,
        operation=operation_name(assignment.claim_id, assignment.operation_id),
        client=client_name(assignment.client_code),
        workflow_point=assignment.workflow_point,
        channel=CHANNELS[assignment.channel],
        state=_STATES[assignment.state],
        accounting_date=day_to_proto(assignment.accounting_day),
        schedule_time=instant_to_proto(assignment.scheduled_us),
        ready_time=instant_to_proto(assignment.ready_us),
        goal_time=instant_to_proto(assignment.goal_us),
        due_time=instant_to_proto(assignment.due_us),
        escalate_time=instant_to_proto(assignment.escalated_us),
        attempt_count=assignment.attempts,
        unanswered=assignment.unanswered,
        reason=assignment.reason,
        message=assignment.message,
        assignee=assignment.assignee,
        batch=batch_name(assignment.client_code, assignment.batch_no) if assignment.batch_no else "",
        update_time=instant_to_proto(assignment.updated_us),
    )


def assignment_key_from_name(name: str) -> tuple[str, str]:
    """The ids of claim and operation in `claims/{claim}/assignments/{operation}`."""
    _, claim_id, _, operation_id = name.split("/")
    return claim_id, operation_id


def filter_from_proto(request: pb.ListAssignmentsRequest, now_us: int) -> AssignmentFilter:
    """Which assignments."""
    return AssignmentFilter(
        claim_id=code_or_all(request.parent),
        client_code=code_from_name(request.client) if request.client else "",
        channel=CHANNELS_BY_NUMBER.get(request.channel),
        state=_STATE_BY_NUMBER.get(request.state),
        workflow_point=request.workflow_point,
        overdue_us=now_us if request.overdue else 0,
    )


def code_or_all(parent: str) -> str:
    """The last part of a parent's name; empty for `-`, which means all of them."""
    code = parent.rpartition("/")[2]
    return "" if code == _ALL else code


def completion_from_proto(request: pb.CompleteAssignmentRequest) -> Report:
    """What the caller has done. Raises: Invalid for a date that is none."""
    return _report(request, "completion_date")


def posting_from_proto(request: pb.RecordAssignmentOutcomeRequest) -> Report | None:
    """What the system of record shows; None: nothing. Raises: Invalid for a date that is none."""
    return _report(request, "posting_date") if request.outcome == pb.ASSIGNMENT_OUTCOME_POSTED else None


def channel_from_proto(request: pb.RerouteAssignmentRequest) -> Channel | None:
    """The channel asked for; None: as the pre-conditions say."""
    return CHANNELS_BY_NUMBER.get(request.channel)


def _report(request: pb.CompleteAssignmentRequest | pb.RecordAssignmentOutcomeRequest, field: str) -> Report:
    date = getattr(request, field) if request.HasField(field) else None  # type: ignore[arg-type]
    (day,) = days_from_proto({field: date})
    return Report(*assignment_key_from_name(request.name), request.external_reference, day, field)
