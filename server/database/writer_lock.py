"""One writer at a time on SQLite, in the order in which they asked.

SQLite's own waiting is a lottery: a writer beside bulk chunks was seen to wait for seconds. Here the threads of a
process queue up, and processes take turns by two file locks: whoever wants to write holds the `turn` while it waits for
the `writer`, so that the process which has just written cannot barge in again. The kernel frees both when a process
dies; a stopped process keeps them, and the others give up after a bounded wait.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server.database.failures import DatabaseBusy

_POLL_MIN_S = 0.000_2
_POLL_MAX_S = 0.002


class FairLock:
    """A lock for threads that is handed over in the order of asking."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._held = False

    def acquire(self, timeout_s: float) -> bool:
        """Take the lock; False if its turn did not come in time."""
        with self._guard:
            if not self._held:
                self._held = True
                return True
            ticket = threading.Lock()
            ticket.acquire()
            self._waiting.append(ticket)
        if ticket.acquire(timeout=max(0.0, timeout_s)):
            return True
        with self._guard:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
                return False
        return True  # handed over at the last moment

    def release(self) -> None:
        """Hand the lock to the one who has waited longest."""
        with self._guard:
            assert self._held
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False


class WriterLock:
    """The right to write to one SQLite file; its two lock files lie beside it."""

    def __init__(self, database: Path) -> None:
        self._threads = FairLock()
        self._turn = _open(database.with_name(database.name + ".turn"))
        self._writer = _open(database.with_name(database.name + ".writer"))
        self._interrupted = threading.Event()

    def interrupt(self) -> None:
        """Let nobody of this process wait for other processes any more."""
        self._interrupted.set()

    @contextmanager
    def held(self, wait_s: float) -> Iterator[None]:
        """Hold the right to write.

        Raises:
            DatabaseBusy: it was not free within `wait_s` seconds, or the waiting was interrupted.
        """
        deadline = time.monotonic() + wait_s
        if not self._threads.acquire(wait_s):
            raise DatabaseBusy
        try:
            self._lock(self._turn, deadline)
            try:
                self._lock(self._writer, deadline)
            finally:
                fcntl.flock(self._turn, fcntl.LOCK_UN)
            try:
                yield
            finally:
                fcntl.flock(self._writer, fcntl.LOCK_UN)
        finally:
            self._threads.release()

    def _lock(self, descriptor: int, deadline: float) -> None:
        pause_s = _POLL_MIN_S
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline or self._interrupted.is_set():
                    raise DatabaseBusy from None
                time.sleep(pause_s)
                pause_s = min(pause_s * 1.5, _POLL_MAX_S)
            else:
                return

    def close(self) -> None:
        """Close the lock files; they stay where they are, as others may hold them."""
        os.close(self._turn)
        os.close(self._writer)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
