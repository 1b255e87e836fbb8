"""Engines: SQLAlchemy's connections with this product's pragmas and time-outs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from server.database.limits import Limits
from server.database.urls import normalize

WRITES = "countinghouse_writes"
"""The execution option that makes a transaction on SQLite take the write lock when it begins."""

_SQLITE_CACHE_KIB = 16_384


def open_engine(url: str, limits: Limits | None = None) -> Engine:
    """An engine for `url` in any spelling; nothing is connected yet.

    Parameters never appear in the text of an error (`hide_parameters`): they hold amounts.
    """
    limits = limits or Limits()
    url = normalize(url)
    sqlite = url.startswith("sqlite")
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=limits.connections,
        max_overflow=0,
        pool_timeout=limits.connect_s,
        hide_parameters=True,
        connect_args=_sqlite_arguments(limits) if sqlite else _postgresql_arguments(limits),
    )
    if sqlite:
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def milliseconds(seconds: float) -> int:
    """Whole milliseconds, at least one: PostgreSQL reads 0 as "no limit"."""
    return max(1, round(seconds * 1_000))


def _sqlite_arguments(limits: Limits) -> dict[str, Any]:
    # The driver begins no transactions by itself. The time-out is for those who write past our own lock.
    return {"timeout": limits.lock_s, "isolation_level": None, "check_same_thread": False}


def _postgresql_arguments(limits: Limits) -> dict[str, Any]:
    settings = {
        "statement_timeout": milliseconds(limits.statement_s),
        "lock_timeout": milliseconds(limits.lock_s),
        "idle_in_transaction_session_timeout": milliseconds(limits.idle_s),
    }
    return {
        "application_name": "countinghouse",
        "connect_timeout": max(2, round(limits.connect_s)),
        "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
        # A server that vanished without a word is given up after so long a silence of its machine.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 2,
        "tcp_user_timeout": 20_000,
    }


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        f"cache_size = -{_SQLITE_CACHE_KIB}",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    """BEGIN IMMEDIATE for writes only: a deferred one that writes later could not wait for its turn."""
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN DEFERRED")
