"""SQL of compaction: a span of settled movements out, what they come to in."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from domain.gl_extraction.balances.model import Movement
from domain.gl_extraction.balances.store.movements import columns, movement_of
from domain.gl_extraction.tables import balance_movement

_m = balance_movement.c


def instant_of(tx: Connection, *, after_us: int, until_us: int, place: int) -> int | None:
    """The instant of the `place`-th movement after another instant; None when there are not so many. By index."""
    span = (_m.settled_us > after_us, _m.settled_us <= until_us)
    query = select(_m.settled_us).where(*span).order_by(_m.settled_us).offset(place - 1).limit(1)
    return tx.execute(query).scalar_one_or_none()


def read(tx: Connection, *, after_us: int, until_us: int) -> list[tuple[Movement, int]]:
    """The settled movements of a span, each with its instant."""
    query = select(*columns(), _m.settled_us).where(_m.settled_us > after_us, _m.settled_us <= until_us)
    return [(movement_of(row), row.settled_us) for row in tx.execute(query)]


def remove(tx: Connection, *, after_us: int, until_us: int) -> None:
    """Remove the settled movements of a span, which others take the place of."""
    tx.execute(delete(balance_movement).where(_m.settled_us > after_us, _m.settled_us <= until_us))
