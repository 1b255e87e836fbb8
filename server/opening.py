"""The database and the folders of the settings, ready for use."""

from __future__ import annotations

import os
import time
from pathlib import Path
from threading import Event

import psycopg2
import structlog

from domain.gl_extraction.extraction import model as extraction
from domain.invoicing.documents.printing import fonts
from domain.jobs import Offered, jobs
from domain.kernel.errors import DomainError
from domain.operations.model import Job
from server.database.limits import Limits
from server.database.migrate import CannotMigrate, migrate
from server.database.transaction import Database
from server.database.urls import sqlite_path
from server.notify import connect
from server.outbound.stores import file_store
from server.outbound.transmission import routes_of
from server.plugins import Plugins
from server.settings import PREFIX, BadSettings, Settings
from server.telemetry.observe import trace

_RETRY_S = 1.0
_PASSING = ("starting up", "shutting down", "recovery", "too many", "connection slots", "terminating connection")
"""Words in PostgreSQL's refusals that mean: not now."""

_MISTAKES = ("invalid ", "does not support SSL", "certificate")
"""Words of the driver that mean: not ever."""

log = structlog.get_logger("opening")


class CannotStart(Exception):
    """The program cannot start just now; the message is one line for people."""


def make_folders(settings: Settings) -> None:
    """Make the folders that the settings name. Raises: BadSettings for each that cannot be made or written to."""
    folders = {} if settings.data_files_url else {"DATA_FILES_FOLDER": settings.data_files_folder}
    if settings.on_sqlite:
        folders["DATABASE_URL"] = sqlite_path(settings.url).parent
    lines = [f"{PREFIX}{name}: {why}" for name, folder in folders.items() if (why := _made(folder))]
    if lines:
        raise BadSettings(lines)


def cutting(settings: Settings) -> extraction.Limits:
    """How extraction cuts messages and files, under these settings."""
    return extraction.Limits(settings.elements_per_message, settings.messages_per_file, settings.bytes_per_file)


def known_jobs(settings: Settings, offered: Plugins) -> tuple[Job, ...]:
    """The jobs of this program, which write their files where the settings say, and bill with what is offered."""
    fonts.use(settings.fonts)
    billing = Offered(offered.algorithms, offered.hooks, _unforeseen)
    return jobs(file_store(settings), routes_of(settings.destinations), billing, offered.hookpoints)


def _unforeseen(account_id: str, error: Exception) -> None:
    log.error("unexpected, the account is not billed", account=account_id, **trace(error))


def opened_database(
    settings: Settings, connections: int, *, statement_s: float | None = None, stopping: Event | None = None
) -> Database:
    """The database of the settings, with this version's schema, once it answers. Blocks.

    Raises: CannotStart when it does not answer within the time to start, or before `stopping` is set; BadSettings.
    """
    migrated(settings, stopping)
    limits = Limits(
        connections=connections,
        statement_s=statement_s or settings.statement_timeout_s,
        idle_s=min(Limits().idle_s, settings.lease_s * 2 / 3),
    )
    return Database(settings.url, limits)


def migrated(settings: Settings, stopping: Event | None = None) -> list[str]:
    """Bring the database of the settings to this version's schema, once it answers; gives the revisions applied.

    Raises: CannotStart; BadSettings.
    """
    make_folders(settings)
    if not settings.on_sqlite:
        _wait_for_postgresql(settings, stopping or Event())
    try:
        applied = migrate(settings.url)
    except (DomainError, CannotMigrate) as error:
        raise CannotStart(str(error)) from None
    if applied:
        log.info("migrated", revisions=applied)
    return applied


def _wait_for_postgresql(settings: Settings, stopping: Event) -> None:
    """Wait until PostgreSQL takes connections; what will not mend by waiting is a mistake in the settings."""
    deadline = time.monotonic() + settings.start_timeout_s
    while why := refusal(settings.url):
        if time.monotonic() > deadline:
            raise CannotStart(f"the database does not answer: {why}")
        log.warning("waiting for the database", error=why)
        if stopping.wait(_RETRY_S):
            raise CannotStart("told to stop before the database answered")


def refusal(url: str) -> str:
    """Why PostgreSQL takes no connection just now; empty when it does. Raises: BadSettings."""
    try:
        connect(url).close()
    except psycopg2.Error as error:
        why = str(error).strip().partition("\n")[0]
        if not isinstance(error, psycopg2.OperationalError) or _is_mistake(why):
            raise BadSettings([f"{PREFIX}DATABASE_URL: {why}"]) from None
        return why
    return ""


def _is_mistake(why: str) -> bool:
    if "FATAL" in why:
        return not any(words in why for words in _PASSING)
    return any(words in why for words in _MISTAKES)


def _made(folder: Path) -> str:
    """Make a folder; gives why it cannot be used, if so."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return f"the folder {folder} cannot be made: {error.strerror}"
    return "" if os.access(folder, os.W_OK | os.X_OK) else f"the folder {folder} cannot be written to"
