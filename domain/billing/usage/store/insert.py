"""Rows into the tables, by set: the primary key decides which are new (BIL-24).

PostgreSQL takes them by COPY. That has no way to leave out a row whose key is held: then it is taken back to where it
began, and the rows go through a staging table of the session instead, which costs half as much again; nearly all rows
that come are new. SQLite inserts each row by one prepared statement. Rows go in by the order of the key, so that two
writers with the same rows wait for each other instead of deadlocking.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, Dialect, MetaData, Table
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateTable

from domain.billing.configuration.model import ProfileKind
from domain.billing.tables import register_read
from domain.billing.usage.rows import Content, Row
from domain.kernel.bulk import copy_in, insert_new
from domain.kernel.documents import to_text
from domain.kernel.script import Script

Key = tuple[str, str, int]
"""Account, profile and instant in microseconds UTC."""


class Held(NamedTuple):
    """What is kept of an instant."""

    content: Content
    revision: int
    received_us: int


TABLES = {ProfileKind.INTERVALS: ("interval_data", "start_us"), ProfileKind.REGISTER: ("register_read", "at_us")}
"""Where data of a kind are, and what the column of the instant is called."""

_HELD_ALREADY = "ON CONFLICT DO NOTHING"
_CONTENT = ("units", "nanos", "attos", "estimated")
_staging = Table(
    "usage_staging",
    MetaData(),
    *(
        Column(name, register_read.c[name].type)
        for name in ("account_id", "profile_id", "at_us", *_CONTENT, "received_us")
    ),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DELETE ROWS",
)
_HELD = (
    "SELECT d.account_id, d.profile_id, d.{at}, d.units, d.nanos, d.attos, d.estimated, d.revision, d.received_us"
    " FROM {keys} {of_key}"
)
_ARRAYS = "unnest(CAST(? AS text[]), CAST(? AS text[]), CAST(? AS bigint[])) k (account_id, profile_id, at_us)"
_DOCUMENT = "json_each(?) k"


def insert(tx: Connection, kind: ProfileKind, rows: dict[Key, Row], received_us: int) -> int:
    """Insert those of the rows whose key is free; gives how many were.

    Who holds a key and has not committed yet is waited for. Cost: PostgreSQL one COPY, and where a key is held one more
    and a statement; SQLite a prepared statement for 50 rows.
    """
    if not rows:
        return 0
    if tx.dialect.name != "postgresql":
        given = [(*key, *row[2]) for key, row in sorted(rows.items())]
        *columns, received = _columns(kind)
        return insert_new(tx, TABLES[kind][0], columns, given, {received: received_us}, otherwise=_HELD_ALREADY)
    lines = "".join(
        [
            f"{account}\t{profile}\t{at_us}\t{units}\t{nanos}\t{attos}\t{estimated}\t{received_us}\n"
            for (account, profile, at_us), (_, _, (units, nanos, attos, estimated)) in sorted(rows.items())
        ]  # ids hold nothing that COPY would want escaped
    ).encode()
    return len(rows) if _copy_all(tx, kind, lines) else _copy_staged(tx, kind, lines)


def _copy_all(tx: Connection, kind: ProfileKind, lines: bytes) -> bool:
    """Copy the rows into the table; False, and nothing is done, when a key is held."""
    table, _ = TABLES[kind]
    try:
        with tx.begin_nested():
            copy_in(tx, table, _columns(kind), lines)
    except IntegrityError as error:
        driver: Any = error.orig
        if driver.diag.constraint_name != f"pk_{table}":
            raise
        return False
    return True


def _copy_staged(tx: Connection, kind: ProfileKind, lines: bytes) -> int:
    """Copy the rows into the staging table, and from there those whose key is free."""
    tx.exec_driver_sql(_create_staging(tx.dialect))
    tx.exec_driver_sql("DELETE FROM usage_staging")
    names = [column.name for column in _staging.columns]
    copy_in(tx, "usage_staging", names, lines)
    return tx.exec_driver_sql(_insert(kind, f"SELECT {', '.join(names)} FROM usage_staging")).rowcount  # noqa: S608


def held(tx: Connection, kind: ProfileKind, keys: Sequence[Key], *, lock: bool = False) -> dict[Key, Held]:
    """What is kept under keys; `lock` holds it until the transaction ends. Cost: one statement."""
    if not keys:
        return {}
    wanted = sorted(keys)
    if tx.dialect.name == "postgresql":
        accounts, profiles, instants = zip(*wanted, strict=True)
        rows = Script(tx).ask(_held(kind, "postgresql", lock=lock), list(accounts), list(profiles), list(instants))
    else:
        rows = Script(tx).ask(_held(kind, "sqlite"), to_text([list(key) for key in wanted]))
    return {(row[0], row[1], row[2]): Held(tuple(row[3:7]), row[7], row[8]) for row in rows}


@lru_cache
def _held(kind: ProfileKind, dialect: str, *, lock: bool = False) -> str:
    """Each key is looked up by itself: of how few they are PostgreSQL knows nothing (OFFSET 0 keeps it to that)."""
    table, at = TABLES[kind]
    if dialect == "sqlite":
        cells = (f"json_extract(k.value, '$[{place}]')" for place in range(3))
        same = " AND ".join(f"d.{n} = {c}" for n, c in zip(("account_id", "profile_id", at), cells, strict=True))
        return _HELD.format(at=at, keys=_DOCUMENT, of_key=f"CROSS JOIN {table} d ON {same}")
    same = f"d.account_id = k.account_id AND d.profile_id = k.profile_id AND d.{at} = k.at_us"
    if lock:
        return _HELD.format(at=at, keys=_ARRAYS, of_key=f"JOIN {table} d ON {same} ORDER BY 1, 2, 3 FOR UPDATE OF d")
    found = f"SELECT * FROM {table} d WHERE {same} OFFSET 0"  # noqa: S608 - names of ours
    return _HELD.format(at=at, keys=_ARRAYS, of_key=f"CROSS JOIN LATERAL ({found}) d")


def _insert(kind: ProfileKind, rows: str) -> str:
    return f"INSERT INTO {TABLES[kind][0]} ({', '.join(_columns(kind))}) {rows} {_HELD_ALREADY}"


def _columns(kind: ProfileKind) -> tuple[str, ...]:
    """What is inserted, in the order of the staging table's columns."""
    return ("account_id", "profile_id", TABLES[kind][1], *_CONTENT, "received_us")


@lru_cache
def _create_staging(dialect: Dialect) -> str:
    return str(CreateTable(_staging, if_not_exists=True).compile(dialect=dialect))
