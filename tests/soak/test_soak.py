"""Steady work for as long as one likes: ingest, extractions, watches and cancels, while workers are killed.

On demand: `make soak` is an hour of it, `make soak SOAK=180` three minutes.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import pytest

from countinghouse.client import Client, connect
from countinghouse.client.errors import FailedPrecondition, OperationCanceled
from countinghouse.client.sync.operations import Operation
from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2
from countinghouse.gl_extraction.v1 import extraction_pb2
from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc as gl_grpc
from countinghouse.operations.v1 import data_files_pb2
from tests.support import process
from tests.support.process import Serving
from tests.wire.gl_extraction.samples import open_books, row, usd

ROWS = 400  # of one ingest
AGAIN = 50  # of them, rows that were sent before
PACE_S = 0.2
KILL_S = (6.0, 12.0)
CANCEL = 0.3
WATCHERS = 4
PATIENCE_S = 60.0
GROWTH_MIB = 80
Run = Operation[extraction_pb2.GenerateAccountingMessageResponse, extraction_pb2.GenerateAccountingMessageMetadata]


@dataclass(slots=True)
class Ledger:
    """What was done, by those who did it."""

    taken: int = 0
    completed: list[extraction_pb2.GenerateAccountingMessageResponse] = field(default_factory=list)
    canceled: int = 0
    killed: int = 0
    watched: int = 0
    mib: list[tuple[float, float]] = field(default_factory=list)


def ingesting(target: str, stop: Event, ledger: Ledger) -> None:
    """New rows, and some that were sent before, again and again."""
    with connect(target) as client:
        while not stop.wait(PACE_S):
            first = max(0, ledger.taken - AGAIN)
            rows = (_row(number) for number in range(first, ledger.taken + ROWS))
            totals = client.gl.ingest(rows, patience_s=PATIENCE_S)
            assert totals.created_count + totals.unchanged_count == ledger.taken + ROWS - first
            ledger.taken += ROWS


def _row(number: int) -> details_pb2.AccountingDetail:
    side = {"debit": usd(number % 97 + 1)} if number % 2 else {"debit": None, "credit": usd((number + 1) % 97 + 1)}
    return row(number, bulking_group=f"B{number % 5}", **side)


def extracting(target: str, stop: Event, ledger: Ledger) -> None:
    """One extraction after the other; some are canceled."""
    chance = random.Random(1)
    with connect(target) as client:
        while not stop.is_set():
            run = _start(client)
            if chance.random() < CANCEL:
                time.sleep(chance.uniform(0, 0.2))
                with suppress(FailedPrecondition):  # past its point of no return
                    run.cancel()
            _finish(run, ledger)


def _start(client: Client) -> Run:
    request = extraction_pb2.GenerateAccountingMessageRequest(origin=details_pb2.ORIGIN_FINANCIAL)
    return client.gl.generate_accounting_message(request)


def _finish(run: Run, ledger: Ledger) -> int:
    """Wait for its end; gives how many details it has sent."""
    try:
        response = run.wait(PATIENCE_S * 2)
    except OperationCanceled:
        ledger.canceled += 1
        return 0
    ledger.completed.append(response)
    return response.detail_count


def watching(target: str, stop: Event, ledger: Ledger) -> None:
    """Watch whatever was started last, to its end."""
    with connect(target) as client:
        while not stop.wait(PACE_S):
            page = client.gl.list_batches.page(extraction_pb2.ListExtractionBatchesRequest(page_size=1))
            for batch in page.extraction_batches:
                handle = client.operations.handle(batch.operation)
                sequences = [snapshot.sequence for snapshot in handle.watch(timeout_s=PATIENCE_S * 2)]
                assert sequences == sorted(set(sequences))
                ledger.watched += len(sequences)


def killing(server: Serving, stop: Event, ledger: Ledger) -> None:
    """Kill the worker again and again; the server starts another."""
    chance = random.Random(2)
    while not stop.wait(chance.uniform(*KILL_S)):
        for worker in server.children("work"):
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
                ledger.killed += 1


def measuring(server: Serving, stop: Event, ledger: Ledger) -> None:
    """Note what the server's process holds, once a second."""
    while not stop.wait(1):
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        ledger.mib.append((time.monotonic(), int(status.partition("VmRSS:")[2].split()[0]) / 1024))


@pytest.mark.slow
@pytest.mark.crash
@pytest.mark.timeout(7_200)
@pytest.mark.rule("PLT-22", "PLT-23", "PLT-24", "GLX-17", "GLX-20", "GLX-23")
def test_steady_work_adds_up(migrated_url: str, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """Every detail is sent once and to the cent, whatever was killed and canceled, and memory stays what it was."""
    seconds: float = pytestconfig.getoption("--soak-seconds")
    if not seconds:
        pytest.skip("on demand: make soak")
    ledger, stop = Ledger(), Event()
    chosen = {"database_url": migrated_url, "listen": "127.0.0.1:0", "lease_s": 5, "log_level": "warning"}
    with process.serve(tmp_path / "soaked", **chosen) as server, ThreadPoolExecutor(8) as pool:
        target = server.ready()
        with connect(target) as client:
            open_books(gl_grpc.GLExtractionServiceStub(client.channel))
            parts: list[Callable[[], None]] = [
                lambda: ingesting(target, stop, ledger),
                lambda: extracting(target, stop, ledger),
                *[lambda: watching(target, stop, ledger)] * WATCHERS,
                lambda: killing(server, stop, ledger),
                lambda: measuring(server, stop, ledger),
            ]
            running = [pool.submit(part) for part in parts]
            _wait(running, seconds)
            stop.set()
            for part in running:
                part.result(PATIENCE_S * 3)
            while _finish(_start(client), ledger):
                pass
            _add_up(client, ledger)
        assert server.end() == 0
    print(f"\n{_told(ledger)}")  # noqa: T201 - shown with -s, and by `make soak`


def _wait(running: list[Future[None]], seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and not any(part.done() for part in running):
        time.sleep(0.1)


def _add_up(client: Client, ledger: Ledger) -> None:
    """Compare what was taken in with what was sent, found again, and written to files."""
    made: Counter[str] = Counter()
    for number in range(ledger.taken):
        one = _row(number)
        made["debit" if one.HasField("debit") else "credit"] += one.debit.units + one.credit.units
    assert sum(response.detail_count for response in ledger.completed) == ledger.taken
    sent: Counter[str] = Counter()
    for response in ledger.completed:
        for total in response.totals:
            sent["debit"] += total.debit.units
            sent["credit"] += total.credit.units
    assert sent == made
    written = 0
    for response in ledger.completed:
        if not response.detail_count:
            continue
        told = extraction_pb2.ReconcileExtractionBatchRequest(name=response.extraction_batch)
        assert client.gl.reconcile_batch(told).matches
        files = data_files_pb2.ListDataFilesRequest(parent=response.data_file_set, page_size=1_000)
        totals = (t for file in client.files.list_files(files) if not file.manifest for t in file.control_totals)
        written += sum(total.debit.units for total in totals)
    assert written == made["debit"]
    assert ledger.completed
    assert ledger.watched
    warm = [mib for _, mib in ledger.mib][len(ledger.mib) // 4 :]
    assert warm[-1] - warm[0] < GROWTH_MIB, f"{warm[0]:.0f} MiB grew to {warm[-1]:.0f}"


def _told(ledger: Ledger) -> str:
    batches = sum(1 for response in ledger.completed if response.detail_count)
    mib = [mib for _, mib in ledger.mib]
    return (
        f"{ledger.taken:,} details in {batches:,} batches, {ledger.canceled:,} runs canceled, "
        f"{ledger.killed:,} workers killed, {ledger.watched:,} events watched; "
        f"{mib[len(mib) // 4]:.0f} to {mib[-1]:.0f} MiB"
    )
