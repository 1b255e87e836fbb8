"""`countinghouse serve`: one RPC process or several on one port, and the worker process beside them."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Sequence
from importlib.metadata import version
from threading import Event
from typing import Any

import structlog

from server import auth
from server.auth import tls
from server.collector import spare_the_collector
from server.database.urls import sqlite_path
from server.main import Server, permissions
from server.opening import CannotStart, known_jobs, make_folders, migrated
from server.plugins import plugins
from server.processes import Supervised, admitted
from server.settings import Settings
from server.telemetry import metrics, tracing

_PARENT_LOOK_S = 1.0

log = structlog.get_logger("server")


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then drain; a second signal ends it at once. Raises: BadSettings; CannotStart."""
    stop = _stop_on_signals(patient=False)
    if settings.workers > 1:
        await _serve_in_processes(settings, stop)
        return
    offered = plugins(settings)
    server = Server(settings, known_jobs(settings, offered), offered)
    make_folders(settings)
    with (
        metrics.served_with_children(settings.metrics_listen) as variables,
        tracing.exported(settings, "rpc"),
    ):
        worker = Supervised("work", settings, variables)
        try:
            await server.start()
            if await _begun(server, stop):
                if settings.jobs:
                    worker.start()
                _announce(settings, server.target)
                await stop.wait()
        finally:
            await asyncio.gather(server.stop(), worker.stop(settings.shutdown_grace_s))


async def serve_as_one_of_several(settings: Settings, parent_lives: Callable[[], bool]) -> None:
    """Be one of the RPC processes that share a port."""
    with tracing.exported(settings, "rpc"):
        await _serve_as_one(settings, parent_lives)


async def _serve_as_one(settings: Settings, parent_lives: Callable[[], bool]) -> None:
    stop = _stop_on_signals(patient=True)
    offered = plugins(settings)
    server = Server(settings, known_jobs(settings, offered), offered)
    watch = asyncio.create_task(_stop_without(parent_lives, stop))
    try:
        await server.start()
        admission = asyncio.create_task(admitted())
        if await _done_before(admission, stop) and admission.result() and await _begun(server, stop):
            print("ready", flush=True)  # noqa: T201 - for the process that started this one
            await stop.wait()
    finally:
        watch.cancel()
        await server.stop()


def _announce(settings: Settings, target: str) -> None:
    """Say on stdout where the server is, now that it is ready."""
    kind = "PostgreSQL" if not settings.on_sqlite else str(sqlite_path(settings.url))
    print(f"Countinghouse {version('countinghouse-server')} on {kind}", flush=True)  # noqa: T201 - said to people
    if not settings.identified:
        print("open to every caller on this machine, as no callers are named", flush=True)  # noqa: T201
    elif not settings.encrypted and not settings.on_loopback:
        log.warning("connections are in clear, and tokens with them: set TLS_CERTIFICATE_FILE, or end TLS before this")
    print(f"ready on {target}", flush=True)  # noqa: T201


async def _serve_in_processes(settings: Settings, stop: asyncio.Event) -> None:
    # Mistakes are told once, and before anything is started.
    auth.authority(settings, permissions().values())
    tls.credentials(settings)
    plugins(settings)
    make_folders(settings)
    with _reserved(settings.listen), metrics.served_with_children(settings.metrics_listen, own=None) as variables:
        schema_ready = asyncio.Event()
        servers = [Supervised("rpc", settings, variables, admission=schema_ready) for _ in range(settings.workers)]
        worker = Supervised("work", settings, variables)
        try:
            for server in servers:  # meanwhile they say that they are not ready (PLT-41)
                server.start()
            if not await _migrated(settings, stop):
                return
            schema_ready.set()
            if await _done_before(asyncio.create_task(_all_ready(servers, settings.start_timeout_s)), stop):
                if settings.jobs:
                    worker.start()
                _announce(settings, settings.listen)
                await stop.wait()
        finally:
            await asyncio.gather(*(process.stop(settings.shutdown_grace_s) for process in [*servers, worker]))


async def _begun(server: Server, stop: asyncio.Event) -> bool:
    """Open the server; False when it was told to stop meanwhile. Raises: BadSettings; CannotStart."""
    begun = await _done_before(asyncio.create_task(server.open()), stop)
    spare_the_collector()
    return begun


async def _migrated(settings: Settings, stop: asyncio.Event) -> bool:
    """Bring the database to this version's schema; False when it was told to stop meanwhile."""
    stopping = Event()
    try:
        return await _done_before(asyncio.create_task(asyncio.to_thread(migrated, settings, stopping)), stop)
    finally:
        stopping.set()


async def _all_ready(servers: Sequence[Supervised], within_s: float) -> None:
    """Wait until every process is ready. Raises: CannotStart."""
    try:
        async with asyncio.timeout(within_s):
            for server in servers:
                await server.ready.wait()
    except TimeoutError:
        raise CannotStart(f"the RPC processes were not ready within {within_s:g} s; their log says why") from None


async def _done_before(work: asyncio.Future[Any], stop: asyncio.Event) -> bool:
    """Wait for the work; False when it was told to stop before it was done."""
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not work.done():
        work.cancel()
        await asyncio.wait({work})
        if not work.cancelled():
            work.result()
        return False
    work.result()
    return True


async def _stop_without(parent_lives: Callable[[], bool], stop: asyncio.Event) -> None:
    while parent_lives():  # noqa: ASYNC110 - nobody tells that a parent has died
        await asyncio.sleep(_PARENT_LOOK_S)
    stop.set()


def _stop_on_signals(*, patient: bool) -> asyncio.Event:
    """Set by the first signal to stop. The second is deadly, unless `patient`: to a child it may come twice anyway."""
    stop, loop, numbers = asyncio.Event(), asyncio.get_running_loop(), (signal.SIGTERM, signal.SIGINT)

    def told() -> None:
        stop.set()
        for number in () if patient else numbers:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in numbers:
        loop.add_signal_handler(number, told)
    return stop


def _reserved(listen: str) -> socket.socket:
    """A socket that keeps the port for our processes alone. Raises: CannotStart when it is in use."""
    host, _, port = listen.rpartition(":")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as alone:  # or somebody else's sharing of the port would go unseen
            alone.bind(address)
        reserved = socket.socket(family, kind, protocol)
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserved.bind(address)
    except OSError as error:
        raise CannotStart(f"cannot listen on {listen}: {error.strerror}") from None
    return reserved
