"""The data files that a database knows, and what is wrong with one."""

from __future__ import annotations

from sqlalchemy import Connection, select

from domain.data_files.errors import StorageUnavailable
from domain.data_files.storage import FileStore
from domain.data_files.tables import data_file
from server.backup.model import CannotBackUp, Kept, checked


def files_known(tx: Connection) -> list[Kept]:
    """Every data file that the database knows: those of running operations, too, which are not to be seen yet."""
    f = data_file.c
    rows = tx.execute(select(f.path, f.size_bytes, f.sha256).order_by(f.path))
    return [Kept(row.path, row.size_bytes, row.sha256) for row in rows]


def fault_of(store: FileStore, file: Kept) -> str:
    """What is wrong with a file, in a clause; empty for nothing. Cost: reads it."""
    try:
        if store.size(file.path) is None:
            return "is missing"
        for _ in checked(iter(store.read(file.path)), file):
            pass
    except CannotBackUp:
        return "is not what was written"
    except StorageUnavailable as error:
        return f"cannot be read: {error.message}"
    return ""
