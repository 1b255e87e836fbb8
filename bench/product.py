"""The product as it is run: a server process, its worker process, and a client."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import grpc
from grpc_health.v1 import health_pb2

from bench import meter
from bench.databases import query
from countinghouse.client import Client, connect
from countinghouse.gl_extraction.v1 import accounting_details_pb2, extraction_pb2

PROGRAM = str(Path(sys.executable).with_name("countinghouse"))
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 40
EXTRACTION_TIMEOUT_S = 7_200
LINES_SHOWN = 20
_READY_POLL_S = 0.005
_WORKER_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Product:
    """A running server, its worker, and a client. `server` and `worker` are process ids, `worker` 0 for none."""

    target: str
    server: int
    worker: int
    client: Client

    def extract(self) -> extraction_pb2.GenerateAccountingMessageResponse:
        """Extract everything pending, and wait for the end by a watch."""
        request = extraction_pb2.GenerateAccountingMessageRequest(origin=accounting_details_pb2.ORIGIN_FINANCIAL)
        return self.client.gl.generate_accounting_message(request).wait(EXTRACTION_TIMEOUT_S)


@contextmanager
def serve(url: str, folder: Path, *, token: str | None = None, **settings: object) -> Iterator[Product]:
    """Run `countinghouse serve` on a database, its files in `folder`, and wait until it is ready.

    `settings` are those of the server that are not to be the defaults; `token` is the client's.
    """
    target = f"127.0.0.1:{free_port()}"
    environment = environment_of(url, target, folder / "files", settings)
    said = folder / "server.log"
    with said.open("ab") as log, started([sys.executable, "-m", "server", "serve"], environment, log) as server:
        try:
            wait_until_ready(target, server)
            worker = _worker_of(server.pid, url) if settings.get("jobs", True) else 0
            with connect(target, token=token) as client:
                yield Product(target, server.pid, worker, client)
        except Exception:
            print(f"the server's exit status is {server.poll()}; it said last:", *_last_lines(said), sep="\n")
            raise


def environment_of(url: str, target: str, files: Path, settings: Mapping[str, object]) -> dict[str, str]:
    """The environment of a server with these settings and otherwise the defaults."""
    given = {"database_url": url, "listen": target, "data_files_folder": files, **settings}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("COUNTINGHOUSE_")}
    return {**inherited, **{f"COUNTINGHOUSE_{name.upper()}": str(value) for name, value in given.items()}}


@contextmanager
def started(
    command: list[str], environment: Mapping[str, str], log: IO[bytes] | int = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    """A process, asked to stop in the end and killed with its children if it does not."""
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_until_ready(target: str, server: subprocess.Popen[bytes]) -> None:
    """Wait until the server's health is SERVING."""
    deadline = time.monotonic() + START_TIMEOUT_S
    options = [("grpc.min_reconnect_backoff_ms", 5), ("grpc.initial_reconnect_backoff_ms", 5)]
    options += [("grpc.max_reconnect_backoff_ms", 20)]
    with grpc.insecure_channel(target, options) as channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        while time.monotonic() < deadline:
            if server.poll() is not None:
                message = f"the server ended with {server.returncode}"
                raise RuntimeError(message)
            try:
                if check(health_pb2.HealthCheckRequest(), timeout=1).status == health_pb2.HealthCheckResponse.SERVING:
                    return
            except grpc.RpcError:
                pass
            time.sleep(_READY_POLL_S)
    message = f"the server was not ready within {START_TIMEOUT_S} s"
    raise TimeoutError(message)


def _worker_of(server: int, url: str) -> int:
    """The server's worker process, once it has registered: what its start costs is not to be metered."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        registered: set[int] = {pid for (pid,) in query(url, "SELECT pid FROM worker")}
        if found := registered.intersection(meter.descendants(server)):
            return found.pop()
        time.sleep(_WORKER_POLL_S)
    message = f"the server had no worker within {START_TIMEOUT_S} s"
    raise TimeoutError(message)


def _last_lines(said: Path) -> list[str]:
    return said.read_text(encoding="utf-8").splitlines()[-LINES_SHOWN:]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
