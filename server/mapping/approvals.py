"""Approvals as the contract tells them."""

from __future__ import annotations

from google.protobuf.any_pb2 import Any

from countinghouse.operations.v1 import approvals_pb2 as pb
from domain.approvals.model import Approval, State
from server.mapping.operations import instant_to_proto

# Looked up when the module loads: a value of the domain that the contract lacks stops the server.
_STATES = {state: pb.ApprovalState.Value(f"APPROVAL_STATE_{state}") for state in State}
_STATE_BY_NUMBER = {number: state for state, number in _STATES.items()}
_TYPE_PREFIX = "type.googleapis.com/"


def id_from_name(name: str) -> str:
    """The id in `approvals/{id}`."""
    return name.partition("/")[2]


def state_from_proto(request: pb.ListApprovalsRequest) -> State | None:
    """The state asked for; None for any."""
    return _STATE_BY_NUMBER.get(request.state)


def approval_to_proto(approval: Approval, *, with_request: bool = True) -> pb.Approval:
    """An approval."""
    request = Any(type_url=_TYPE_PREFIX + approval.request_type, value=approval.request)
    return pb.Approval(
        name=approval.name,
        state=_STATES[approval.state],
        method=approval.method,
        permission=approval.permission,
        caller=approval.caller,
        request=request if with_request else None,
        create_time=instant_to_proto(approval.created_us),
        expire_time=instant_to_proto(approval.expire_us),
        decider=approval.decider,
        decide_time=instant_to_proto(approval.decided_us),
        reason=approval.reason,
        use_time=instant_to_proto(approval.used_us),
    )
