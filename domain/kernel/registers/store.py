"""The SQL of registers; one statement a function, by primary key unless said otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from sqlalchemy import Connection, select, text, update

from domain.kernel.errors import Unavailable
from domain.kernel.registers.model import Register, Shelf, T

_READS_MAX = 10
C = TypeVar("C")


def version(tx: Connection, shelf: Shelf) -> int:
    """The version that grows with every change of a shelf's registers."""
    return int(tx.execute(select(shelf.versions.c.version)).scalar_one())


def lock_shelf(tx: Connection, shelf: Shelf) -> None:
    """Let nobody else change what stands on the shelf until the transaction ends; taken before any entry is locked."""
    tx.execute(select(shelf.versions.c.version).with_for_update())


def hold_shelf(tx: Connection, shelf: Shelf) -> None:
    """Let nobody change what stands on the shelf until the transaction ends, without keeping others from the same."""
    tx.execute(select(shelf.versions.c.version).with_for_update(read=True))


def grow_version(tx: Connection, shelf: Shelf) -> None:
    """Make it the next; the last thing that a change locks, until its transaction ends."""
    assert tx.execute(update(shelf.versions).values(version=shelf.versions.c.version + 1)).rowcount == 1


def read_whole(tx: Connection, shelf: Shelf, read: Callable[[int], C]) -> C:
    """What `read` makes of the shelf, from one version of it: it is given that, and called again when it changes.

    Raises: Unavailable when it is changed all the time.
    """
    for _ in range(_READS_MAX):
        before = version(tx, shelf)
        contents = read(before)
        if version(tx, shelf) == before:
            return contents
    raise Unavailable("the configuration is being changed all the time; try again")


def find(tx: Connection, register: Register[T], code: str) -> T | None:
    """The entry, if there is one."""
    rows = _rows(tx, select(register.table).where(register.table.c[register.key] == code))
    return register.entry_from(rows[0]) if rows else None


def lock(tx: Connection, register: Register[T], code: str) -> T | None:
    """The entry, locked until the transaction ends (PostgreSQL; SQLite has one writer); None when there is none."""
    query = select(register.table).where(register.table.c[register.key] == code).with_for_update()
    rows = _rows(tx, query)
    return register.entry_from(rows[0]) if rows else None


def hold(tx: Connection, register: Register[T], codes: Iterable[str]) -> dict[str, T]:
    """Those of `codes` that the register has, locked against changes until the transaction ends."""
    key = register.table.c[register.key]
    query = select(register.table).where(key.in_(sorted(set(codes)))).order_by(key).with_for_update(read=True)
    return {row[register.key]: register.entry_from(row) for row in _rows(tx, query)}


def known(tx: Connection, register: Register[T], codes: Iterable[str]) -> frozenset[str]:
    """Those of `codes` that the register has."""
    key = register.table.c[register.key]
    return frozenset(tx.execute(select(key).where(key.in_(sorted(set(codes))))).scalars())


def page(
    tx: Connection, register: Register[T], *, after: str, limit: int, among: frozenset[str] | None = None
) -> list[T]:
    """At most `limit` entries by code, those behind the code `after`, and `among` these codes; None: all there are."""
    key = register.table.c[register.key]
    query = select(register.table).where(key > after).order_by(key).limit(limit)
    query = query if among is None else query.where(key.in_(sorted(among)))
    return [register.entry_from(row) for row in _rows(tx, query)]


def everything(tx: Connection, register: Register[T]) -> tuple[T, ...]:
    """All entries by code; a small table, read whole."""
    query = select(register.table).order_by(register.table.c[register.key])
    return tuple(register.entry_from(row) for row in _rows(tx, query))


def create(tx: Connection, register: Register[T], entry: T) -> bool:
    """Insert the entry; False when its code is taken, also by somebody who commits just now."""
    return insert(tx, register.table.name, register.row_of(entry))


def change(tx: Connection, register: Register[T], entry: T) -> None:
    """Put the entry in place of the one that the transaction has locked."""
    mine = register.table.c[register.key] == register.code_of(entry)
    assert tx.execute(update(register.table).where(mine).values(**register.row_of(entry))).rowcount == 1


def insert(tx: Connection, table: str, row: dict[str, str | int]) -> bool:
    """Insert a row; False when its key is taken. `table` and the row's names are ours, never a caller's."""
    names = ", ".join(f'"{name}"' for name in row)  # one may be a word of SQL
    marks = ", ".join(f":{name}" for name in row)
    statement = f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608 - ours
    return tx.execute(text(statement), row).rowcount == 1


def _rows(tx: Connection, query: Any) -> list[Any]:  # noqa: ANN401 - any select
    return list(tx.execute(query).mappings())
