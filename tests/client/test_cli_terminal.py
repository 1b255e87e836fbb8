"""The command line in a terminal, its start, and its plug-ins."""

import os
import pty
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import EntryPoint

import pytest
import typer
from typer.testing import CliRunner

from countinghouse.cli import main
from countinghouse.gl_extraction.v1 import extraction_pb2
from countinghouse.operations.v1 import operations_pb2 as watch_pb2
from tests.client.command import END, NAME, TOTALS, fixed
from tests.client.server import operation, serve


def in_terminal(address: str, *arguments: str, columns: int = 100, kind: str = "xterm") -> str:
    """What a command shows in a terminal, results included."""
    control, terminal = pty.openpty()
    shown = bytearray()

    def look() -> None:
        with suppress(OSError):  # the terminal is gone
            while piece := os.read(control, 1 << 16):
                shown.extend(piece)

    looking = threading.Thread(target=look)
    looking.start()
    command = [sys.executable, "-c", "from countinghouse.cli.main import app; app()", "--address", address, *arguments]
    environment = {**os.environ, "TERM": kind, "COLUMNS": str(columns)}
    try:
        subprocess.run(command, stdout=terminal, stderr=terminal, env=environment, timeout=30, check=True)
    finally:
        os.close(terminal)
        looking.join(10)
        os.close(control)
    return shown.decode().replace("\r\n", "\n")


def watch(_request: object, _context: object) -> Iterator[watch_pb2.WatchOperationResponse]:
    """An operation that takes its time."""
    stage = watch_pb2.StageProgress(
        stage="write", unit="elements", items_done=400, items_total=1000, items_per_second=100
    )
    running = operation(NAME, watch_pb2.OPERATION_STATE_RUNNING)
    metadata = extraction_pb2.GenerateAccountingMessageMetadata(
        progress=watch_pb2.OperationProgress(state=watch_pb2.OPERATION_STATE_RUNNING, stages=[stage])
    )
    running.metadata.Pack(metadata)
    yield watch_pb2.WatchOperationResponse(sequence=1, operation=running)
    time.sleep(0.5)  # bars are drawn ten times a second
    yield watch_pb2.WatchOperationResponse(sequence=2, operation=END)


def test_a_terminal_gets_bars_with_rate_and_time_left() -> None:
    """On a terminal the stages are bars; elsewhere plain lines."""
    with serve(WatchOperation=watch) as address:
        shown = in_terminal(address, "ops", "watch", "a")
    assert "━" in shown
    assert "400/1,000 elements" in shown
    assert "100/s, 6 s left" in shown


def test_a_terminal_that_cannot_draw_gets_lines() -> None:
    """An editor's shell or a log of a build shows progress too, without bars that it would pile up."""
    with serve(WatchOperation=watch) as address:
        shown = in_terminal(address, "ops", "watch", "a", kind="dumb")
    assert shown.startswith("write: 400/1,000 elements, 100/s, 6 s left\noperation ")
    assert "━" not in shown
    assert "\x1b" not in shown


BATCH = extraction_pb2.ExtractionBatch(
    name="extractionBatches/7",
    state=extraction_pb2.EXTRACTION_BATCH_STATE_COMPLETED,
    detail_count=12345,
    totals=TOTALS,
    data_file_set="dataFileSets/gl-06c346k28re00m1v72h5qm3sm6",
    description="What was billed in the third quarter, with the corrections of September",
)


@pytest.mark.parametrize("columns", [60, 140, 200])
def test_ids_and_amounts_stay_whole_in_any_terminal(columns: int) -> None:
    """A window too narrow for the table gets each row from top to bottom; no line is longer than it is wide."""
    answer = extraction_pb2.ListExtractionBatchesResponse(extraction_batches=[BATCH, BATCH])
    with serve(ListExtractionBatches=fixed(answer)) as address:
        shown = re.sub("\x1b[^m]*m", "", in_terminal(address, "gl", "batches", columns=columns))
    for text in ("1,234,567 JPY", "150.25 USD", "gl-06c346k28re00m1v72h5qm3sm6", "12,345", "corrections"):
        assert shown.count(text) in {2, 4}, shown
    assert max(map(len, shown.splitlines())) <= columns
    assert (shown.split()[:2] == ["BATCH", "7"]) == (columns == 60)


def test_a_notice_is_broken_between_words() -> None:
    """No word of a sentence is torn in two where the window ends."""
    with serve(WatchOperation=watch) as address:
        shown = in_terminal(address, "ops", "watch", "a", columns=40)
    assert "informative ACT-FL-DAFI-001: Written to\nGL-7\n" in shown


def test_help_needs_none_of_the_heavy_imports() -> None:
    """`countinghouse --help` loads neither gRPC nor the contract."""
    loaded = "{name.split('.')[0] for name in sys.modules}"
    script = f"import sys; import countinghouse.cli.main; print({{'grpc', 'google', 'yaml'}} & {loaded})"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert result.stdout.strip() == "set()"


def test_help_names_every_variable_in_full() -> None:
    """Nothing is cut short, however narrow the window: what is read there is typed elsewhere."""
    shown = CliRunner().invoke(main.app, ["--help"], env={"COLUMNS": "60"}).stdout
    for name in ("ADDRESS", "TOKEN", "CLIENT_TOKEN_FILE", "CLIENT_TLS_CA", "CLIENT_TLS_CERT", "CLIENT_TLS_KEY"):
        assert f"COUNTINGHOUSE_{name}" in "".join(shown.split())
    assert "  9   done, with something to look at: rows refused, or books that differ\n" in shown


def test_other_distributions_add_their_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plug-in's commands stand at the top level; one that cannot be loaded takes nothing else with it."""
    server = typer.Typer()

    @server.command()
    def serve_() -> None:
        """Serve."""
        typer.echo("serving")

    class Working(EntryPoint):
        def load(self) -> typer.Typer:
            return server

    plugins = [Working("server", "x:app", main.PLUGINS), EntryPoint("broken", "no.such.module:app", main.PLUGINS)]
    monkeypatch.setattr(main, "entry_points", lambda group: plugins if group == main.PLUGINS else [])
    host = typer.Typer()
    host.command("other")(lambda: None)
    main._add_plugins(host)
    assert CliRunner().invoke(host, ["serve-"]).stdout == "serving\n"
