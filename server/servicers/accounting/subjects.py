"""Claims, and the feeds of clients, as they are watched: how many events there are, and the newest of them (ACC-56).

The poller reads what is new once, for all who watch. Who has fallen further behind than that reads by himself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Generic, Protocol, TypeVar

from google.protobuf.message import Message

from domain.accounting.feed import store
from domain.accounting.feed.model import AccountingEvent
from domain.accounting.names import claim_name, client_name
from server.call import Tx
from server.mapping.accounting import feed as mapping
from server.watcher import Subject

KEPT_MAX = 200
"""How many events are kept at hand for those who watch."""

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Tail(Generic[M]):
    """The events up to the `revision`-th, the last few of them at hand, as messages that are shared by all watchers."""

    revision: int
    messages: tuple[M, ...] = ()

    def after(self, seen: int) -> Sequence[M] | None:
        """The events behind the `seen`-th; None when not all of them are at hand."""
        missing = self.revision - seen
        return None if missing > len(self.messages) else self.messages[len(self.messages) - missing :]

    def grown(self, messages: Sequence[M], revision: int) -> Tail[M]:
        """With further ones, of which the last is the `revision`-th."""
        joined = (*self.messages, *messages) if self.revision + len(messages) == revision else tuple(messages)
        return Tail(revision, joined[-KEPT_MAX:])


class _Read(Protocol):
    def __call__(self, tx: Tx, known: Mapping[str, int], *, most: int) -> list[AccountingEvent]:
        """The newest events behind those that are known, one thing after the other."""
        ...


def _subject(
    prefix: str,
    read: _Read,
    *,
    key_of: Callable[[AccountingEvent], str],
    place_of: Callable[[AccountingEvent], int],
    told: Callable[[AccountingEvent], M],
) -> Subject[Tail[M]]:
    def changed(tx: Tx, known: Mapping[str, Tail[M]]) -> dict[str, Tail[M] | type[Exception]]:
        found = read(tx, {key: tail.revision for key, tail in known.items()}, most=KEPT_MAX)
        grown: dict[str, Tail[M] | type[Exception]] = {}
        for key, group in groupby(found, key_of):
            events = list(group)
            grown[key] = known[key].grown([told(event) for event in events], place_of(events[-1]))
        return grown

    return Subject(prefix, changed)


CLAIMS = _subject(
    claim_name(""),
    store.newer_of_claims,
    key_of=lambda event: event.claim_id,
    place_of=lambda event: event.sequence,
    told=mapping.event_of_claim,
)
"""Claims, by id: their revision is the sequence of their newest event."""

FEEDS = _subject(
    client_name(""),
    store.newer_of_clients,
    key_of=lambda event: event.client_code,
    place_of=lambda event: event.position,
    told=mapping.event_of_client,
)
"""Clients, by code: their revision is the position of their newest event."""
