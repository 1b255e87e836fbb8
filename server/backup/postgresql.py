"""A PostgreSQL database, by PostgreSQL's own programs: pg_dump and pg_restore."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, text

from server.backup.model import CannotBackUp, hashed, sync
from server.database.transaction import Database
from server.database.urls import driver_arguments

FILE = "countinghouse.dump"
_SERVICE = "countinghouse"
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
_TABLES = """
    SELECT count(*) FROM pg_class
    WHERE relkind IN ('r', 'p', 'S') AND relnamespace = CAST(current_schema() AS regnamespace)"""


def dump(tx: Connection, url: str, folder: Path, programs: Path | None) -> str:
    """Dump what the transaction sees into the folder; gives the dump's SHA-256. Raises: CannotBackUp.

    pg_dump reads the same snapshot as the transaction, and keeps no writer waiting.
    """
    program = _program("pg_dump", programs, tx)
    snapshot = tx.execute(text("SELECT pg_export_snapshot()")).scalar_one()
    target = folder / FILE
    target.unlink(missing_ok=True)
    _run(
        url, [program, "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={target}"]
    )
    sync(target)
    sync(folder)
    return hashed(target)


def refuse_unless_empty(database: Database) -> None:
    """Raises: CannotBackUp when there are tables already."""
    if database.read(lambda tx: tx.execute(text(_TABLES)).scalar_one()):
        raise CannotBackUp("the database holds tables already: name an empty one")


def load(database: Database, folder: Path, programs: Path | None) -> None:
    """Restore the dump into an empty database: whole, or not at all. Raises: CannotBackUp."""
    program = database.read(lambda tx: _program("pg_restore", programs, tx))
    how = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", f"--dbname=service={_SERVICE}"]
    _run(database.url, [program, *how, str(folder / FILE)])


def _program(name: str, programs: Path | None, tx: Connection) -> str:
    """The program, if it is new enough for the server."""
    found = shutil.which(name, path=str(programs) if programs else None)
    if found is None:
        raise CannotBackUp(
            f"{name} is not there: install PostgreSQL's client programs, or name their folder with --programs; "
            "docs/guide/operations.md tells what to do without them"
        )
    said = subprocess.run([found, "--version"], check=False, capture_output=True, text=True).stdout  # noqa: S603
    version = _VERSION.search(said)
    needed = int(tx.execute(text("SHOW server_version_num")).scalar_one()) // 10_000
    if version is None or int(version[1]) < needed:
        has = version[1] if version else "unknown"
        raise CannotBackUp(f"{found} is of version {has}, and the server of {needed}: name newer ones with --programs")
    return found


def _run(url: str, command: list[str]) -> None:
    """Run a program on the database of the URL. Passwords go by a file for this user alone, never by the command."""
    with _service(url) as variables:
        result = subprocess.run(  # noqa: S603 - our own arguments
            command, check=False, capture_output=True, text=True, env={**os.environ, **variables}
        )
    if result.returncode:
        said = result.stderr.strip().partition("\n")[0]
        raise CannotBackUp(f"{Path(command[0]).name} failed: {said}")


@contextmanager
def _service(url: str) -> Iterator[dict[str, str]]:
    """How libpq finds the database: a service file with the URL's arguments."""
    arguments = {name: str(value) for name, value in driver_arguments(url).items()}
    if any("\n" in value for value in arguments.values()):
        raise CannotBackUp(
            "an argument of the database's URL holds a line break, which PostgreSQL's programs cannot take"
        )
    lines = [f"[{_SERVICE}]", *(f"{name}={value}" for name, value in arguments.items()), ""]
    with TemporaryDirectory(prefix="countinghouse-") as place:
        path = Path(place) / "pg_service.conf"
        path.touch(mode=0o600)
        path.write_text("\n".join(lines), encoding="utf-8")
        yield {"PGSERVICEFILE": str(path), "PGSERVICE": _SERVICE}
