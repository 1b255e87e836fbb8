"""A server with its worker inside another program: `countinghouse demo` and the tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext
from threading import Thread

from domain.operations.model import Job
from server.call import now_us
from server.main import Server
from server.opening import known_jobs, opened_database
from server.plugins import Plugins, plugins
from server.settings import Settings
from server.work.loops import Loops
from server.work.worker import Worker, stop
from server.work.working import connections, loops, worker_settings


@contextmanager
def embedded(
    settings: Settings, carries_out: Sequence[Job] | None = None, *, clock_us: Callable[[], int] = now_us
) -> Iterator[Server]:
    """A server that is ready, in threads of this process, with its worker unless the settings leave it out.

    It knows the jobs of this program, unless it is told which it `carries_out`. Raises: what starting raises.
    """
    offered = plugins(settings)
    jobs = known_jobs(settings, offered) if carries_out is None else carries_out
    started: Future[tuple[Server, Callable[[], object]]] = Future()
    thread = Thread(target=lambda: asyncio.run(_live(settings, jobs, offered, clock_us, started)), name="server")
    thread.start()
    try:
        server, stop = started.result()
        try:
            with _working(settings, jobs, server, clock_us) if settings.jobs else nullcontext():
                yield server
        finally:
            stop()
    finally:
        thread.join()


async def _live(
    settings: Settings,
    jobs: Sequence[Job],
    offered: Plugins,
    clock_us: Callable[[], int],
    started: Future[tuple[Server, Callable[[], object]]],
) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    try:
        server = Server(settings, jobs, offered, clock_us=clock_us)
        try:
            await server.start()
            await server.open()
            started.set_result((server, lambda: loop.call_soon_threadsafe(stop.set)))
            await stop.wait()
        finally:
            await server.stop()
    except Exception as error:
        if started.done():
            raise
        started.set_exception(error)


@contextmanager
def _working(settings: Settings, jobs: Sequence[Job], server: Server, clock_us: Callable[[], int]) -> Iterator[None]:
    how, further = worker_settings(settings), loops(settings, tell=server.announce, clock_us=clock_us)
    database = opened_database(settings, connections(how, further), statement_s=how.chunk_s)
    worker, beside = Worker(database, jobs, how, on_change=server.announce), Loops(database, further)
    server.also_tell(worker.wake)
    server.also_tell(beside.wake)
    worker.start()
    beside.start()
    try:
        yield
    finally:
        stop(worker, beside, settings.shutdown_grace_s)
        database.dispose()
