"""Operations of the domain as `google.longrunning.Operation`, with typed metadata and response."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from google.longrunning import operations_pb2 as longrunning_pb2
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2

from countinghouse.operations.v1 import notice_pb2, operations_pb2
from domain.kernel.errors import Invalid, Violation
from domain.operations.model import Failure, Notice, Operation, Severity, StageProgress, State
from domain.operations.service import name_of
from server.gate.errors import CATEGORIES, DOMAIN

# Looked up when the module loads: a value of the domain that the contract lacks stops the server.
_STATES = {state: operations_pb2.OperationState.Value(f"OPERATION_STATE_{state}") for state in State}
_SEVERITIES = {severity: notice_pb2.Severity.Value(f"SEVERITY_{severity}") for severity in Severity}
_NAME_PREFIX = name_of("")
_TERM = re.compile(r'(?P<name>\w+)\s*=\s*(?:"(?P<quoted>[^"]*)"|(?P<bare>[\w./]+))')
_FILTER_HELP = 'must be any of done = true, state = RUNNING and method = "package.Service/Method", joined by AND'


@dataclass(frozen=True, slots=True)
class Packing:
    """How the operations of one kind are told: their metadata as they stand, their response once they succeeded."""

    metadata: Callable[[Operation], Message]
    response: Callable[[Operation], Message]


def operation_to_proto(operation: Operation, packing: Packing) -> longrunning_pb2.Operation:
    """The operation as any client of long-running operations knows it."""
    proto = longrunning_pb2.Operation(name=name_of(operation.operation_id), done=operation.state.ended)
    proto.metadata.Pack(packing.metadata(operation))
    if operation.state is State.SUCCEEDED:
        proto.response.Pack(packing.response(operation))
    elif operation.failure is not None and operation.state.ended:
        proto.error.CopyFrom(_failure_to_proto(operation.failure))
    return proto


def progress_to_proto(operation: Operation) -> operations_pb2.OperationProgress:
    """How far the operation is: field 1 of every kind's metadata."""
    return operations_pb2.OperationProgress(
        state=_STATES[operation.state],
        method=operation.method,
        description=operation.description,
        caller=operation.caller,
        request_id=operation.request_id,
        create_time=instant_to_proto(operation.created_us),
        start_time=instant_to_proto(operation.started_us),
        end_time=instant_to_proto(operation.ended_us),
        stages=[_stage_to_proto(stage, operation.updated_us) for stage in operation.stages],
        notices=[notice_to_proto(notice) for notice in operation.notices],
        recoveries=operation.recoveries,
    )


PLAIN = Packing(metadata=progress_to_proto, response=lambda _: Empty())
"""For kinds that have no more to tell than how far they are."""


def notice_to_proto(notice: Notice) -> notice_pb2.Notice:
    """A notice for people."""
    return notice_pb2.Notice(
        code=notice.code, severity=_SEVERITIES[notice.severity], message=notice.message, element=notice.element
    )


def instant_to_proto(us: int) -> Timestamp | None:
    """Microseconds UTC as a timestamp; 0 is none."""
    return Timestamp(seconds=us // 1_000_000, nanos=us % 1_000_000 * 1_000) if us else None


def id_from_name(name: str) -> str:
    """The id in an operation's name. Raises: Invalid (OPERATION_NAME_INVALID)."""
    operation_id = name.removeprefix(_NAME_PREFIX)
    if operation_id == name or not operation_id.isalnum():
        raise Invalid(Violation("name", "OPERATION_NAME_INVALID", f"must be {_NAME_PREFIX} and an operation's id"))
    return operation_id


@dataclass(frozen=True, slots=True)
class Listing:
    """Which operations are listed: in one of these states, and of this method if it is not empty."""

    states: frozenset[State]
    method: str


def listing_from_proto(request: longrunning_pb2.ListOperationsRequest) -> Listing:
    """What a list asks for.

    The filter (AIP-160) is any of `done = true`, `state = RUNNING` and `method = "package.Service/Method"`, joined by
    AND. Raises: Invalid (OPERATIONS_PARENT_INVALID, FILTER_INVALID).
    """
    if request.name not in {"", "operations"}:
        raise Invalid(Violation("name", "OPERATIONS_PARENT_INVALID", "must be operations, of which there is one list"))
    states, method = frozenset(State), ""
    for term in re.split(r"\s+AND\s+", request.filter.strip()) if request.filter.strip() else ():
        found = _TERM.fullmatch(term)
        name, value = (found["name"], found["quoted"] or found["bare"] or "") if found else ("", "")
        if name == "done" and value in {"true", "false"}:
            states &= frozenset(state for state in State if state.ended == (value == "true"))
        elif name == "state" and value in State.__members__:
            states &= {State[value]}
        elif name == "method" and value and not method:
            method = value
        else:
            raise Invalid(Violation("filter", "FILTER_INVALID", _FILTER_HELP))
    return Listing(states, method)


def listing_key(wanted: Listing) -> bytes:
    """What must not change from one page to the next."""
    return f"ListOperations {sorted(wanted.states)} {wanted.method}".encode()


def wait_from_proto(request: longrunning_pb2.WaitOperationRequest) -> float:
    """How long to wait at most, in seconds; without end when not given. Raises: Invalid."""
    if not request.HasField("timeout"):
        return inf
    seconds = request.timeout.seconds + request.timeout.nanos / 1e9
    if seconds < 0:
        raise Invalid(Violation("timeout", "TIMEOUT_NEGATIVE", "must not be negative"))
    return seconds


def _stage_to_proto(stage: StageProgress, updated_us: int) -> operations_pb2.StageProgress:
    return operations_pb2.StageProgress(
        stage=stage.stage,
        unit=stage.unit,
        items_done=stage.items_done,
        items_total=stage.items_total,
        items_per_second=_rate(stage, updated_us),
        done=stage.ended_us > 0,
    )


def _rate(stage: StageProgress, updated_us: int) -> float:
    """Items a second of the time at work since the stage began, up to its end or the operation's last change."""
    if not stage.started_us:
        return 0.0
    taken_us = (stage.ended_us or updated_us) - stage.started_us - stage.idle_us
    return round(stage.items_done * 1_000_000 / taken_us, 1) if taken_us > 0 else 0.0


def _failure_to_proto(failure: Failure) -> status_pb2.Status:
    status = status_pb2.Status(code=CATEGORIES[failure.category].value[0], message=failure.message)
    info = error_details_pb2.ErrorInfo(reason=failure.reason, domain=DOMAIN, metadata=dict(failure.details))
    status.details.add().Pack(info)
    return status
