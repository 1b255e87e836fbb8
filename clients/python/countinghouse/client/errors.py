"""Errors of calls as Python exceptions, with everything that the server told.

The server sends a canonical status with `google.rpc` details (PLT-07). Each status that matters has a class here, so
that callers catch what they mean: `except NotFound`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Self, cast

import grpc
from google.rpc import error_details_pb2, status_pb2

_DETAILS_KEY = "grpc-status-details-bin"
_EXPIRED = "TOKEN_EXPIRED"
_CODES = {code.value[0]: code for code in grpc.StatusCode}


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong with a request."""

    field: str
    """The path of the field, such as `accounting_details[3].debit`; empty for the request as a whole."""
    reason: str
    """The stable reason or the domain's own code, such as `FIN-IP-ACDE-002`."""
    description: str


@dataclass(frozen=True, slots=True)
class PreconditionViolation:
    """One thing about the system's state that stands against the call."""

    type: str
    subject: str
    description: str


@dataclass(frozen=True, slots=True)
class Resource:
    """The resource that the error is about."""

    type: str
    name: str
    owner: str
    description: str


@dataclass(frozen=True, slots=True)
class Details:
    """What the `google.rpc` messages of a status say."""

    reason: str = ""
    """The stable reason in UPPER_SNAKE or the domain's own code; empty when the server gave none."""
    domain: str = ""
    metadata: tuple[tuple[str, str], ...] = ()
    violations: tuple[Violation, ...] = ()
    preconditions: tuple[PreconditionViolation, ...] = ()
    resources: tuple[Resource, ...] = ()
    retry_delay_s: float | None = None
    """How long the server asks to wait before another try, in seconds."""

    @classmethod
    def from_status(cls, status: status_pb2.Status) -> Self:
        """Details of a `google.rpc.Status`; messages of types that are not known here are passed over."""
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        state, retry = error_details_pb2.PreconditionFailure(), error_details_pb2.RetryInfo()
        resources: list[Resource] = []
        for packed in status.details:
            about = error_details_pb2.ResourceInfo()
            if packed.Unpack(about):
                resources.append(Resource(about.resource_type, about.resource_name, about.owner, about.description))
                continue
            for message in (info, bad, state, retry):
                if packed.Unpack(message):
                    break
        return cls(
            reason=info.reason,
            domain=info.domain,
            metadata=tuple(sorted(info.metadata.items())),
            violations=tuple(Violation(v.field, v.reason, v.description) for v in bad.field_violations),
            preconditions=tuple(PreconditionViolation(v.type, v.subject, v.description) for v in state.violations),
            resources=tuple(resources),
            retry_delay_s=retry.retry_delay.ToTimedelta().total_seconds() if retry.HasField("retry_delay") else None,
        )


class CountinghouseError(Exception):
    """What this client raises for a call, an operation or a download that did not succeed.

    Attributes:
        code: The canonical status.
        message: The sentence for a person.
        details: Reason, violations and what else the server told.
        request_id: The id that the call was made with; empty when it takes none. A call whose outcome is not known
            may be repeated with it: nothing is done twice (PLT-06).
    """

    code: ClassVar[grpc.StatusCode] = grpc.StatusCode.UNKNOWN

    def __init__(self, message: str, *, details: Details | None = None, request_id: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.details = details or Details()
        self.request_id = request_id

    @property
    def reason(self) -> str:
        """The stable reason, such as `REQUEST_ID_REUSED`; empty when there is none."""
        return self.details.reason

    @property
    def metadata(self) -> dict[str, str]:
        """Values that belong to the reason, such as the states of a refused transition."""
        return dict(self.details.metadata)

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Everything that is wrong with the request."""
        return self.details.violations

    def __str__(self) -> str:
        reason = f" [{self.reason}]" if self.reason else ""
        lines = [f"{self.message}{reason}"]
        lines += [f"  {v.field or 'request'}: {v.description} [{v.reason}]" for v in self.violations]
        lines += [f"  {p.subject or p.type}: {p.description}" for p in self.details.preconditions]
        return "\n".join(lines)


class Canceled(CountinghouseError):
    """The call was canceled."""

    code = grpc.StatusCode.CANCELLED


class ClientClosed(CountinghouseError):
    """This client was closed: the call was not made, or its outcome is not known. Nothing tries it again."""

    code = grpc.StatusCode.CANCELLED


class Unknown(CountinghouseError):
    """The server or the network failed in a way that it has no word for."""

    code = grpc.StatusCode.UNKNOWN


class InvalidArgument(CountinghouseError):
    """The request is wrong whatever state the system is in; `violations` says all that is wrong with it."""

    code = grpc.StatusCode.INVALID_ARGUMENT


class DeadlineExceeded(CountinghouseError):
    """The time for the call was over; whether it was done is not known. Repeat it with its `request_id`."""

    code = grpc.StatusCode.DEADLINE_EXCEEDED


class NotFound(CountinghouseError):
    """There is no such thing, or the caller may not see it."""

    code = grpc.StatusCode.NOT_FOUND


class AlreadyExists(CountinghouseError):
    """There is one already; with reason `REQUEST_ID_REUSED`, the request id was used with other content."""

    code = grpc.StatusCode.ALREADY_EXISTS


class PermissionDenied(CountinghouseError):
    """The caller lacks the permission that the method names."""

    code = grpc.StatusCode.PERMISSION_DENIED


class ResourceExhausted(CountinghouseError):
    """Too many calls at once, or a message that is too large."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED


class FailedPrecondition(CountinghouseError):
    """The system is not in a state that allows it."""

    code = grpc.StatusCode.FAILED_PRECONDITION


class Aborted(CountinghouseError):
    """Somebody else was quicker, or the etag is stale: read again, decide again."""

    code = grpc.StatusCode.ABORTED


class OutOfRange(CountinghouseError):
    """An offset past the end, or a cursor older than what is kept."""

    code = grpc.StatusCode.OUT_OF_RANGE


class Unimplemented(CountinghouseError):
    """The server does not know this method."""

    code = grpc.StatusCode.UNIMPLEMENTED


class Internal(CountinghouseError):
    """The server made a mistake; its log knows more."""

    code = grpc.StatusCode.INTERNAL


class Unavailable(CountinghouseError):
    """The server cannot be reached or takes no calls just now."""

    code = grpc.StatusCode.UNAVAILABLE


class DataLoss(CountinghouseError):
    """What is stored or was received is not what was written."""

    code = grpc.StatusCode.DATA_LOSS


class Unauthenticated(CountinghouseError):
    """The token is missing, wrong or has expired."""

    code = grpc.StatusCode.UNAUTHENTICATED


class TokenExpired(Unauthenticated):
    """The token has expired: before the call, or, in a stream, during it."""


class OperationFailed(CountinghouseError):
    """A long-running operation ended with an error; `cause` is that error, typed by its status.

    It can be recovered after the cause is mended.
    """

    def __init__(self, operation: str, cause: CountinghouseError) -> None:
        super().__init__(f"{operation} failed: {cause.message}", details=cause.details)
        self.operation = operation
        self.cause = cause


class OperationCanceled(OperationFailed):
    """A long-running operation ended because it was canceled."""

    code = grpc.StatusCode.CANCELLED


_BY_CODE: dict[grpc.StatusCode, type[CountinghouseError]] = {
    kind.code: kind
    for kind in (
        Canceled,
        Unknown,
        InvalidArgument,
        DeadlineExceeded,
        NotFound,
        AlreadyExists,
        PermissionDenied,
        ResourceExhausted,
        FailedPrecondition,
        Aborted,
        OutOfRange,
        Unimplemented,
        Internal,
        Unavailable,
        DataLoss,
        Unauthenticated,
    )
}


def error_from_rpc(error: grpc.RpcError, *, request_id: str = "") -> CountinghouseError:
    """The typed exception of a failed call."""
    code, message = error.code(), error.details() or ""
    status = status_pb2.Status()
    metadata = cast("Iterable[tuple[str, str | bytes]]", error.trailing_metadata() or ())  # sync and aio differ in type
    for key, value in metadata:
        if key == _DETAILS_KEY and isinstance(value, bytes):
            status.ParseFromString(value)
    details = Details.from_status(status)
    return _kind(code, details)(message or code.name, details=details, request_id=request_id)


def error_from_status(status: status_pb2.Status) -> CountinghouseError:
    """The typed exception of a `google.rpc.Status`, such as an operation's error."""
    code = _CODES.get(status.code, grpc.StatusCode.UNKNOWN)
    details = Details.from_status(status)
    return _kind(code, details)(status.message or code.name, details=details)


def _kind(code: grpc.StatusCode, details: Details) -> type[CountinghouseError]:
    kind = _BY_CODE.get(code, Unknown)
    return TokenExpired if kind is Unauthenticated and details.reason == _EXPIRED else kind


def too_many_in_flight() -> ResourceExhausted:
    """The refusal of a call that found no place in its time; it never left this process."""
    return ResourceExhausted(
        "too many calls in flight on this channel, and none ended in time",
        details=Details(reason="CLIENT_CALLS_IN_FLIGHT"),
    )


def client_closed(*, request_id: str = "") -> ClientClosed:
    """The error of a call on a client that was closed before it or meanwhile."""
    return ClientClosed("this client is closed", details=Details(reason="CLIENT_CLOSED"), request_id=request_id)


def not_reached(target: str) -> Unavailable:
    """The error of a server that could not be reached in time."""
    return Unavailable(f"no server answers at {target}")
