"""Worker processes that a test can kill and stop, at will or at the n-th commit.

They are forked by a server that has imported everything and has no thread and no connection, so that a test can afford
dozens of them.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Literal, TypeVar

import structlog
from sqlalchemy import Connection

from domain.operations.model import Job
from domain.operations.runner import Attempts
from server.database.limits import Limits
from server.database.transaction import Database
from server.work.loops import Loops
from server.work.worker import Worker, WorkerSettings, run
from tests.operations import tally
from tests.support.waiting import wait_for

T = TypeVar("T")
When = Literal["before", "after"]

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "tests.operations.processes",
        "tests.gl_extraction.extraction.workers",
        "tests.accounting.batches.workers",
        "tests.billing.runs.workers",
        "tests.billing.creation.workers",
        "tests.invoicing.batches.workers",
        "tests.invoicing.export.workers",
        "tests.operations.frozen",
    ]
)


@dataclass(frozen=True, slots=True)
class Crash:
    """Kill the process at its `commit`-th commit (from 1), just before or just after it."""

    commit: int
    when: When


@dataclass(frozen=True, slots=True)
class Plan:
    """How a worker process is to work; `until` is the operation at whose end it leaves, empty for never."""

    url: str
    until: str = ""
    crash: Crash | None = None
    slots: int = 1
    lease_s: float = 30
    attempts: Attempts = field(default_factory=lambda: Attempts(100, 1_000, 10_000))
    lock_s: float = 10
    patient: bool = True

    def jobs(self) -> Sequence[Job]:
        """What the worker knows how to carry out."""
        return tally.JOBS

    def worker(self, database: Database) -> Worker:
        """The worker, not at work yet."""
        settings = WorkerSettings(slots=self.slots, lease_s=self.lease_s, poll_s=0.02, attempts=self.attempts)
        return Worker(database, self.jobs(), settings)

    def open(self) -> Database:
        limits = Limits(connections=self.slots + 2, lock_s=self.lock_s, idle_s=self.lease_s / 2)
        return _CrashingDatabase(self.url, limits, self.crash) if self.crash else Database(self.url, limits)


class _CrashingDatabase(Database):
    """A database whose process dies at one of its commits."""

    def __init__(self, url: str, limits: Limits, crash: Crash) -> None:
        super().__init__(url, limits)
        self._crash = crash
        self._commits = count(1)
        self._guard = threading.Lock()

    def write(self, fn: Callable[[Connection], T], *, timeout_s: float | None = None) -> T:
        number = self._next()
        value = super().write(lambda tx: self._then_die(fn(tx), number, "before"), timeout_s=timeout_s)
        return self._then_die(value, number, "after")

    def write_on(self, connection: Connection, fn: Callable[[Connection], T], *, timeout_s: float) -> T:
        number = self._next()
        value = super().write_on(connection, lambda tx: self._then_die(fn(tx), number, "before"), timeout_s=timeout_s)
        return self._then_die(value, number, "after")

    def _next(self) -> int:
        with self._guard:
            return next(self._commits)

    def _then_die(self, value: T, number: int, when: When) -> T:
        if self._crash == Crash(number, when):
            os.kill(os.getpid(), signal.SIGKILL)
        return value


def _work(plan: Plan) -> None:
    """What a worker process runs."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    database = plan.open()
    worker = plan.worker(database)
    watching = Database(plan.url, Limits(connections=1))

    def unfinished() -> bool:
        return not plan.until or not tally.look(watching, plan.until).state.ended

    beside = Loops(database, ())
    status = run(worker, beside, grace_s=10, patient=plan.patient, parent_lives=unfinished, look_s=0.02)
    watching.dispose()
    database.dispose()
    raise SystemExit(status)


def start(plan: Plan) -> BaseProcess:
    """Start a worker process; to be joined by the caller."""
    process = _CONTEXT.Process(target=_work, args=(plan,), daemon=True)
    process.start()
    return process


def finish(plan: Plan, timeout_s: float = 60) -> int:
    """Run a worker process to its end; gives its exit status, negative for the signal that killed it."""
    with running(plan) as process:
        return ended(process, timeout_s)


def finish_here(plan: Plan, database: Database, timeout_s: float = 60) -> None:
    """Carry out what is left to do by a worker in threads of this process: it costs a tenth of a process."""
    worker = plan.worker(database)
    worker.start()
    try:
        wait_for(lambda: tally.look(database, plan.until).state.ended, timeout_s, "the end")
    finally:
        assert worker.drain(10)


def ended(process: BaseProcess, timeout_s: float = 60) -> int:
    """Wait for the process; gives its exit status."""
    process.join(timeout_s)
    assert process.exitcode is not None, "the worker did not end"
    return process.exitcode


@contextmanager
def running(*plans: Plan) -> Iterator[BaseProcess]:
    """Worker processes, of which the first is given; what still runs at the end is killed."""
    processes = [start(plan) for plan in plans]
    try:
        yield processes[0]
    finally:
        for process in processes:
            process.kill()
            process.join()
            process.close()


def send(process: BaseProcess, number: signal.Signals) -> None:
    """Send a signal."""
    assert process.pid is not None
    os.kill(process.pid, number)


def wait_until_stopped(process: BaseProcess) -> None:
    """Wait until the process has stopped itself."""
    stat = Path(f"/proc/{process.pid}/stat")
    wait_for(lambda: stat.read_text().rsplit(")", 1)[1].split()[0] == "T", what="the process to stop")
