"""What is forgotten, what is not, and by whom."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import Connection, select, text, update

from domain.accounting.claims import store as claims
from domain.accounting.feed import placing
from domain.accounting.feed import service as feed
from domain.approvals import service as approvals
from domain.approvals.model import Asked
from domain.approvals.tables import approval
from domain.deliveries.model import Kind as DeliveryKind
from domain.deliveries.model import NewDelivery
from domain.deliveries.service import enqueue
from domain.deliveries.tables import delivery
from domain.kernel import duties, events, idempotency
from domain.kernel.call import Call
from domain.kernel.ids import first_id
from domain.kernel.tables import event
from domain.kernel.tables import idempotency as answers
from domain.operations import service as operations
from domain.operations.errors import OperationNotFound
from domain.operations.model import State
from domain.operations.tables import operation
from server.database.failures import DatabaseBusy, DatabaseFault
from server.database.transaction import Database
from server.telemetry import observe
from server.work import retention
from server.work.loops import Loop, Loops
from server.work.retention import DAY_US, DUTY, KINDS, Piece, Retention
from tests.accounting.claims_and_events import executed, put_claim
from tests.accounting.configured import configure
from tests.operations import tally
from tests.support.waiting import wait_for

DAYS = {kind.name: 30 for kind in KINDS}


@contextmanager
def forgetting(database: Database, *, days: dict[str, int] | None = None, processes: int = 1) -> Iterator[None]:
    """Loops that forget, as many as there were worker processes."""
    observe.configure("error")
    loop = Retention(days or DAYS, every_us=0, look_s=0.05, rest=0)
    loops = Loops(database, [Loop(f"retention-{number}", loop.run) for number in range(processes)], pause_s=0.05)
    loops.start()
    try:
        yield
    finally:
        loops.stop()
        assert loops.join(30)


def forget_once(database: Database, *, days: dict[str, int] | None = None) -> duties.Duty:
    """Forget; gives how the duty stands after it."""
    began = database.clock_us()
    with forgetting(database, days=days):
        wait_for(lambda: database.read(lambda tx: duties.look(tx, DUTY)).done_us > began, 60, "the sweep")
    return database.read(lambda tx: duties.look(tx, DUTY))


def _call(database: Database, age_days: float = 0) -> Call:
    return Call("ann", "test.Retention/Call", "r1", database.clock_us() - round(age_days * DAY_US))


def _remember(database: Database, name: str, age_days: float) -> None:
    at_us = _call(database, age_days).now_us
    database.write(lambda tx: idempotency.remember(tx, "ann", "method", name, digest=b"d", answer=b"a", now_us=at_us))


def _ended(database: Database, state: State, age_days: float) -> str:
    """An operation that was started and ended so long ago."""
    call = _call(database, age_days)

    def write(tx: Connection) -> str:
        begun = operations.start(tx, call, tally.KIND, {}, stages=tally.STAGES)
        old_id = first_id(call.now_us)[:-4] + begun.operation_id[-4:]
        ended = {"operation_id": old_id, "state": state, "created_us": call.now_us, "ended_us": call.now_us}
        tx.execute(text("DELETE FROM chunk WHERE operation_id = :id"), {"id": begun.operation_id})
        tx.execute(update(operation).where(operation.c.operation_id == begun.operation_id).values(**ended))
        return old_id

    return database.write(write)


def _count(database: Database, table: str) -> int:
    return int(database.read(lambda tx: tx.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()))


@pytest.mark.rule("PLT-06", "PLT-20")
def test_what_is_older_than_the_settings_say_is_forgotten_and_nothing_else(tallies: Database) -> None:
    """Answers, deliveries, approvals and records of operations that ended: each by its own age, to the day."""
    for name, age in (("old", 30.01), ("kept", 29.9)):
        _remember(tallies, name, age)
    gone = [_ended(tallies, state, 31) for state in (State.SUCCEEDED, State.CANCELED)]
    kept = [_ended(tallies, State.FAILED, 31), _ended(tallies, State.SUCCEEDED, 29)]
    kept.append(tally.start(tallies, numbers=1, size=1))
    for key, ended_days in (("old", 31), ("kept", 29), ("waits", 0)):
        _deliver(tallies, key, ended_days)
    for method, asked_days in (("old", 33), ("kept", 31)):
        _ask(tallies, method, asked_days, good_for_days=2)
    duty = forget_once(tallies)
    assert duty.outcome == {
        "forgotten": {
            "idempotency": 1,
            "deliveries": 1,
            "approvals": 1,
            "accounting_events": 0,
            "operations": 2,
            "audit": 0,
        },
        "failed": [],
    }
    assert tallies.read(lambda tx: tx.execute(select(answers.c.request_id)).scalars().all()) == ["kept"]
    assert sorted(tallies.read(lambda tx: tx.execute(select(delivery.c.key)).scalars().all())) == ["kept", "waits"]
    assert tallies.read(lambda tx: tx.execute(select(approval.c.method)).scalars().all()) == ["kept"]
    for operation_id in kept:
        assert tally.look(tallies, operation_id).operation_id == operation_id
    for operation_id in gone:
        with pytest.raises(OperationNotFound):
            tally.look(tallies, operation_id)


def _ask(database: Database, method: str, asked_days: int, *, good_for_days: int) -> None:
    call = replace(_call(database, asked_days), method=method)
    asked = Asked("generate", "test.Request", b"", b"digest", good_for_days * DAY_US)
    database.write(lambda tx: approvals.ask(tx, call, asked))


def _deliver(database: Database, key: str, ended_days: int) -> None:
    call = _call(database, ended_days)

    def write(tx: Connection) -> None:
        new = NewDelivery(kind=DeliveryKind.WEBHOOK, target="somewhere", key=key, subject="", event_type="", payload={})
        enqueue(tx, [new])
        if ended_days:
            tx.execute(update(delivery).where(delivery.c.key == key).values(state="DELIVERED", ended_us=call.now_us))

    database.write(write)


@pytest.mark.rule("PLT-11", "PLT-20")
def test_the_trail_tells_what_was_forgotten(tallies: Database) -> None:
    """A record that is deleted for its age leaves the same entry as one that a person deletes; others are counted."""
    operation_id = _ended(tallies, State.SUCCEEDED, 31)
    _deliver(tallies, "old", 31)
    forget_once(tallies)
    trail = {entry.owner: entry for entry in _trail(tallies) if entry.caller == "countinghouse"}
    deleted, counted = trail[f"operations/{operation_id}"], trail["retention/deliveries"]
    assert (deleted.type, deleted.payload) == ("operation.deleted", {"from": "SUCCEEDED", "to": "DELETED"})
    assert (counted.type, counted.payload["count"]) == ("retention.forgotten", 1)


def _trail(database: Database) -> list[events.Event]:
    return database.read(lambda tx: events.list_audit(tx, events.AuditFilter(), before_id="", limit=1_000))


@pytest.mark.rule("PLT-11")
def test_the_audit_trail_keeps_the_newest_event_of_everything_that_is_there(database: Database) -> None:
    """So numbers of events never begin anew; what was deleted for good is forgotten whole."""
    for age, owner, kind in (
        (40, "ledgers/L1", "created"),
        (39, "ledgers/L1", "updated"),
        (38, "operations/gone", "operation.started"),
        (37, "operations/gone", "operation.deleted"),
        (36, "ledgers/L2", "created"),
        (1, "ledgers/L2", "updated"),
    ):
        _tell(database, age, owner, kind)
    forget_once(database, days={**DAYS, "audit": 30})
    left = database.read(
        lambda tx: tx.execute(select(event.c.owner, event.c.sequence).order_by(event.c.event_id)).all()
    )
    assert [tuple(row) for row in left if not row.owner.startswith("retention/")] == [
        ("ledgers/L1", 2),
        ("ledgers/L2", 2),
    ]


def _tell(database: Database, age_days: float, owner: str, kind: str) -> None:
    call = _call(database, age_days)
    database.write(lambda tx: events.append(tx, call, owner, kind, {}))


@pytest.mark.rule("PLT-06")
def test_pieces_are_small_and_go_on_until_nothing_old_is_left(
    tallies: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where what stays lies between: a piece goes on behind the last row that it looked at."""
    monkeypatch.setattr(retention, "KINDS", tuple(replace(kind, limit=2) for kind in KINDS))
    for number in range(5):
        _remember(tallies, f"old {number}", 31)
    for state in (State.FAILED, State.FAILED, State.FAILED, State.SUCCEEDED, State.FAILED, State.SUCCEEDED):
        _ended(tallies, state, 31)
    assert forget_once(tallies).outcome["forgotten"] == {
        "idempotency": 5,
        "deliveries": 0,
        "approvals": 0,
        "accounting_events": 0,
        "operations": 2,
        "audit": 0,
    }
    assert (_count(tallies, "idempotency"), _count(tallies, "operation")) == (0, 4)


@pytest.mark.rule("ACC-56", "PLT-20")
def test_of_what_happened_to_claims_the_first_events_of_each_client_are_forgotten(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Piece by piece, up to the first that is young; what has no place yet stays, and places are not given again."""
    monkeypatch.setattr(retention, "KINDS", tuple(replace(kind, limit=2) for kind in KINDS))
    configure(database, clients=("A", "B", "C"))
    now_us = database.clock_us()

    def happen(code: str, *ages: float) -> None:
        there = database.read(lambda tx: claims.find(tx, code)) or database.write(lambda tx: put_claim(tx, code, code))
        told = [executed(there, "op", at_us=now_us - round(age * DAY_US)) for age in ages]
        database.write(lambda tx: feed.record(tx, told))

    for code, ages in (("A", (40, 35, 31, 20, 50)), ("B", (31,)), ("C", (29,))):
        happen(code, *ages)
        database.write(partial(placing.place, client_code=code, limit=100))
    happen("B", 31)
    assert forget_once(database).outcome["forgotten"]["accounting_events"] == 4
    kept = database.read(lambda tx: {of: feed.of_client(tx, of, after=0, limit=9) for of in ("A", "B", "C")})
    assert {of: [each.position for each in events] for of, events in kept.items()} == {"A": [4, 5], "B": [], "C": [1]}
    assert database.write(lambda tx: placing.place(tx, "B", limit=100)).count == 1
    assert [each.position for each in database.read(lambda tx: feed.of_client(tx, "B", after=0, limit=9))] == [2]


@pytest.mark.rule("PLT-06")
def test_forgetting_goes_on_after_it_has_failed(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is away, or a bug in one kind, costs a while, and neither the retention nor the other kinds."""
    failures: list[Exception] = [RuntimeError("never foreseen"), DatabaseFault("of ours"), DatabaseBusy()]
    first = KINDS[0]

    def forget_at_last(piece: Piece) -> tuple[int, str]:
        if failures:
            raise failures.pop()
        return first.forget(piece)

    monkeypatch.setattr(retention, "KINDS", (replace(first, forget=forget_at_last), *KINDS[1:]))
    _remember(database, "old", 31)
    _deliver(database, "old", 31)
    duty = forget_once(database)
    assert duty.outcome["failed"] == ["idempotency"]
    assert duty.outcome["forgotten"]["deliveries"] == 1
    with forgetting(database):
        wait_for(lambda: _count(database, "idempotency") == 0)
    assert not failures


@pytest.mark.rule("PLT-23")
def test_one_of_several_processes_forgets(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one does, none of the others begins; whoever lost the duty undoes the transaction that it was in."""
    inside, go, seen = threading.Event(), threading.Event(), []
    first = KINDS[0]

    def slow(piece: Piece) -> tuple[int, str]:
        seen.append(threading.current_thread().name)
        inside.set()
        assert go.wait(30)
        return first.forget(piece)

    monkeypatch.setattr(retention, "KINDS", (replace(first, forget=slow),))
    _remember(database, "old", 31)
    with forgetting(database, processes=3):
        assert inside.wait(30)
        go.wait(0.3)
        assert len(seen) == 1
        go.set()
        wait_for(lambda: _count(database, "idempotency") == 0)


@pytest.mark.rule("PLT-23")
def test_a_duty_has_one_holder_whose_lease_ends(database: Database) -> None:
    """Taken when due, kept by its holder alone, free again once the lease is over or the holder leaves."""

    def take(holder: str, lease_us: int = 60_000_000, every_us: int = 0) -> bool:
        return database.write(lambda tx: duties.take(tx, "d", holder, every_us=every_us, lease_us=lease_us))

    def keep(holder: str) -> bool:
        return database.write(lambda tx: duties.keep(tx, "d", holder, lease_us=60_000_000))

    assert take("a")
    assert not take("b")
    assert (keep("a"), keep("b")) == (True, False)
    database.write(lambda tx: duties.leave(tx, "d", "b"))
    assert not take("b")
    database.write(lambda tx: duties.leave(tx, "d", "a"))
    assert take("b", lease_us=-1)
    assert not keep("b")
    assert take("a")
    assert not database.write(lambda tx: duties.finish(tx, "d", "b", {}))
    assert database.write(lambda tx: duties.finish(tx, "d", "a", {"done": 1}))
    assert database.read(lambda tx: duties.look(tx, "d")).outcome == {"done": 1}
    assert not take("b", every_us=3_600_000_000)
    assert take("b")
