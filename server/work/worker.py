"""The worker: threads that carry out chunks, and one that keeps the lease under which they do (PLT-22, PLT-23).

It runs as a process of its own (`run`) or, in tests, as threads. What it holds when it dies is taken over by others
once its lease is over; at once, if they are on the same machine and see that its process is gone.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from domain.kernel.errors import Unavailable
from domain.operations import runner
from domain.operations.model import Job
from domain.operations.runner import Attempts
from server.database.changes import FileChanges
from server.database.transaction import Database
from server.work.chunks import Chunks, InDoubt, places
from server.work.loops import Loops

_BEATS_PER_LEASE = 5
_PAUSE_S = 1.0  # after something went wrong, and between two looks at whether to stop
_FILE_LOOK_S = 0.1  # between two looks at whether the SQLite file has changed
_SLEEP_S = 60.0  # of a slot that nobody wakes

log = structlog.get_logger("worker")


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """How a worker works; times in seconds.

    `slots` chunks are carried out at once. A worker that is silent for `lease_s` loses its chunks. `poll_s` is how
    often a free slot looks for work of which nobody has told. `chunk_s` bounds the statements of a chunk.
    """

    slots: int = 2
    lease_s: float = 30
    poll_s: float = 1
    chunk_s: float = 600
    attempts: Attempts = field(default_factory=Attempts)

    @property
    def connections(self) -> int:
        """How many database connections a worker uses: one each slot, and one for its lease."""
        return self.slots + 1


class Worker:
    """Slots for chunks under one lease. `on_change` is told the id of an operation after a commit that changed it."""

    def __init__(
        self,
        database: Database,
        jobs: Sequence[Job],
        settings: WorkerSettings,
        *,
        on_change: Callable[[str], None] = lambda _operation_id: None,
    ) -> None:
        self._database = database
        self._settings = settings
        self._chunks = Chunks(
            database,
            jobs,
            attempts=settings.attempts,
            lease_s=settings.lease_s,
            chunk_s=settings.chunk_s,
            on_change=on_change,
            on_claim=self.wake,
        )
        self._lease = _Lease(database, settings.lease_s)
        self._draining = threading.Event()
        self._left = threading.Event()
        self._beat = threading.Event()
        self._bell = _Bell()
        self._lookout = threading.Thread(target=self._look_out, name="lookout", daemon=True)
        self._keeper = threading.Thread(target=self._keep_lease, name="lease", daemon=True)
        self._slots = [
            threading.Thread(target=self._fill_slot, name=f"slot-{number}", daemon=True)
            for number in range(settings.slots)
        ]

    def start(self) -> None:
        """Begin to work."""
        for thread in (self._keeper, self._lookout, *self._slots):
            thread.start()

    def wake(self) -> None:
        """Have a free slot look for work now: some was started. If it finds any, it has the next one look."""
        self._bell.ring()

    def drain(self, grace_s: float) -> bool:
        """Claim nothing more, finish what runs within `grace_s`, hand the rest over; says whether all was finished."""
        deadline = time.monotonic() + grace_s
        self._draining.set()
        self._bell.wake_all()
        for slot in self._slots:
            slot.join(max(0.0, deadline - time.monotonic()))
        finished = not any(slot.is_alive() for slot in self._slots)
        self._left.set()
        self._beat.set()
        self._keeper.join(self._database.limits.lock_s + _PAUSE_S)
        try:
            self._lease.give_up()
        except Unavailable:
            log.warning("could not hand over; others take over when the lease ends")
        return finished

    def _fill_slot(self) -> None:
        while not self._draining.is_set():
            if not self._work_once():
                self._bell.wait(_SLEEP_S)

    def _look_out(self) -> None:
        """Wake a slot when the SQLite file has changed, and now and then anyway: a rest is over, or news got lost."""
        file = FileChanges(self._database.url) if self._database.dialect == "sqlite" else None
        pause_s = min(_FILE_LOOK_S, self._settings.poll_s) if file else self._settings.poll_s
        woken_s = 0.0
        while not self._draining.wait(pause_s):
            changed = file is not None and file.changed()
            if changed or time.monotonic() - woken_s >= self._settings.poll_s:
                woken_s = time.monotonic()
                self.wake()
        if file is not None:
            file.close()

    def _work_once(self) -> bool:
        worker_id = self._lease.worker_id
        if worker_id is None:
            return False
        try:
            return self._chunks.work_once(worker_id, lambda: self._lease.worker_id == worker_id)
        except Unavailable as error:
            log.warning("database not available", reason=error.reason)
        except InDoubt:
            log.warning("in doubt about a chunk, beginning anew")
            self._lease.forfeit(worker_id)
        except Exception as error:  # noqa: BLE001 - a slot outlives whatever happens in it
            _log_unexpected(error)
            self._lease.forfeit(worker_id)
        self._beat.set()
        self._draining.wait(_PAUSE_S)
        return False

    def _keep_lease(self) -> None:
        beat_s = self._settings.lease_s / _BEATS_PER_LEASE
        while not self._left.is_set():
            pause_s = beat_s
            try:
                self._lease.extend()
                self._take_over()
            except Unavailable as error:
                log.warning("lease not extended", reason=error.reason)
                pause_s = min(_PAUSE_S, beat_s)
            except Exception as error:  # noqa: BLE001 - without this thread the worker would idle for ever
                _log_unexpected(error)
            self._beat.wait(pause_s)
            self._beat.clear()

    def _take_over(self) -> None:
        dead = [*self._lease.forfeited(), *_dead_neighbours(self._database)]
        released = self._database.write(lambda tx: runner.take_over(tx, dead=dead))
        if released:
            log.info("took over", chunks=released, dead_workers=len(dead))
        self.wake()  # also when nothing was: until the lease began, slots found nothing to do


class _Bell:
    """Wakes one who sleeps for each ring; a ring that finds nobody asleep is kept for the next who would sleep."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._rung = False
        self._over = False

    def ring(self) -> None:
        """Wake one."""
        with self._condition:
            self._rung = True
            self._condition.notify()

    def wake_all(self) -> None:
        """Wake everybody, and let nobody sleep again."""
        with self._condition:
            self._over = True
            self._condition.notify_all()

    def wait(self, timeout_s: float) -> None:
        """Sleep until a ring, or for so long."""
        with self._condition:
            self._condition.wait_for(lambda: self._rung or self._over, timeout_s)
            self._rung = False


class _Lease:
    """The worker's row, and until when it may believe in it: counted from before each beat, so never too long."""

    def __init__(self, database: Database, lease_s: float) -> None:
        self._database = database
        self._lease_s = lease_s
        self._guard = threading.Lock()
        self._worker_id = ""
        self._former: list[str] = []
        self._ends = 0.0  # time.monotonic

    @property
    def worker_id(self) -> str | None:
        """The worker's id while the lease holds."""
        with self._guard:
            return self._worker_id if time.monotonic() < self._ends else None

    def extend(self) -> None:
        """Extend the lease; when it was over, begin anew under another id. Raises: Unavailable."""
        sent, worker_id = time.monotonic(), self._worker_id
        lease_us = round(self._lease_s * 1_000_000)
        within_s = self._lease_s / 2
        if worker_id and self._database.write(
            lambda tx: runner.extend_lease(tx, worker_id, lease_us=lease_us), timeout_s=within_s
        ):
            with self._guard:
                self._ends = sent + self._lease_s if self._worker_id == worker_id else 0.0
            return
        if worker_id:
            log.warning("lease lost", worker_id=worker_id)
        new_id = self._database.write(lambda tx: runner.register(tx, host=_host(), pid=os.getpid(), lease_us=lease_us))
        with self._guard:
            self._worker_id, self._ends = new_id, sent + self._lease_s

    def forfeit(self, worker_id: str) -> None:
        """Let go of all that is held under this id: the next beat begins anew under another one."""
        with self._guard:
            if self._worker_id == worker_id:
                self._former.append(worker_id)
                self._worker_id, self._ends = "", 0.0

    def forfeited(self) -> list[str]:
        """The ids let go of since this was asked last."""
        with self._guard:
            former, self._former = self._former, []
        return former

    def give_up(self) -> None:
        """Hand over what is still held. Raises: Unavailable."""
        with self._guard:
            self._ends = 0.0
        if self._worker_id:
            released = self._database.write(lambda tx: runner.hand_over(tx, self._worker_id))
            log.info("left", worker_id=self._worker_id, chunks_handed_over=released)


def run(
    worker: Worker,
    beside: Loops,
    *,
    grace_s: float,
    patient: bool = True,
    parent_lives: Callable[[], bool] = lambda: True,
    look_s: float = _PAUSE_S,
) -> int:
    """Work until SIGTERM or SIGINT, or until the process that started this one is gone; gives the exit status.

    What runs is given `grace_s` seconds to finish. A second signal is deadly, unless `patient`: to a child of a server
    it may come twice anyway. `parent_lives` is asked every `look_s` seconds.
    """
    told, numbers = threading.Event(), (signal.SIGTERM, signal.SIGINT)

    def tell(*_: object) -> None:
        told.set()
        for number in () if patient else numbers:
            signal.signal(number, signal.SIG_DFL)

    for number in numbers:
        signal.signal(number, tell)
    worker.start()
    beside.start()
    while parent_lives() and not told.wait(look_s):
        pass
    stop(worker, beside, grace_s)
    return 0


def stop(worker: Worker, beside: Loops, grace_s: float) -> None:
    """End the worker and what goes on beside it, both within the same grace time (PLT-43)."""
    deadline = time.monotonic() + grace_s
    beside.stop()
    worker.drain(grace_s)
    beside.join(max(0.0, deadline - time.monotonic()))


def _log_unexpected(error: Exception) -> None:
    log.error("unexpected, beginning anew", error=type(error).__name__, where=places(error))


def _dead_neighbours(database: Database) -> list[str]:
    """Workers of this machine whose process is gone: nobody need wait for their lease to end."""
    neighbours = database.read(lambda tx: runner.neighbours(tx, _host()))
    return [worker_id for worker_id, pid in neighbours.items() if not _is_alive(pid)]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _host() -> str:
    """A name for that within which process ids are unique: the machine since its start, and the container."""
    boot, processes = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    if boot.exists() and processes.exists():
        return f"{socket.gethostname()} {boot.read_text().strip()} {processes.readlink()}"
    return f"{socket.gethostname()} {time.time_ns()}"  # cannot tell: nobody on this host is thought dead
