"""What is done with deliveries: record, claim, record the outcome, look, send again, forget (PLT-25, PLT-32).

A delivery's resource name is `deliveries/{delivery_id}`. All instants are the database's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import groupby

from sqlalchemy import Connection

from domain.deliveries import rules, store
from domain.deliveries.errors import HELD_BACK, DeliveryNotFound, DeliveryStillPending
from domain.deliveries.model import (
    Delivery,
    DeliveryFilter,
    Kind,
    NewDelivery,
    Outcome,
    Patience,
    State,
    Trouble,
)
from domain.kernel import events
from domain.kernel.call import Call
from domain.kernel.clock import now_us
from domain.kernel.ids import new_id
from domain.kernel.paging import Page

_GIVEN_UP_AT_ONCE = 500

Seen = frozenset[int] | None
"""The ids of the scopes that the caller may see (`kernel.scopes.visible`); None: all."""


def name_of(delivery_id: str) -> str:
    """The delivery's resource name."""
    return f"deliveries/{delivery_id}"


def enqueue(tx: Connection, new: Sequence[NewDelivery]) -> list[str]:
    """Record what is to go outside, in the caller's transaction; gives the ids, in the same order.

    What the target has a delivery of that key for already is not recorded again; its id here then names nothing.

    Cost: one statement each, and one for the clock.
    """
    if not new:
        return []
    at_us = now_us(tx)
    ids = [new_id(at_us) for _ in new]
    store.insert_deliveries(tx, zip(ids, new, strict=True), now_us=at_us)
    return ids


def pause_us(tx: Connection, kinds: Sequence[Kind], *, per_target_max: int) -> int | None:
    """How long until there is something to claim, in microseconds: 0 for now, None while nothing can become due.

    Cost: one statement for the clock, one a kind; no lock.
    """
    at_us = now_us(tx)
    opens = [rules.opens_us(each, per_target_max=per_target_max) for each in store.waiting(tx, kinds, at_us)]
    first_us = min(opens, default=rules.NEVER_US)
    return None if first_us == rules.NEVER_US else max(0, first_us - at_us)


def claim(tx: Connection, kinds: Sequence[Kind], *, free: int, per_target_max: int, lease_us: int) -> list[Delivery]:
    """Claim at most `free` deliveries for `lease_us`, fairly between targets (`rules.shares`).

    Of one target `per_target_max` are under way at once; senders that claim at the same instant may pass it by what
    they do not see of each other.

    Cost: one statement for the clock, one a kind, one a target served.
    """
    at_us = now_us(tx)
    waiting = store.waiting(tx, kinds, at_us)
    kind_of = {each.target: each.kind for each in waiting}
    claimed: list[Delivery] = []
    for target, most in rules.shares(waiting, free=free, per_target_max=per_target_max, now_us=at_us).items():
        claimed += store.claim(tx, kind_of[target], target, most=most, now_us=at_us, until_us=at_us + lease_us)
    return sorted(claimed, key=lambda each: each.delivery_id)


def keep(tx: Connection, held: Collection[Delivery], *, lease_us: int) -> None:
    """Extend the leases of claimed deliveries. Cost: one statement each."""
    store.extend(tx, held, until_us=now_us(tx) + lease_us)


def hand_back(tx: Connection, held: Collection[Delivery]) -> None:
    """Let others have claimed deliveries that were not tried. Cost: one statement each."""
    if not held:
        return
    store.hand_back(tx, held, now_us=now_us(tx))


def record(
    tx: Connection,
    attempts: Sequence[tuple[Delivery, Outcome]],
    patience: Patience,
    chance: Callable[[], int],
) -> list[Delivery]:
    """Record what became of attempts, once each; gives the deliveries as they stand after it.

    Left out are those that another sender has by now, since their lease was over: its outcome counts. `chance` gives
    random numbers from 0 to `rules.CHANCE_MAX`.

    Cost: one statement for the clock, up to four for each target, on SQLite one more for each delivery. Targets are
    locked in their order.
    """
    if not attempts:
        return []
    at_us = now_us(tx)
    ordered = sorted(attempts, key=lambda pair: (pair[0].kind, pair[0].target, pair[0].delivery_id))
    recorded: list[Delivery] = []
    for (kind, target), group in groupby(ordered, key=lambda pair: (pair[0].kind, pair[0].target)):
        before = trouble = store.lock_trouble(tx, kind, target)
        pairs = [
            (rules.after_attempt(held, outcome, patience, now_us=at_us, chance=chance()), outcome)
            for held, outcome in group
        ]
        ours = store.end_attempts(tx, [after for after, _ in pairs])
        for after, outcome in pairs:
            if (after.delivery_id, after.epoch) in ours:
                recorded.append(after)
                trouble = rules.trouble_after(trouble, outcome, now_us=at_us, chance=chance())
        if trouble != before:
            store.save_trouble(tx, kind, target, trouble)
        _give_up_late(tx, (kind, target), trouble, patience, at_us)
    return recorded


def get(tx: Connection, delivery_id: str, seen: Seen = None) -> Delivery:
    """The delivery. Raises: DeliveryNotFound."""
    found = store.find(tx, delivery_id, visible=seen)
    if found is None:
        raise DeliveryNotFound(delivery_id)
    return found


def find_of(tx: Connection, key: str, target: str) -> Delivery | None:
    """The delivery of a key to a target, if there is one. Cost: one statement by a unique index."""
    return store.find_of(tx, key, target)


def about(tx: Connection, kind: Kind, subjects: Sequence[str]) -> list[Delivery]:
    """The deliveries of a kind that are about subjects, by target. Cost: one statement along ix_delivery_subject."""
    return store.about(tx, kind, subjects)


def begin_again(tx: Connection, delivery_id: str) -> None:
    """Send an ended delivery again since what it depends on has changed; `redeliver` is for callers."""
    store.begin_again(tx, delivery_id, now_us=now_us(tx))


def list_page(tx: Connection, wanted: DeliveryFilter, page: Page, seen: Seen = None) -> list[Delivery]:
    """One delivery more than the page holds, if there is one, newest first; the key is the id."""
    before_id = str(page.after[0]) if page.after else ""
    return store.page(tx, wanted, before_id=before_id, limit=page.size + 1, visible=seen)


def redeliver(tx: Connection, call: Call, delivery_id: str, seen: Seen = None) -> Delivery:
    """Send an ended delivery again, with the same key, as often as a new one would be tried.

    Raises:
        DeliveryNotFound: there is no such delivery.
        DeliveryStillPending: it has not ended.
    """
    found = store.lock(tx, delivery_id, visible=seen)
    if found is None:
        raise DeliveryNotFound(delivery_id)
    if found.state is State.PENDING:
        raise DeliveryStillPending(name_of(delivery_id), state=found.state, wanted=State.PENDING)
    store.begin_again(tx, delivery_id, now_us=now_us(tx))
    changes = {"from": found.state, "to": State.PENDING, "target": found.target, "subject": found.subject}
    events.append(tx, call, name_of(delivery_id), "delivery.sent_again", changes)
    return get(tx, delivery_id)


def forget_before(tx: Connection, before_us: int, limit: int) -> int:
    """Delete the oldest ended deliveries, at most `limit`; gives how many."""
    return store.forget_before(tx, before_us, limit)


def lost(delivery: Delivery, patience: Patience) -> bool:
    """Whether the attempts of a claimed delivery are used up: those before ended with their senders."""
    return delivery.attempts > patience.attempts_max


def _give_up_late(
    tx: Connection, where: tuple[Kind, str], trouble: Trouble | None, patience: Patience, at_us: int
) -> None:
    """What a target that failed all the time has held back for as long as anything is tried is given up."""
    before_us = at_us - patience.within_us
    if trouble is not None and trouble.failing_since_us < before_us:
        store.give_up_late(tx, *where, reason=HELD_BACK, before_us=before_us, now_us=at_us, most=_GIVEN_UP_AT_ONCE)
