"""Refusals as gRPC statuses with `google.rpc` details: the one place where a domain error becomes a status (PLT-07).

Nothing but what a domain error says reaches a caller. Anything else is INTERNAL with an error id; what happened is in
the log under that id.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NoReturn

import grpc
import grpc.aio
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from domain.kernel.errors import (
    AlreadyExists,
    Conflict,
    Damaged,
    DomainError,
    Forbidden,
    Invalid,
    NotFound,
    OutOfRange,
    Precondition,
    Refused,
    Unavailable,
)

DOMAIN = "countinghouse"
DETAILS_KEY = "grpc-status-details-bin"
DETAILS_BYTES_MAX = 4_096
"""How much a status may weigh: a client takes 8 KiB of metadata by default, and this grows by a third on the wire."""
MESSAGE_BYTES_MAX = 512  # of UTF-8, each of which can take three on the wire
RETRY_AFTER = timedelta(seconds=1)

_UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the direction of writing: a text that quotes them would not show as it is."""


class Unauthenticated(DomainError):
    """The call carries no token, or none that is known."""

    reason = "UNAUTHENTICATED"


class PermissionDenied(DomainError):
    """The caller does not hold the permission that the method needs."""

    reason = "PERMISSION_DENIED"


class Overloaded(DomainError):
    """More calls are waiting than the server takes; try again later."""

    reason = "SERVER_OVERLOADED"


class TooManyStreams(Overloaded):
    """More streams of this kind are open than the server, or one caller, may have; end one or try again later."""

    reason = "TOO_MANY_STREAMS"


class TooManyCalls(Overloaded):
    """More calls of this caller are in flight than one caller may have; try again when one has ended."""

    reason = "TOO_MANY_CALLS"


class NotReady(Unavailable):
    """The server is starting; try again."""

    reason = "SERVER_STARTING"


class Draining(Unavailable):
    """The server is stopping; call again, another one or this one will answer."""

    reason = "SERVER_DRAINING"


class DeadlineExceeded(DomainError):
    """The time for the call was over before it was done; whether it was done can be told by its request id."""

    reason = "DEADLINE_EXCEEDED"


class Unimplemented(DomainError):
    """The server has no such method."""

    reason = "METHOD_UNKNOWN"


class Unexpected(DomainError):
    """Something went wrong inside the server; it was logged under the error id."""

    reason = "INTERNAL"


CODES: tuple[tuple[type[DomainError], grpc.StatusCode], ...] = (
    (Invalid, grpc.StatusCode.INVALID_ARGUMENT),
    (OutOfRange, grpc.StatusCode.OUT_OF_RANGE),
    (NotFound, grpc.StatusCode.NOT_FOUND),
    (AlreadyExists, grpc.StatusCode.ALREADY_EXISTS),
    (Conflict, grpc.StatusCode.ABORTED),
    (Refused, grpc.StatusCode.FAILED_PRECONDITION),
    (Unavailable, grpc.StatusCode.UNAVAILABLE),
    (Damaged, grpc.StatusCode.DATA_LOSS),
    (Forbidden, grpc.StatusCode.PERMISSION_DENIED),
    (Unauthenticated, grpc.StatusCode.UNAUTHENTICATED),
    (PermissionDenied, grpc.StatusCode.PERMISSION_DENIED),
    (Overloaded, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (DeadlineExceeded, grpc.StatusCode.DEADLINE_EXCEEDED),
    (Unimplemented, grpc.StatusCode.UNIMPLEMENTED),
    (Unexpected, grpc.StatusCode.INTERNAL),
)
"""Categories and their statuses; the first that fits holds."""

CATEGORIES: dict[str, grpc.StatusCode] = {
    **{category.__name__: code for category, code in CODES},
    "Canceled": grpc.StatusCode.CANCELLED,
    "Internal": grpc.StatusCode.INTERNAL,
}
"""Statuses by the name of the category, as a failed operation keeps it."""

CODE_BY_NUMBER: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


def code_of(kind: type[DomainError]) -> grpc.StatusCode:
    """The status of a kind of error."""
    for category, code in CODES:
        if issubclass(kind, category):
            return code
    raise AssertionError(f"{kind.__name__} belongs to no category")


def status_of(error: DomainError) -> status_pb2.Status:
    """The error as `google.rpc.Status` with its details.

    A status that would not fit into a client's metadata loses its last field violations; the ErrorInfo's metadata
    then tells how many there were (`violations_total`). So it is with preconditions.
    """
    status = _status(error, _details_of(error))
    if status.ByteSize() <= DETAILS_BYTES_MAX:
        return status
    if isinstance(error, Refused) and len(error.preconditions) > 1:
        return _with_fewer_preconditions(error)
    return _trimmed(error) if isinstance(error, Invalid) else _bare(error)


def reason_of(error: DomainError) -> str:
    """The reason of the whole answer: of a request with several violations, the first one's."""
    return error.code if isinstance(error, Invalid) else error.reason


async def reply(context: grpc.aio.ServicerContext[Any, Any], error: DomainError) -> NoReturn:
    """End the call with the error's status; the text is the same in the status and in its details.

    Raises: CancelledError when nobody is there any more to be told.
    """
    status = status_of(error)
    trailing = ((DETAILS_KEY, status.SerializeToString()),)
    try:
        await context.abort(CODE_BY_NUMBER[status.code], status.message, trailing_metadata=trailing)
    except grpc.aio.InternalError as gone:
        raise asyncio.CancelledError from gone


def _details_of(error: DomainError) -> list[Message]:
    """What belongs to the error, ErrorInfo first."""
    info = error_details_pb2.ErrorInfo(reason=reason_of(error), domain=DOMAIN, metadata=error.details)
    details: list[Message] = [info]
    if isinstance(error, Invalid):
        details.append(_bad_request(error))
    elif isinstance(error, NotFound):
        details.append(_resource(error.resource_type, error.name, error.message))
    elif isinstance(error, Refused):
        details.append(_precondition(error, error.preconditions))
    elif isinstance(error, Conflict) and "resource_name" in error.details:
        known = error.details
        details.append(_resource(known.get("resource_type", ""), known["resource_name"], error.message))
    elif isinstance(error, Unavailable | Overloaded):
        delay = Duration()
        delay.FromTimedelta(RETRY_AFTER)
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return details


def _bad_request(error: Invalid) -> error_details_pb2.BadRequest:
    violations = (
        error_details_pb2.BadRequest.FieldViolation(field=v.field, description=_shown(v.description), reason=v.reason)
        for v in error.violations
    )
    return error_details_pb2.BadRequest(field_violations=violations)


def _precondition(error: Refused, told: Sequence[Precondition]) -> error_details_pb2.PreconditionFailure:
    itself = Precondition(error.reason, error.details.get("resource_name", ""), error.message)
    violations = (
        error_details_pb2.PreconditionFailure.Violation(
            type=each.kind, subject=each.subject, description=_shown(each.description)
        )
        for each in told or (itself,)
    )
    return error_details_pb2.PreconditionFailure(violations=violations)


def _resource(kind: str, name: str, description: str) -> error_details_pb2.ResourceInfo:
    return error_details_pb2.ResourceInfo(resource_type=kind, resource_name=name, description=_shown(description))


def _trimmed(error: Invalid) -> status_pb2.Status:
    """The status with as many of the error's first violations as fit."""
    fitting, room = 0, DETAILS_BYTES_MAX - 2 * MESSAGE_BYTES_MAX
    for violation in error.violations:
        room -= len(violation.field.encode()) + len(violation.description.encode()) + len(violation.reason) + 16
        if room < 0:
            break
        fitting += 1
    if not fitting or fitting == len(error.violations):
        return _bare(error)
    details = {**error.details, "violations_total": len(error.violations)}
    return status_of(Invalid(*error.violations[:fitting], message=error.message, **details))


def _with_fewer_preconditions(error: Refused) -> status_pb2.Status:
    """The status with as many of the error's first preconditions as fit."""
    fitting, room = 0, DETAILS_BYTES_MAX - 2 * MESSAGE_BYTES_MAX
    for each in error.preconditions:
        room -= len(each.kind) + len(each.subject.encode()) + len(each.description.encode()) + 16
        if room < 0:
            break
        fitting += 1
    metadata = {**error.details, "violations_total": str(len(error.preconditions))}
    info = error_details_pb2.ErrorInfo(reason=reason_of(error), domain=DOMAIN, metadata=metadata)
    status = _status(error, [info, _precondition(error, error.preconditions[:fitting])])
    return status if fitting and status.ByteSize() <= DETAILS_BYTES_MAX else _bare(error)


def _status(error: DomainError, details: Sequence[Message]) -> status_pb2.Status:
    status = status_pb2.Status(code=code_of(type(error)).value[0], message=_shortened(error.message))
    for detail in details:
        status.details.add().Pack(detail)
    return status


def _bare(error: DomainError) -> status_pb2.Status:
    """The status of an error so long that nothing but its reason fits."""
    status = status_pb2.Status(code=code_of(type(error)).value[0], message=_shortened(error.message))
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason_of(error), domain=DOMAIN))
    return status


def _shown(text: str) -> str:
    """The text with what is not to be seen in it written out: `U+202E`."""
    return _UNSHOWN.sub(lambda found: f"U+{ord(found[0]):04X}", text)


def _shortened(message: str) -> str:
    message = _shown(message)
    content = message.encode(errors="replace")
    if len(content) <= MESSAGE_BYTES_MAX:
        return message
    return content[: MESSAGE_BYTES_MAX - len("…".encode())].decode(errors="ignore") + "…"
