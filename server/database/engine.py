"""Engines: SQLAlchemy's connections with this product's pragmas and time-outs."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from server.database.failures import DatabaseMoved
from server.database.limits import Limits
from server.database.urls import SIGNS_OF_LIFE, driver_arguments, normalize, sqlite_path

WRITES = "countinghouse_writes"
"""The execution option that makes a transaction on SQLite take the write lock when it begins."""

_SQLITE_CACHE_KIB = 16_384


def open_engine(url: str, limits: Limits | None = None, *, create: bool = False) -> Engine:
    """An engine for `url` in any spelling; nothing is connected yet.

    An SQLite file that does not exist is made only if `create` says so: else a database that was deleted under a server
    would come back empty. Parameters never appear in the text of an error (`hide_parameters`): they hold amounts.
    """
    limits = limits or Limits()
    url = normalize(url)
    if not url.startswith("sqlite"):
        return create_engine(url, connect_args=_postgresql_arguments(url, limits), **_pool(limits))
    return _open_sqlite(url, limits, SqliteFile(sqlite_path(url), lock_s=limits.lock_s, create=create))


def open_engines(url: str, limits: Limits) -> tuple[Engine, Engine]:
    """As `open_engine`, one engine for what may write, and one for what only reads; on PostgreSQL they are the same.

    An SQLite connection prepares all its statements anew once it is told that it must only read or that it may write
    again, which costs more than to run them: so each of its connections is for one or the other.
    """
    url = normalize(url)
    if not url.startswith("sqlite"):
        engine = open_engine(url, limits)
        return engine, engine
    file = SqliteFile(sqlite_path(url), lock_s=limits.lock_s, create=False)
    writing, reading = _open_sqlite(url, limits, file), _open_sqlite(url, limits, file)
    event.listen(reading, "connect", _only_read)
    return writing, reading


def milliseconds(seconds: float) -> int:
    """Whole milliseconds, at least one: PostgreSQL reads 0 as "no limit"."""
    return max(1, round(seconds * 1_000))


class SqliteFile:
    """Sees to it that all connections of its engines are to one file, although its path may come to mean another.

    What is written to a deleted file is gone with the last process that has it open, without an error from SQLite; and
    opening a file that took its place would throw away what the old one's write-ahead log still holds.
    """

    def __init__(self, path: Path, *, lock_s: float, create: bool) -> None:
        self._path = path
        self._uri = f"file:{quote(str(path))}?mode={'rwc' if create else 'rw'}"
        self._lock_s = lock_s
        self._identity: tuple[int, int] | None = None

    def connect(self) -> sqlite3.Connection:
        """A connection that begins no transactions by itself. Raises: DatabaseMoved."""
        self.check()
        # The time-out is for those who write past our own lock.
        connection = sqlite3.connect(
            self._uri, uri=True, timeout=self._lock_s, isolation_level=None, check_same_thread=False
        )
        self._identity = self._identity or self._present()
        return connection

    def check(self) -> None:
        """Raises: DatabaseMoved when the path means another file than at first, or none."""
        if self._identity is not None and self._present() != self._identity:
            raise DatabaseMoved

    def _present(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self._path)  # noqa: PTH116 - once a transaction: a third of the time of Path.stat
        except OSError:
            return None
        return found.st_dev, found.st_ino


def _open_sqlite(url: str, limits: Limits, file: SqliteFile) -> Engine:
    engine = create_engine(url, creator=file.connect, **_pool(limits))
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "checkout", lambda *_: file.check())
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _pool(limits: Limits) -> dict[str, Any]:
    return {
        "poolclass": QueuePool,
        "pool_size": limits.connections,
        "max_overflow": 0,
        "pool_use_lifo": True,  # a connection knows the tables it has seen: few warm ones cost less than many cold ones
        "pool_timeout": limits.connect_s,
        "hide_parameters": True,
    }


def _postgresql_arguments(url: str, limits: Limits) -> dict[str, Any]:
    settings = {
        "statement_timeout": milliseconds(limits.statement_s),
        "lock_timeout": milliseconds(limits.lock_s),
        "idle_in_transaction_session_timeout": milliseconds(limits.idle_s),
    }
    given = driver_arguments(url)  # comes first, but for the limits
    ours = {
        "application_name": "countinghouse",
        "connect_timeout": max(2, round(limits.connect_s)),
        **SIGNS_OF_LIFE,
    }
    options = [given.get("options", ""), *(f"-c {name}={value}" for name, value in settings.items())]
    unsaid = {name: value for name, value in ours.items() if name not in given}
    return {**unsaid, "options": " ".join(options).strip()}


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        f"cache_size = -{_SQLITE_CACHE_KIB}",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _only_read(connection: Any, _record: object) -> None:  # noqa: ANN401
    connection.execute("PRAGMA query_only = ON").close()


def _begin_sqlite(connection: Connection) -> None:
    """BEGIN IMMEDIATE for writes only: a deferred one that writes later could not wait for its turn."""
    writes = connection.get_execution_options().get(WRITES, False)
    driver: Any = connection.connection.driver_connection
    driver.execute("BEGIN IMMEDIATE" if writes else "BEGIN DEFERRED").close()
