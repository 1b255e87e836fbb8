"""Gives what happened to claims its place in the feeds of clients: a loop of the worker process (ACC-56).

It looks when it is told of news; on SQLite, where nobody tells, when the file has changed; and now and then anyway.
Several workers may look at once: they take turns, client by client.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

from domain.accounting.feed import placing
from domain.accounting.names import claim_name, client_name
from server.database.changes import FileChanges
from server.database.transaction import Database
from server.work.loops import Loop

_POLL_S = 0.5
_FILE_LOOK_S = 0.02  # between two looks at whether the SQLite file has changed
_EVENTS_MAX = 2_000  # of one transaction


def placing_events(tell: Callable[[str], None]) -> Loop:
    """The loop that does it; `tell` is told the names of clients, and of claims, of which there is news."""
    sequencer = Sequencer(tell)
    return Loop("events", sequencer.run, wake=sequencer.wake)


class Sequencer:
    """Places events, a client and a transaction at a time."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._woken = threading.Event()

    def wake(self) -> None:
        """Look for events now."""
        self._woken.set()

    def run(self, database: Database, stopping: threading.Event) -> None:
        """Look until `stopping` is set. Raises: Unavailable."""
        file = FileChanges(database.url) if database.dialect == "sqlite" else None
        try:
            while not stopping.is_set():
                self._woken.clear()
                if not self.look(database):
                    self._rest(file, stopping)
        finally:
            if file is not None:
                file.close()

    def look(self, database: Database) -> int:
        """Place what waits, of every client; gives how many events that were. Raises: Unavailable."""
        return sum(self._place(database, code) for code in database.read(placing.waiting))

    def _place(self, database: Database, client_code: str) -> int:
        placed = database.write(partial(placing.place, client_code=client_code, limit=_EVENTS_MAX))
        if placed.count:
            self._tell(client_name(client_code))
            for claim_id in placed.claim_ids:
                self._tell(claim_name(claim_id))
        return placed.count

    def _rest(self, file: FileChanges | None, stopping: threading.Event) -> None:
        """Wait until there is reason to look."""
        if file is None:
            self._woken.wait(_POLL_S)
            return
        until = time.monotonic() + _POLL_S
        while time.monotonic() < until and not file.changed() and not self._woken.is_set() and not stopping.is_set():
            self._woken.wait(_FILE_LOOK_S)
