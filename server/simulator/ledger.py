"""What the simulated system has posted: an SQLite file of its own, or nothing but memory."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

_TABLE = """
    CREATE TABLE IF NOT EXISTS posting (
        number INTEGER PRIMARY KEY,
        client TEXT NOT NULL,
        idempotency_key TEXT NOT NULL,
        request BLOB NOT NULL,
        currency TEXT NOT NULL,
        amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
        posted_us INTEGER NOT NULL,
        UNIQUE (client, idempotency_key)
    ) STRICT"""
_FIELDS = "number, request, posted_us"


@dataclass(frozen=True, slots=True)
class Posted:
    """A posting: its number, the request as it came, and when it was posted (microseconds UTC)."""

    number: int
    request: bytes
    posted_us: int

    @property
    def external_reference(self) -> str:
        """By which it is found again."""
        return f"SIM-{self.number:010d}"


class Ledger:
    """Postings, each key of a client once; used by one thread."""

    def __init__(self, path: Path | None) -> None:
        self._database = sqlite3.connect(path or ":memory:", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute(_TABLE)

    def find(self, client: str, key: str) -> Posted | None:
        """What was posted with a key."""
        query = f"SELECT {_FIELDS} FROM posting WHERE client = ? AND idempotency_key = ?"  # noqa: S608 - our own names
        row = self._database.execute(query, (client, key)).fetchone()
        return None if row is None else Posted(*row)

    def post(
        self, client: str, key: str, request: bytes, *, currency: str, amount_minor: int, posted_us: int
    ) -> Posted:
        """Post what was not posted yet, and make it last."""
        values = (client, key, request, currency, amount_minor, posted_us)
        columns = "client, idempotency_key, request, currency, amount_minor, posted_us"
        insert = f"INSERT INTO posting ({columns}) VALUES (?, ?, ?, ?, ?, ?) RETURNING {_FIELDS}"  # noqa: S608
        (row,) = self._database.execute(insert, values).fetchall()
        return Posted(*row)

    def page(self, *, after: int, limit: int, client: str) -> list[Posted]:
        """Postings after a number, in their order; of one client, or of all."""
        where, values = ("AND client = ?", (client,)) if client else ("", ())
        query = f"SELECT {_FIELDS} FROM posting WHERE number > ? {where} ORDER BY number LIMIT ?"  # noqa: S608
        return [Posted(*row) for row in self._database.execute(query, (after, *values, limit))]

    def totals(self, client: str) -> list[tuple[str, int, int]]:
        """By currency, how many postings there are and what they come to in minor units."""
        where, values = ("WHERE client = ?", (client,)) if client else ("", ())
        query = f"SELECT currency, COUNT(*), SUM(amount_minor) FROM posting {where} GROUP BY 1 ORDER BY 1"  # noqa: S608
        return list(self._database.execute(query, values))

    def close(self) -> None:
        """Close the file."""
        self._database.close()
