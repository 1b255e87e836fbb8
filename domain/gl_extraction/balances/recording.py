"""What changes balances, recorded by whoever changes details, in the same transaction (GLX-24).

Details count from when they are made until they are void; as extracted, from when the batch that took them is
completed. A run that stamps anew what was sent before changes no balance.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, FromClause

from domain.gl_extraction.balances.model import NOTHING, Movement, Place, Sums
from domain.gl_extraction.balances.store import movements, voiding
from domain.gl_extraction.balances.sums import merged


def made(tx: Connection, found: Sequence[Movement], *, now_us: int) -> None:
    """Details were made that come to this, at most one movement a place. Cost: one statement, a row a place."""
    movements.record(tx, found, recorded_us=now_us)


def voiding_of(tx: Connection, keys: FromClause, *, now_us: int) -> None:
    """Details are about to be marked void; whoever marks them holds them and all batches that are under way.

    What a batch has taken and not shown yet, it will not have extracted. Cost: one statement, by key, over the details,
    and one or two with a row a place.
    """
    gone = voiding.sums(tx, keys)
    changes = [
        Movement(one.place, NOTHING.less(one.sums), NOTHING.less(one.sums) if one.extracted else NOTHING)
        for one in gone
    ]
    movements.record(tx, merged(changes), recorded_us=now_us)
    for batch_no in sorted({one.batch_no for one in gone if one.batch_no}):
        lost = [Movement(one.place, NOTHING, NOTHING.less(one.sums)) for one in gone if one.batch_no == batch_no]
        movements.record_for_batch(tx, batch_no, lost, recorded_us=now_us)


def taken(tx: Connection, batch_no: int, found: Iterable[tuple[Place, Sums]], *, now_us: int) -> None:
    """A run has taken details that were never sent before. Cost: one statement, a row a place."""
    changes = [Movement(place, NOTHING, sums) for place, sums in found]
    movements.record_for_batch(tx, batch_no, merged(changes), recorded_us=now_us)


def completed(tx: Connection, batch_no: int, *, now_us: int) -> None:
    """A batch is completed: what it has taken is extracted. Three statements, a row a place and step."""
    found = movements.of_batch(tx, batch_no)
    movements.record(
        tx, [Movement(place, NOTHING, sums) for place, sums in found if sums != NOTHING], recorded_us=now_us
    )
    movements.forget_batch(tx, batch_no)


def canceled(tx: Connection, batch_no: int) -> None:
    """A batch has given back what it had taken. One statement."""
    movements.forget_batch(tx, batch_no)
