"""Use cases of the feed: record what happened, read it again (ACC-56)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from domain.accounting.feed import store
from domain.accounting.feed.model import NewEvent


def record(tx: Connection, events: Sequence[NewEvent]) -> None:
    """Record a set of events, in their order, of claims whose rows the transaction holds locked or has just made.

    Cost: two statements for the set; none for an empty one.
    """
    if events:
        store.record(tx, events)
