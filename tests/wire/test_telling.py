"""What the program tells of itself in logs, figures and spans: ids and names of ours, no amount, no person (PLT-42)."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.duration_pb2 import Duration
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2
from countinghouse.gl_extraction.v1 import extraction_pb2
from countinghouse.operations.v1 import notifications_pb2 as notifications
from countinghouse.operations.v1 import notifications_pb2_grpc as notifications_grpc
from countinghouse.operations.v1 import schedules_pb2, schedules_pb2_grpc
from server.settings import Settings
from server.telemetry import tracing
from tests.support.process import free_address, run, serve
from tests.support.receiver import Received, receiving
from tests.support.server import refusal
from tests.support.waiting import wait_for
from tests.wire.gl_extraction import samples
from tests.wire.gl_extraction.samples import Gl, day, messages, row, usd

PERSON, SUBJECT, UNITS = "Zebulon Quartermain", "ZEBULON-QUARTERMAIN-7", 735_193
TELLTALES = ("zebulon", "quartermain", "735193", "735,193", "735.193", "73519", "1470386", "470772")
"""A name, an amount as units and as minor units, and sums of it: whatever shows one of them has told too much."""

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"


@dataclass
class Collector:
    """A receiver of traces, as OTLP over HTTP brings them."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)

    def spans(self, trace_id: str = "") -> list[Span]:
        """Every span, or those of one trace."""
        exported = [ExportTraceServiceRequest.FromString(body) for body in list(self.bodies)]
        found = [
            span
            for request in exported
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        return [span for span in found if not trace_id or span.trace_id.hex() == trace_id]


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    collector.url = f"http://127.0.0.1:{server.server_port}/v1/traces"
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def key_file(folder: Path) -> Path:
    path = folder / "notifications.key"
    path.write_bytes(b64encode(os.urandom(32)))
    path.chmod(0o600)
    return path


def work(channel: grpc.Channel, hook: str) -> str:
    """A day at the office, with a telltale name and amount wherever a caller may put one; gives the operation."""
    gl = Gl(channel)
    samples.open_books(gl)
    endpoint = notifications.NotificationEndpoint(url=hook)
    create = notifications.CreateNotificationEndpointRequest(notification_endpoint=endpoint)
    notifications_grpc.NotificationsServiceStub(channel).CreateNotificationEndpoint(create, timeout=20)
    telling: dict[str, Any] = {"subject": SUBJECT, "description": f"Paid to {PERSON}", "debit": usd(UNITS)}
    sound = [row(number, external_id=f"{PERSON} {number}", **telling) for number in range(4)]
    refused = [row(9, **{**telling, "ledger_code": "NONE", "debit": usd(UNITS, 1)})]
    answer = gl.IngestAccountingDetails(messages([*sound, *refused]), timeout=20)
    assert answer.created_count == 4
    bad = details_pb2.BatchCreateAccountingDetailsRequest(accounting_details=refused)
    refusal(lambda: gl.BatchCreateAccountingDetails(bad, timeout=20))
    lost = details_pb2.GetAccountingDetailRequest(name="accountingDetails/0000000000000")
    refusal(lambda: gl.GetAccountingDetail(lost, timeout=20))
    found = details_pb2.ListAccountingDetailsRequest(filter=details_pb2.AccountingDetailFilter(subject=SUBJECT))
    assert len(gl.ListAccountingDetails(found, timeout=20).accounting_details) == 4
    asked = extraction_pb2.GenerateAccountingMessageRequest(
        description=f"For {PERSON}", created_date_to=day("2099-01-01")
    )
    metadata = (("traceparent", PARENT), ("x-request-id", "trace-me"))
    started = gl.GenerateAccountingMessage(asked, timeout=20, metadata=metadata)
    wait = operations_pb2.WaitOperationRequest(name=started.name, timeout=Duration(seconds=40))
    ended = operations_pb2_grpc.OperationsStub(channel).WaitOperation(wait, timeout=50)
    assert ended.WhichOneof("result") == "response", ended.error
    schedule = schedules_pb2.Schedule(code="nightly", cron="0 1 * * *", description=PERSON)
    schedule.request.Pack(asked)
    schedules = schedules_pb2_grpc.SchedulesServiceStub(channel)
    schedules.CreateSchedule(schedules_pb2.CreateScheduleRequest(schedule=schedule), timeout=20)
    schedules.RunSchedule(schedules_pb2.RunScheduleRequest(name="schedules/nightly"), timeout=20)
    return str(started.name)


def traced(received: Sequence[Received]) -> list[Received]:
    """Those that came with the traceparent of our trace."""
    return [one for one in received if one.headers["traceparent"].startswith(f"00-{TRACE_ID}-")]


def attributes(span: Span) -> dict[str, Any]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


@pytest.mark.slow
@pytest.mark.rule("PLT-42")
def test_a_trace_goes_from_call_to_chunks_to_delivery_and_nothing_tells_amounts_or_persons(
    migrated_url: str, tmp_path: Path
) -> None:
    """One trace holds the caller's span, the call, every chunk and the delivery, whose receiver is told of it.

    And of all that was said on the way, in logs down to debug, in figures and in spans, nothing holds a telltale.
    """
    page = free_address()
    with (
        collecting() as collector,
        receiving() as receiver,
        serve(
            tmp_path / "one",
            database_url=migrated_url,
            listen="127.0.0.1:0",
            metrics_listen=page,
            log_level="debug",
            traces_endpoint=collector.url,
            notification_key_file=key_file(tmp_path),
            webhook_loopback=True,
        ) as server,
    ):
        with grpc.insecure_channel(server.ready()) as channel:
            operation = work(channel, receiver.url())
        wait_for(lambda: traced(receiver.received), 30, what="the notification")  # the schedule's run is told of too
        wait_for(lambda: "countinghouse_workers 1.0" in figures_of(page), what="the census")
        figures = figures_of(page)
        assert server.end() == 0
        logs = (tmp_path / "one" / "stderr").read_text() + server.said()
        spans = collector.spans(TRACE_ID)
    named = {span.name: span for span in spans}
    call = named["countinghouse.gl_extraction.v1.GLExtractionService/GenerateAccountingMessage"]
    assert call.parent_span_id.hex() == "b7ad6b7169203331"
    assert attributes(call)["countinghouse.operation_id"] == operation.partition("/")[2]
    for stage in ("select", "group", "write", "publish"):
        chunk = named[f"chunk gl_extraction.generate_accounting_message {stage}"]
        assert chunk.parent_span_id == call.span_id
        assert attributes(chunk)["countinghouse.operation_id"] == operation.partition("/")[2]
    sent = named["delivery WEBHOOK"]
    assert sent.parent_span_id == call.span_id
    assert len(traced(receiver.received)) == 1
    assert TRACE_ID in logs

    told = [logs, figures, *(str(span) for span in collector.spans())]
    assert all(len(each) > 100 for each in told)
    for text in told:
        assert [tale for tale in TELLTALES if tale in text.lower()] == []


def figures_of(page: str) -> str:
    with urllib.request.urlopen(f"http://{page}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def test_without_a_receiver_nothing_is_traced_and_nothing_imported(tmp_path: Path) -> None:
    """Off is off: no span, no header, no library."""
    chosen: dict[str, Any] = {}
    with tracing.exported(Settings(**chosen), "rpc"):
        assert not tracing.is_on()
        assert tracing.call_begun("a.Service/Method", (("traceparent", PARENT),)).traceparent == ""
        assert tracing.headers() == {}
    code = "import sys, server.main, server.work.working; assert not any('opentelemetry' in m for m in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, timeout=60)


@pytest.mark.rule("PLT-44")
def test_a_receiver_that_is_none_is_refused_at_start(tmp_path: Path) -> None:
    """One clear line."""
    told = run(tmp_path, "serve", traces_endpoint="collector:4318", listen="127.0.0.1:0")
    assert told.returncode == 2
    assert "COUNTINGHOUSE_TRACES_ENDPOINT" in told.stderr
    assert "is no URL" in told.stderr
