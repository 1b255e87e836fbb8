"""Gives events their positions in the feeds of their clients, once they are committed (ACC-56).

Transactions do not commit in the order in which they write. Would an event bring its position with it, one with a lower
position could still come after a watcher has gone past. So positions are given afterwards, by one at a time for a
client: what is committed and has none yet comes behind all that have one. Whoever has read up to a position has read
everything up to it, for good.

Within a claim positions follow its sequence, whatever the clocks of the servers that made the events.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from domain.accounting.feed import store
from domain.accounting.feed.model import Waiting


@dataclass(frozen=True, slots=True)
class Placed:
    """How many events of a client were placed, and of which claims."""

    count: int
    claim_ids: frozenset[str]


def waiting(tx: Connection) -> Sequence[str]:
    """The clients that have events without a position. Cost: one look into an index for each, and one more."""
    return store.clients_waiting(tx)


def place(tx: Connection, client_code: str, *, limit: int) -> Placed:
    """Give the oldest events of a client that have no position the next ones; `limit` of them, or a few more.

    Cost: four statements, and one more when there are as many as `limit`; the client's row in `accounting_feed` is
    locked until the transaction ends.
    """
    last = store.lock_feed(tx, client_code)
    found = store.oldest_waiting(tx, client_code, limit)
    if not found:
        return Placed(0, frozenset())
    if len(found) >= limit:  # some may be left that belong before these
        newest = {event.claim_id: event.sequence for event in sorted(found, key=lambda event: event.sequence)}
        found = list({*found, *store.earlier_waiting(tx, newest)})
    ordered = in_order(found)
    store.set_positions(tx, ordered, first=last + 1)
    store.set_last(tx, client_code, last + len(ordered))
    return Placed(len(ordered), frozenset(event.claim_id for event in ordered))


def in_order(events: Iterable[Waiting]) -> list[Waiting]:
    """By age, but none before what happened to its claim earlier: it counts as no older than that."""
    keyed, latest = [], dict[str, str]()
    for event in sorted(events, key=lambda event: event.sequence):
        latest[event.claim_id] = max(event.event_id, latest.get(event.claim_id, ""))
        keyed.append(((latest[event.claim_id], event.claim_id, event.sequence), event))
    return [event for _, event in sorted(keyed, key=lambda pair: pair[0])]
