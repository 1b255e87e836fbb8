"""Columns and tables of the house: exact on both databases.

SQLite tables are STRICT (else it stores 1.5 in an integer column without a word), which knows only INTEGER, TEXT and
BLOB; PostgreSQL text keys compare by bytes (COLLATE "C"), so that order and equality are the same everywhere. No column
is NULL: the empty string and 0 say "none", so that "all agree" counts a missing value as a differing one.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
)

_INTEGER = Integer()

INT64 = BigInteger().with_variant(_INTEGER, "sqlite")
INT32 = _INTEGER
INT16 = SmallInteger().with_variant(_INTEGER, "sqlite")
TEXT = Text().with_variant(Text(collation="C"), "postgresql")
BYTES = LargeBinary()

metadata = MetaData(naming_convention={"pk": "pk_%(table_name)s", "ix": "ix_%(table_name)s_%(column_0_N_name)s"})


def int64(name: str, *, default: int | None = None, key: bool = False) -> Column[int]:
    """A 64-bit integer: minor units of money, microseconds UTC, counts, numbers."""
    return _column(name, INT64, default, key=key)


def int32(name: str, *, default: int | None = None, key: bool = False) -> Column[int]:
    """A 32-bit integer: a date as yyyymmdd (0 for none), a small count, a bucket."""
    return _column(name, INT32, default, key=key)


def flag(name: str, *, default: int | None = None) -> Column[int]:
    """0 or 1."""
    return _column(name, INT16, default, key=False)


def text(name: str, *, default: str | None = None, key: bool = False) -> Column[str]:
    """Text, empty for none."""
    return _column(name, TEXT, default, key=key)


def json_text(name: str) -> Column[str]:
    """A JSON document as text (`kernel.documents` reads and writes it)."""
    return _column(name, TEXT, "{}", key=False)


def blob(name: str) -> Column[bytes]:
    """Bytes."""
    return _column(name, BYTES, None, key=False)


def table(name: str, *columns: Column[Any], fillfactor: int | None = None) -> Table[Any]:
    """A table of the house; on SQLite STRICT and clustered by its primary key (WITHOUT ROWID)."""
    storage: dict[str, Any] = {"postgresql_with": {"fillfactor": fillfactor}} if fillfactor else {}
    return Table(name, metadata, *columns, sqlite_strict=True, sqlite_with_rowid=False, **storage)


def _column(name: str, kind: Any, default: int | str | None, *, key: bool) -> Column[Any]:  # noqa: ANN401
    server_default = None if default is None else str(default)
    return Column(name, kind, primary_key=key, nullable=False, autoincrement=False, server_default=server_default)
