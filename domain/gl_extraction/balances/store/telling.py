"""SQL of the instants as of which balances are told, and of what is settled by them."""

from __future__ import annotations

from sqlalchemy import Connection, case, func, insert, literal, select, update

from domain.gl_extraction.tables import balance_mark, balance_movement, balance_told
from domain.kernel.columns import INT64

SETTLED = "settled"
_mark, _told, _m = balance_mark.c, balance_told.c, balance_movement.c


def mark(tx: Connection, name: str, *, lock: bool = False) -> int:
    """Up to which instant something is done; with `lock`, nobody else does more of it until the transaction ends."""
    query = select(_mark.at_us).where(_mark.name == name)
    return int(tx.execute(query.with_for_update() if lock else query).scalar_one())


def set_mark(tx: Connection, name: str, at_us: int) -> None:
    """Move a mark, which the caller has locked."""
    tx.execute(update(balance_mark).where(_mark.name == name).values(at_us=at_us))


def has_unsettled(tx: Connection) -> bool:
    """Whether there is anything that no balance has told yet."""
    return tx.execute(select(literal(1)).where(_m.settled_us == 0).limit(1)).first() is not None


def settle(tx: Connection, *, after_us: int, until_us: int) -> int:
    """Let what is not settled count as of when it was recorded, but within the two; gives how many rows.

    What others have not committed yet is not seen, and is settled by a later balance. Cost: one statement.
    """
    after, until = literal(after_us + 1, INT64), literal(until_us, INT64)
    within = case((_m.recorded_us < after, after), (_m.recorded_us > until, until), else_=_m.recorded_us)
    return tx.execute(update(balance_movement).where(_m.settled_us == 0).values(settled_us=within)).rowcount


def is_told(tx: Connection, at_us: int) -> bool:
    """Whether a balance was told as of this very instant."""
    return tx.execute(select(literal(1)).where(_told.at_us == at_us)).first() is not None


def last_told(tx: Connection, until_us: int) -> int:
    """The last such instant until another; 0 for none."""
    return int(tx.execute(select(func.coalesce(func.max(_told.at_us), 0)).where(_told.at_us <= until_us)).scalar_one())


def told_between(tx: Connection, after_us: int, until_us: int) -> list[int]:
    """All such instants in a span, its beginning excluded, in order."""
    query = select(_told.at_us).where(_told.at_us > after_us, _told.at_us <= until_us).order_by(_told.at_us)
    return list(tx.execute(query).scalars())


def remember_told(tx: Connection, at_us: int) -> None:
    """Remember an instant; the caller holds the mark, so that nobody else does."""
    if not is_told(tx, at_us):
        tx.execute(insert(balance_told).values(at_us=at_us))
