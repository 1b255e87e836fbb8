"""A lock on the ledgers, so that a call can be made to wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from sqlalchemy import Connection, text

from server.database.transaction import Database

HELD_S = 20


@contextmanager
def ledgers_locked(database: Database) -> Iterator[threading.Event]:
    """While this lasts, or until the event is set, whoever creates a ledger waits."""
    locked, release = threading.Event(), threading.Event()

    def hold(tx: Connection) -> None:
        if tx.dialect.name == "postgresql":
            tx.execute(text("LOCK TABLE ledger IN ACCESS EXCLUSIVE MODE"))
        locked.set()
        assert release.wait(HELD_S)

    with ThreadPoolExecutor(1) as holder:
        held = holder.submit(database.write, hold)
        assert locked.wait(HELD_S)
        try:
            yield release
        finally:
            release.set()
            held.result()
