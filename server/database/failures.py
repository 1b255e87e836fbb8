"""What drivers raise, as what callers may see.

The text of a driver's error holds SQL, paths or values of rows; none of it goes further than this module.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psycopg2
from sqlalchemy import MetaData
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from domain.kernel.errors import Damaged, DomainError, Unavailable

Constraints = Mapping[str, Callable[[], DomainError]]
"""What a violation of a named constraint means to a caller."""

DRIVER_ERRORS = (SQLAlchemyError, sqlite3.Error, psycopg2.Error)
"""What a statement may raise, also when the driver is used past SQLAlchemy."""

RUN_AGAIN = frozenset({"pk_event", "event_id_unique", "pk_idempotency"})
"""Keys on which two writers may collide without fault: the loser runs again and finds what the winner left."""

_COLUMNS = re.compile(r"^(?:UNIQUE|PRIMARY KEY) constraint failed: (?:index '(?P<index>\w+)'|(?P<columns>.+))$")
_CHECK = re.compile(r"^CHECK constraint failed: (\w+)$")


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached just now; try again."""

    reason = "DATABASE_UNAVAILABLE"


class DatabaseBusy(Unavailable):
    """The database is busy with other work; try again."""

    reason = "DATABASE_BUSY"


class DatabaseTooSlow(Unavailable):
    """The database did not finish within the time allowed, and nothing was changed."""

    reason = "DATABASE_TIMEOUT"


class DatabaseFull(Unavailable):
    """The database has no room left or cannot write, and nothing was changed."""

    reason = "DATABASE_FULL"


class OutcomeUnknown(Unavailable):
    """The connection broke while the change was committed; ask again with the same request id."""

    reason = "OUTCOME_UNKNOWN"


class DatabaseDamaged(Damaged):
    """The database file is not what was written."""

    reason = "DATABASE_DAMAGED"


class DatabaseFault(Exception):
    """The database refused a statement of ours: a bug or a wrong set-up, not the caller's doing.

    The message names the code and the constraint or table, never values.
    """


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a failure means: how to make the error to raise, and whether running the transaction again may help.

    `disconnected` says that the connection is gone, so that a commit under way may or may not have happened.
    """

    error: Callable[[], Exception]
    again: bool = False
    disconnected: bool = False


_BUSY = Verdict(DatabaseBusy, again=True)
_SLOW = Verdict(DatabaseTooSlow)
_FULL = Verdict(DatabaseFull)
_GONE = Verdict(DatabaseUnavailable, again=True, disconnected=True)

_POSTGRESQL = {
    "40001": _BUSY,  # serialization_failure
    "40P01": _BUSY,  # deadlock_detected
    "55P03": Verdict(DatabaseBusy),  # lock_not_available: it was waited for already
    "57014": _SLOW,  # query_canceled: statement_timeout
    "53100": _FULL,  # disk_full
    "53200": _FULL,  # out_of_memory
    "53300": _GONE,  # too_many_connections
    "25P03": Verdict(DatabaseTooSlow, disconnected=True),  # idle_in_transaction_session_timeout
}
_POSTGRESQL_GONE = ("08", "57P")

_SQLITE = {
    "SQLITE_BUSY": _BUSY,
    "SQLITE_LOCKED": _BUSY,
    "SQLITE_PROTOCOL": _BUSY,
    "SQLITE_INTERRUPT": _SLOW,
    "SQLITE_FULL": _FULL,
    "SQLITE_IOERR": _FULL,
    "SQLITE_CANTOPEN": Verdict(DatabaseUnavailable),
    "SQLITE_CORRUPT": Verdict(DatabaseDamaged),
    "SQLITE_NOTADB": Verdict(DatabaseDamaged),
}


class Judge:
    """Turns driver errors into verdicts, by code and by the name of the violated constraint."""

    def __init__(self, metadata: MetaData, constraints: Constraints) -> None:
        self._constraints = constraints
        self._names = _names_by_columns(metadata)

    def verdict(self, error: Exception) -> Verdict:
        """What an error of `DRIVER_ERRORS` means."""
        if isinstance(error, PoolTimeout):
            return Verdict(DatabaseBusy)
        driver = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(driver, sqlite3.Error):
            return self._sqlite(driver)
        if isinstance(driver, psycopg2.Error):
            return self._postgresql(driver, gone=isinstance(error, DBAPIError) and error.connection_invalidated)
        return Verdict(lambda: DatabaseFault(type(error).__name__))

    def _postgresql(self, driver: psycopg2.Error, *, gone: bool) -> Verdict:
        code = driver.pgcode or ""
        if known := _POSTGRESQL.get(code):
            return known
        if gone or code.startswith(_POSTGRESQL_GONE) or _never_connected(driver, code):
            return _GONE
        diagnosis = driver.diag
        return self._violation(code, diagnosis.constraint_name or "", diagnosis.table_name or "")

    def _sqlite(self, driver: sqlite3.Error) -> Verdict:
        code: str = getattr(driver, "sqlite_errorname", None) or type(driver).__name__
        for prefix, known in _SQLITE.items():
            if code.startswith(prefix):
                return known
        return self._violation(code, self._sqlite_constraint(str(driver)), "")

    def _sqlite_constraint(self, message: str) -> str:
        """The constraint's name; SQLite tells the columns of a key, not its name."""
        if found := _COLUMNS.match(message):
            return found["index"] or self._names.get(frozenset(found["columns"].split(", ")), "")
        found = _CHECK.match(message)
        return found[1] if found else ""

    def _violation(self, code: str, constraint: str, table: str) -> Verdict:
        if refusal := self._constraints.get(constraint):
            return Verdict(refusal)
        if constraint in RUN_AGAIN:
            return _BUSY
        return Verdict(lambda: DatabaseFault(" ".join(filter(None, ("database error", code, constraint, table)))))


def _never_connected(driver: psycopg2.Error, code: str) -> bool:
    return not code and isinstance(driver, (psycopg2.OperationalError, psycopg2.InterfaceError))


def _names_by_columns(metadata: MetaData) -> dict[frozenset[str], str]:
    """Names of primary keys and unique indexes by their columns, each as `table.column`."""
    names: dict[frozenset[str], str] = {}
    for table in metadata.tables.values():
        keys = [(str(table.primary_key.name), table.primary_key.columns)]
        keys += [(str(index.name), index.columns) for index in table.indexes if index.unique]
        for name, columns in keys:
            names[frozenset(f"{table.name}.{column.name}" for column in columns)] = name
    return names
