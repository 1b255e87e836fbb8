"""The outbox on both databases: claimed once, recorded once, bounded."""

import time
from functools import partial
from itertools import count
from typing import Any

import pytest
from sqlalchemy import func, select, update

from domain.deliveries import rules, service
from domain.deliveries.errors import HELD_BACK, DeliveryNotFound, DeliveryStillPending
from domain.deliveries.model import DELIVERED, Delivery, DeliveryFilter, Kind, NewDelivery, Patience, State, failed
from domain.deliveries.tables import delivery, delivery_target
from domain.kernel import scopes
from domain.kernel.call import Call
from domain.kernel.paging import Page
from server.database.transaction import Database

CALL = Call("ann", "test/Method", "", now_us=1)
PATIENCE = Patience(pause_us=0, pause_max_us=0)
FAILED = failed("RECEIVER_FAILED", "the receiver answered 500")
_keys = count(1)


def enqueue(database: Database, target: str = "a", *, number: int = 1, **columns: Any) -> list[str]:
    new = [
        NewDelivery(**{"kind": Kind.WEBHOOK, "target": target, "key": f"k{next(_keys)}", "subject": "s/1", **columns})
        for _ in range(number)
    ]
    return database.write(lambda tx: service.enqueue(tx, new))


def claim(database: Database, *, free: int = 10, per_target_max: int = 10, lease_s: float = 60) -> list[Delivery]:
    lease_us = round(lease_s * 1_000_000)
    return database.write(
        lambda tx: service.claim(tx, tuple(Kind), free=free, per_target_max=per_target_max, lease_us=lease_us)
    ).deliveries


def record(database: Database, *attempts: Any, patience: Patience = PATIENCE) -> list[Delivery]:
    return database.write(lambda tx: service.record(tx, attempts, patience, lambda: rules.CHANCE_MAX))


def get(database: Database, delivery_id: str) -> Delivery:
    return database.read(lambda tx: service.get(tx, delivery_id))


@pytest.mark.rule("PLT-25")
def test_a_delivery_is_claimed_by_one_and_never_again_once_delivered(database: Database) -> None:
    """Two senders share what is due; what has arrived is not sent again."""
    ids = enqueue(database, number=6)
    first, second = claim(database, free=4), claim(database, free=4)
    assert [each.delivery_id for each in first + second] == ids
    record(database, *((each, DELIVERED) for each in first + second))
    assert claim(database) == []
    assert {get(database, each).state for each in ids} == {State.DELIVERED}


@pytest.mark.rule("PLT-25")
def test_deliveries_of_a_target_are_claimed_in_their_order(database: Database) -> None:
    """Oldest first, whatever their keys are."""
    ids = [*enqueue(database, key="z"), *enqueue(database, key="a"), *enqueue(database, key="m")]
    assert [claim(database, free=1)[0].delivery_id for _ in ids] == ids


@pytest.mark.rule("PLT-25")
def test_one_key_is_recorded_once_for_each_target(database: Database) -> None:
    """Who records the same notification again changes nothing."""
    for _ in range(2):
        enqueue(database, "a", key="event-1")
        enqueue(database, "b", key="event-1")
    assert sorted((each.target, each.key) for each in claim(database)) == [("a", "event-1"), ("b", "event-1")]


@pytest.mark.rule("PLT-25")
def test_a_dead_target_holds_up_no_other(database: Database) -> None:
    """With a thousand waiting for a dead endpoint and every hand busy there, the next hand is another's."""
    enqueue(database, "dead", number=1_000)
    assert len(claim(database, free=20, per_target_max=4)) == 4
    (alive,) = enqueue(database, "alive")
    assert [each.delivery_id for each in claim(database, free=20, per_target_max=4)] == [alive]


@pytest.mark.rule("PLT-25")
def test_a_target_that_fails_is_probed_one_by_one_and_opens_with_a_success(database: Database) -> None:
    """Failures in a row leave it one hand, and then a pause; the first success gives it all back."""
    enqueue(database, number=20)
    held = claim(database, free=rules.TROUBLED_FROM)
    record(database, *((each, FAILED) for each in held))
    assert claim(database) == []  # it rests
    pause_us = database.read(lambda tx: service.pause_us(tx, tuple(Kind), per_target_max=10))
    assert pause_us is not None
    assert 0 < pause_us <= 1_000_000
    _end_pauses(database)
    (probe,) = claim(database)
    assert claim(database) == []
    record(database, (probe, DELIVERED))
    assert len(claim(database)) == 10
    assert database.read(lambda tx: tx.execute(select(func.count()).select_from(delivery_target)).scalar_one()) == 0


@pytest.mark.rule("PLT-25")
def test_what_a_dead_sender_held_is_sent_again_with_the_same_key_and_its_outcome_counts_once(
    database: Database,
) -> None:
    """A lease that is over lets another claim; the first sender's outcome comes too late and changes nothing."""
    enqueue(database)
    (first,) = claim(database, lease_s=0.05)
    time.sleep(0.1)
    (second,) = claim(database)
    assert (second.delivery_id, second.key, second.payload) == (first.delivery_id, first.key, first.payload)
    assert (second.attempts, second.epoch) == (2, first.epoch + 1)
    assert record(database, (first, FAILED)) == []
    assert [each.state for each in record(database, (second, DELIVERED))] == [State.DELIVERED]
    assert record(database, (second, FAILED)) == []
    assert get(database, first.delivery_id).state is State.DELIVERED


@pytest.mark.rule("PLT-25")
def test_a_sender_at_work_keeps_what_it_holds(database: Database) -> None:
    """A long transmission outlasts its lease, as that is extended."""
    enqueue(database)
    (held,) = claim(database, lease_s=0.2)
    database.write(lambda tx: service.keep(tx, [held], lease_us=60_000_000))
    time.sleep(0.25)
    assert claim(database) == []
    assert record(database, (held, DELIVERED))


@pytest.mark.rule("PLT-25")
def test_a_sender_that_leaves_hands_back_what_it_has_not_begun(database: Database) -> None:
    """The next one need not wait for the lease, and no attempt is lost."""
    enqueue(database)
    held = claim(database)
    database.write(lambda tx: service.hand_back(tx, held))
    (again,) = claim(database)
    assert (again.delivery_id, again.attempts) == (held[0].delivery_id, 1)


@pytest.mark.rule("PLT-25")
def test_attempts_are_bounded_and_a_person_can_send_it_again(database: Database) -> None:
    """A delivery that always fails is given up, can be seen with its reason, and begins anew when asked."""
    (delivery_id,) = enqueue(database)
    patience = Patience(attempts_max=3, pause_us=0, pause_max_us=0)
    for _ in range(3):
        record(database, (claim(database)[0], FAILED), patience=patience)
    assert claim(database) == []
    given_up = get(database, delivery_id)
    assert (given_up.state, given_up.attempts, given_up.reason) == (State.GIVEN_UP, 3, "RECEIVER_FAILED")

    database.write(lambda tx: service.redeliver(tx, CALL, delivery_id))
    with pytest.raises(DeliveryStillPending):
        database.write(lambda tx: service.redeliver(tx, CALL, delivery_id))
    (again,) = claim(database)
    assert (again.key, again.attempts, again.redeliveries) == (given_up.key, 1, 1)
    record(database, (again, DELIVERED))
    assert get(database, delivery_id).state is State.DELIVERED


@pytest.mark.rule("PLT-25")
def test_what_a_dead_target_held_back_for_days_is_given_up_with_it(database: Database) -> None:
    """Deliveries that its pauses kept from ever being tried do not wait for ever."""
    ids = enqueue(database, number=2 * rules.TROUBLED_FROM)
    patience = Patience(within_us=50_000, pause_us=0, pause_max_us=0)
    held = claim(database, free=rules.TROUBLED_FROM)
    record(database, *((each, FAILED) for each in held))
    time.sleep(0.1)
    _end_pauses(database)
    record(database, (claim(database)[0], FAILED), patience=patience)
    left = [get(database, each) for each in ids]
    assert {each.state for each in left} == {State.GIVEN_UP}
    assert {each.reason for each in left if each.attempts == 0} == {HELD_BACK}


@pytest.mark.rule("PLT-25", "PLT-14")
def test_deliveries_of_another_scope_are_not_found_and_not_listed(database: Database) -> None:
    """Whoever sees one ledger sees the deliveries of that ledger."""
    north, south = scopes.of_ledgers(["NORTH"]), scopes.of_ledgers(["SOUTH"])
    north_id = database.write(lambda tx: scopes.intern(tx, north))
    south_id = database.write(lambda tx: scopes.intern(tx, south))
    (mine,) = enqueue(database, scope_id=north_id)
    (others,) = enqueue(database, scope_id=south_id)
    (everybodys,) = enqueue(database)
    seen = database.read(lambda tx: scopes.visible(tx, north))
    page, any_one = Page(10, None), DeliveryFilter()
    found = database.read(lambda tx: service.list_page(tx, any_one, page, seen))
    assert [each.delivery_id for each in found] == [mine]
    for hidden in (others, everybodys):
        with pytest.raises(DeliveryNotFound):
            database.read(partial(service.get, delivery_id=hidden, seen=seen))
        with pytest.raises(DeliveryNotFound):
            database.write(partial(service.redeliver, call=CALL, delivery_id=hidden, seen=seen))
    assert len(database.read(lambda tx: service.list_page(tx, any_one, page))) == 3


@pytest.mark.rule("PLT-25", "PLT-08")
def test_deliveries_are_listed_by_state_target_subject_and_key_newest_first(database: Database) -> None:
    """Pages neither skip nor repeat."""
    ids = enqueue(database, "a", number=3) + enqueue(database, "b", subject="s/2", key="wanted")
    record(database, (claim(database, free=1)[0], DELIVERED))

    def found(**wanted: Any) -> list[str]:
        listed = database.read(lambda tx: service.list_page(tx, DeliveryFilter(**wanted), Page(10, None)))
        return [each.delivery_id for each in listed]

    assert found() == ids[::-1]
    assert found(state=State.DELIVERED) == ids[:1]
    assert found(target="b") == found(subject="s/2") == found(key="wanted") == ids[3:]
    assert found(kind=Kind.TRANSMISSION) == []
    second = database.read(lambda tx: service.list_page(tx, DeliveryFilter(), Page(2, [ids[2]])))
    assert [each.delivery_id for each in second] == [ids[1], ids[0]]


@pytest.mark.rule("PLT-25")
def test_what_ended_long_ago_is_forgotten_in_pieces_and_what_is_pending_never(database: Database) -> None:
    """The outbox does not grow with time."""
    enqueue(database, number=5)
    record(database, *((each, DELIVERED) for each in claim(database, free=4)))
    assert database.write(lambda tx: service.forget_before(tx, 1, 100)) == 0
    assert [database.write(lambda tx: service.forget_before(tx, 2**62, 3)) for _ in range(3)] == [3, 1, 0]
    (left,) = database.read(lambda tx: service.list_page(tx, DeliveryFilter(), Page(10, None)))
    assert left.state is State.PENDING


@pytest.mark.rule("PLT-25")
def test_looking_for_what_is_due_does_not_read_what_has_ended(migrated_sqlite_url: str) -> None:
    """An idle look costs as much with a thousand delivered rows as with none: its indexes hold pending rows only."""
    database = Database(migrated_sqlite_url)
    plan = database.read(
        lambda tx: [
            row.detail
            for row in tx.exec_driver_sql(
                "EXPLAIN QUERY PLAN SELECT min(target) FROM delivery WHERE state = 'PENDING' AND kind = 'WEBHOOK'"
            )
        ]
    )
    database.dispose()
    assert any("ix_delivery_due" in line for line in plan)


def _end_pauses(database: Database) -> None:
    """Time passes for targets in trouble and for deliveries that rest."""
    database.write(lambda tx: tx.execute(update(delivery_target).values(paused_until_us=0)))
    database.write(lambda tx: tx.execute(update(delivery).where(delivery.c.claimed == 0).values(next_attempt_us=1)))
