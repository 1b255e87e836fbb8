"""A simulated system of record in a thread of the test's process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from typing import Any

import grpc

from countinghouse.connector.v1 import simulator_pb2 as pb
from countinghouse.connector.v1.simulator_pb2_grpc import SimulatorServiceStub
from server.simulator.faults import Faults
from server.simulator.running import Place, Ports, simulated

_START_S = 20


@dataclass
class Simulated:
    """Where it listens, and its switches."""

    ports: Ports
    channel: grpc.Channel
    switches: Any = field(init=False)

    def __post_init__(self) -> None:
        self.switches = SimulatorServiceStub(self.channel)

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.ports.grpc}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports.http}"

    def configure(self, client: str = "", **faults: int) -> None:
        """Fail so from now on."""
        self.switches.ConfigureFaults(pb.ConfigureFaultsRequest(faults=pb.Faults(**faults), client=client), timeout=10)

    def totals(self, client: str = "") -> pb.Totals:
        totals: pb.Totals = self.switches.GetTotals(pb.GetTotalsRequest(client=client), timeout=10)
        return totals

    def postings(self, client: str = "") -> list[pb.PostedAdjustment]:
        request = pb.ListPostingsRequest(client=client, page_size=1_000)
        return list(self.switches.ListPostings(request, timeout=10).postings)


@contextmanager
def simulating(
    place: Place | None = None, credentials: grpc.ChannelCredentials | None = None, **faults: int
) -> Iterator[Simulated]:
    """Serve for a while, over HTTP too."""
    place = replace(place or Place(), http_port=0)
    ready: SimpleQueue[Ports | BaseException] = SimpleQueue()
    ended = threading.Event()

    async def serve() -> None:
        try:
            async with simulated(place, Faults(**faults), seed=1) as ports:
                ready.put(ports)
                await asyncio.to_thread(ended.wait)
        except BaseException as error:
            ready.put(error)
            raise

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    ports = ready.get(timeout=_START_S)
    if isinstance(ports, BaseException):
        raise ports
    target = f"localhost:{ports.grpc}"
    channel = grpc.secure_channel(target, credentials) if credentials else grpc.insecure_channel(target)
    try:
        yield Simulated(ports, channel)
    finally:
        channel.close()
        ended.set()
        thread.join(_START_S)
        assert not thread.is_alive()
