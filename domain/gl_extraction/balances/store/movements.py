"""SQL that records what changes the sums over details, in the transaction that changes them: a few rows a statement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select

from domain.gl_extraction.balances.model import Movement, Place, Sums
from domain.gl_extraction.balances.sums import fits, parts
from domain.gl_extraction.tables import balance_movement, batch_movement
from domain.kernel.bulk import insert_rows
from domain.kernel.ids import new_id

_KEY = ("movement_id", *Place._fields)
_ALL = ("debit_minor", "credit_minor", "detail_count")
_EXTRACTED = ("extracted_debit_minor", "extracted_credit_minor", "extracted_count")
_b = batch_movement.c


def record(tx: Connection, movements: Sequence[Movement], *, recorded_us: int) -> None:
    """Record movements, of which no two are of one place. Cost: one statement, a row for each."""
    rows = [
        (movement_id, *place, *every, *extracted, recorded_us)
        for (place, every, extracted), movement_id in _named(movements, recorded_us)
    ]
    if rows:
        insert_rows(tx, "balance_movement", (*_KEY, *_ALL, *_EXTRACTED, "recorded_us"), rows)


def record_settled(tx: Connection, movements: Mapping[int, Sequence[Movement]]) -> None:
    """Record movements by the instant as of which they count, no two of one instant and place. One statement."""
    rows = [
        (movement_id, *place, *every, *extracted, settled_us, settled_us)
        for settled_us, of_instant in movements.items()
        for (place, every, extracted), movement_id in _named(of_instant, settled_us)
    ]
    if rows:
        insert_rows(tx, "balance_movement", (*_KEY, *_ALL, *_EXTRACTED, "recorded_us", "settled_us"), rows)


def record_for_batch(tx: Connection, batch_no: int, movements: Sequence[Movement], *, recorded_us: int) -> None:
    """Record what a batch will have extracted once it is completed, or will not have after all. Cost: one statement."""
    rows = [
        (batch_no, movement_id, *place, *extracted)
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


def _named(movements: Sequence[Movement], at_us: int) -> Iterator[tuple[Movement, str]]:
    """The movements, each with an id: one for all, but where an amount takes several rows, which are its parts."""
    movement_id = new_id(at_us)
    if all(map(fits, movements)):
        return zip(movements, repeat(movement_id))
    every = ((part, number) for movement in movements for number, part in enumerate(parts(movement)))
    return ((part, f"{movement_id}-{number}" if number else movement_id) for part, number in every)
