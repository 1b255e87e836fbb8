"""The schema's way from one release to the next: one chain of migrations for both databases (PLT-40).

Revisions are numbered files in `migrations/versions`, `0001_…` first; a revision's number is its id. Whoever starts
first migrates under a lock, the others wait for it. A schema newer than this program is left as it is: each release
runs on the schema of the next.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg2
import structlog
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from server.database.engine import WRITES, open_engine
from server.database.failures import DRIVER_ERRORS, DatabaseBusy, DatabaseFault, verdict
from server.database.limits import Limits
from server.database.urls import normalize, sqlite_path
from server.database.writer_lock import WriterLock

FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x636F756E74696E67  # "counting": the key of the advisory lock
_POLL_S = 0.1
_REVISION = re.compile(r"[0-9]{4}")
_SQLITE_MIN = (3, 37)  # the first with STRICT tables

log = structlog.get_logger("migrate")


class CannotMigrate(Exception):
    """The database cannot be brought to this program's schema; the message is for who runs the program."""


def migrate(url: str, *, wait_s: float = 120) -> list[str]:
    """Bring the database to this program's schema; gives the revisions applied, oldest first.

    Raises:
        BadDatabaseUrl: the URL names no database that this product runs on.
        DatabaseBusy: another process was migrating for longer than `wait_s` seconds.
        DatabaseUnavailable, DatabaseDamaged: it cannot be reached, or is no database.
        CannotMigrate: it holds another program's schema, or refuses to be changed.
    """
    url = normalize(url)
    if not (found := pending(url)):
        return found
    engine = open_engine(url, Limits(connections=1, statement_s=86_400, lock_s=wait_s))
    try:
        with _in_words(), alone(url, wait_s):
            found = _missing(engine)
            if found:
                _upgrade(engine)
            return found
    finally:
        engine.dispose()


def pending(url: str) -> list[str]:
    """The revisions that `migrate` would apply, oldest first. An SQLite file that does not exist is made.

    Raises: DatabaseUnavailable, DatabaseBusy; DatabaseDamaged when the file is no database; CannotMigrate.
    """
    engine = open_engine(url, Limits(connections=1), create=True)
    try:
        with _in_words():
            return _missing(engine)
    finally:
        engine.dispose()


def present_revision(url: str) -> str:
    """The newest revision that the database has; empty for none. Raises: as `pending`."""
    engine = open_engine(url, Limits(connections=1))
    try:
        with _in_words():
            return _present(engine)
    finally:
        engine.dispose()


def revisions() -> list[str]:
    """Every revision of this program, oldest first."""
    return sorted(path.name.split("_", 1)[0] for path in (FOLDER / "versions").glob("[0-9]*.py"))


@contextmanager
def _in_words() -> Iterator[None]:
    """What the database refuses, in its own words where it is a matter of its set-up: no rows are concerned yet."""
    try:
        yield
    except DRIVER_ERRORS as error:
        found = verdict(error, writing=True).error()
        if not isinstance(found, DatabaseFault):
            raise found from None
        driver = error.orig if isinstance(error, DBAPIError) else error
        said = driver.diag.message_primary if isinstance(driver, psycopg2.Error) else str(driver)
        raise CannotMigrate(f"the database refuses to be brought to this version's schema: {said}") from None


def _missing(engine: Engine) -> list[str]:
    if engine.dialect.name == "sqlite" and sqlite3.sqlite_version_info < _SQLITE_MIN:
        needed = ".".join(map(str, _SQLITE_MIN))
        raise CannotMigrate(f"SQLite {needed} or newer is needed; this Python has {sqlite3.sqlite_version}")
    present, known = _present(engine), revisions()
    if present and not _REVISION.fullmatch(present):
        raise CannotMigrate(f"the database belongs to another program (its schema is {present!r}); name one of its own")
    if present > known[-1]:
        log.warning("the schema is newer than this program", schema=present, program=known[-1])
    return [revision for revision in known if revision > present]


def _present(engine: Engine) -> str:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return ""
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or ""


def _upgrade(engine: Engine) -> None:
    from alembic import command  # noqa: PLC0415 - takes 160 ms, which only a migration need pay
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    with engine.connect().execution_options(**{WRITES: True}) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def alone(url: str, wait_s: float) -> AbstractContextManager[None]:
    """Keep everybody from migrating the database meanwhile. Raises: DatabaseBusy after so long a wait."""
    return _alone_on_sqlite(url, wait_s) if url.startswith("sqlite") else _alone_on_postgresql(url, wait_s)


@contextmanager
def _alone_on_sqlite(url: str, wait_s: float) -> Iterator[None]:
    writer = WriterLock(sqlite_path(url))
    try:
        with writer.held(wait_s):
            yield
    finally:
        writer.close()


@contextmanager
def _alone_on_postgresql(url: str, wait_s: float) -> Iterator[None]:
    """Hold an advisory lock on a connection of its own; the server frees it if this process dies."""
    engine = open_engine(url, Limits(connections=1)).execution_options(isolation_level="AUTOCOMMIT")
    deadline = time.monotonic() + wait_s
    try:
        with engine.connect() as connection:
            while not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK}).scalar_one():
                if time.monotonic() > deadline:
                    raise DatabaseBusy("another process is migrating the database")
                time.sleep(_POLL_S)
            yield
    finally:
        engine.dispose()
