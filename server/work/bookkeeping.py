"""Keeps trial balances small: a loop of the worker process that settles and compacts what they are made of (GLX-24)."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from domain.gl_extraction.balances import service as balances
from server.call import now_us
from server.database.transaction import Database
from server.work.loops import Loop

_EVERY_S = 60.0
_PAUSE_S = 0.05  # between two steps: others write, too
_ROWS_MAX = 20_000  # of one step
_WITHIN_S = 30.0


def keeping_balances(*, every_s: float = _EVERY_S, clock_us: Callable[[], int] = now_us) -> Loop:
    """The loop that does it, a bounded step at a time; several workers take turns."""

    def run(database: Database, stopping: Event) -> None:
        while not stopping.is_set():
            more = database.write(
                lambda tx: balances.compact(tx, now_us=clock_us(), rows_max=_ROWS_MAX), timeout_s=_WITHIN_S
            )
            stopping.wait(_PAUSE_S if more else every_s)

    return Loop("balances", run)
