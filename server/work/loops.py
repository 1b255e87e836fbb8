"""What else goes on in the worker process, beside the chunks: loops, each in a thread of its own (PLT-43).

A loop ends soon after it is told to. What goes wrong in one is logged, and the loop is begun anew.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from domain.kernel.errors import Unavailable
from server.database.transaction import Database
from server.telemetry import figures
from server.telemetry.observe import trace

_PAUSE_S = 1.0  # before a loop that broke off is begun anew

log = structlog.get_logger("loops")


@dataclass(frozen=True, slots=True)
class Loop:
    """Something that goes on until its event is set; then `run` comes back soon, and waits for nothing without a bound.

    `connections` is how many connections of the database it uses at once; `wake`, from any thread, has it look for work
    now. `run` may come back, or fail, before it is told to: then it is called again after a pause, so that a loop needs
    no care of its own for a database that is away.
    """

    name: str
    run: Callable[[Database, threading.Event], None]
    connections: int = 1
    wake: Callable[[], None] = lambda: None


class Loops:
    """Loops on one database, from `start` to `join`."""

    def __init__(self, database: Database, loops: Sequence[Loop], *, pause_s: float = _PAUSE_S) -> None:
        self._database = database
        self._loops = loops
        self._pause_s = pause_s
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._keep, args=(loop,), name=loop.name, daemon=True) for loop in loops
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Have every loop look for work now: something changed."""
        for loop in self._loops:
            loop.wake()

    def stop(self) -> None:
        """Tell every loop to end; returns at once."""
        self._stopping.set()
        self.wake()  # none waits for its next look to hear of it

    def join(self, within_s: float) -> bool:
        """Wait until all have ended, so long at most; says whether they have."""
        deadline = time.monotonic() + within_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        late = [thread.name for thread in self._threads if thread.is_alive()]
        if late:
            log.warning("did not end in time", loops=late)
        return not late

    def _keep(self, loop: Loop) -> None:
        while not self._stopping.is_set():
            try:
                loop.run(self._database, self._stopping)
            except Unavailable as error:
                figures.LOOPS_FAILED.labels(loop.name).inc()
                log.warning("put off", loop=loop.name, reason=error.reason)
            except Exception as error:  # noqa: BLE001 - it is told, and the loop must go on
                _log_unexpected(loop, error)
            self._stopping.wait(self._pause_s)


def _log_unexpected(loop: Loop, error: Exception) -> None:
    figures.LOOPS_FAILED.labels(loop.name).inc()
    log.error("unexpected, beginning anew", loop=loop.name, **trace(error))
