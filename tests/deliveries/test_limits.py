"""Deliveries with limits of their own, those that are taken back, and those in doubt: on both databases."""

import threading
import time
from collections import Counter
from itertools import count
from typing import Any

import pytest
from sqlalchemy import select, update

from domain.deliveries import rules, service
from domain.deliveries.errors import DeliveryRetriedElsewhere, DeliveryStillPending
from domain.deliveries.model import (
    DELIVERED,
    Delivery,
    Kind,
    Limits,
    NewDelivery,
    Patience,
    State,
    failed,
    rejected,
    unanswered,
)
from domain.deliveries.tables import delivery, delivery_target
from domain.kernel.call import Call
from server.database.transaction import Database
from tests.support.waiting import wait_for

CALL = Call("ann", "test/Method", "", now_us=1)
KIND = Kind.SYSTEM_OF_RECORD
LIMITS = Limits(attempts_max=3, pause_us=1, pause_max_us=1, under_way_max=4)
FAILED = failed("RECEIVER_FAILED", "the receiver answered 500")
UNANSWERED = unanswered("RECEIVER_SILENT", "the receiver said nothing")
_DAY_US = 86_400_000_000
_keys = count(1)


def enqueue(database: Database, *keys: str, target: str = "clients/a", limits: Limits = LIMITS) -> list[str]:
    new = [NewDelivery(KIND, target, key, f"claims/1/operations/{key}", limits=limits) for key in keys]
    return database.write(lambda tx: service.enqueue(tx, new))


def claim(database: Database, *, free: int = 100, lease_s: float = 60, held: Counter[str] | None = None) -> Any:
    return database.write(
        lambda tx: service.claim(
            tx, (KIND,), free=free, per_target_max=100, lease_us=round(lease_s * 1_000_000), held=held or Counter()
        )
    )


def claim_one(database: Database, *, lease_s: float = 60) -> Delivery:
    wait_for(lambda: database.read(lambda tx: service.pause_us(tx, (KIND,), per_target_max=100)) == 0, what="its time")
    (one,) = claim(database, lease_s=lease_s).deliveries
    assert isinstance(one, Delivery)
    return one


def record(database: Database, *attempts: Any) -> list[Delivery]:
    return database.write(lambda tx: service.record(tx, attempts, Patience(), lambda: rules.CHANCE_MAX))


def get(database: Database, delivery_id: str) -> Delivery:
    return database.read(lambda tx: service.get(tx, delivery_id))


def withdraw(database: Database, key: str, target: str = "clients/a") -> bool:
    return database.write(lambda tx: service.withdraw(tx, KIND, target, key))


@pytest.mark.rule("ACC-21", "ACC-22")
def test_a_delivery_has_the_attempts_that_it_asks_for_and_no_end_of_time(database: Database) -> None:
    """A year in the outbox changes nothing; its own three attempts do."""
    (delivery_id,) = enqueue(database, "k1")
    long_ago = {"since_us": delivery.c.since_us - 400 * _DAY_US}
    for attempt in (1, 2, 3):
        database.write(lambda tx: tx.execute(update(delivery).values(**long_ago)))
        one = claim_one(database)
        assert one.attempts == attempt
        record(database, (one, FAILED))
    assert get(database, delivery_id).state is State.GIVEN_UP


@pytest.mark.rule("ACC-24")
def test_what_a_dead_target_holds_back_is_never_given_up_and_loses_no_attempt(database: Database) -> None:
    """The target has failed for a year: what waits has all its attempts yet."""
    first, *others = enqueue(database, *(f"k{number}" for number in range(20)), limits=Limits(100, 1, 1))
    held = claim(database, free=rules.TROUBLED_FROM).deliveries
    record(database, *((each, FAILED) for each in held))
    long_ago = {"failing_since_us": delivery_target.c.failing_since_us - 400 * _DAY_US, "paused_until_us": 0}
    database.write(lambda tx: tx.execute(update(delivery_target).values(**long_ago)))
    database.write(lambda tx: tx.execute(update(delivery).values(since_us=delivery.c.since_us - 400 * _DAY_US)))
    (probe,) = claim(database).deliveries  # one at a time
    record(database, (probe, FAILED))
    states = Counter((get(database, each).state, get(database, each).attempts) for each in (first, *others))
    assert {state for state, _ in states} == {State.PENDING}
    assert states[State.PENDING, 0] == 20 - rules.TROUBLED_FROM - 1


@pytest.mark.rule("ACC-24")
def test_a_rejection_shows_that_the_target_is_well(database: Database) -> None:
    """One that refuses a thing for good works: its trouble is over."""
    enqueue(database, *(f"k{number}" for number in range(20)), limits=Limits(100, 1, 1))
    held = claim(database, free=rules.TROUBLED_FROM + 1).deliveries
    record(database, *((each, FAILED) for each in held[1:]))
    record(database, (held[0], rejected("REFUSED", "no such account")))
    assert len(claim(database).deliveries) == 19


@pytest.mark.rule("ACC-24")
def test_a_pause_for_all_holds_the_target_back_and_no_other(database: Database) -> None:
    """The receiver asks to be left alone: nothing is claimed for it, and that is no attempt."""
    enqueue(database, "k1", "k2")
    (one, _) = claim(database).deliveries
    record(database, (one, failed("BUSY", "busy", pause_us=60_000_000, pause_all=True)))
    (waits,) = enqueue(database, "k3")
    (other,) = enqueue(database, "k4", target="clients/b")
    assert [each.delivery_id for each in claim(database).deliveries] == [other]
    assert get(database, waits).attempts == 0


@pytest.mark.rule("ACC-24")
def test_all_senders_together_heed_a_limit(database: Database) -> None:
    """What one has claimed counts for the other; each may send what the other leaves, and claims some ahead."""
    enqueue(database, *(f"k{number}" for number in range(50)))
    first = claim(database, free=2)
    assert (len(first.deliveries), first.at_once) == (2, {"clients/a": 4})
    second = claim(database)
    assert second.at_once == {"clients/a": 2}
    assert len(second.deliveries) == 2 * rules.AHEAD
    assert claim(database).deliveries == []
    record(database, *((each, DELIVERED) for each in second.deliveries))
    again = claim(database, held=Counter({"clients/a": 2}))
    assert again.at_once == {"clients/a": 4}
    assert len(again.deliveries) == 4 * rules.AHEAD - 2


@pytest.mark.rule("ACC-24")
def test_senders_that_claim_at_the_same_instant_do_not_pass_a_limit(database: Database) -> None:
    """Eight claim at once, again and again: what they may send at once is never more than the limit."""
    enqueue(database, *(f"k{number}" for number in range(200)), limits=Limits(3, 1, 1, 4))
    for _ in range(5):
        start = threading.Barrier(8)
        claims: list[Any] = []

        def hasten(start: threading.Barrier = start, claims: list[Any] = claims) -> None:
            start.wait(10)
            claims.append(claim(database))

        threads = [threading.Thread(target=hasten) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        got = [each for each in claims if each.deliveries]
        assert sum(min(len(each.deliveries), each.at_once["clients/a"]) for each in got) <= 4
        assert got
        record(database, *((one, DELIVERED) for each in got for one in each.deliveries))


@pytest.mark.rule("ACC-08", "ACC-22")
def test_what_waits_can_be_taken_back_and_is_never_sent(database: Database) -> None:
    """Taken back twice is the same; a key that never was is none that is sent."""
    (delivery_id,) = enqueue(database, "k1")
    assert withdraw(database, "k1")
    assert withdraw(database, "k1")
    assert withdraw(database, "never")
    assert get(database, delivery_id).state is State.WITHDRAWN
    assert claim(database).deliveries == []


@pytest.mark.rule("ACC-08", "ACC-22")
def test_what_is_being_sent_or_has_arrived_or_is_in_doubt_cannot_be_taken_back(database: Database) -> None:
    """In all three cases it is, or may be, posted."""
    enqueue(database, "k1")
    one = claim_one(database)
    assert not withdraw(database, "k1")
    record(database, (one, UNANSWERED))
    assert not withdraw(database, "k1")
    one = claim_one(database)
    record(database, (one, FAILED))
    assert withdraw(database, "k1")  # it failed with an answer
    enqueue(database, "k2")
    record(database, (claim_one(database), DELIVERED))
    assert not withdraw(database, "k2")


@pytest.mark.rule("ACC-22")
def test_what_was_given_up_can_be_settled_otherwise(database: Database) -> None:
    """A person settles it: it is not sent again by itself, and may be sent again with the same key when asked."""
    (delivery_id,) = enqueue(database, "k1", limits=Limits(1, 1, 1))
    record(database, (claim_one(database), UNANSWERED))
    given_up = get(database, delivery_id)
    assert (given_up.state, given_up.in_doubt) == (State.GIVEN_UP, True)
    assert withdraw(database, "k1")
    assert get(database, delivery_id).state is State.WITHDRAWN
    again = database.write(lambda tx: service.send_again(tx, KIND, "clients/a", "k1", limits=LIMITS, payload={"a": 1}))
    assert again is not None
    assert (again.delivery_id, again.state, again.limits, again.payload) == (
        delivery_id,
        State.PENDING,
        LIMITS,
        {"a": 1},
    )
    assert again.in_doubt
    assert claim_one(database).key == "k1"
    with pytest.raises(DeliveryStillPending):
        database.write(lambda tx: service.send_again(tx, KIND, "clients/a", "k1", limits=LIMITS, payload={}))


@pytest.mark.rule("ACC-23")
def test_an_attempt_that_died_with_its_sender_leaves_doubt_until_there_is_an_answer(database: Database) -> None:
    """Nobody recorded what became of it, so it may have arrived; an answer to a later attempt ends that."""
    enqueue(database, "k1")
    first = claim_one(database, lease_s=0.05)
    assert not first.in_doubt
    time.sleep(0.1)
    second = claim_one(database)
    assert second.in_doubt
    (after,) = record(database, (second, FAILED))
    assert not after.in_doubt
    assert not claim_one(database).in_doubt


@pytest.mark.rule("ACC-23")
def test_what_was_handed_back_was_not_tried_and_leaves_no_doubt(database: Database) -> None:
    """A process that stops gives back what it has not begun."""
    enqueue(database, "k1")
    one = claim_one(database)
    database.write(lambda tx: service.hand_back(tx, [one]))
    again = claim_one(database)
    assert (again.attempts, again.in_doubt) == (1, False)


@pytest.mark.rule("ACC-08", "ACC-22")
def test_of_a_claim_and_a_withdrawal_at_the_same_instant_one_wins(database: Database) -> None:
    """Either it is taken back and nobody sends it, or it is being sent and the caller is told so."""
    for _ in range(15):
        key = f"race-{next(_keys)}"
        enqueue(database, key)
        start = threading.Barrier(2)
        taken: list[bool] = []

        def take(start: threading.Barrier = start, taken: list[bool] = taken, key: str = key) -> None:
            start.wait(10)
            taken.append(withdraw(database, key))

        thread = threading.Thread(target=take)
        thread.start()
        start.wait(10)
        claimed = claim(database).deliveries
        thread.join(30)
        assert taken == [not claimed]
        record(database, *((each, DELIVERED) for each in claimed))


@pytest.mark.rule("ACC-08")
def test_a_withdrawal_waits_for_no_claim(migrated_postgresql_url: str) -> None:
    """Who claims holds the row until its transaction ends, and may want what the caller holds: no deadlock.

    On SQLite one writes at a time.
    """
    database = Database(migrated_postgresql_url)
    enqueue(database, "k1")
    claimed, going_on = threading.Event(), threading.Event()

    def hold() -> None:
        def work(tx: Any) -> None:
            service.claim(tx, (KIND,), free=1, per_target_max=9, lease_us=60_000_000)
            claimed.set()
            going_on.wait(20)

        database.write(work)

    thread = threading.Thread(target=hold)
    thread.start()
    assert claimed.wait(10)
    began_s = time.monotonic()
    assert not withdraw(database, "k1")
    assert time.monotonic() - began_s < 5
    going_on.set()
    thread.join(20)
    database.dispose()


@pytest.mark.rule("ACC-22")
def test_an_adjustment_is_retried_as_an_assignment_and_never_as_a_delivery(database: Database) -> None:
    """Its assignment may have been settled by hand: sending it behind its back could post it twice."""
    (delivery_id,) = enqueue(database, "k1", limits=Limits(1, 1, 1))
    record(database, (claim_one(database), FAILED))
    with pytest.raises(DeliveryRetriedElsewhere) as refused:
        database.write(lambda tx: service.redeliver(tx, CALL, delivery_id))
    assert refused.value.details["subject"] == "claims/1/operations/k1"


@pytest.mark.rule("ACC-22")
def test_what_no_system_took_is_remembered_until_it_is_settled(database: Database) -> None:
    """Old ends are forgotten, but for those that a person may retry: whether they are in doubt stands there."""
    open_still, settled, arrived = enqueue(database, "k1", "k2", "k3", limits=Limits(1, 1, 1))
    by_id = {each.delivery_id: each for each in claim(database).deliveries}
    record(database, (by_id[open_still], UNANSWERED), (by_id[settled], FAILED), (by_id[arrived], DELIVERED))
    withdraw(database, "k2")
    database.write(lambda tx: service.forget_before(tx, 2**62, 10))
    left = database.read(lambda tx: tx.execute(select(delivery.c.delivery_id)).scalars().all())
    assert left == [open_still]


@pytest.mark.rule("ACC-20")
def test_many_are_recorded_at_once_and_each_key_once(database: Database) -> None:
    """A thousand in one statement, with what others recorded before left as it is."""
    (before,) = enqueue(database, "k7", limits=Limits(9, 9, 9, 9))
    enqueue(database, *(f"k{number}" for number in range(1_000)))
    rows = database.read(lambda tx: tx.execute(select(delivery.c.key, delivery.c.attempts_max)).all())
    assert len(rows) == 1_000
    assert {row.key: row.attempts_max for row in rows}["k7"] == 9
    assert get(database, before).limits == Limits(9, 9, 9, 9)
