"""Figures for Prometheus: calls, chunks, what stands in the database; of all processes on one port."""

from __future__ import annotations

import os
import signal
import urllib.request
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.duration_pb2 import Duration
from prometheus_client.parser import text_string_to_metric_families

from countinghouse.gl_extraction.v1 import extraction_pb2, receipts_pb2, reference_pb2
from server.call import now_us
from server.database.transaction import Database
from server.main import SPARE_CONNECTIONS
from server.telemetry import figures as figures_of
from server.telemetry.census import show, take
from server.telemetry.figures import OPERATIONS
from tests.support.process import Serving, free_address, serve
from tests.support.server import refusal, serving
from tests.support.waiting import wait_for
from tests.wire.gl_extraction import samples
from tests.wire.gl_extraction.samples import Gl, day, messages, row

SERVICE = "countinghouse.gl_extraction.v1.GLExtractionService"
EXTRACTION = "gl_extraction.generate_accounting_message"


def figures(address: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample by name and labels; the page must be one that a parser of Prometheus takes, each name once."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    names = [family.name for family in families]
    assert len(names) == len(set(names))
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value for each in families for sample in each.samples
    }


def figure(address: str, name: str, **labels: str) -> float | None:
    return figures(address).get((name, frozenset(labels.items())))


def extract(channel: grpc.Channel) -> operations_pb2.Operation:
    request = extraction_pb2.GenerateAccountingMessageRequest(created_date_to=day("2099-01-01"))
    started = Gl(channel).GenerateAccountingMessage(request, timeout=20)
    wait = operations_pb2.WaitOperationRequest(name=started.name, timeout=Duration(seconds=30))
    ended: operations_pb2.Operation = operations_pb2_grpc.OperationsStub(channel).WaitOperation(wait, timeout=40)
    return ended


@pytest.mark.slow
@pytest.mark.rule("PLT-42")
@pytest.mark.parametrize("workers", [1, 2])
def test_the_figures_of_all_processes_stand_on_one_port(
    migrated_postgresql_url: str, tmp_path: Path, workers: int
) -> None:
    """Calls by the usual names of gRPC, chunks and ended operations of the worker, and what the database holds."""
    few: dict[str, Any] = {"listen": free_address(), "metrics_listen": free_address(), "workers": workers}
    page = few["metrics_listen"]
    with serve(tmp_path / "one", database_url=migrated_postgresql_url, **few) as server:
        with grpc.insecure_channel(server.ready()) as channel:
            gl = Gl(channel)
            samples.open_books(gl)
            gl.IngestAccountingDetails(messages(row(number) for number in range(5)), timeout=20)
            taken = reference_pb2.CreateLedgerRequest(ledger=reference_pb2.Ledger(code="MAIN"))
            refusal(lambda: gl.CreateLedger(taken, timeout=20))
            assert extract(channel).done
        ledger = {"grpc_type": "unary", "grpc_service": SERVICE, "grpc_method": "CreateLedger"}
        wait_for(lambda: figure(page, "grpc_server_handled_total", grpc_code="OK", **ledger) == 1)
        assert figure(page, "grpc_server_handled_total", grpc_code="ALREADY_EXISTS", **ledger) == 1
        assert figure(page, "grpc_server_started_total", **ledger) == 2
        assert figure(page, "grpc_server_handling_seconds_count", **ledger) == 2
        ingest = {**ledger, "grpc_type": "client_stream", "grpc_method": "IngestAccountingDetails"}
        assert figure(page, "grpc_server_handled_total", grpc_code="OK", **ingest) == 1
        wait_for(lambda: figure(page, "countinghouse_operations_ended_total", kind=EXTRACTION, state="SUCCEEDED") == 1)
        for stage in ("select", "group", "write", "publish"):
            done = figure(page, "countinghouse_chunks_ended_total", kind=EXTRACTION, stage=stage, outcome="done")
            assert done is not None
            assert done >= 1
        wait_for(lambda: figure(page, "countinghouse_workers") == 1)
        assert figure(page, "countinghouse_operations", state="QUEUED") is not None
        assert figure(page, "countinghouse_database_connections_max", process="work")
        assert (
            figure(page, "countinghouse_database_connections_max", process="rpc") == (8 + SPARE_CONNECTIONS) * workers
        )
        in_use = figure(page, "countinghouse_database_connections", process="rpc")
        assert in_use is not None
        assert 0 <= in_use <= 20
        forget_what_dies(server, page)
        assert server.end() == 0


def forget_what_dies(server: Serving, page: str) -> None:
    """A worker that is killed and started again is not counted twice."""
    most = figure(page, "countinghouse_database_connections_max", process="work")
    os.kill(server.children("work")[0], signal.SIGKILL)
    wait_for(lambda: figure(page, "countinghouse_database_connections_max", process="work") in {None, 0})
    wait_for(lambda: figure(page, "countinghouse_database_connections_max", process="work") == most)
    ended = figure(page, "countinghouse_operations_ended_total", kind=EXTRACTION, state="SUCCEEDED")
    assert ended == 1  # what the dead one has counted stays


@pytest.mark.rule("PLT-42")
def test_extraction_lag_and_the_age_of_what_waits_are_shown(
    database: Database, migrated_url: str, tmp_path: Path
) -> None:
    """How many details wait and how long the oldest has; how long operations wait that nobody carries out."""
    with serving(migrated_url, tmp_path, jobs=False) as server:
        gl = server.stub(Gl)
        samples.open_books(gl)
        gl.IngestAccountingDetails(messages(row(number) for number in range(7)), timeout=20)
        request = extraction_pb2.GenerateAccountingMessageRequest(created_date_to=day("2099-01-01"))
        gl.GenerateAccountingMessage(request, timeout=20)
    taken = database.read(lambda tx: take(tx, now_us()))
    assert taken.pending == 7
    assert 0 < taken.at_us - taken.pending_oldest_us < 60_000_000
    assert {state: count for state, count in taken.operations.operations.items() if count} == {"QUEUED": 1}
    assert 0 < taken.at_us - taken.operations.oldest_us[next(iter(taken.operations.oldest_us))] < 60_000_000
    assert {state: count for state, count in taken.operations.chunks.items() if count} == {"READY": 1}
    show(taken)
    shown = {(sample.labels["state"], sample.value) for metric in OPERATIONS.collect() for sample in metric.samples}
    assert ("QUEUED", 1) in shown


@pytest.mark.rule("PLT-42", "GLX-25")
def test_what_the_receiver_has_said_nothing_of_is_shown(database: Database, migrated_url: str, tmp_path: Path) -> None:
    """How many messages wait for a receipt, in how many batches, since when; what was acknowledged waits no more."""

    def shown() -> tuple[float, float, float]:
        show(database.read(lambda tx: take(tx, now_us())))
        metrics = (figures_of.RECEIPTS_AWAITED, figures_of.BATCHES_AWAITED, figures_of.BATCHES_AWAITED_OLDEST)
        messages_, batches, oldest_s = (next(iter(metric.collect())).samples[0].value for metric in metrics)
        return messages_, batches, oldest_s

    with serving(migrated_url, tmp_path, elements_per_message=1) as server:
        gl = server.stub(Gl)
        samples.open_books(gl)
        assert shown() == (0, 0, 0)
        rows = (row(number, bulking_group=f"B{number}") for number in range(5))
        gl.IngestAccountingDetails(messages(rows), timeout=20)
        assert extract(server.channel).WhichOneof("result") == "response"
        count, batches, oldest_s = shown()
        assert (count, batches) == (5, 1)
        assert 0 < oldest_s < 60
        for first, last, left in ((1, 2, (3, 1)), (3, 5, (0, 0))):
            span = receipts_pb2.MessageRange(first_message_id=first, last_message_id=last)
            request = receipts_pb2.AcknowledgeMessagesRequest(name="extractionBatches/1", message_ranges=[span])
            gl.AcknowledgeMessages(request, timeout=20)
            assert shown()[:2] == left
        assert shown() == (0, 0, 0)
