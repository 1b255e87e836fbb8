"""A server, a simulated system of record with faults, and callers who do not give up."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from countinghouse.connector.v1 import simulator_pb2, simulator_pb2_grpc
from tests.support.process import COUNTINGHOUSE, Serving, environment, free_address, serve
from tests.support.waiting import wait_for

RETRIED = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.UNKNOWN,
}
"""What a caller may see of a server that dies; the same request id makes it safe to ask again."""

_CALL_S = 10.0
_GIVE_UP_S = 120.0


def persistently(call: Callable[..., Any], request: Any) -> Any:
    """Make a call until it is answered."""
    until_s = time.monotonic() + _GIVE_UP_S
    while True:
        try:
            return call(request, timeout=_CALL_S, wait_for_ready=True)
        except grpc.RpcError as error:
            if error.code() not in RETRIED or time.monotonic() > until_s:
                raise
            time.sleep(0.05)


@dataclass
class Simulator:
    """A simulated system of record, as a process."""

    process: subprocess.Popen[str]
    address: str
    channel: grpc.Channel

    def postings(self) -> list[simulator_pb2.PostedAdjustment]:
        """All that it has posted, in the order of posting."""
        stub, token = simulator_pb2_grpc.SimulatorServiceStub(self.channel), ""
        found: list[simulator_pb2.PostedAdjustment] = []
        while True:
            request = simulator_pb2.ListPostingsRequest(page_size=1_000, page_token=token)
            page = stub.ListPostings(request, timeout=_CALL_S)
            found += page.postings
            token = page.next_page_token
            if not token:
                return found

    def be_well(self) -> None:
        """No more faults."""
        stub = simulator_pb2_grpc.SimulatorServiceStub(self.channel)
        stub.ConfigureFaults(simulator_pb2.ConfigureFaultsRequest(), timeout=_CALL_S)


@contextmanager
def simulator(folder: Path, *switches: str) -> Iterator[Simulator]:
    """A simulator with these switches; it is gone afterwards."""
    folder.mkdir(exist_ok=True)
    address = free_address()
    command = [str(COUNTINGHOUSE), "simulator", "--listen", address, "--ledger", str(folder / "ledger.db"), *switches]
    said = folder / "stdout"
    with said.open("w") as out:
        process = subprocess.Popen(command, cwd=folder, env=environment(), stdout=out, stderr=out, text=True)
    try:
        wait_for(lambda: "listens on" in said.read_text() or process.poll() is not None, what="the simulator")
        assert process.poll() is None, said.read_text()
        with grpc.insecure_channel(address) as channel:
            yield Simulator(process, address, channel)
    finally:
        process.kill()
        process.wait(30)


@dataclass
class Phoenix:
    """A server that is killed now and then, and started again at its address."""

    folder: Path
    settings: dict[str, Any]
    chance: random.Random
    address: str = field(default_factory=free_address)
    kills: int = 0

    @contextmanager
    def alive(self) -> Iterator[Serving]:
        """One life of it."""
        with serve(self.folder, listen=self.address, **self.settings) as server:
            server.ready()
            yield server

    def live(self, until: Callable[[], bool], *, lives_s: tuple[float, float]) -> None:
        """Live again and again, each life of a random length, until told; the worker dies with it, or alone."""
        while not until():
            with self.alive() as server:
                ends_s = time.monotonic() + self.chance.uniform(*lives_s)
                while time.monotonic() < ends_s and not until():
                    time.sleep(0.02)
                if not until():
                    self.kills += 1
                    for child in server.children():
                        _kill(child)
                    server.end(signal.SIGKILL)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
