"""The SQL of the registers; one statement a function, by primary key unless said otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

from sqlalchemy import CompoundSelect, Connection, Row, bindparam, literal, select, text, union_all, update

from domain.gl_extraction.reference.model import Entry, Register


def find(tx: Connection, register: Register, code: str) -> Entry | None:
    """The entry, if there is one."""
    row = tx.execute(select(register.table).where(register.table.c.code == code)).one_or_none()
    return None if row is None else _entry_from_row(row)


def known(tx: Connection, register: Register, codes: Iterable[str]) -> frozenset[str]:
    """Those of `codes` that the register has."""
    return known_of_all(tx, {register: codes})[register]


def known_of_all(tx: Connection, codes: Mapping[Register, Iterable[str]]) -> dict[Register, frozenset[str]]:
    """Those of each register's `codes` that it has. Cost: one statement for all registers, none for no codes."""
    wanted = {register: found for register in codes if (found := sorted(set(codes[register])))}
    if not wanted:
        return dict.fromkeys(codes, frozenset())
    of_words = {register.word: found for register, found in wanted.items()}
    rows = tx.execute(_known(tuple(wanted)), of_words).all()
    return {register: frozenset(row.code for row in rows if row.word == register.word) for register in codes}


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


@cache
def _known(registers: tuple[Register, ...]) -> CompoundSelect[Any]:
    return union_all(
        *(
            select(literal(register.word).label("word"), register.table.c.code).where(
                register.table.c.code.in_(bindparam(register.word, expanding=True))
            )
            for register in registers
        )
    )


def _entry_from_row(row: Row[*tuple[Any, ...]]) -> Entry:
    return Entry(**row._mapping)  # noqa: SLF001 - its public name
