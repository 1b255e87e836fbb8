"""SQL that records what changes the sums over details, in the transaction that changes them: a few rows a statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select

from domain.gl_extraction.balances.model import Movement, Place, Sums
from domain.gl_extraction.balances.sums import parts
from domain.gl_extraction.tables import balance_movement, batch_movement
from domain.kernel.bulk import Cell, insert_rows
from domain.kernel.ids import new_id

_KEY = (*Place._fields, "movement_id")
_ALL = ("debit_minor", "credit_minor", "detail_count")
_EXTRACTED = ("extracted_debit_minor", "extracted_credit_minor", "extracted_count")
_b = batch_movement.c


def record(tx: Connection, movements: Iterable[Movement], *, recorded_us: int, settled_us: int = 0) -> None:
    """Record movements, of which no two are of one place. Cost: one statement, a row for each."""
    rows = [
        (*place, movement_id, *every, *extracted, recorded_us, settled_us)
        for (place, every, extracted), movement_id in _named(movements, recorded_us)
    ]
    if rows:
        insert_rows(tx, "balance_movement", (*_KEY, *_ALL, *_EXTRACTED, "recorded_us", "settled_us"), rows)


def record_many(tx: Connection, rows: Sequence[tuple[Movement, int]]) -> None:
    """Record settled movements, each with the instant as of which it counts. Cost: one statement."""
    made: list[tuple[Cell, ...]] = []
    for movement, settled_us in rows:
        for (place, every, extracted), movement_id in _named((movement,), settled_us):
            made.append((*place, movement_id, *every, *extracted, settled_us, settled_us))
    if made:
        insert_rows(tx, "balance_movement", (*_KEY, *_ALL, *_EXTRACTED, "recorded_us", "settled_us"), made)


def record_for_batch(tx: Connection, batch_no: int, movements: Iterable[Movement], *, recorded_us: int) -> None:
    """Record what a batch will have extracted once it is completed, or will not have after all. Cost: one statement."""
    rows = [
        (batch_no, *place, movement_id, *extracted)
        for (place, _, extracted), movement_id in _named(movements, recorded_us)
    ]
    if rows:
        insert_rows(tx, "batch_movement", ("batch_no", *_KEY, *_ALL), rows)


def of_batch(tx: Connection, batch_no: int) -> list[tuple[Place, Sums]]:
    """What the batch extracts, by place. Cost: one statement by primary key."""
    place = [_b[name] for name in Place._fields]
    sums = [func.sum(_b[name]) for name in _ALL]
    query = select(*place, *sums).where(_b.batch_no == batch_no).group_by(*place).order_by(*place)
    return [(place_of(row), sums_of(row, len(Place._fields))) for row in tx.execute(query)]


def forget_batch(tx: Connection, batch_no: int) -> None:
    """Drop what was recorded for a batch. One statement."""
    tx.execute(delete(batch_movement).where(_b.batch_no == batch_no))


def movement_of(row: Row[*tuple[Any, ...]]) -> Movement:
    """A row of a place and the six figures."""
    return Movement(place_of(row), sums_of(row, 4), sums_of(row, 7))


def place_of(row: Row[*tuple[Any, ...]]) -> Place:
    """The place that a row begins with."""
    return Place(*row[: len(Place._fields)])


def sums_of(row: Row[*tuple[Any, ...]], at: int) -> Sums:
    """The three figures that stand in a row from `at` on; PostgreSQL's sums are decimals."""
    return Sums(*map(int, row[at : at + 3]))


def columns() -> list[Any]:
    """What `movement_of` reads of a movement."""
    return [balance_movement.c[name] for name in (*Place._fields, *_ALL, *_EXTRACTED)]


def _named(movements: Iterable[Movement], at_us: int) -> Iterator[tuple[Movement, str]]:
    """The parts of movements, each with an id: one for all, but where an amount takes several rows."""
    movement_id = new_id(at_us)
    for movement in movements:
        for part, number in zip(parts(movement), count()):
            yield part, f"{movement_id}-{number}" if number else movement_id
