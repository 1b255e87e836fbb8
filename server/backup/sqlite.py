"""An SQLite database, copied whole while others write to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from server.backup.model import CannotBackUp, hashed, sync
from server.database.urls import sqlite_path

T = TypeVar("T")

FILE = "countinghouse.db"
_WAIT_S = 30


def dump(url: str, folder: Path) -> str:
    """Copy the database into the folder; gives the copy's SHA-256. Raises: CannotBackUp.

    By SQLite's own backup, in one stroke: it reads one snapshot, and keeps no writer waiting.
    """
    target = folder / FILE
    try:
        with closing(_open(sqlite_path(url), "ro")) as source, closing(_open(target, "rwc")) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, with nothing beside it
    except sqlite3.Error as error:
        raise CannotBackUp(f"SQLite could not copy the database: {error}") from None
    sync(target)
    sync(folder)
    return hashed(target)


def read(folder: Path, fn: Callable[[Connection], T]) -> T:
    """Read the copy in a backup, without a trace of it there. Raises: CannotBackUp."""
    uri = f"file:{quote(str(folder / FILE))}?mode=ro&immutable=1"
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(uri, uri=True), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            return fn(connection)
    except DatabaseError:
        raise CannotBackUp("the copy of the database cannot be read: it is damaged") from None


def refuse_unless_empty(url: str) -> None:
    """Raises: CannotBackUp when there is a database already."""
    path = sqlite_path(url)
    for there in (path, path.with_name(path.name + "-wal")):
        if there.exists():
            raise CannotBackUp(f"there is a database already: move {there} away first")


def load(folder: Path, url: str) -> None:
    """Put the copy where the database is to be: whole, or not at all. Raises: CannotBackUp."""
    path = sqlite_path(url)
    unfinished = path.with_name(f".{path.name}.restoring")
    unfinished.unlink(missing_ok=True)
    try:
        with closing(_open(folder / FILE, "ro")) as copy, closing(_open(unfinished, "rwc")) as restored:
            copy.backup(restored)
            found = restored.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise CannotBackUp(f"SQLite could not restore the database: {error}") from None
    if found != "ok":
        raise CannotBackUp("the database in the backup is damaged")
    sync(unfinished)
    unfinished.replace(path)
    sync(path.parent)


def _open(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path))}?mode={mode}", uri=True, timeout=_WAIT_S, isolation_level=None)
