"""The simulated system as a process, or as a part of one."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import grpc.aio

from countinghouse.connector.v1.simulator_pb2_grpc import add_SimulatorServiceServicer_to_server
from countinghouse.connector.v1.system_of_record_pb2_grpc import add_SystemOfRecordServiceServicer_to_server
from server.simulator.book_keeping import BookKeeping
from server.simulator.faults import Faults
from server.simulator.grpc_services import Simulator, SystemOfRecord
from server.simulator.http_service import serving as serving_http
from server.simulator.ledger import Ledger

_GRACE_S = 1.0


class CannotListen(Exception):
    """The address is in use, or none of this machine's."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the simulated system listens, and what it keeps; port 0 is any free one, no HTTP port is no HTTP."""

    listen: str = "127.0.0.1:0"
    http_port: int | None = None
    ledger: Path | None = None
    certificate: tuple[Path, Path] | None = None  # with its key
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
        try:
            port = _bound(server, place)
            http = 0
            if place.http_port is not None:
                host = place.listen.rpartition(":")[0].strip("[]")
                loop = asyncio.get_running_loop()
                http = open_things.enter_context(serving_http(books, loop, host, place.http_port))
        except (OSError, RuntimeError) as error:
            raise CannotListen(f"cannot listen on {place.listen}: {error}") from None
        await server.start()
        try:
            yield Ports(port, http)
        finally:
            await server.stop(_GRACE_S)


async def run(place: Place, faults: Faults, *, seed: int, told: Callable[[Ports], None]) -> None:
    """Serve until SIGTERM or SIGINT. Raises: CannotListen."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with simulated(place, faults, seed=seed) as ports:
        told(ports)
        await stop.wait()


def _bound(server: grpc.aio.Server, place: Place) -> int:
    if place.certificate is None:
        return server.add_insecure_port(place.listen)
    certificate, key = place.certificate
    authorities = place.client_ca.read_bytes() if place.client_ca else None
    credentials = grpc.ssl_server_credentials(
        [(key.read_bytes(), certificate.read_bytes())],
        root_certificates=authorities,
        require_client_auth=authorities is not None,
    )
    return server.add_secure_port(place.listen, credentials)
