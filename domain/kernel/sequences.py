"""Numbers from the database.

Two kinds: numbers that only have to be unique and growing (`reserve`, which never makes writers wait for each other on
PostgreSQL), and numbers without gaps (`take`, which holds the sequence's row until the transaction ends: ask late).
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select, text, update

from domain.kernel.tables import sequence

BLOCK = 1_000
"""How many numbers one step of a PostgreSQL sequence stands for."""

GROWING = ("accounting_detail_no",)
"""The sequences of `reserve`: on PostgreSQL real ones with INCREMENT BY BLOCK, on SQLite rows as those of `take`."""

GAPLESS = ("extraction_batch_no", "message_id")
"""The sequences of `take`: rows of the table `sequence` on both databases, from 1 on."""

_NEXT_VALUES = text("SELECT nextval(CAST(:name AS regclass)) FROM generate_series(1, :blocks)")
_ADVANCE = (
    update(sequence)
    .where(sequence.c.name == bindparam("key"))
    .values(next_value=sequence.c.next_value + bindparam("count"))
    .returning(sequence.c.next_value)
)


def reserve(tx: Connection, name: str, count: int) -> list[range]:
    """At least `count` fresh numbers, as ranges in growing order; unused ones are lost.

    Cost: one statement. On PostgreSQL it takes no lock; on SQLite there is one writer anyway.
    """
    assert name in GROWING
    assert count > 0
    if tx.dialect.name == "postgresql":
        blocks = -(-count // BLOCK)
        starts = sorted(tx.execute(_NEXT_VALUES, {"name": name, "blocks": blocks}).scalars())
        return [range(start, start + BLOCK) for start in starts]
    return [take(tx, name, count)]


def take(tx: Connection, name: str, count: int) -> range:
    """Exactly `count` numbers that follow on the last ones taken, without a gap: rolled back, they are taken again.

    Cost: one statement, which locks the sequence's row until the transaction ends.
    """
    assert name in GAPLESS or name in GROWING
    assert count > 0
    following: int = tx.execute(_ADVANCE, {"key": name, "count": count}).scalar_one()
    return range(following - count, following)


def hold(tx: Connection, name: str) -> None:
    """Keep everybody from taking numbers of a sequence until the transaction ends; many may hold it at once.

    Cost: one statement, which waits for whoever has just taken some. On SQLite there is one writer anyway.
    """
    assert name in GAPLESS
    tx.execute(select(sequence.c.name).where(sequence.c.name == name).with_for_update(read=True)).scalar_one()
