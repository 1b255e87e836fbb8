"""Statements are compiled once for all databases of a kind that this process opens.

Compiling is a tenth of what tests cost: each has databases of its own, and each engine compiles anew what all others
have compiled. The engine of a process that serves does so once.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event, util
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

_COMPILED: util.LRUCache[Any, Any] = util.LRUCache(20_000)


def share_statements() -> None:
    """Have every engine find what another of its kind has compiled, in one cache."""
    for kind in (PGDialect_psycopg2, SQLiteDialect_pysqlite):
        kind.__eq__ = _are_alike  # type: ignore[method-assign]  # the cache asks whether dialects are the same
        kind.__hash__ = _hash_of_kind  # type: ignore[method-assign, assignment]
    event.listen(Engine, "engine_connect", _take_cache)


def _are_alike(one: object, other: object) -> bool:
    return type(one) is type(other)


def _hash_of_kind(one: object) -> int:
    return hash(type(one))


def _take_cache(connection: Connection) -> None:
    connection.engine._compiled_cache = _COMPILED
