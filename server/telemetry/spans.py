"""Spans by OpenTelemetry: imported only where traces are wanted, as the extra `otel` may be missing (PLT-42)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_NAME = "countinghouse"
_EXPORT_S = 3
_FLUSH_MS = 3_000
_PROPAGATOR = TraceContextTextMapPropagator()

Attributes = Mapping[str, str | int]


class Spans:
    """Makes spans and hands them to a receiver (OTLP over HTTP), in the background; what cannot be sent is dropped."""

    def __init__(self, endpoint: str, *, ratio: float, process: str) -> None:
        self._provider = TracerProvider(
            sampler=ParentBasedTraceIdRatio(ratio),
            resource=Resource.create({"service.name": _NAME, "countinghouse.process": process}),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, timeout=_EXPORT_S)))
        self._tracer = self._provider.get_tracer(_NAME)

    def close(self) -> None:
        """Hand over what is still there, within bounded time."""
        self._provider.force_flush(_FLUSH_MS)
        self._provider.shutdown()

    def begin(self, name: str, carrier: dict[str, str], attributes: Attributes) -> Span:
        """The span of a call, in the trace that the carrier names."""
        return self._tracer.start_span(name, _PROPAGATOR.extract(carrier, Context()), SpanKind.SERVER, attributes)

    @contextmanager
    def work(self, name: str, carrier: dict[str, str], attributes: Attributes) -> Iterator[None]:
        """A span of work in this thread, in the trace that the carrier names.

        Texts of errors are left out: they may hold amounts or names.
        """
        with self._tracer.start_as_current_span(
            name,
            _PROPAGATOR.extract(carrier, Context()),
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield
            except BaseException:
                mark_failed(span)
                raise


def current() -> Span:
    """The span of the work at hand."""
    return get_current_span()


def mark_failed(span: Span) -> None:
    """Tell that it failed."""
    span.set_status(Status(StatusCode.ERROR))


def traceparent(span: Span) -> str:
    """What names the span, and its trace, to others (W3C Trace Context)."""
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"
