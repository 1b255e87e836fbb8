"""The simulated system as a process, or as a part of one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc.aio

from countinghouse.connector.v1.simulator_pb2_grpc import add_SimulatorServiceServicer_to_server
from countinghouse.connector.v1.system_of_record_pb2_grpc import add_SystemOfRecordServiceServicer_to_server
from server.simulator.book_keeping import BookKeeping
from server.simulator.faults import Faults
from server.simulator.grpc_services import Simulator, SystemOfRecord
from server.simulator.http_service import serving as serving_http
from server.simulator.ledger import Ledger
from server.simulator.listening import GRACE_S, CannotListen, Certificate, bound, stopped


@dataclass(frozen=True, slots=True)
class Place:
    """Where the simulated system listens, and what it keeps; port 0 is any free one, no HTTP port is no HTTP."""

    listen: str = "127.0.0.1:0"
    http_port: int | None = None
    ledger: Path | None = None
    certificate: Certificate | None = None
    client_ca: Path | None = None  # whose certificates callers must have


@dataclass(frozen=True, slots=True)
class Ports:
    """Where it listens."""

    grpc: int
    http: int = 0


@asynccontextmanager
async def simulated(place: Place, faults: Faults, *, seed: int) -> AsyncIterator[Ports]:
    """Serve for a while. Raises: CannotListen."""
    ledger = Ledger(place.ledger)
    books = BookKeeping(ledger, faults, seed=seed)
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    add_SystemOfRecordServiceServicer_to_server(SystemOfRecord(books), server)
    add_SimulatorServiceServicer_to_server(Simulator(books), server)
    with ExitStack() as open_things:
        open_things.callback(ledger.close)
        port = bound(server, place.listen, place.certificate, place.client_ca)
        http = 0
        if place.http_port is not None:
            host, loop = place.listen.rpartition(":")[0].strip("[]"), asyncio.get_running_loop()
            try:
                http = open_things.enter_context(serving_http(books, loop, host, place.http_port))
            except OSError as error:
                raise CannotListen(f"cannot listen on port {place.http_port} of {host}: {error}") from None
        await server.start()
        try:
            yield Ports(port, http)
        finally:
            await server.stop(GRACE_S)


async def run(place: Place, faults: Faults, *, seed: int, told: Callable[[Ports], None]) -> None:
    """Serve until SIGTERM or SIGINT. Raises: CannotListen."""
    stop = stopped()
    async with simulated(place, faults, seed=seed) as ports:
        told(ports)
        await stop.wait()
