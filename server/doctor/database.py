"""The database: version, settings, schema, clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, text

from domain.kernel.clock import now_us
from server.database.migrate import CannotMigrate, pending, present_revision, revisions
from server.database.transaction import Database
from server.doctor.model import Finding, Patient, ago, fail, ok, warn
from server.main import SPARE_CONNECTIONS
from server.settings import Settings
from server.work.working import connections, loops, worker_settings

_POSTGRESQL_MIN = 130_000
_CLOCK_WARN_S = 1.0
_LISTENERS = 2  # a process hears news on one connection, and tells of it on another
_FREE_PAGES_MANY = 0.3

_SAFE: Mapping[str, tuple[str, Callable[..., Finding], str]] = {
    "fsync": ("on", fail, "a crash of the machine would lose or damage books: set fsync = on"),
    "full_page_writes": ("on", fail, "a crash of the machine would damage books: set full_page_writes = on"),
    "synchronous_commit": ("on", fail, "answered calls could be lost in a crash: set synchronous_commit = on"),
    "autovacuum": ("on", warn, "tables will grow and slow down: set autovacuum = on"),
    "data_checksums": ("on", warn, "damage on the disk stays unseen: pg_checksums --enable, while it is stopped"),
}
_FLUSHED = {"on", "remote_write", "remote_apply", "local"}
_ASK = """
    SELECT name, setting FROM pg_settings
    WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit', 'autovacuum', 'data_checksums',
    'max_connections', 'superuser_reserved_connections', 'server_encoding', 'server_version',
    'server_version_num')"""

_OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND application_name NOT LIKE 'countinghouse%'"""


def server(_patient: Patient, database: Database) -> Iterator[Finding]:
    """Version and encoding."""
    if database.dialect == "sqlite":
        version = database.read(lambda tx: tx.execute(text("SELECT sqlite_version()")).scalar_one())
        yield ok(f"SQLite {version}")
        return
    found = database.read(_settings)
    said = f"PostgreSQL {found['server_version']}, encoding {found['server_encoding']}"
    if int(found["server_version_num"]) < _POSTGRESQL_MIN:
        yield fail(said, "PostgreSQL 13 or newer is needed")
    elif found["server_encoding"] != "UTF8":
        yield fail(said, "make a database with ENCODING 'UTF8': others cannot hold every description")
    else:
        yield ok(said)
    if database.read(lambda tx: tx.execute(text("SELECT pg_is_in_recovery()")).scalar_one()):
        yield fail("it is a standby, and takes no changes", "name the primary, or promote it")


def durability(patient: Patient, database: Database) -> Iterator[Finding]:
    """Whether what was answered outlives a crash of the machine."""
    if database.dialect == "sqlite":
        yield from _sqlite_durability(patient, database)
        return
    found = database.read(_settings)
    wrong = [
        kind(f"{name} is {found.get(name)}", advice)
        for name, (wanted, kind, advice) in _SAFE.items()
        if found.get(name) != wanted and not (name == "synchronous_commit" and found.get(name) in _FLUSHED)
    ]
    yield from wrong or [ok("commits are flushed, pages are whole and checked")]


def _sqlite_durability(patient: Patient, database: Database) -> Iterator[Finding]:
    def pragma(name: str) -> Any:  # noqa: ANN401
        return database.read(lambda tx: tx.execute(text(f"PRAGMA {name}")).scalar())

    journal, synchronous = pragma("journal_mode"), pragma("synchronous")
    if journal != "wal":
        yield fail(f"the journal mode is {journal}", "move the file to a local disk: write-ahead logging needs one")
    else:
        level = {0: "off", 1: "normal", 2: "full", 3: "extra"}.get(synchronous, str(synchronous))
        yield ok(f"write-ahead log, synchronous {level}")
    free, pages = pragma("freelist_count"), pragma("page_count")
    if pages and free / pages > _FREE_PAGES_MANY:
        yield warn(
            f"{free / pages:.0%} of the file is free pages",
            "they are used again; to give them back to the disk, stop the server and run VACUUM",
        )
    if patient.thorough:
        said = database.read(lambda tx: tx.execute(text("PRAGMA quick_check(1)")).scalar(), timeout_s=3_600)
        yield (
            ok("quick_check found nothing")
            if said == "ok"
            else fail("quick_check found damage", "restore a backup: countinghouse restore")
        )
    else:
        yield ok("not looked through for damage; --thorough does")


def pools(patient: Patient, database: Database) -> Iterator[Finding]:
    """Whether PostgreSQL takes as many connections as this installation may open."""
    if database.dialect == "sqlite":
        return
    found = database.read(_settings)
    others = database.read(lambda tx: tx.execute(text(_OTHERS)).scalar_one())
    free = int(found["max_connections"]) - int(found["superuser_reserved_connections"]) - int(others)
    ours = connections_of(patient.settings)
    said = f"a server opens up to {ours} connections, and {free} are free for ours ({others} are others')"
    advice = "raise max_connections, or lower CONNECTIONS, WORKERS or SLOTS"
    if ours > free:
        yield fail(said, advice)
    elif 2 * ours > free:
        yield warn(f"{said}: a second server, as during an upgrade, would not find room", advice)
    else:
        yield ok(said)


def connections_of(settings: Settings) -> int:
    """How many connections a `serve` with these settings opens at most, its worker process included."""
    rpc = settings.workers * (settings.connections + SPARE_CONNECTIONS + _LISTENERS)
    work = connections(worker_settings(settings), loops(settings)) + _LISTENERS if settings.jobs else 0
    return rpc + work


def schema(patient: Patient, _database: Database) -> Iterator[Finding]:
    """Whether the schema is this version's."""
    try:
        missing, present = pending(patient.settings.url), present_revision(patient.settings.url)
    except CannotMigrate as error:
        yield fail(str(error), "name a database of its own")
        return
    newest = revisions()[-1]
    if missing:
        yield fail(f"the schema lacks {', '.join(missing)}", "start the server, or run countinghouse migrate")
    elif present > newest:
        yield warn(f"the schema is {present}, newer than this program's {newest}", "finish the upgrade of this machine")
    else:
        yield ok(f"the schema is {newest}, this program's")


def clock(patient: Patient, database: Database) -> Iterator[Finding]:
    """Whether this machine and the database agree on what time it is."""
    before = time.time()
    theirs = database.read(now_us) / 1_000_000
    after = time.time()
    apart_s = max(0.0, theirs - after, before - theirs)
    said = f"{apart_s:.3f} s apart from the database's" if apart_s else "agrees with the database's"
    if apart_s > patient.settings.lease_s:
        yield fail(said, "set both by the same time servers: dates of business and ids are wrong by as much")
    elif apart_s > _CLOCK_WARN_S:
        yield warn(f"{said} ({ago(apart_s)})", "set both by the same time servers")
    else:
        yield ok(said)


def _settings(tx: Connection) -> dict[str, str]:
    return {row.name: row.setting for row in tx.execute(text(_ASK))}
