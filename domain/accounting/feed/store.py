"""The SQL of the feed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import Connection, text

from domain.accounting.feed.model import NewEvent
from domain.kernel.bulk import insert_set
from domain.kernel.documents import to_text
from domain.kernel.ids import new_id

_COLUMNS = ("claim_id", "sequence", "client_code", "event_id", "kind", "operation_id", "at_us")

_MAKE = {
    "postgresql": text(
        "UPDATE claim SET events_made = events_made + CAST(made.value AS BIGINT) FROM json_each_text(:made) made"
        ' WHERE claim_id = made.key COLLATE "C" RETURNING claim_id, events_made'
    ),
    "sqlite": text(
        "UPDATE claim SET events_made = events_made + made.value FROM json_each(:made) made"
        " WHERE claim_id = made.key RETURNING claim_id, events_made"
    ),
}


def record(tx: Connection, events: Sequence[NewEvent]) -> None:
    """Give each event the next sequence of its claim, in their order, and insert it.

    Cost: two statements, whatever number of claims; their rows are locked already.
    """
    counts = Counter(event.claim_id for event in events)
    made = tx.execute(_MAKE[tx.dialect.name], {"made": to_text(counts)}).all()
    assert len(made) == len(counts), "an event of a claim that is not there"
    last = {row.claim_id: row.events_made - counts[row.claim_id] for row in made}
    rows = []
    for event in events:
        last[event.claim_id] += 1
        rows.append(
            (
                event.claim_id,
                last[event.claim_id],
                event.client_code,
                new_id(event.at_us),
                event.kind.value,
                event.operation_id,
                event.at_us,
            )
        )
    insert_set(tx, "accounting_event", _COLUMNS, rows)
