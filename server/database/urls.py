"""Where the database is, in every spelling that people use."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

_POSTGRESQL = {"postgres", "postgresql", "postgresql+psycopg2"}
_SQLITE = {"sqlite", "sqlite+pysqlite"}
_IN_MEMORY = {"", ":memory:"}
_SECRETS = ("password", "sslpassword")
_HOSTS = re.compile(r"(?P<before>[^/]+://(?:[^@/]*@)?)(?P<hosts>[^/?]*(?:,|%2F)[^/?]*)", re.IGNORECASE)
"""Hosts as libpq writes them and SQLAlchemy does not read them: several, or the folder of a socket."""

SIGNS_OF_LIFE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2, "tcp_user_timeout": 20_000}
"""What libpq is told for every connection: a server that vanished without a word is given up after 20 s."""


class BadDatabaseUrl(ValueError):
    """The database URL names no database that this product runs on."""


def normalize(url: str) -> str:
    """The URL that SQLAlchemy is given: psycopg2 for PostgreSQL, an absolute path for SQLite.

    Takes postgres://, postgresql://, postgresql+psycopg2://, sqlite:///path, and the path of an SQLite file; of
    PostgreSQL also several hosts (`one:5432,other:5432`), a socket's folder as host (`%2Frun%2Fpostgresql`), and every
    option of libpq. (SQLAlchemy knows no postgres:// and would take another driver for postgresql://.)

    Raises:
        BadDatabaseUrl: another scheme, no database name, options for SQLite, or SQLite in memory, which no worker
            process could share. The message holds nothing of the URL but its scheme: it may carry a password.
    """
    if "://" not in url:
        return _sqlite(url)
    hosts: list[str] = []
    if found := _HOSTS.match(url):
        hosts = unquote(found["hosts"]).split(",")
        url = found["before"] + url[found.end() :]
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise BadDatabaseUrl("the database URL cannot be read; write postgresql://user@host/name or a path") from None
    if parsed.drivername in _SQLITE:
        if parsed.query:
            raise BadDatabaseUrl("the URL of an SQLite file takes no options; write sqlite:///path")
        return _sqlite(parsed.database or "")
    if parsed.drivername in _POSTGRESQL:
        if not parsed.database:
            raise BadDatabaseUrl("the database URL names no database; write postgresql://user@host/name")
        parsed = parsed.update_query_pairs([("host", host) for host in hosts], append=True)
        return parsed.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)
    raise BadDatabaseUrl(f"no database is reached by {parsed.drivername}://; use postgresql:// or sqlite:///path")


def driver_arguments(url: str) -> dict[str, Any]:
    """What `psycopg2.connect` is given to reach the database of a normalized PostgreSQL URL."""
    parsed = make_url(url)
    _, arguments = parsed.get_dialect()().create_connect_args(parsed)
    return dict(arguments)


def masked(url: str) -> str:
    """A database URL, or a path, for people: passwords are masked, wherever they stand."""
    if "://" not in url:
        return url
    parsed = make_url(url)
    secrets = {name: "***" for name in _SECRETS if name in parsed.query}
    return parsed.update_query_dict(secrets).render_as_string(hide_password=True).replace("%2A%2A%2A", "***")


def sqlite_path(url: str) -> Path:
    """The file of a normalized SQLite URL."""
    database = make_url(url).database
    assert database
    return Path(database)


def _sqlite(path: str) -> str:
    if path in _IN_MEMORY or path.startswith("file:"):
        raise BadDatabaseUrl("SQLite needs a file, which other processes can open: write sqlite:///path")
    return URL.create("sqlite", database=str(Path(path).expanduser().absolute())).render_as_string()
