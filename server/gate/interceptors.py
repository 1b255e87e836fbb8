"""The gate that every call passes, whichever service it is for.

It is no interceptor of gRPC, which alone would cost more than all that it does: the handler of a method is wrapped
once, and a call then costs plain function calls. What is done, in this order, is the body of `Gate._carry` and
`Gate._admit`.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

import grpc
import grpc.aio
import structlog
from google.protobuf.message import DecodeError, Message

from domain.kernel.errors import DomainError, Invalid, Unavailable, Violation
from domain.kernel.ids import new_id
from server import auth
from server.auth.errors import TokenExpired
from server.call import Context, Rpc, Running, now_us
from server.gate.errors import (
    CODE_BY_NUMBER,
    DETAILS_KEY,
    DeadlineExceeded,
    Draining,
    NotReady,
    Overloaded,
    TooManyStreams,
    Unexpected,
    Unimplemented,
    code_of,
    reason_of,
    reply,
    status_of,
)
from server.gate.validation import validate
from server.telemetry import tracing
from server.telemetry.observe import CallMeter, trace

OURS = ("countinghouse.", "google.longrunning.")
"""Services that need the database: refused while the server starts or drains."""

VALIDATED = "countinghouse."
"""Services whose protos carry rules."""

REPORTS = frozenset(
    f"countinghouse.gl_extraction.v1.GLExtractionService/{name}"
    for name in ("GenerateAccountingMessage", "ReconcileExtractionBatch", "CheckTrialBalance")
)
"""Unary methods that may read every detail there is, and take long for it."""

LONG_UNARY = frozenset({"google.longrunning.Operations/WaitOperation"})
"""Unary methods that wait as a watch does, and count as one."""

NO_METHOD = "unknown"
"""What log and figures call all the methods that there are not."""

_READING = frozenset({"read", "readaudit"})
"""Permissions of methods that only read."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")

if TYPE_CHECKING:
    Handler = grpc.RpcMethodHandler[Any, Any]

log = structlog.get_logger("gate")


class Door:
    """Whether calls are let in: not before the database is ready, and no more once the server drains."""

    def __init__(self) -> None:
        self._closed: type[Unavailable] | None = NotReady

    def open(self) -> None:
        """Let calls in."""
        self._closed = None

    def close(self) -> None:
        """Let no more calls in."""
        self._closed = Draining

    def check(self) -> None:
        """Raises: NotReady, Draining."""
        if self._closed is not None:
            raise self._closed


class Seats:
    """A budget of calls of one kind, as a whole and for each caller, so that no caller takes all of them.

    `refusal` is what is raised to those for whom there is no seat; without a `total`, only callers have a bound.
    """

    def __init__(self, *, total: int | None, per_caller: int, refusal: type[Overloaded] = TooManyStreams) -> None:
        self._total = total
        self._per_caller = per_caller
        self._refusal = refusal
        self._by_caller: Counter[str] = Counter()
        self.taken = 0

    def take(self, caller: str) -> None:
        """Take a seat. Raises: Overloaded, of the kind of these seats."""
        if self.taken == self._total or self._by_caller[caller] >= self._per_caller:
            raise self._refusal
        self.taken += 1
        self._by_caller[caller] += 1

    def leave(self, caller: str) -> None:
        """Give a seat back."""
        self.taken -= 1
        self._by_caller[caller] -= 1
        if not self._by_caller[caller]:
            del self._by_caller[caller]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long calls may take, in seconds, and how many there may be at once."""

    call_timeout_s: float
    report_timeout_s: float
    stream_timeout_s: float
    calls: Seats
    watches: Seats
    uploads: Seats


@dataclass(frozen=True, slots=True)
class Method:
    """What the gate knows of a method beforehand."""

    name: str
    permission: str
    ours: bool
    validated: bool
    decode: Callable[[bytes], Message]
    timeout_s: float
    seats: Seats | None
    lasts: bool
    """Whether its calls can outlast the token with which they began."""
    meter: CallMeter


Behaviour = Callable[[Any, Context], Any]


class Admits(Protocol):
    """`Calls.admits`."""

    def __call__(self, *, writes: bool) -> bool:
        """Whether a call would be taken now."""
        ...


@dataclass(frozen=True, slots=True)
class Passage:
    """A method's handler behind the gate, and the one that refuses for want of room, if there is to be one."""

    through: Handler
    back: Handler | None = None
    writes: bool = True


class Gate(grpc.GenericRpcHandler):
    """Lets calls in, and sees them out. What it guards is handed to `guard`."""

    def __init__(
        self,
        *,
        authority: auth.Authority,
        permissions: Mapping[str, str],
        limits: Limits,
        running: Running,
        door: Door,
        admits: Admits,
        clock_us: Callable[[], int] = now_us,
    ) -> None:
        self._clock_us = clock_us
        self._authority = authority
        self._permissions = {**permissions, NO_METHOD: auth.OPEN}
        self._limits = limits
        self._running = running
        self._door = door
        self._admits = admits
        self._guarded: list[grpc.GenericRpcHandler] = []
        self._passages: dict[str, Passage] = {}
        self._none = self._passage(NO_METHOD, grpc.stream_stream_rpc_method_handler(_refuse_method)).through
        self._tasks: dict[Context, asyncio.Task[Any]] = {}

    def guard(self, handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        """Serve what these know to handle, behind the gate."""
        self._guarded += handlers

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler:
        """The method's handler behind the gate; for a method that there is not, one that says so.

        A unary call for which there is no room now is refused before anything of it is read: under a load that is far
        too large, refusing is most of what the server does.
        """
        path: str = handler_call_details.method
        passage = self._passages.get(path)
        if passage is None:
            found = (handlers.service(handler_call_details) for handlers in self._guarded)
            handler = next((handler for handler in found if handler is not None), None)
            if handler is None:
                return self._none
            passage = self._passages[path] = self._passage(path.removeprefix("/"), handler)
        if passage.back is not None and not self._admits(writes=passage.writes):
            return passage.back
        return passage.through

    def drain(self) -> None:
        """End the streams that nobody would end: health watches and reflection. Ours end by themselves."""
        self._end(context for context, rpc in self._running.items() if not rpc.method.startswith(OURS))

    def cut_off(self) -> None:
        """End all that runs, as the grace time is over: callers are told to call again."""
        self._end(self._running)

    def _end(self, contexts: Iterable[Context]) -> None:
        for context in list(contexts):
            self._running[context].cut_off = True
            self._tasks[context].cancel()

    async def _carry(self, method: Method, behaviour: Behaviour, given: Any, context: Context) -> Any:  # noqa: ANN401
        """Carry one call from its first byte to its last: whatever happens, its status is told, counted and logged."""
        started = time.perf_counter()
        method.meter.begun()
        metadata = context.invocation_metadata() or ()  # made anew each time it is asked for
        span = tracing.call_begun(method.name, metadata)
        rpc = Rpc(method.name, caller="", request_id="", deadline=0.0, traceparent=span.traceparent)
        code = grpc.StatusCode.OK
        try:
            ends = await self._admit(method, rpc, metadata, context)
            if ends is None:
                return await self._serve(method, rpc, behaviour, given, context)
            async with asyncio.timeout(ends - time.monotonic()):
                return await self._serve(method, rpc, behaviour, given, context)
        except asyncio.CancelledError:
            if rpc.cut_off and not context.cancelled():
                code, rpc.reason = grpc.StatusCode.UNAVAILABLE, Draining.reason
                await reply(context, Draining())
            code = _gone(rpc)
            raise
        except grpc.aio.InternalError:  # an answer was on its way, and nobody is there any more
            code = _gone(rpc)
            await reply(context, Unexpected())
        except grpc.aio.AbortError:  # by a servicer that is not ours
            code = _code(context)
            raise
        except DomainError as error:
            code, rpc.reason = code_of(type(error)), reason_of(error)
            await reply(context, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not reach the caller
            shown = _over(error, rpc) or _hidden(error, rpc)
            code, rpc.reason = code_of(type(shown)), reason_of(shown)
            await reply(context, shown)
        finally:
            if self._running.pop(context, None):
                del self._tasks[context]
                if method.seats:
                    method.seats.leave(rpc.caller)
            method.meter.note(rpc, code, time.perf_counter() - started)
            span.end(rpc, code)

    async def _admit(self, method: Method, rpc: Rpc, metadata: auth.Metadata, context: Context) -> float | None:
        """Let the call in, before its request is looked at; one that is running has taken its seat.

        Gives when it must be ended, an instant of `time.monotonic`; None when gRPC does that, as the caller has bound
        the call in time. A call that lasts ends with the token that it began with.
        """
        rpc.request_id = _request_id_in(metadata)
        remaining_s: float | None = context.time_remaining()
        bound = remaining_s is not None and remaining_s <= method.timeout_s
        rpc.deadline = time.monotonic() + (cast("float", remaining_s) if bound else method.timeout_s)
        if method.permission != auth.OPEN:
            principal = await self._authority.identify(metadata, context.auth_context)
            rpc.caller, rpc.scope = principal.caller, principal.scope
            rpc.permissions = principal.permissions
            if method.lasts and principal.expires_us is not None:
                rpc.expires = time.monotonic() + (principal.expires_us - self._clock_us()) / 1_000_000
            auth.permit(principal, method.name, method.permission)
        if method.ours:
            self._door.check()
        if method.seats is not None:
            method.seats.take(rpc.caller)
        self._running[context] = rpc
        self._tasks[context] = cast("asyncio.Task[Any]", asyncio.current_task())
        if bound:
            return rpc.expires if rpc.expires < rpc.deadline else None
        return min(rpc.deadline, rpc.expires)

    async def _serve(self, method: Method, rpc: Rpc, behaviour: Behaviour, given: Any, context: Context) -> Any:  # noqa: ANN401
        """Read, validate, and hand over to the servicer; a stream's answers are sent as they come."""
        if isinstance(given, bytes):
            request = _sound(method, given)
            rpc.request_id = getattr(request, "request_id", "") or rpc.request_id
            answer = behaviour(request, context)
        else:
            answer = behaviour(_each_sound(method, given), context)
        if not hasattr(answer, "__aiter__"):
            return await answer
        async with aclosing(answer) as messages:
            async for message in messages:
                await context.write(message)
        return None

    def _passage(self, name: str, handler: Handler) -> Passage:
        method = self._method(name, handler)
        behaviour = handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream

        async def call(given: Any, context: Context) -> Any:  # noqa: ANN401 - bytes, or a stream of them
            return await self._carry(method, cast("Behaviour", behaviour), given, context)

        make = _MAKERS[handler.request_streaming, handler.response_streaming]
        through: Handler = make(call, None, handler.response_serializer)
        if method.lasts or not method.ours:
            return Passage(through)
        return Passage(through, _refusing(method), writes=method.permission not in _READING)

    def _method(self, name: str, handler: Handler) -> Method:
        permission = self._permissions[name]
        streams = handler.request_streaming or handler.response_streaming
        timeout_s = self._limits.stream_timeout_s if streams else self._limits.call_timeout_s
        if name in REPORTS:
            timeout_s = max(timeout_s, self._limits.report_timeout_s)
        seats = self._limits.calls if name.startswith(OURS) else None
        if handler.response_streaming or name in LONG_UNARY:
            seats = self._limits.watches
        elif handler.request_streaming:
            seats = self._limits.uploads
        return Method(
            name=name,
            permission=permission,
            ours=name.startswith(OURS),
            validated=name.startswith(VALIDATED),
            decode=cast("Callable[[bytes], Message]", handler.request_deserializer),
            timeout_s=timeout_s,
            seats=seats,
            lasts=streams or name in LONG_UNARY,
            meter=CallMeter(
                name,
                _KINDS[handler.request_streaming, handler.response_streaming],
                quiet=permission == auth.OPEN,
            ),
        )


def gated(gate: Gate, options: Sequence[tuple[str, Any]] = ()) -> grpc.aio.Server:
    """A gRPC server all of whose services stand behind the gate, however they are added."""
    server: Any = grpc.aio.server(options=options)
    server.add_generic_rpc_handlers((gate,))
    server.add_generic_rpc_handlers = gate.guard
    server.add_registered_method_handlers = lambda service, handlers: gate.guard(
        [grpc.method_handlers_generic_handler(service, handlers)]  # or they would go past the gate
    )
    return cast("grpc.aio.Server", server)


_KINDS = {
    (False, False): "unary",
    (False, True): "server_stream",
    (True, False): "client_stream",
    (True, True): "bidi_stream",
}

_MAKERS = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


def _refusing(method: Method) -> Handler:
    """Refuses calls without reading their requests."""
    status = status_of(Overloaded())
    metadata = ((DETAILS_KEY, status.SerializeToString()),)

    async def refuse(_requests: object, context: Context) -> None:
        method.meter.shed()
        await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, status.message, trailing_metadata=metadata)

    return grpc.stream_stream_rpc_method_handler(refuse)


async def _refuse_method(_requests: object, _context: Context) -> None:
    raise Unimplemented


def _request_id_in(metadata: auth.Metadata) -> str:
    """The id that the caller gave a call whose request has no field for one; for the log and the audit trail."""
    for key, value in metadata:
        if key == "x-request-id" and _REQUEST_ID.fullmatch(text := str(value)):
            return text
    return ""


def _sound(method: Method, content: bytes) -> Message:
    """The request. Raises: Invalid."""
    try:
        request = method.decode(content)
    except DecodeError:
        raise Invalid(Violation("", "REQUEST_UNREADABLE", "is no message of the method's request type")) from None
    if method.validated:
        validate(request, content)
    return request


async def _each_sound(method: Method, contents: AsyncIterator[bytes]) -> AsyncIterator[Message]:
    async for content in contents:
        yield _sound(method, content)


def _code(context: Context) -> grpc.StatusCode:
    """The status with which a servicer that is not ours has ended the call; gRPC keeps it as a number."""
    return CODE_BY_NUMBER.get(cast("int", context.code()), grpc.StatusCode.UNKNOWN)


def _gone(rpc: Rpc) -> grpc.StatusCode:
    """What a caller who has gone sees: its time was over, or it did not wait for that."""
    late = time.monotonic() >= rpc.deadline
    return grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.CANCELLED


def _over(error: Exception, rpc: Rpc) -> DomainError | None:
    """What to tell of a call that was ended as its time was over, or that of its token; None: it was not."""
    if not isinstance(error, TimeoutError):
        return None
    now = time.monotonic()
    if now >= rpc.expires:
        return TokenExpired()
    return DeadlineExceeded() if now >= rpc.deadline else None


def _hidden(error: Exception, rpc: Rpc) -> Unexpected:
    """Log what went wrong under an id, and give what the caller may see of it: the id."""
    error_id = new_id(now_us())
    log.error("unexpected", error_id=error_id, method=rpc.method, request_id=rpc.request_id, **trace(error))
    return Unexpected(error_id=error_id)
