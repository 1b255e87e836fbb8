"""Duties: what one process at a time does for all of them, now and then, such as forgetting.

Who has a duty holds a lease on its row, by the database's clock, and extends it in the transactions of the work itself:
whoever has lost it finds out before anything of that transaction stays.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, select, text, update

from domain.kernel.clock import now_us
from domain.kernel.documents import Document, from_text, to_text
from domain.kernel.tables import duty

_MAKE = text("INSERT INTO duty (name) VALUES (:name) ON CONFLICT DO NOTHING")


@dataclass(frozen=True, slots=True)
class Duty:
    """How a duty stands: who has it until when, when it was last done, and what came of it then.

    Instants in microseconds UTC; 0 for never.
    """

    holder: str
    until_us: int
    done_us: int
    outcome: Document


def look(tx: Connection, name: str) -> Duty:
    """The duty as it stands. Cost: one statement by primary key."""
    row = tx.execute(select(duty).where(duty.c.name == name)).mappings().one_or_none()
    if row is None:
        return Duty("", 0, 0, {})
    return Duty(row["holder"], row["until_us"], row["done_us"], from_text(row["outcome"]))


def is_due(tx: Connection, name: str, *, every_us: int) -> bool:
    """Whether nobody has the duty, and it was last done so long ago. Cost: two statements."""
    found, at_us = look(tx, name), now_us(tx)
    return found.until_us < at_us and found.done_us <= at_us - every_us


def take(tx: Connection, name: str, holder: str, *, every_us: int, lease_us: int) -> bool:
    """Take on a duty that is due; says whether it was: of several who try, one gets it. Cost: three statements."""
    tx.execute(_MAKE, {"name": name})
    at_us = now_us(tx)
    due = and_(duty.c.until_us < at_us, duty.c.done_us <= at_us - every_us)
    return _change(tx, name, due, holder=holder, until_us=at_us + lease_us)


def keep(tx: Connection, name: str, holder: str, *, lease_us: int) -> bool:
    """Extend the lease; False when it is over, and nothing that this transaction did may stay. Cost: two statements."""
    at_us = now_us(tx)
    return _change(tx, name, _held(holder, at_us), until_us=at_us + lease_us)


def finish(tx: Connection, name: str, holder: str, outcome: Document) -> bool:
    """Record that the duty was done and what came of it; False when it was another's by then. Cost: two statements."""
    at_us = now_us(tx)
    return _change(tx, name, _held(holder, at_us), holder="", until_us=0, done_us=at_us, outcome=to_text(outcome))


def leave(tx: Connection, name: str, holder: str) -> None:
    """Let go of the duty before it is done: the next one begins anew. Cost: one statement."""
    _change(tx, name, duty.c.holder == holder, holder="", until_us=0)


def _held(holder: str, at_us: int) -> ColumnElement[bool]:
    return and_(duty.c.holder == holder, duty.c.until_us >= at_us)


def _change(tx: Connection, name: str, still: ColumnElement[bool], **values: object) -> bool:
    return tx.execute(update(duty).where(duty.c.name == name, still).values(**values)).rowcount == 1
