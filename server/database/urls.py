"""Where the database is, in every spelling that people use."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

_POSTGRESQL = {"postgres", "postgresql", "postgresql+psycopg2"}
_SQLITE = {"sqlite", "sqlite+pysqlite"}
_IN_MEMORY = {"", ":memory:"}


class BadDatabaseUrl(ValueError):
    """The database URL names no database that this product runs on."""


def normalize(url: str) -> str:
    """The URL that SQLAlchemy is given: psycopg2 for PostgreSQL, an absolute path for SQLite.

    Takes postgres://, postgresql://, postgresql+psycopg2://, sqlite:///path, and the path of an SQLite file.
    (SQLAlchemy knows no postgres:// and would take another driver for postgresql://.)

    Raises:
        BadDatabaseUrl: another scheme, no database name, or SQLite in memory, which no worker process could share. The
            message holds nothing of the URL but its scheme: it may carry a password.
    """
    if "://" not in url:
        return _sqlite(url)
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise BadDatabaseUrl("the database URL cannot be read; write postgresql://user@host/name or a path") from None
    if parsed.drivername in _SQLITE:
        return _sqlite(parsed.database or "")
    if parsed.drivername in _POSTGRESQL:
        if not parsed.database:
            raise BadDatabaseUrl("the database URL names no database; write postgresql://user@host/name")
        return parsed.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)
    raise BadDatabaseUrl(f"no database is reached by {parsed.drivername}://; use postgresql:// or sqlite:///path")


def sqlite_path(url: str) -> Path:
    """The file of a normalized SQLite URL."""
    database = make_url(url).database
    assert database
    return Path(database)


def _sqlite(path: str) -> str:
    if path in _IN_MEMORY or path.startswith("file:"):
        raise BadDatabaseUrl("SQLite needs a file, which other processes can open: write sqlite:///path")
    return URL.create("sqlite", database=str(Path(path).expanduser().absolute())).render_as_string()
