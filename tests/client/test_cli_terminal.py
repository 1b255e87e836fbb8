"""The command line in a terminal, its start, and its plug-ins."""

import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import EntryPoint

import pytest
import typer
from typer.testing import CliRunner

from countinghouse.cli import main
from countinghouse.gl_extraction.v1 import extraction_pb2
from countinghouse.operations.v1 import operations_pb2 as watch_pb2
from tests.client.command import END, NAME
from tests.client.server import operation, serve


def test_a_terminal_gets_bars_with_rate_and_time_left() -> None:
    """On a terminal the stages are bars; elsewhere plain lines."""
    stage = watch_pb2.StageProgress(
        stage="write", unit="elements", items_done=400, items_total=1000, items_per_second=100
    )
    running = operation(NAME, watch_pb2.OPERATION_STATE_RUNNING)
    metadata = extraction_pb2.GenerateAccountingMessageMetadata(
        progress=watch_pb2.OperationProgress(state=watch_pb2.OPERATION_STATE_RUNNING, stages=[stage])
    )
    running.metadata.Pack(metadata)

    def watch(_request: object, _context: object) -> Iterator[watch_pb2.WatchOperationResponse]:
        yield watch_pb2.WatchOperationResponse(sequence=1, operation=running)
        time.sleep(0.5)  # bars are drawn ten times a second
        yield watch_pb2.WatchOperationResponse(sequence=2, operation=END)

    control, terminal = pty.openpty()
    with serve(WatchOperation=watch) as address:
        subprocess.run(
            [
                sys.executable,
                "-c",
                "from countinghouse.cli.main import app; app()",
                "--address",
                address,
                "ops",
                "watch",
                "a",
            ],
            stdout=subprocess.DEVNULL,
            stderr=terminal,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
            timeout=30,
            check=True,
        )
    os.close(terminal)
    os.set_blocking(control, False)
    shown = os.read(control, 1 << 20).decode()
    os.close(control)
    assert "━" in shown
    assert "400/1,000 elements" in shown
    assert "100/s, 6 s left" in shown


def test_help_needs_none_of_the_heavy_imports() -> None:
    """`countinghouse --help` loads neither gRPC nor the contract."""
    loaded = "{name.split('.')[0] for name in sys.modules}"
    script = f"import sys; import countinghouse.cli.main; print({{'grpc', 'google', 'yaml'}} & {loaded})"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert result.stdout.strip() == "set()"


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
