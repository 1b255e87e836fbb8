"""The database and the folders of the settings, ready for use."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psycopg2
import structlog

from domain.jobs import jobs
from domain.kernel.errors import DomainError
from domain.operations.model import Job
from server.database.limits import Limits
from server.database.migrate import CannotMigrate, migrate
from server.database.transaction import Database
from server.database.urls import sqlite_path
from server.notify import connect
from server.outbound.files import LocalFiles
from server.settings import PREFIX, BadSettings, Settings

_RETRY_S = 1.0
_PASSING = ("starting up", "shutting down", "recovery", "too many", "connection slots", "terminating connection")
"""Words in PostgreSQL's refusals that mean: not now."""

log = structlog.get_logger("opening")


class CannotStart(Exception):
    """The program cannot start just now; the message is one line for people."""


def make_folders(settings: Settings) -> None:
    """Make the folders that the settings name. Raises: BadSettings for each that cannot be made or written to."""
    folders = {"DATA_FILES_FOLDER": settings.data_files_folder}
    if settings.on_sqlite:
        folders["DATABASE_URL"] = sqlite_path(settings.url).parent
    lines = [f"{PREFIX}{name}: {why}" for name, folder in folders.items() if (why := _made(folder))]
    if lines:
        raise BadSettings(lines)


def known_jobs(settings: Settings) -> tuple[Job, ...]:
    """The jobs of this program, which write their files where the settings say."""
    return jobs(LocalFiles(settings.data_files_folder))


def opened_database(settings: Settings, connections: int, *, statement_s: float | None = None) -> Database:
    """The database of the settings, with this version's schema, once it answers. Blocks.

    Raises: CannotStart when it does not answer within the time to start; BadSettings.
    """
    migrated(settings)
    limits = Limits(
        connections=connections,
        statement_s=statement_s or settings.statement_timeout_s,
        idle_s=min(Limits().idle_s, settings.lease_s * 2 / 3),
    )
    return Database(settings.url, limits)


def migrated(settings: Settings) -> list[str]:
    """Bring the database of the settings to this version's schema, once it answers; gives the revisions applied.

    Raises: CannotStart; BadSettings.
    """
    make_folders(settings)
    if not settings.on_sqlite:
        _wait_for_postgresql(settings)
    try:
        applied = migrate(settings.url)
    except (DomainError, CannotMigrate) as error:
        raise CannotStart(str(error)) from None
    if applied:
        log.info("migrated", revisions=applied)
    return applied


def _wait_for_postgresql(settings: Settings) -> None:
    """Wait until PostgreSQL takes connections; what will not mend by waiting is a mistake in the settings."""
    deadline = time.monotonic() + settings.start_timeout_s
    while True:
        try:
            connect(settings.url).close()
        except psycopg2.OperationalError as error:
            why = str(error).strip().partition("\n")[0]
            if "FATAL" in why and not any(words in why for words in _PASSING):
                raise BadSettings([f"{PREFIX}DATABASE_URL: {why}"]) from None
            if time.monotonic() > deadline:
                raise CannotStart(f"the database does not answer: {why}") from None
            log.warning("waiting for the database", error=why)
            time.sleep(_RETRY_S)
        else:
            return


def _made(folder: Path) -> str:
    """Make a folder; gives why it cannot be used, if so."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return f"the folder {folder} cannot be made: {error.strerror}"
    return "" if os.access(folder, os.W_OK | os.X_OK) else f"the folder {folder} cannot be written to"
