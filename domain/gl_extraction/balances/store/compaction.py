"""SQL of compaction: a stretch of settled movements or of finer spans out, what they come to in."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from sqlalchemy import Connection, delete, literal, select

from domain.gl_extraction.balances.model import Movement, Place
from domain.gl_extraction.balances.store.movements import FIGURES, changes_of, movement_of
from domain.gl_extraction.tables import balance_movement, balance_span

_m, _s = balance_movement.c, balance_span.c
_SPAN = [_s[name] for name in (*Place._fields, *FIGURES)]


def instant_of(tx: Connection, *, packed: bool, after_us: int, until_us: int, limit: int) -> int | None:
    """The instant by which there are `limit` changes after another instant; None when there are not so many.

    Of movements (`packed`) or of spans. By index; at most `limit` rows.
    """
    at, count = (_m.settled_us, _m.change_count) if packed else (_s.settled_us, literal(1))
    query = select(at, count).where(at > after_us, at <= until_us).order_by(at).limit(limit)
    found = tx.execute(query).all()
    counted = accumulate(count for _, count in found)
    return next((at_us for (at_us, _), total in zip(found, counted, strict=True) if total >= limit), None)


def read(tx: Connection, *, packed: bool, after_us: int, until_us: int) -> list[tuple[Movement, int]]:
    """What was recorded in a stretch of time, each change with the instant as of which it counts."""
    if packed:
        columns: list[Any] = [_m.ledger_code, _m.accounting_period_code, _m.changes, _m.settled_us]
        rows = tx.execute(select(*columns).where(_m.settled_us > after_us, _m.settled_us <= until_us))
        return [(change, row.settled_us) for row in rows for change in changes_of(row)]
    query = select(*_SPAN, _s.settled_us).where(_s.settled_us > after_us, _s.settled_us <= until_us)
    return [(movement_of(row), row.settled_us) for row in tx.execute(query)]


def remove(tx: Connection, *, packed: bool, after_us: int, until_us: int) -> None:
    """Remove what was recorded in a stretch of time, which spans take the place of."""
    table, at = (balance_movement, _m.settled_us) if packed else (balance_span, _s.settled_us)
    tx.execute(delete(table).where(at > after_us, at <= until_us))
