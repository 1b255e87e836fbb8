"""Whether a database has changed, without asking it."""

from __future__ import annotations

import sqlite3

from server.database.urls import sqlite_path


class FileChanges:
    """Whether an SQLite file was written to, by whatever process: a look at its index costs no query."""

    def __init__(self, url: str) -> None:
        self._connection = sqlite3.connect(sqlite_path(url), timeout=0, isolation_level=None)
        self._version = -1

    def changed(self) -> bool:
        """Whether it was written to since the last call."""
        try:
            version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.Error:
            return True  # look, and see
        changed, self._version = version != self._version, version
        return changed

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
