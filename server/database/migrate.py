"""The schema's way from one release to the next: one chain of migrations for both databases (PLT-40).

Revisions are numbered files in `migrations/versions`, `0001_…` first; a revision's number is its id. Whoever starts
first migrates under a lock, the others wait for it. A schema newer than this program is left as it is: each release
runs on the schema of the next.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sqlalchemy import Engine, NullPool, create_engine, inspect, text

from server.database.engine import WRITES, open_engine
from server.database.failures import DRIVER_ERRORS, DatabaseBusy, verdict
from server.database.limits import Limits
from server.database.urls import normalize, sqlite_path
from server.database.writer_lock import WriterLock

FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x636F756E74696E67  # "counting": the key of the advisory lock
_POLL_S = 0.1


def migrate(url: str, *, wait_s: float = 120) -> list[str]:
    """Bring the database to this program's schema; gives the revisions applied, oldest first.

    Raises:
        BadDatabaseUrl: the URL names no database that this product runs on.
        DatabaseBusy: another process was migrating for longer than `wait_s` seconds.
        DatabaseUnavailable, DatabaseDamaged: it cannot be reached, or is no database.
    """
    url = normalize(url)
    if not (found := pending(url)):
        return found
    engine = open_engine(url, Limits(connections=1, statement_s=86_400, lock_s=wait_s))
    try:
        with _alone(url, wait_s):
            found = _missing(engine)
            if found:
                _upgrade(engine)
            return found
    finally:
        engine.dispose()


def pending(url: str) -> list[str]:
    """The revisions that `migrate` would apply, oldest first.

    Raises: DatabaseUnavailable, DatabaseBusy; DatabaseDamaged when the file is no database.
    """
    engine = open_engine(url, Limits(connections=1))
    try:
        return _missing(engine)
    except DRIVER_ERRORS as error:
        raise verdict(error).error() from None
    finally:
        engine.dispose()


def revisions() -> list[str]:
    """Every revision of this program, oldest first."""
    return sorted(path.name.split("_", 1)[0] for path in (FOLDER / "versions").glob("[0-9]*.py"))


def _missing(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return revisions()
        present = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none() or ""
    return [revision for revision in revisions() if revision > present]


def _upgrade(engine: Engine) -> None:
    from alembic import command  # noqa: PLC0415 - takes 160 ms, which only a migration need pay
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    with engine.connect().execution_options(**{WRITES: True}) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _alone(url: str, wait_s: float) -> AbstractContextManager[None]:
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
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    deadline = time.monotonic() + wait_s
    with engine.connect() as connection:
        while not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK}).scalar_one():
            if time.monotonic() > deadline:
                raise DatabaseBusy("another process is migrating the database")
            time.sleep(_POLL_S)
        yield
