"""What is done with deliveries: record, claim, record the outcome, look, send again, forget (PLT-25, PLT-32).

A delivery's resource name is `deliveries/{delivery_id}`. All instants are the database's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from sqlalchemy import Connection

from domain.deliveries import rules, store
from domain.deliveries.errors import HELD_BACK, DeliveryNotFound, DeliveryRetriedElsewhere, DeliveryStillPending
from domain.deliveries.model import (
    Claimed,
    Delivery,
    DeliveryFilter,
    Kind,
    Limits,
    NewDelivery,
    Outcome,
    Patience,
    State,
    Trouble,
    Waiting,
)
from domain.kernel import events
from domain.kernel.call import Call
from domain.kernel.clock import now_us
from domain.kernel.documents import Document, to_text
from domain.kernel.ids import new_id
from domain.kernel.paging import Page
from domain.kernel.script import Script

_GIVEN_UP_AT_ONCE = 500

NOTHING: Mapping[str, int] = {}
"""Of no target is anything held."""

Seen = frozenset[int] | None
"""The ids of the scopes that the caller may see (`kernel.scopes.visible`); None: all."""


def name_of(delivery_id: str) -> str:
    """The delivery's resource name."""
    return f"deliveries/{delivery_id}"


def enqueue(tx: Connection, new: Sequence[NewDelivery]) -> list[str]:
    """Record what is to go outside, in the caller's transaction; gives the ids, in the same order.

    What the target has a delivery of that key for already is not recorded again; its id here then names nothing.

    Cost: one statement for all, and one for the clock.
    """
    if not new:
        return []
    script = Script(tx)
    ids = add(script, new, at_us=now_us(tx))
    script.run()
    return ids


def add(script: Script, new: Sequence[NewDelivery], *, at_us: int) -> list[str]:
    """As `enqueue`, by a script; the ids are as of an instant by any clock. Cost: one statement of the script."""
    ids = [new_id(at_us) for _ in new]
    store.insert_deliveries(script, list(zip(ids, new, strict=True)))
    return ids


def withdraw(tx: Connection, kind: Kind, target: str, key: str) -> bool:
    """Take back what was not sent yet, or end what was given up; gives whether nothing of it is or will be sent.

    True: it was pending or given up and is WITHDRAWN now; so it was already; or there never was one. False: it is being
    sent, or its last attempt had no answer and others follow, or it has arrived; the caller refuses what it was about.
    A claim cannot slip in until the transaction ends, and nothing here waits for one.

    Cost: up to four statements by unique indexes.
    """
    found = store.lock_of(tx, kind, key, target)
    if found is None:
        return store.find_of(tx, key, target) is None
    if found.state is State.WITHDRAWN:
        return True
    if found.state is State.DELIVERED or (found.state is State.PENDING and (found.claimed or found.in_doubt)):
        return False
    store.withdraw(tx, found.delivery_id, now_us=now_us(tx))
    return True


def send_again(
    tx: Connection, kind: Kind, target: str, key: str, *, limits: Limits, payload: Document
) -> Delivery | None:
    """Send what was given up or withdrawn again: with the same key, by new limits and with a new count of attempts.

    Gives the delivery, None when there is none of that key. What its last attempt left in doubt stays so, and what was
    recorded of its failure. The payload may name another way to the same receiver.

    Raises: DeliveryStillPending: it has not ended, or another records its end just now.
    Cost: up to four statements by unique indexes.
    """
    found = store.lock_of(tx, kind, key, target)
    if found is None and (found := store.find_of(tx, key, target)) is None:
        return None
    assert found.state is not State.DELIVERED, "what has arrived is not sent again"
    if found.state is State.PENDING:
        raise DeliveryStillPending(name_of(found.delivery_id), state=found.state, wanted=State.PENDING)
    changes = {**store.limits_row(limits), "payload": to_text(payload)}
    store.begin_again(tx, found.delivery_id, now_us=now_us(tx), **changes)
    return get(tx, found.delivery_id)


def pause_us(
    tx: Connection, kinds: Sequence[Kind], *, per_target_max: int, held: Mapping[str, int] = NOTHING
) -> int | None:
    """How long until there is something to claim, in microseconds: 0 for now, None while nothing can become due.

    `held`: how many of each target the sender has already. Cost: one statement for the clock, one a kind; no lock.
    """
    at_us = now_us(tx)
    opens = [rules.opens_us(each, per_target_max=per_target_max) for each in _waiting(tx, kinds, held, at_us)]
    first_us = min(opens, default=rules.NEVER_US)
    return None if first_us == rules.NEVER_US else max(0, first_us - at_us)


def claim(
    tx: Connection,
    kinds: Sequence[Kind],
    *,
    free: int,
    per_target_max: int,
    lease_us: int,
    held: Mapping[str, int] = NOTHING,
) -> Claimed:
    """Claim at most `free` deliveries for `lease_us`, fairly between targets (`rules.shares`).

    Of one target `per_target_max` are under way at once; senders that claim at the same instant may pass it by what
    they do not see of each other. They do not pass a limit that deliveries ask for themselves (`Limits`), as long as
    each sends no more of such a target at once than it is told (`Claimed.at_once`), and tells what it `held` of it.

    Cost: one statement for the clock, one a kind, one a target served, two more for one with a limit of its own.
    """
    at_us = now_us(tx)
    waiting = _waiting(tx, kinds, held, at_us)
    of_target = {each.target: each for each in waiting}
    claimed: list[Delivery] = []
    at_once: dict[str, int] = {}
    for target, share in rules.shares(waiting, free=free, per_target_max=per_target_max, now_us=at_us).items():
        seen, most = of_target[target], share
        if seen.under_way_max:
            under_way = store.under_way_if_ours(tx, seen.kind, target, now_us=at_us)
            if under_way is None:
                continue
            seen = replace(seen, under_way=under_way)
            most = min(share, rules.room(seen, per_target_max=per_target_max))
            if most:
                at_once[target] = rules.at_once(seen)
        if most:
            claimed += store.claim(tx, seen.kind, target, most=most, now_us=at_us, until_us=at_us + lease_us)
    return Claimed(sorted(claimed, key=lambda each: each.delivery_id), at_once)


def _waiting(tx: Connection, kinds: Sequence[Kind], held: Mapping[str, int], at_us: int) -> list[Waiting]:
    return [replace(each, held=held.get(each.target, 0)) for each in store.waiting(tx, kinds, at_us)]


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
    for (kind, target), grouped in groupby(ordered, key=lambda pair: (pair[0].kind, pair[0].target)):
        group = list(grouped)
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
            keep = any(held.limits.under_way_max for held, _ in group)
            store.save_trouble(tx, kind, target, trouble, keep=keep)
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
        DeliveryRetriedElsewhere: an accounting assignment stands behind it, and may have been settled otherwise.
        DeliveryStillPending: it has not ended.
    """
    found = store.lock(tx, delivery_id, visible=seen)
    if found is None:
        raise DeliveryNotFound(delivery_id)
    if found.kind is Kind.SYSTEM_OF_RECORD:
        raise DeliveryRetriedElsewhere(name_of(delivery_id), subject=found.subject)
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
    return delivery.attempts > (delivery.limits.attempts_max or patience.attempts_max)


def _give_up_late(
    tx: Connection, where: tuple[Kind, str], trouble: Trouble | None, patience: Patience, at_us: int
) -> None:
    """What a target that failed all the time has held back for as long as anything is tried is given up."""
    before_us = at_us - patience.within_us
    if trouble is not None and trouble.failing_since_us < before_us:
        store.give_up_late(tx, *where, reason=HELD_BACK, before_us=before_us, now_us=at_us, most=_GIVEN_UP_AT_ONCE)
