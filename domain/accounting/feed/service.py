"""Use cases of the feed: record what happened, read it again (ACC-56).

An event of a claim is there with the transaction that it tells of; in the feed of its client it has a position a moment
later (`placing`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from domain.accounting.claims import store as claims
from domain.accounting.claims.errors import ClaimNotFound
from domain.accounting.claims.model import Claim
from domain.accounting.configuration.registers import CLIENTS
from domain.accounting.feed import store
from domain.accounting.feed.errors import FeedCursorAhead, FeedCursorForgotten
from domain.accounting.feed.model import AccountingEvent, NewEvent
from domain.accounting.names import CLIENT_TYPE, client_name
from domain.kernel.errors import NotFound
from domain.kernel.registers import store as configuration
from domain.kernel.scopes import EVERYTHING, Scope
from domain.kernel.script import Script


def record(tx: Connection, events: Sequence[NewEvent]) -> None:
    """Record a set of events, in their order, of claims whose rows the transaction holds locked or has just made.

    Cost: two statements for the set; none for an empty one.
    """
    if events:
        script = Script(tx)
        store.insert(script, events, store.take(tx, Counter(event.claim_id for event in events)))
        script.run()


def add(script: Script, events: Sequence[NewEvent], made: Mapping[str, int]) -> None:
    """As `record`, by a script; `made` tells how many events each of the locked claims has made by then.

    Cost: two statements of the script.
    """
    store.set_made(script, store.insert(script, events, {event.claim_id: made[event.claim_id] for event in events}))


def claim_now(tx: Connection, claim_id: str, scope: Scope = EVERYTHING) -> Claim:
    """The claim, with the sequence of its newest event. Raises: ClaimNotFound, also for one outside the scope."""
    found = claims.find(tx, claim_id, scope.clients)
    if found is None:
        raise ClaimNotFound(claim_id)
    return found


def client_now(tx: Connection, client_code: str, scope: Scope = EVERYTHING) -> int:
    """The position of a client's newest event. Raises: NotFound for the client, also for one outside the scope."""
    if not scope.has_client(client_code) or configuration.find(tx, CLIENTS, client_code) is None:
        raise NotFound(CLIENT_TYPE, client_name(client_code))
    return store.last_position(tx, client_code)


def of_claim(
    tx: Connection, claim_id: str, *, after: int, limit: int, scope: Scope = EVERYTHING
) -> list[AccountingEvent]:
    """At most `limit` events of a claim, those behind a sequence. Raises: ClaimNotFound."""
    claim_now(tx, claim_id, scope)
    return store.of_claim(tx, claim_id, after=after, limit=limit)


def of_client(
    tx: Connection, client_code: str, *, after: int, limit: int, scope: Scope = EVERYTHING
) -> list[AccountingEvent]:
    """At most `limit` events of a client that have a position, those behind one. Raises: NotFound for the client."""
    client_now(tx, client_code, scope)
    return store.of_client(tx, client_code, after=after, limit=limit)


def behind_claim(tx: Connection, claim_id: str, *, after: int, limit: int) -> list[AccountingEvent]:
    """As `of_claim`, for one who goes on: there are some, without a gap. Raises: FeedCursorForgotten."""
    found = store.of_claim(tx, claim_id, after=after, limit=limit)
    oldest = found[0].sequence if found else claim_now(tx, claim_id).events_made + 1
    if oldest != after + 1:
        raise FeedCursorForgotten("after_sequence", after=after, oldest=oldest)
    return found


def behind_client(tx: Connection, client_code: str, *, after: int, limit: int) -> list[AccountingEvent]:
    """As `of_client`, for one who goes on: there are some, without a gap. Raises: FeedCursorForgotten."""
    found = store.of_client(tx, client_code, after=after, limit=limit)
    oldest = found[0].position if found else store.last_position(tx, client_code) + 1
    if oldest != after + 1:
        raise FeedCursorForgotten("after_position", after=after, oldest=oldest)
    return found


def forget_before(tx: Connection, before_us: int, limit: int) -> int:
    """Forget at most `limit` events that are older, of each client the first ones; gives how many.

    What is left has no gap, of a client or of a claim; an event without a position is kept until it has one. Cost: a
    look into an index for each client, and two statements for each that has some to forget.
    """
    left = limit
    for client_code in store.clients_with_older(tx, before_us, limit):
        left -= store.forget_first(tx, client_code, before_us, left)
        if left == 0:
            break
    return limit - left


def refuse_ahead(after: int, newest: int) -> None:
    """Refuse to go on from an event that there has not been. Raises: FeedCursorAhead, with the newest there is."""
    if after > newest:
        raise FeedCursorAhead(after=after, newest=newest)
