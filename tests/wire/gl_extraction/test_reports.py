"""Calls that may read very much: they may take longer than others, and end when nobody waits for them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from sqlalchemy import Connection, text

from countinghouse.gl_extraction.v1 import extraction_pb2 as pb
from domain.gl_extraction.extraction import service as extraction
from server.call import REPORTS
from tests.support.server import Served, refusal, serving
from tests.wire.gl_extraction.samples import Gl

_BATCH = "extractionBatches/1"
_SLOW = {
    "postgresql": "SELECT pg_sleep(:seconds)",
    "sqlite": "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :seconds * 6000000) "
    "SELECT count(*) FROM n",
}


@pytest.fixture
def served(migrated_url: str, tmp_path: Path) -> Iterator[Served]:
    """A server whose calls take a second at most, but for reports."""
    with serving(migrated_url, tmp_path, carries_out=(), statement_timeout_s=1.0) as server:
        yield server


def slowly(monkeypatch: pytest.MonkeyPatch, seconds: int, begun: Callable[[], object] = lambda: None) -> None:
    """Have reading a batch, and reconciling one, take about so long in the database."""

    def slow(fn: Callable[..., Any]) -> Callable[..., Any]:
        def slowed(tx: Connection, *given: Any) -> Any:
            begun()
            tx.execute(text(_SLOW[tx.dialect.name]), {"seconds": seconds})
            return fn(tx, *given)

        return slowed

    for name in ("get", "reconcile"):
        monkeypatch.setattr(extraction, name, slow(getattr(extraction, name)))


@pytest.mark.slow
@pytest.mark.rule("PLT-07", "GLX-23")
def test_a_report_may_take_longer_than_other_calls(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reconciling ten million details takes a while; what every other call is bound by does not end it."""
    slowly(monkeypatch, seconds=3)
    gl = served.stub(Gl)
    assert (
        refusal(lambda: gl.GetExtractionBatch(pb.GetExtractionBatchRequest(name=_BATCH))).reason == "DATABASE_TIMEOUT"
    )
    asked = pb.ReconcileExtractionBatchRequest(name=_BATCH)
    assert refusal(lambda: gl.ReconcileExtractionBatch(asked, timeout=60)).reason == "EXTRACTION_BATCH_NOT_FOUND"


def test_a_report_that_nobody_waits_for_ends(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers that go leave the places of reports to others at once, and not after a quarter of an hour."""
    running = threading.Semaphore(0)
    slowly(monkeypatch, seconds=600, begun=running.release)
    gl = served.stub(Gl)
    asked = pb.ReconcileExtractionBatchRequest(name=_BATCH)
    for _ in range(2):
        calls = [gl.ReconcileExtractionBatch.future(asked) for _ in range(REPORTS)]
        for _ in calls:
            assert running.acquire(timeout=20)
        for call in calls:
            call.cancel()
            assert call.code() is grpc.StatusCode.CANCELLED
