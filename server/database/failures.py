"""What drivers raise, as what callers may see.

The text of a driver's error holds SQL, paths or values of rows; none of it goes further than this module.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace

import psycopg2
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from domain.kernel.errors import Damaged, Unavailable

DRIVER_ERRORS = (SQLAlchemyError, sqlite3.Error, psycopg2.Error)
"""What a statement may raise, also when the driver is used past SQLAlchemy."""

_BROKEN = re.compile(r"constraint failed: (.+)$")  # the columns of a key, the name of a check


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


class DatabaseReadOnly(Unavailable):
    """The database takes no changes just now, and nothing was changed."""

    reason = "DATABASE_READ_ONLY"


class DatabaseMoved(Unavailable):
    """The database's file was moved, replaced or deleted while it was in use; the server must be started anew."""

    reason = "DATABASE_MOVED"


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
    """What a failure means: how to make the error to raise, and how often the transaction may be run in all.

    `disconnected` says that the connection is gone, so that a commit under way may or may not have happened.
    """

    error: Callable[[], Exception]
    attempts: int = 1
    disconnected: bool = False


_MANY = 99  # as often as the limits allow
_AFTER_COLLISION = 3
"""How often a transaction is run that violates a key on PostgreSQL: another may have been first. Run again, it finds
what the other left, and the use case refuses in its own words or gives the first answer; what remains is a bug."""

_BUSY = Verdict(DatabaseBusy, _MANY)
_SLOW = Verdict(DatabaseTooSlow)
_FULL = Verdict(DatabaseFull)
_GONE = Verdict(DatabaseUnavailable, _MANY, disconnected=True)

_POSTGRESQL = {
    "40001": _BUSY,  # serialization_failure
    "40P01": _BUSY,  # deadlock_detected
    "55P03": Verdict(DatabaseBusy),  # lock_not_available: it was waited for already
    "57014": _SLOW,  # query_canceled: statement_timeout
    "53100": _FULL,  # disk_full
    "53200": _FULL,  # out_of_memory
    "58030": _FULL,  # io_error
    "XX001": Verdict(DatabaseDamaged),  # data_corrupted
    "XX002": Verdict(DatabaseDamaged),  # index_corrupted
    "53300": _GONE,  # too_many_connections
    "25P03": Verdict(DatabaseTooSlow, disconnected=True),  # idle_in_transaction_session_timeout
}
_READ_ONLY = Verdict(DatabaseReadOnly)
_POSTGRESQL_READ_ONLY = {"25006", "0A000"}
"""What is said to a statement that writes, and on a standby to the BEGIN before it (it "has not that feature")."""
_SQLITE_READ_ONLY = "SQLITE_READONLY"
_UNIQUE_VIOLATION = "23505"
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


def verdict(error: Exception, *, writing: bool) -> Verdict:
    """What an error of `DRIVER_ERRORS` means; `writing` tells a database that takes no changes from a bug of ours."""
    if isinstance(error, PoolTimeout):
        return Verdict(DatabaseBusy)
    driver = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(driver, sqlite3.Error):
        return _READ_ONLY if writing and _name(driver).startswith(_SQLITE_READ_ONLY) else _sqlite(driver)
    if isinstance(driver, psycopg2.Error):
        if writing and driver.pgcode in _POSTGRESQL_READ_ONLY:
            return _READ_ONLY
        return _postgresql(driver, gone=isinstance(error, DBAPIError) and error.connection_invalidated)
    return _fault(type(error).__name__)


def _postgresql(driver: psycopg2.Error, *, gone: bool) -> Verdict:
    code = driver.pgcode or ""
    if known := _POSTGRESQL.get(code):
        return known
    if gone or code.startswith(_POSTGRESQL_GONE) or _never_connected(driver, code):
        return _GONE
    fault = _fault(code, driver.diag.constraint_name or "", driver.diag.table_name or "")
    return replace(fault, attempts=_AFTER_COLLISION) if code == _UNIQUE_VIOLATION else fault


def _sqlite(driver: sqlite3.Error) -> Verdict:
    code = _name(driver)
    for prefix, known in _SQLITE.items():
        if code.startswith(prefix):
            return known
    broken = _BROKEN.search(str(driver))
    return _fault(code, broken[1] if broken else "")


def _name(driver: sqlite3.Error) -> str:
    return getattr(driver, "sqlite_errorname", None) or type(driver).__name__


def _fault(*words: str) -> Verdict:
    return Verdict(lambda: DatabaseFault(" ".join(("database error", *filter(None, words)))))


def _never_connected(driver: psycopg2.Error, code: str) -> bool:
    return not code and isinstance(driver, (psycopg2.OperationalError, psycopg2.InterfaceError))
