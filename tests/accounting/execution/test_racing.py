"""Senders, people and time act on the same claims at once: nobody waits for ever, and every operation ends once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Event

import pytest
from sqlalchemy import Connection

from domain.accounting.channels.model import Channel
from domain.accounting.execution import completing, passing, redoing
from domain.accounting.execution.completing import Report
from domain.accounting.feed.model import EventKind
from domain.accounting.performing import correcting
from domain.accounting.performing.model import Operation
from domain.accounting.performing.states import OperationState
from domain.kernel.errors import Refused
from server.database.transaction import Database
from tests.accounting.execution.sending import NO_ANSWER, REJECTED, UNAVAILABLE, Sending, posted
from tests.accounting.shop import Shop, add_claim, open_shop

CLAIMS = 6
ANSWERS = (posted(), posted(), UNAVAILABLE, NO_ANSWER, REJECTED)


@pytest.mark.rule("ACC-08", "ACC-22", "ACC-40", "PLT-23")
def test_senders_people_and_time_at_once_leave_every_operation_in_one_state(database: Database) -> None:
    """What is executed has its two details and counts once; what is canceled counts nowhere; the rest is pending."""
    shop = open_shop(database, disputes=4)
    claims = [f"c{number}" for number in range(CLAIMS)]
    database.write(partial(_fill, claims))
    made = [each for claim_id in claims for each in shop.execute(claim_id, "CREDIT", 100, 200, 300, 400)]
    sending, over = Sending(shop), Event()
    with ThreadPoolExecutor(6) as pool:
        going = [pool.submit(_send, sending, seed, over) for seed in range(2)]
        going.append(pool.submit(_pass_time, shop, over))
        try:
            for people in [pool.submit(_act, shop, made, seed) for seed in range(10, 13)]:
                people.result(timeout=120)
        finally:
            over.set()
        for each in going:
            each.result(timeout=60)
    _look(sending, made)


def _fill(claims: Sequence[str], tx: Connection) -> None:
    for claim_id in claims:
        add_claim(tx, claim_id, "SERVED", disputes=4)


def _send(sending: Sending, seed: int, over: Event) -> None:
    chance = random.Random(seed)
    while not over.is_set():
        sending.record([(each, chance.choice(ANSWERS)) for each in sending.claim(free=6)])


def _act(shop: Shop, made: Sequence[Operation], seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(60):
        _try(shop, chance, chance.choice(made))


def _pass_time(shop: Shop, over: Event) -> None:
    while not over.is_set():
        shop.write(passing.begin_scheduled, shop.configurations, most=10)
        shop.write(passing.escalate, most=10)


def _try(shop: Shop, chance: random.Random, operation: Operation) -> None:
    """What one person may do, refused or not."""
    key = {"claim_id": operation.claim_id, "operation_id": operation.operation_id}
    report = Report(operation.claim_id, operation.operation_id, "by-hand", 0, "completion_date")
    known = (shop.configurations, shop.books)
    ways: tuple[Callable[[], object], ...] = (
        partial(shop.write, correcting.cancel, **key, reason="wrong"),
        partial(shop.write, redoing.retry, shop.configurations, *key.values()),
        partial(shop.write, redoing.reroute, *known, **key, channel=chance.choice(tuple(Channel)[::2])),
        partial(shop.write, completing.complete, *known, report),
        partial(shop.write, completing.record_posted, *known, report),
        partial(shop.write, completing.record_not_posted, *key.values()),
    )
    with suppress(Refused):
        chance.choice(ways)()


def _look(sending: Sending, made: list[Operation]) -> None:
    ended = [sending.operation(each) for each in made]
    executed = [each for each in ended if each.state is OperationState.EXECUTED]
    pending = [each for each in ended if each.state is OperationState.PENDING]
    assert len({each.state for each in ended}) > 1, "something happened"
    assert sending.details() == 2 * len(executed)
    for claim_id in {each.claim_id for each in made}:
        sums = {
            "executed": sum(each.amount.minor for each in executed if each.claim_id == claim_id),
            "pending": sum(each.amount.minor for each in pending if each.claim_id == claim_id),
        }
        assert sending.balances(claim_id)["ACCOUNT_HOLDER"] == (sums["executed"], sums["pending"])
    for each in ended:
        state, waiting = sending.assignment(each).state, sending.tasks(each)
        assert state.ended == (each.state is not OperationState.PENDING)
        assert len(waiting) <= (not state.ended)
    told = Counter(kind for claim_id in {each.claim_id for each in made} for kind in sending.events(claim_id))
    assert told[EventKind.OPERATION_EXECUTED] == len(executed)
