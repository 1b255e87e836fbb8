"""Traces by OpenTelemetry, from call to chunk to delivery (PLT-42): off unless settings name a receiver.

Spans carry names and ids, no amount and no person. While tracing is off, nothing of OpenTelemetry is imported, and a
call pays a comparison.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from server.settings import PREFIX, BadSettings, Settings

if TYPE_CHECKING:
    import grpc
    from opentelemetry.trace import Span, Tracer

    from server.call import Rpc

HEADER = "traceparent"
"""Of W3C Trace Context: in a call's metadata, and in what is sent outside."""

_FLUSH_MS = 3_000
_EXPORT_S = 3
_NAME = "countinghouse"

_tracer: Tracer | None = None

Metadata = Iterable[tuple[str, str | bytes]]


class CallSpan:
    """The span of a call; while tracing is off, one that does nothing."""

    def __init__(self, span: Span | None = None) -> None:
        self._span = span
        self.traceparent = "" if span is None else _traceparent(span)

    def end(self, rpc: Rpc, code: grpc.StatusCode) -> None:
        """End it with the call's status."""
        if self._span is None:
            return
        ids = {"request_id": rpc.request_id, "operation_id": rpc.operation_id, "reason": rpc.reason}
        self._span.set_attributes({f"{_NAME}.{key}": value for key, value in ids.items() if value})
        self._span.set_attribute("rpc.grpc.status_code", code.value[0])
        _mark(self._span, failed=code.name in {"INTERNAL", "UNKNOWN", "DATA_LOSS", "UNAVAILABLE", "DEADLINE_EXCEEDED"})
        self._span.end()


_NONE = CallSpan()


@contextmanager
def exported(settings: Settings, process: str) -> Iterator[None]:
    """Trace for a while, and hand the spans to the receiver of the settings; not at all when they name none.

    Raises: BadSettings when OpenTelemetry is not installed.
    """
    global _tracer  # noqa: PLW0603 - one for the process, as its figures are
    if not settings.traces_endpoint:
        yield
        return
    provider = _provider(settings, process)
    _tracer = provider.get_tracer(_NAME)
    try:
        yield
    finally:
        _tracer = None
        provider.force_flush(_FLUSH_MS)
        provider.shutdown()


def call_begun(method: str, metadata: Metadata | None) -> CallSpan:
    """The span of a call, within the trace that its caller names."""
    if _tracer is None:
        return _NONE
    from opentelemetry.trace import SpanKind

    service, _, name = method.rpartition("/")
    said = {key: value for key, value in metadata or () if key == HEADER and isinstance(value, str)}
    attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": name}
    return CallSpan(_tracer.start_span(method, _context(said), SpanKind.SERVER, attributes))


@contextmanager
def work(name: str, parent: str, attributes: Mapping[str, str | int]) -> Iterator[None]:
    """A span of work that a call has led to, under its `traceparent`; failed when something is raised in it."""
    if _tracer is None:
        yield
        return
    told = {f"{_NAME}.{key}": value for key, value in attributes.items()}
    with _tracer.start_as_current_span(
        name, _context({HEADER: parent}), attributes=told, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield
        except BaseException:
            _mark(span, failed=True)
            raise


def failed(reason: str) -> None:
    """Note on the span of the work at hand that it failed, and why, by a stable reason."""
    if _tracer is None:
        return
    from opentelemetry.trace import get_current_span

    span = get_current_span()
    span.set_attribute(f"{_NAME}.reason", reason)
    _mark(span, failed=True)


def headers() -> dict[str, str]:
    """What tells a receiver outside the trace of the work at hand; empty while tracing is off."""
    if _tracer is None:
        return {}
    from opentelemetry.trace import get_current_span

    return {HEADER: _traceparent(get_current_span())}


def is_on() -> bool:
    """Whether anything is traced."""
    return _tracer is not None


def trace_id(traceparent: str) -> str:
    """The trace's id in a `traceparent` of ours; empty for none."""
    return traceparent.split("-")[1] if traceparent else ""


def _provider(settings: Settings, process: str) -> Any:  # noqa: ANN401 - of a library that may be missing
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
    except ImportError:
        line = f"{PREFIX}TRACES_ENDPOINT: needs the extra otel: pip install 'countinghouse-server[otel]'"
        raise BadSettings([line]) from None
    provider = TracerProvider(
        sampler=ParentBasedTraceIdRatio(settings.traces_ratio),
        resource=Resource.create({"service.name": _NAME, "service.instance.id": process}),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(endpoint=settings.traces_endpoint, timeout=_EXPORT_S)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _context(carrier: dict[str, str]) -> Any:  # noqa: ANN401
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract(carrier, Context())


def _traceparent(span: Span) -> str:
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def _mark(span: Span, *, failed: bool) -> None:
    if failed:
        from opentelemetry.trace import Status, StatusCode

        span.set_status(Status(StatusCode.ERROR))
