"""The SQL of the registers; one statement a function, by primary key unless said otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, select, text, update

from domain.gl_extraction.reference.model import Entry, Register


def find(tx: Connection, register: Register, code: str) -> Entry | None:
    """The entry, if there is one."""
    row = tx.execute(select(register.table).where(register.table.c.code == code)).one_or_none()
    return None if row is None else _entry_from_row(row)


def known(tx: Connection, register: Register, codes: Iterable[str]) -> frozenset[str]:
    """Those of `codes` that the register has."""
    wanted = sorted(set(codes))
    if not wanted:
        return frozenset()
    return frozenset(tx.execute(select(register.table.c.code).where(register.table.c.code.in_(wanted))).scalars())


def page(
    tx: Connection, register: Register, *, after: str, limit: int, among: frozenset[str] | None = None
) -> list[Entry]:
    """At most `limit` entries by code, those behind the code `after`, and `among` these codes; None: all there are."""
    query = select(register.table).where(register.table.c.code > after).order_by(register.table.c.code).limit(limit)
    query = query if among is None else query.where(register.table.c.code.in_(sorted(among)))
    return [_entry_from_row(row) for row in tx.execute(query)]


def create(tx: Connection, register: Register, entry: Entry) -> bool:
    """Insert the entry; False when its code is taken, also by somebody who commits just now."""
    statement = text(
        f"INSERT INTO {register.table.name} (code, description, version, created_us, updated_us) "  # noqa: S608 - ours
        "VALUES (:code, :description, :version, :created_us, :updated_us) ON CONFLICT DO NOTHING"
    )
    return tx.execute(statement, asdict(entry)).rowcount == 1


def change(tx: Connection, register: Register, entry: Entry, *, from_version: int) -> bool:
    """Put the entry in place of its `from_version`; False when that version is no longer there."""
    statement = (
        update(register.table)
        .where(register.table.c.code == entry.code, register.table.c.version == from_version)
        .values(description=entry.description, version=entry.version, updated_us=entry.updated_us)
    )
    return tx.execute(statement).rowcount == 1


def lock(tx: Connection, register: Register, code: str) -> bool:
    """Lock the entry until the transaction ends (PostgreSQL; SQLite has one writer); False when there is none."""
    query = select(register.table.c.code).where(register.table.c.code == code).with_for_update()
    return tx.execute(query).one_or_none() is not None


def _entry_from_row(row: Row[*tuple[Any, ...]]) -> Entry:
    return Entry(**row._mapping)  # noqa: SLF001 - its public name
