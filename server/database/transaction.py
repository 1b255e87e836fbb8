"""The one runner of transactions: nothing else begins, commits or rolls back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from threading import Condition, Event
from typing import Any, Literal, NoReturn, TypeVar

from sqlalchemy import Connection, event
from sqlalchemy.exc import SQLAlchemyError
from tenacity import (
    RetryCallState,
    Retrying,
    stop_after_attempt,
    stop_after_delay,
    wait_random_exponential,
)

from domain.kernel.clock import now_us
from domain.kernel.errors import DomainError
from server.database import failures
from server.database.engine import WRITES, milliseconds, open_engines
from server.database.failures import DRIVER_ERRORS, DatabaseFault, DatabaseTooSlow, OutcomeUnknown
from server.database.limits import Limits
from server.database.urls import BadDatabaseUrl, normalize, sqlite_path
from server.database.writer_lock import WriterLock

T = TypeVar("T")
Kind = Literal["read", "snapshot", "write"]

_PAUSE_MIN_S = 0.005
_PAUSE_MAX_S = 0.5
_TELL_AGAIN_S = 0.2
_NEGLIGIBLE_S = 0.05  # a time-out that differs from the connection's by less is not worth a statement
_TEMPORARY_TABLES = "SELECT name FROM sqlite_temp_master WHERE type = 'table'"
_SQLITE_STEPS = 20_000  # virtual machine instructions between two looks at the clock: under a millisecond
_LEVELS: dict[str, dict[Kind, dict[str, Any]]] = {
    "sqlite": {"read": {WRITES: False}, "snapshot": {WRITES: False}, "write": {WRITES: True}},
    "postgresql": {
        "read": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
        "snapshot": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": False},
        "write": {"isolation_level": "READ COMMITTED", "postgresql_readonly": False},
    },
}


class Abandon:
    """Ends a report that nobody waits for any more, from another thread."""

    def __init__(self) -> None:
        self._ended = Condition()
        self._asked = Event()
        self._driver: Any = None

    def ask(self) -> None:
        """End it, or have it not begin; it gets DatabaseTooSlow. Blocks until it has ended.

        The database is told again and again: between two statements it does not listen.
        """
        with self._ended:
            self._asked.set()
            while self._driver is not None:
                _interrupt(self._driver)
                self._ended.wait(_TELL_AGAIN_S)

    @contextmanager
    def watching(self, connection: Connection) -> Iterator[None]:
        """What runs meanwhile on the connection can be ended."""
        with self._ended:
            if self._asked.is_set():
                raise DatabaseTooSlow
            self._driver = connection.connection.driver_connection
        try:
            yield
        finally:
            with self._ended:
                self._driver = None
                self._ended.notify_all()
            if self._asked.is_set() and connection.dialect.name == "postgresql":
                connection.invalidate()  # it may be told late: that must end nobody else's statement


class Database:
    """A database and the only way to run transactions on it; safe to share between threads.

    A transaction is a function of an open connection. It may be run several times before it commits once, so it must
    have no effect but on the database. `timeout_s` bounds the whole call: waiting, every statement, running again.

    Raises, from every method that runs a transaction: what the function raised, after a rollback; DatabaseUnavailable,
    DatabaseBusy, DatabaseTooSlow, DatabaseFull or DatabaseDamaged, and then nothing was changed; OutcomeUnknown when
    the connection broke during the commit; DatabaseFault for a bug of ours.
    """

    def __init__(self, url: str, limits: Limits | None = None) -> None:
        self.url = normalize(url)
        self.limits = limits or Limits()
        self.dialect = "sqlite" if self.url.startswith("sqlite") else "postgresql"
        self._engine, self._reading = open_engines(self.url, self.limits)
        self._writer = _writer_lock(self.url) if self.dialect == "sqlite" else None
        self._running: set[Any] = set()  # the driver's connections with a transaction

    def watch(self, *, taken: Callable[[], None], given_back: Callable[[], None]) -> None:
        """Have somebody told of each connection of the pool that is taken and given back."""
        for engine in {self._engine, self._reading}:
            event.listen(engine, "checkout", lambda *_: taken())
            event.listen(engine, "checkin", lambda *_: given_back())

    def write(self, fn: Callable[[Connection], T], *, timeout_s: float | None = None) -> T:
        """Run `fn` in a write transaction and commit it; run it again when it collided with others.

        PostgreSQL: READ COMMITTED. SQLite: BEGIN IMMEDIATE, once it is this writer's turn.
        """
        return self._run("write", fn, timeout_s)

    def read(self, fn: Callable[[Connection], T], *, timeout_s: float | None = None) -> T:
        """Run `fn` on one snapshot of the database; it cannot write."""
        return self._run("read", fn, timeout_s)

    def report(self, fn: Callable[[Connection], T], *, timeout_s: float, abandon: Abandon) -> T:
        """As `read`, for what reads very much: `timeout_s` may be longer than `Limits.statement_s`."""

        def watched(connection: Connection) -> T:
            with abandon.watching(connection):
                return fn(connection)

        return self._run_within("read", watched, timeout_s)

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection without a transaction, for `snapshot_on` and `write_on`; its temporary tables go at the end."""
        with self._connect_or_give_up() as connection:
            try:
                yield connection
            finally:
                self._drop_temporary(connection)

    def snapshot_on(self, connection: Connection, fn: Callable[[Connection], T], *, timeout_s: float) -> T:
        """Run `fn` on one snapshot of the database, on a connection of `connection()`; temporary tables are allowed."""
        return self._run_on("snapshot", connection, fn, timeout_s)

    def write_on(self, connection: Connection, fn: Callable[[Connection], T], *, timeout_s: float) -> T:
        """As `write`, on a connection of `connection()`; `timeout_s` may be longer than `Limits.statement_s`."""
        return self._run_on("write", connection, fn, timeout_s)

    def clock_us(self) -> int:
        """The database's clock, in microseconds UTC."""
        return self.read(now_us)

    def interrupt(self) -> None:
        """End the transactions that run, for good: each is rolled back. To be called from another thread, at the end.

        Whoever runs one gets DatabaseTooSlow or DatabaseBusy. One that is committing already may still come through.
        """
        if self._writer is not None:
            self._writer.interrupt()
        for driver in list(self._running):
            _interrupt(driver)

    def dispose(self) -> None:
        """Close every connection."""
        self._reading.dispose()
        self._engine.dispose()
        if self._writer is not None:
            self._writer.close()

    def _run(self, kind: Kind, fn: Callable[[Connection], T], timeout_s: float | None) -> T:
        limit_s = self.limits.statement_s if timeout_s is None else min(timeout_s, self.limits.statement_s)
        return self._run_within(kind, fn, limit_s)

    def _run_within(self, kind: Kind, fn: Callable[[Connection], T], limit_s: float) -> T:
        def attempt(left_s: float) -> T:
            with self._connect(kind) as connection:
                return self._once(kind, connection, fn, left_s)

        return self._persist(attempt, limit_s)

    def _run_on(self, kind: Kind, connection: Connection, fn: Callable[[Connection], T], timeout_s: float) -> T:
        def attempt(left_s: float) -> T:
            try:
                return self._once(kind, connection, fn, left_s)
            except _RunAgain as again:
                if connection.invalidated:  # and its temporary tables gone
                    raise again.error from None
                raise

        return self._persist(attempt, timeout_s)

    def _persist(self, attempt: Callable[[float], T], limit_s: float) -> T:
        """The first attempt goes without tenacity, which would cost a twentieth of a small transaction."""
        begun = time.monotonic()
        try:
            return attempt(limit_s)
        except _RunAgain as again:
            failed = [again]

        def next_attempt() -> T:
            if failed:
                raise failed.pop()  # the first attempt counts as tenacity's first
            return attempt(begun + limit_s - time.monotonic())

        patience_s = begun + min(limit_s, self.limits.lock_s) - time.monotonic()
        retrying = Retrying(
            retry=_may_run_again,
            stop=stop_after_attempt(self.limits.attempts) | stop_after_delay(patience_s),
            wait=wait_random_exponential(multiplier=_PAUSE_MIN_S, max=_PAUSE_MAX_S),
            reraise=True,
        )
        try:
            return retrying(next_attempt)
        except _RunAgain as again:
            raise again.error from None

    def _once(self, kind: Kind, connection: Connection, fn: Callable[[Connection], T], timeout_s: float) -> T:
        """One transaction on `connection`."""
        if timeout_s <= 0:
            raise DatabaseTooSlow
        committing = False
        driver = connection.connection.driver_connection
        self._running.add(driver)
        try:
            connection.execution_options(**_LEVELS[self.dialect][kind])
            with self._turn(kind, timeout_s), connection.begin():
                with self._bounded(connection, timeout_s):
                    value = fn(connection)
                committing = kind == "write"
            return value  # noqa: TRY300 - the commit is part of what is tried
        except DRIVER_ERRORS as error:
            self._raise(error, kind, committing=committing)
        finally:
            self._running.discard(driver)

    def _turn(self, kind: Kind, timeout_s: float) -> AbstractContextManager[None]:
        if kind != "write" or self._writer is None:
            return nullcontext()
        return self._writer.held(min(self.limits.lock_s, timeout_s))

    @contextmanager
    def _bounded(self, connection: Connection, timeout_s: float) -> Iterator[None]:
        """Bound the time of the transaction's statements: on PostgreSQL of each, on SQLite of all together."""
        if self.dialect == "postgresql":
            if abs(timeout_s - self.limits.statement_s) > _NEGLIGIBLE_S:
                connection.exec_driver_sql(f"SET LOCAL statement_timeout = {milliseconds(timeout_s)}")
            yield
            return
        driver: Any = connection.connection.driver_connection
        deadline = time.monotonic() + timeout_s
        driver.set_progress_handler(lambda: time.monotonic() > deadline, _SQLITE_STEPS)
        try:
            yield
        finally:
            driver.set_progress_handler(None, 0)

    def _connect(self, kind: Kind) -> Connection:
        try:
            return (self._reading if kind == "read" else self._engine).connect()
        except SQLAlchemyError as error:
            self._raise(error, "read", committing=False)

    def _connect_or_give_up(self) -> Connection:
        try:
            return self._connect("write")
        except _RunAgain as again:
            raise again.error from None

    def _drop_temporary(self, connection: Connection) -> None:
        """Never in a write transaction: on SQLite that would take the write lock out of turn."""
        if connection.invalidated:
            return
        try:
            self._once("snapshot", connection, _drop_temporary, self.limits.statement_s)
        except (DomainError, DatabaseFault, _RunAgain):
            connection.invalidate()  # whatever it is, nobody gets this connection again

    def _raise(self, error: Exception, kind: Kind, *, committing: bool) -> NoReturn:
        found = failures.verdict(error, writing=kind == "write")
        if committing and found.disconnected:
            raise OutcomeUnknown from None
        if found.attempts > 1:
            raise _RunAgain(found.error(), found.attempts) from None
        # The stack is kept for the log, the driver's text is not: it may hold values of rows.
        raise found.error().with_traceback(error.__traceback__) from None


def _interrupt(driver: Any) -> None:  # noqa: ANN401 - psycopg2's or sqlite3's
    with suppress(*DRIVER_ERRORS):  # it has just ended, or its server is gone
        driver.interrupt() if hasattr(driver, "interrupt") else driver.cancel()


class _RunAgain(Exception):
    """The transaction was rolled back for a reason that may pass; `error` is what to say when it does not.

    It may be run `attempts` times in all.
    """

    def __init__(self, error: Exception, attempts: int) -> None:
        super().__init__(str(error))
        self.error = error
        self.attempts = attempts


def _may_run_again(state: RetryCallState) -> bool:
    error = state.outcome.exception() if state.outcome else None
    return isinstance(error, _RunAgain) and state.attempt_number < error.attempts


def _drop_temporary(tx: Connection) -> None:
    if tx.dialect.name == "postgresql":
        tx.exec_driver_sql("DISCARD TEMP")
        return
    for name in tx.exec_driver_sql(_TEMPORARY_TABLES).scalars().all():
        tx.exec_driver_sql(f'DROP TABLE temp."{name}"')


def _writer_lock(url: str) -> WriterLock:
    try:
        return WriterLock(sqlite_path(url))
    except OSError as error:
        raise BadDatabaseUrl(f"no file can be made beside the SQLite database: {error.strerror}") from None
