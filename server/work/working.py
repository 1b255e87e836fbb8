"""`countinghouse work`: a process that carries out chunks of long-running operations."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from threading import Thread

from domain.accounting.batches.transmitting import Transmissions
from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.execution.outcomes import Outcomes
from domain.flows.accounting import Posting
from domain.operations.runner import Attempts
from server.call import now_us
from server.collector import spare_the_collector
from server.database.urls import normalize
from server.notify import Listener, Notifier
from server.opening import known_jobs, opened_database
from server.plugins import plugins
from server.settings import Settings
from server.telemetry import figures, metrics, tracing
from server.telemetry.census import taking_census
from server.work.assigning import assigning
from server.work.bookkeeping import keeping_balances
from server.work.loops import Loop, Loops
from server.work.placing import placing_events
from server.work.retention import retention
from server.work.scheduler import scheduling
from server.work.sending import dispatch
from server.work.worker import Worker, WorkerSettings, run


def _tell_nobody(_: str) -> None:
    """On SQLite, where others see that the file has changed."""


def work(settings: Settings, *, supervised: bool, parent_lives: Callable[[], bool]) -> int:
    """Work until SIGTERM, SIGINT or the end of the process that started this one; gives the exit status.

    One that nobody supervises ends at once on a second signal, and serves its own figures.

    Raises: CannotStart; BadSettings.
    """
    with metrics.served("" if supervised else settings.metrics_listen), tracing.exported(settings, "work"):
        return _work(settings, supervised=supervised, parent_lives=parent_lives)


def _work(settings: Settings, *, supervised: bool, parent_lives: Callable[[], bool]) -> int:
    notifier = Notifier.for_database(normalize(settings.url))
    tell = notifier.tell if notifier else _tell_nobody
    how, further = worker_settings(settings), loops(settings, tell=tell)
    database = opened_database(settings, connections(how, further), statement_s=how.chunk_s)
    if settings.metrics_listen:
        figures.watch_pool(database, "work")
    offered = plugins(settings)
    worker = Worker(database, known_jobs(settings, offered), how, on_change=tell)
    beside = Loops(database, further)
    spare_the_collector()
    if notifier:
        Thread(target=_listen, args=(database.url, worker, beside), name="listen", daemon=True).start()
    status = run(
        worker,
        beside,
        grace_s=settings.shutdown_grace_s,
        patient=supervised,
        parent_lives=parent_lives,
    )
    offered.close()
    if notifier:
        notifier.close()
    database.dispose()
    return status


def loops(
    settings: Settings, *, tell: Callable[[str], None] = _tell_nobody, clock_us: Callable[[], int] = now_us
) -> tuple[Loop, ...]:
    """What goes on in the worker process beside the chunks: one line a loop. `tell` is told what there is news of."""
    configurations = Configurations()
    return (
        scheduling(settings, clock_us=clock_us),
        retention(settings),
        dispatch(settings, Outcomes(configurations, Posting(), clock_us), Transmissions(clock_us)),
        assigning(configurations, clock_us=clock_us),
        placing_events(tell),
        keeping_balances(clock_us=clock_us),
        *([taking_census(clock_us=clock_us)] if settings.metrics_listen else []),
    )


def connections(how: WorkerSettings, further: Sequence[Loop]) -> int:
    """How many database connections the worker and its loops use."""
    return how.connections + sum(loop.connections for loop in further)


def worker_settings(settings: Settings) -> WorkerSettings:
    """How the worker of these settings works."""
    return WorkerSettings(
        slots=settings.slots,
        lease_s=settings.lease_s,
        attempts=Attempts(at_most=settings.chunk_attempts_max),
    )


def _listen(url: str, worker: Worker, beside: Loops) -> None:
    def wake(name: str = "") -> None:
        if "/" not in name:  # else it is of a claim or a client, and no chunk
            worker.wake()
        beside.wake()

    asyncio.run(Listener(url, wake, wake).run())
