"""SQL that records what changes the sums over details, in the transaction that changes them.

A use case records one row a ledger and period, in which its changes lie packed, a place each: taking details in must
not cost a row more for each account (measured: three details of a chunk had one). Compaction unpacks them into spans.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, repeat
from typing import Any

import orjson
from sqlalchemy import Connection, Row, Select, cast, delete, func, select, true, type_coerce, union_all
from sqlalchemy.dialects.postgresql import JSONB

from domain.gl_extraction.balances.model import Movement, Place, Sums
from domain.gl_extraction.balances.sums import fits, parts
from domain.gl_extraction.tables import balance_movement, balance_span, batch_movement
from domain.kernel.bulk import insert_rows
from domain.kernel.columns import INT64, TEXT
from domain.kernel.ids import new_id

_PERIOD = Place._fields[:2]
_PACKED = Place._fields[2:]
_ALL = ("debit_minor", "credit_minor", "detail_count")
_EXTRACTED = ("extracted_debit_minor", "extracted_credit_minor", "extracted_count")
FIGURES = (*_ALL, *_EXTRACTED)
_MOVEMENT_COLUMNS = ("movement_id", *_PERIOD, "changes", "change_count", "recorded_us")
_SPAN_COLUMNS = ("settled_us", "movement_id", *Place._fields, *FIGURES)
_m, _s, _b = balance_movement.c, balance_span.c, batch_movement.c


def record(tx: Connection, movements: Sequence[Movement], *, recorded_us: int) -> None:
    """Record movements, in the order of their places. Cost: one statement, a row a ledger and period."""
    movement_id = new_id(recorded_us)
    rows = []
    for period, of_period in groupby(movements, lambda movement: movement.place[: len(_PERIOD)]):
        changes = [
            (*part.place[len(_PERIOD) :], *part.all, *part.extracted)
            for each in of_period
            for part in ((each,) if fits(each) else parts(each))
        ]
        rows.append((movement_id, *period, orjson.dumps(changes).decode(), len(changes), recorded_us))
    if rows:
        insert_rows(tx, "balance_movement", _MOVEMENT_COLUMNS, rows)


def record_spans(tx: Connection, spans: Mapping[int, Sequence[Movement]]) -> None:
    """Record what movements come to by the end of their span, no two of one span and place. One statement."""
    rows = [
        (settled_us, movement_id, *place, *every, *extracted)
        for settled_us, of_span in spans.items()
        for (place, every, extracted), movement_id in _named(of_span, settled_us)
    ]
    if rows:
        insert_rows(tx, "balance_span", _SPAN_COLUMNS, rows)


def record_for_batch(tx: Connection, batch_no: int, movements: Sequence[Movement], *, recorded_us: int) -> None:
    """Record what a batch will have extracted once it is completed, or will not have after all. Cost: one statement."""
    rows = [
        (batch_no, movement_id, *place, *extracted)
        for (place, _, extracted), movement_id in _named(movements, recorded_us)
    ]
    if rows:
        insert_rows(tx, "batch_movement", ("batch_no", "movement_id", *Place._fields, *_ALL), rows)


def of_batch(tx: Connection, batch_no: int) -> list[tuple[Place, Sums]]:
    """What the batch extracts, by place. Cost: one statement by primary key."""
    place = [_b[name] for name in Place._fields]
    sums = [func.sum(_b[name]) for name in _ALL]
    query = select(*place, *sums).where(_b.batch_no == batch_no).group_by(*place).order_by(*place)
    return [(place_of(row), sums_of(row, len(Place._fields))) for row in tx.execute(query)]


def forget_batch(tx: Connection, batch_no: int) -> None:
    """Drop what was recorded for a batch. One statement."""
    tx.execute(delete(batch_movement).where(_b.batch_no == batch_no))


def recorded(tx: Connection, ledger_code: str, *, until_us: int | None) -> Any:  # noqa: ANN401
    """What was recorded of a ledger as a row a change, to select from: place, figures.

    With `until_us`, what counts as of that instant; else all of it, settled or not.
    """
    spans = select(*(_s[name] for name in (*Place._fields, *FIGURES))).where(_s.ledger_code == ledger_code)
    fresh = _unpacked(tx).where(_m.ledger_code == ledger_code)
    if until_us is not None:
        spans = spans.where(_s.settled_us <= until_us)
        fresh = fresh.where(_m.settled_us > 0, _m.settled_us <= until_us)
    return union_all(spans, fresh).subquery("recorded")


def changes_of(row: Row[*tuple[Any, ...]]) -> Iterator[Movement]:
    """The changes in a row of `balance_movement`."""
    for account, currency, *figures in orjson.loads(row.changes):
        place = Place(row.ledger_code, row.accounting_period_code, account, currency)
        yield Movement(place, Sums(*figures[:3]), Sums(*figures[3:]))


def movement_of(row: Row[*tuple[Any, ...]]) -> Movement:
    """A row of a place and the six figures."""
    return Movement(place_of(row), sums_of(row, 4), sums_of(row, 7))


def place_of(row: Row[*tuple[Any, ...]]) -> Place:
    """The place that a row begins with."""
    return Place(*row[: len(Place._fields)])


def sums_of(row: Row[*tuple[Any, ...]], at: int) -> Sums:
    """The three figures that stand in a row from `at` on; PostgreSQL's sums are decimals."""
    return Sums(*map(int, row[at : at + 3]))


def _unpacked(tx: Connection) -> Select[Any]:
    """The changes of movements, a row each."""
    period = [_m[name] for name in _PERIOD]
    kinds: tuple[tuple[str, Any], ...] = (*((name, TEXT) for name in _PACKED), *((name, INT64) for name in FIGURES))
    if tx.dialect.name == "postgresql":
        array = func.jsonb_array_elements(cast(_m.changes, JSONB))
        change = array.table_valued("value", name="change").render_derived()
        cells: list[Any] = [cast(change.c.value.op("->>")(place), kind) for place, (_, kind) in enumerate(kinds)]
    else:
        change = func.json_each(_m.changes).table_valued("value", name="change")
        cells = [
            type_coerce(func.json_extract(change.c.value, f"$[{place}]"), kind) for place, (_, kind) in enumerate(kinds)
        ]
    named: list[Any] = [cell.label(name) for cell, (name, _) in zip(cells, kinds, strict=True)]
    return select(*period, *named).select_from(balance_movement).join(change, true())


def _named(movements: Sequence[Movement], at_us: int) -> Iterator[tuple[Movement, str]]:
    """The movements, each with an id: one for all, but where an amount takes several rows, which are its parts."""
    movement_id = new_id(at_us)
    if all(map(fits, movements)):
        return zip(movements, repeat(movement_id))
    every = ((part, number) for movement in movements for number, part in enumerate(parts(movement)))
    return ((part, f"{movement_id}-{number}" if number else movement_id) for part, number in every)
