"""Gives events their positions in the feeds of their clients, once they are committed (ACC-56).

Transactions do not commit in the order in which they write. Would an event bring its position with it, one with a lower
position could still come after a watcher has gone past. So positions are given afterwards, by one at a time for a
client: what is committed and has none yet comes behind all that have one. Whoever has read up to a position has read
everything up to it, for good.

Within a claim positions follow its sequence, whatever the clocks of the servers that made the events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from domain.accounting.feed import store


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

    Cost: three statements; the client's row in `accounting_feed` is locked until the transaction ends.
    """
    last = store.lock_feed(tx, client_code)
    claim_ids = store.place(tx, client_code, last=last, limit=limit)
    if claim_ids:
        store.set_last(tx, client_code, last + len(claim_ids))
    return Placed(len(claim_ids), frozenset(claim_ids))
