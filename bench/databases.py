"""Databases to measure on: SQLite files, and a PostgreSQL of our own whose backends can be metered.

A benchmark fills a template once and runs each side on a fresh copy, so that both see identical data.
"""

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg2
import psycopg2.extensions

from server.database.migrate import migrate
from tests.support import postgres

SETTINGS = {
    "shared_buffers": "1GB",
    "autovacuum": "off",  # it would meet one side by chance; tables are analysed once, when they are filled
    "checkpoint_timeout": "1h",
}
Fill = Callable[[str], None]


class Databases(Protocol):
    """Where databases of one kind are made, copied and dropped."""

    dialect: str
    roots: Sequence[int]  # the processes whose CPU is the database's; none when it runs inside its user

    def template(self, name: str, fill: Fill) -> str:
        """Make and migrate a database, have `fill` put data in by its URL, and settle it; gives the URL."""
        ...

    def copy(self, name: str) -> AbstractContextManager[str]:
        """The URL of a fresh copy of the template `name`, dropped in the end."""
        ...

    def settle(self, url: str) -> None:
        """Flush what was written so far, so that it is not flushed by who is measured next."""
        ...


class Sqlite:
    """SQLite files in `folder`."""

    dialect = "sqlite"
    roots: Sequence[int] = ()

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def template(self, name: str, fill: Fill) -> str:
        """As `Databases.template`."""
        url = f"sqlite:///{self._folder / name}.db"
        migrate(url)
        fill(url)
        with closing(connect_sqlite(url)) as connection:
            connection.execute("ANALYZE")
        self.settle(url)
        return url

    @contextmanager
    def copy(self, name: str) -> Iterator[str]:
        """As `Databases.copy`."""
        folder = self._folder / f"{name}-copy"
        folder.mkdir()
        shutil.copyfile(self._folder / f"{name}.db", folder / "countinghouse.db")
        try:
            yield f"sqlite:///{folder / 'countinghouse.db'}"
        finally:
            shutil.rmtree(folder)

    def settle(self, url: str) -> None:
        """As `Databases.settle`."""
        with closing(connect_sqlite(url)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


class Postgresql:
    """A PostgreSQL cluster of our own, fsync on."""

    dialect = "postgresql"

    def __init__(self, cluster: postgres.Cluster) -> None:
        self._cluster = cluster
        for name, value in SETTINGS.items():
            self._administer(f"ALTER SYSTEM SET {name} = '{value}'")
        cluster.stop()
        cluster.start()
        self.roots: Sequence[int] = (int((cluster.folder / "data" / "postmaster.pid").read_text().split()[0]),)

    def template(self, name: str, fill: Fill) -> str:
        """As `Databases.template`."""
        self._administer(f"CREATE DATABASE {name} OWNER {postgres.OWNER} TEMPLATE template0")
        url = self._cluster.url(name)
        migrate(url)
        fill(url)
        self._administer("VACUUM ANALYZE", database=name)
        return url

    @contextmanager
    def copy(self, name: str) -> Iterator[str]:
        """As `Databases.copy`."""
        copied = f"{name}_copy"
        # The file copy begins and ends with a checkpoint: no earlier write is left to be flushed by who is measured.
        self._administer(f"CREATE DATABASE {copied} OWNER {postgres.OWNER} TEMPLATE {name} STRATEGY file_copy")
        try:
            yield self._cluster.url(copied)
        finally:
            self._administer(f"DROP DATABASE {copied} WITH (FORCE)")

    def settle(self, url: str) -> None:
        """As `Databases.settle`; what autovacuum would do for the table of pending details is done here."""
        database = url.partition("@/")[2].partition("?")[0]
        self._administer("VACUUM ANALYZE accounting_detail_pending", database)
        self._administer("CHECKPOINT")

    def log_statements(self, url: str) -> Path:
        """Log each statement of new sessions with the epoch of its end, its process and its duration; gives the log."""
        database = url.partition("@/")[2].partition("?")[0]
        self._administer("ALTER SYSTEM SET log_line_prefix = '%n %p '")
        self._administer("SELECT pg_reload_conf()")
        self._administer(f"ALTER DATABASE {database} SET log_min_duration_statement = 0")
        return self._cluster.folder / "data" / "server.log"

    def program(self, name: str) -> str:
        """The path of one of PostgreSQL's programs."""
        return str(self._cluster.folder / "bin" / name)

    def program_arguments(self, url: str) -> list[str]:
        """What tells one of PostgreSQL's programs the database."""
        return [
            "-h",
            str(self._cluster.folder / "data"),
            "-U",
            postgres.OWNER,
            url.partition("@/")[2].partition("?")[0],
        ]

    def _administer(self, statement: str, database: str = "postgres") -> None:
        with closing(connect_postgresql(self._cluster.url(database, "postgres"))) as connection:
            connection.autocommit = True
            connection.cursor().execute(statement)


@contextmanager
def open_databases(dialect: str, folder: Path) -> Iterator[Databases]:
    """Databases of a kind, gone in the end."""
    if dialect == "sqlite":
        yield Sqlite(folder)
        return
    run = postgres.Run.begin()
    try:
        yield Postgresql(postgres.join(run.folder))
    finally:
        run.end()


def query(url: str, statement: str) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    if url.startswith("sqlite"):
        with closing(connect_sqlite(url)) as sqlite:
            return sqlite.execute(statement).fetchall()
    with closing(connect_postgresql(url)) as postgresql, postgresql.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def connect_postgresql(url: str) -> psycopg2.extensions.connection:
    """A driver's connection, for hand-written SQL."""
    return psycopg2.connect(url.replace("postgresql+psycopg2://", "postgresql://"))


def connect_sqlite(url: str, *, any_thread: bool = False) -> sqlite3.Connection:
    """A driver's connection with the product's durability, committing by itself outside of BEGIN."""
    path = url.removeprefix("sqlite:///")
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=not any_thread)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection
