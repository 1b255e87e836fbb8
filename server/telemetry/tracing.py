"""Traces from call to chunk to delivery (PLT-42): off unless the settings name a receiver.

Spans carry names and ids, no amount and no person. While tracing is off, nothing of OpenTelemetry is imported, and a
call pays a comparison.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING

from server.settings import PREFIX, BadSettings, Settings

if TYPE_CHECKING:
    import grpc
    from opentelemetry.trace import Span

    from server.call import Rpc
    from server.telemetry.spans import Attributes, Spans

HEADER = "traceparent"
"""Of W3C Trace Context: in a call's metadata, and in what is sent outside."""

_SERVERS_FAULT = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})
"""Statuses for which OpenTelemetry has the span of a server marked as failed."""

Metadata = Iterable[tuple[str, str | bytes]]

_spans: Spans | None = None


class CallSpan:
    """The span of a call; while tracing is off, one that does nothing."""

    def __init__(self, span: Span | None = None, traceparent: str = "") -> None:
        self._span = span
        self.traceparent = traceparent

    def end(self, rpc: Rpc, code: grpc.StatusCode) -> None:
        """End it with the call's status."""
        if self._span is None:
            return
        ids = {"request_id": rpc.request_id, "operation_id": rpc.operation_id, "reason": rpc.reason}
        self._span.set_attributes(_named({key: value for key, value in ids.items() if value}))
        self._span.set_attribute("rpc.grpc.status_code", code.value[0])
        if code.name in _SERVERS_FAULT:
            _library().mark_failed(self._span)
        self._span.end()


_NONE = CallSpan()


@contextmanager
def exported(settings: Settings, process: str) -> Iterator[None]:
    """Trace for a while, and hand the spans to the receiver of the settings; not at all when they name none.

    Raises: BadSettings when OpenTelemetry is not installed.
    """
    global _spans  # noqa: PLW0603 - one for the process, as its figures are
    if not settings.traces_endpoint:
        yield
        return
    spans = _spans = _library().Spans(settings.traces_endpoint, ratio=settings.traces_ratio, process=process)
    try:
        yield
    finally:
        _spans = None
        spans.close()


def call_begun(method: str, metadata: Metadata | None) -> CallSpan:
    """The span of a call, within the trace that its caller names."""
    if _spans is None:
        return _NONE
    service, _, name = method.rpartition("/")
    carrier = {key: value for key, value in metadata or () if key == HEADER and isinstance(value, str)}
    span = _spans.begin(method, carrier, {"rpc.system": "grpc", "rpc.service": service, "rpc.method": name})
    return CallSpan(span, _library().traceparent(span))


@contextmanager
def work(name: str, parent: str, attributes: Attributes) -> Iterator[None]:
    """A span of work that a call has led to, under its `traceparent`; failed when something is raised in it."""
    if _spans is None:
        yield
        return
    with _spans.work(name, {HEADER: parent}, _named(attributes)):
        yield


def failed(reason: str) -> None:
    """Note on the span of the work at hand that it failed, and why, by a stable reason."""
    if _spans is not None:
        span = _library().current()
        span.set_attributes(_named({"reason": reason}))
        _library().mark_failed(span)


def headers() -> dict[str, str]:
    """What tells a receiver outside of the work at hand; empty while tracing is off."""
    return {} if _spans is None else {HEADER: _library().traceparent(_library().current())}


def is_on() -> bool:
    """Whether anything is traced."""
    return _spans is not None


def _named(attributes: Attributes) -> Attributes:
    return {f"countinghouse.{key}": value for key, value in attributes.items()}


def _library() -> ModuleType:
    """The module that knows OpenTelemetry. Raises: BadSettings when that is not installed."""
    try:
        from server.telemetry import spans  # noqa: PLC0415 - imported only where traces are wanted
    except ImportError:
        line = f"{PREFIX}TRACES_ENDPOINT: needs the extra otel: pip install 'countinghouse-server[otel]'"
        raise BadSettings([line]) from None
    return spans
