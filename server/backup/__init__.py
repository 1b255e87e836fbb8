"""`countinghouse backup`, `restore` and `verify`: copies that are proven to be whole, on both databases.

A backup shows one instant of the database, while servers go on writing; data files are copied after it, as those that
it knows are there and never change. A restore goes into an empty place: data files first, then the database at one
stroke, whose books must come to what they came to in the backup.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import Connection

from domain.data_files.storage import FileStore
from domain.kernel.documents import Document
from domain.kernel.errors import DomainError
from server.backup import postgresql, sqlite
from server.backup.books import books, differences
from server.backup.consistency import sequences_behind, verify_installation
from server.backup.files import fault_of, files_known
from server.backup.model import FILES, Backup, CannotBackUp, Kept, Say, checked, hashed, load
from server.database.limits import Limits
from server.database.migrate import CannotMigrate, alone, present_revision, revisions
from server.database.transaction import Database
from server.database.urls import sqlite_path
from server.opening import refusal
from server.outbound.files import LocalFiles
from server.outbound.stores import file_store
from server.settings import Settings

__all__ = ["CannotBackUp", "back_up", "restore", "verify_backup", "verify_installation"]

_DAY_S = 86_400.0
_LIMITS = Limits(connections=1, statement_s=_DAY_S, idle_s=_DAY_S)
_WAIT_S = 60.0  # for whoever migrates the database just now

Instant = tuple[str, str, Document, list[Kept]]
"""The database's file, its SHA-256, its books, and the data files it knows."""


def back_up(settings: Settings, folder: Path, *, programs: Path | None, say: Say) -> list[str]:
    """Back the installation up into a folder that is new or empty; gives what is wrong with data files, a line each.

    Raises: CannotBackUp.
    """
    _refuse_unreachable(settings)
    _make_empty(folder)
    schema = present_revision(settings.url)
    made_us = time.time_ns() // 1_000
    dialect = "sqlite" if settings.on_sqlite else "postgresql"
    file, digest, came_to, known = _dump(settings, folder, programs)
    say(f"database: {sum(came_to['tables'].values()):,} rows")
    copies = LocalFiles(folder / FILES)
    files = tuple(_copied(file_store(settings), copies, known))
    say(f"data files: {len(files):,}, {sum(each.size_bytes for each in files):,} bytes")
    Backup(made_us, version("countinghouse-server"), schema, dialect, file, digest, came_to, files).save(folder)
    return [f"{each.path}: {each.fault}" for each in files if each.fault]


def restore(settings: Settings, folder: Path, *, programs: Path | None, say: Say) -> list[str]:
    """Restore a backup into an empty database, and its data files; gives what is not as it was, a line each.

    Raises: CannotBackUp, and then there is no database.
    """
    found = load(folder)
    dialect = "sqlite" if settings.on_sqlite else "postgresql"
    if found.dialect != dialect:
        raise CannotBackUp(f"the backup is of {found.dialect}, and the database to restore is {dialect}")
    if found.schema > revisions()[-1]:
        raise CannotBackUp(f"the backup has the schema {found.schema}, newer than this program: use a newer one")
    _refuse_damage(found, folder)
    if settings.on_sqlite:
        sqlite_path(settings.url).parent.mkdir(parents=True, exist_ok=True)
    _refuse_unreachable(settings, new=True)
    with alone(settings.url, _WAIT_S):  # a server that is started meanwhile waits
        _restore_alone(settings, folder, programs, found, say)
    target = Database(settings.url, _LIMITS)
    try:
        lines = [*differences(found.books, target.read(books)), *target.read(sequences_behind)]
    finally:
        target.dispose()
    say("database: restored, and compared with the backup")
    return [*(f"{each.path}: {each.fault}, when the backup was made" for each in found.files if each.fault), *lines]


def verify_backup(folder: Path, *, say: Say) -> list[str]:
    """Look at every byte of a backup; gives what is wrong, a line each. Raises: CannotBackUp."""
    found = load(folder)
    lines = [f"{each.path}: {each.fault}, when the backup was made" for each in found.files if each.fault]
    copies = LocalFiles(folder / FILES)
    lines += [f"{e.path}: {fault}" for e in found.files if not e.fault and (fault := fault_of(copies, e))]
    say(f"data files: {len(found.files):,} looked at")
    if hashed(folder / found.database_file) != found.database_sha256:
        return [*lines, f"{found.database_file}: is not what was written"]
    if found.dialect == "sqlite":
        lines += differences(found.books, sqlite.read(folder, books))
        say("database: its books come to what they came to")
    else:
        say("database: the dump is what was written; only a restore shows that it can be read")
    return lines


def _dump(settings: Settings, folder: Path, programs: Path | None) -> Instant:
    if settings.on_sqlite:
        digest = sqlite.dump(settings.url, folder)
        came_to, known = sqlite.read(folder, lambda tx: (books(tx), files_known(tx)))
        return sqlite.FILE, digest, came_to, known
    database = Database(settings.url, _LIMITS)

    def at_one_instant(tx: Connection) -> Instant:
        digest = postgresql.dump(tx, settings.url, folder, programs)
        return postgresql.FILE, digest, books(tx), files_known(tx)

    try:
        return database.read(at_one_instant)
    finally:
        database.dispose()


def _restore_alone(settings: Settings, folder: Path, programs: Path | None, found: Backup, say: Say) -> None:
    if settings.on_sqlite:
        sqlite.refuse_unless_empty(settings.url)
        _restore_files(settings, folder, found, say)
        sqlite.load(folder, settings.url)
        return
    database = Database(settings.url, _LIMITS)
    try:
        postgresql.refuse_unless_empty(database)
        _restore_files(settings, folder, found, say)
        postgresql.load(database, folder, programs)
    finally:
        database.dispose()


def _restore_files(settings: Settings, folder: Path, found: Backup, say: Say) -> None:
    store, copies = file_store(settings), LocalFiles(folder / FILES)
    whole = [each for each in found.files if not each.fault]
    for each in whole:
        try:
            store.write(each.path, checked(copies.read(each.path), each))
        except DomainError as error:
            raise CannotBackUp(f"the data file {each.path} cannot be written: {error.message}") from None
    say(f"data files: {len(whole):,} restored")


def _copied(store: FileStore, copies: FileStore, known: list[Kept]) -> Iterator[Kept]:
    """Copy the files; each is checked against what the database says of it."""
    for each in known:
        fault = "is missing" if store.size(each.path) is None else ""
        if not fault:
            try:
                copies.write(each.path, checked(iter(store.read(each.path)), each))
            except CannotBackUp:
                fault = "is not what was written"
            except DomainError as error:
                raise CannotBackUp(f"the data file {each.path} cannot be copied: {error.message}") from None
        yield Kept(each.path, each.size_bytes, each.sha256, fault)


def _refuse_damage(found: Backup, folder: Path) -> None:
    try:
        digest = hashed(folder / found.database_file)
    except OSError as error:
        raise CannotBackUp(f"{folder / found.database_file} cannot be read: {error.strerror}") from None
    if digest != found.database_sha256:
        raise CannotBackUp(f"{folder / found.database_file} is not what was written: nothing was restored")


def _refuse_unreachable(settings: Settings, *, new: bool = False) -> None:
    if settings.on_sqlite:
        if not new and not sqlite_path(settings.url).exists():
            raise CannotBackUp("there is no database to back up")
        return
    if why := refusal(settings.url):
        raise CannotBackUp(f"the database does not answer: {why}")
    try:
        present_revision(settings.url)
    except CannotMigrate as error:
        raise CannotBackUp(str(error)) from None


def _make_empty(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise CannotBackUp(f"{folder} is not empty: name a new folder")
    except OSError as error:
        raise CannotBackUp(f"the folder {folder} cannot be made: {error.strerror}") from None
