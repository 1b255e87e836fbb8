"""Events of claims: their sequences, and their places in the feeds of clients."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event

import pytest
from sqlalchemy import Connection, select

from domain.accounting.feed import placing, store
from domain.accounting.feed import service as feed
from domain.accounting.feed.model import AccountingEvent
from domain.accounting.tables import accounting_event, claim
from server.database.transaction import Database
from tests.accounting.claims_and_events import AT_US, executed, put_claim

WAIT_S = 20

_e = accounting_event.c


@pytest.mark.rule("ACC-56")
@pytest.mark.parametrize("many", [1, 200])
def test_events_go_on_where_their_claim_stands(database: Database, many: int) -> None:
    """However many come at once, for however many claims, each claim counts its own without a gap."""

    def record(tx: Connection, times: int) -> None:
        feed.record(tx, [executed(each, f"op-{times}-{n}") for n in range(many) for each in claims])

    claims = [database.write(partial(put_claim, claim_id=name)) for name in ("A", "b", "C-3")]
    for times in (1, 2):
        database.write(partial(record, times=times))
    query = select(_e.claim_id, _e.sequence, _e.operation_id).order_by(_e.claim_id, _e.sequence)
    rows = database.read(lambda tx: tx.execute(query).all())
    expected = [f"op-{times}-{n}" for times in (1, 2) for n in range(many)]
    for each in claims:
        mine = [(row.sequence, row.operation_id) for row in rows if row.claim_id == each.claim_id]
        assert mine == list(enumerate(expected, 1))
    assert database.read(lambda tx: set(tx.execute(select(claim.c.events_made)).scalars())) == {2 * many}


@pytest.mark.rule("ACC-56")
def test_events_are_placed_once_oldest_first_for_each_client(database: Database) -> None:
    """Every client counts from 1 without a gap; those that wait for a place are found, and only those."""
    acme, other = (database.write(partial(put_claim, claim_id=of, client_code=of)) for of in ("ACME", "OTHER"))
    for at in range(3):
        database.write(partial(feed.record, events=[executed(acme, f"a{at}"), executed(other, f"o{at}")]))
    assert database.read(placing.waiting) == ["ACME", "OTHER"]
    assert [_place(database, "ACME", limit=2) for _ in range(3)] == [2, 1, 0]
    assert database.read(placing.waiting) == ["OTHER"]
    assert _place(database, "OTHER") == 3
    assert database.read(placing.waiting) == []
    database.write(partial(feed.record, events=[executed(acme, "a3")]))
    assert _place(database, "ACME") == 1
    assert _told(database, "ACME") == [(1, "a0"), (2, "a1"), (3, "a2"), (4, "a3")]
    assert _told(database, "OTHER", after=1) == [(2, "o1"), (3, "o2")]
    assert database.read(lambda tx: store.last_position(tx, "ACME")) == 4


@pytest.mark.rule("ACC-56")
@pytest.mark.parametrize("limit", [1, 2, 100])
def test_what_happened_to_a_claim_keeps_its_order_whatever_the_clocks_say(database: Database, limit: int) -> None:
    """The server that executed an operation has a clock that is behind that of the one which created it."""
    one, two = (database.write(partial(put_claim, claim_id=of)) for of in ("C-1", "C-2"))
    for claim_, operation_id, at_us in ((one, "1", 3), (one, "2", 1), (two, "3", 2), (one, "4", 2), (two, "5", 4)):
        events = [executed(claim_, operation_id, at_us=AT_US + at_us)]
        database.write(partial(feed.record, events=events))
    while _place(database, "ACME", limit=limit):
        pass
    told = _events(database, "ACME")
    assert [event.position for event in told] == [1, 2, 3, 4, 5]
    for claim_id, ids in (("C-1", ["1", "2", "4"]), ("C-2", ["3", "5"])):
        assert [event.operation_id for event in told if event.claim_id == claim_id] == ids


@pytest.mark.rule("ACC-56")
def test_no_event_slips_in_behind_one_who_has_read_on(migrated_postgresql_url: str) -> None:
    """Writers commit in another order than they began: whoever follows positions sees every event, in one order."""
    database = Database(migrated_postgresql_url)
    claims = [database.write(partial(put_claim, claim_id=f"C-{at}")) for at in range(8)]
    go_on = [Event() for _ in claims]
    wrote = [Event() for _ in claims]

    def write(at: int) -> None:
        def record(tx: Connection) -> None:
            feed.record(tx, [executed(claims[at], f"op-{at}", at_us=AT_US + at)])
            wrote[at].set()
            assert go_on[at].wait(WAIT_S)

        database.write(record)

    seen: list[AccountingEvent] = []
    order = [5, 0, 7, 2, 6, 1, 4, 3]
    with ThreadPoolExecutor(len(claims)) as writers:
        ends = [writers.submit(write, at) for at in range(len(claims))]
        assert all(each.wait(WAIT_S) for each in wrote)  # all have written, and nobody has committed
        for at in order:
            go_on[at].set()
            ends[at].result(WAIT_S)
            _place(database, "ACME")
            seen += _events(database, "ACME", after=seen[-1].position if seen else 0)
    assert [event.operation_id for event in seen] == [f"op-{at}" for at in order]
    assert [event.position for event in seen] == list(range(1, len(order) + 1))
    database.dispose()


@pytest.mark.rule("ACC-56", "PLT-23")
def test_a_follower_sees_every_event_while_many_write_and_many_place(database: Database) -> None:
    """Eight write, three give positions at the same time, one follows: each event once, positions without a gap."""
    claims = [database.write(partial(put_claim, claim_id=f"C-{at}")) for at in range(4)]
    done, many = Event(), 15

    def write(number: int) -> None:
        for at in range(many):
            mine = claims[number % 4]
            events = [executed(mine, f"{number}-{at}"), executed(mine, f"{number}-{at}b")]
            database.write(partial(feed.record, events=events))

    def keep_placing() -> None:
        while not done.is_set():
            _place(database, "ACME", limit=7)

    def follow() -> list[AccountingEvent]:
        seen: list[AccountingEvent] = []
        deadline = time.monotonic() + 60
        while len(seen) < 8 * many * 2 and time.monotonic() < deadline:
            seen += _events(database, "ACME", after=seen[-1].position if seen else 0)
        return seen

    with ThreadPoolExecutor(16) as pool:
        placers = [pool.submit(keep_placing) for _ in range(3)]
        follower = pool.submit(follow)
        for writer in [pool.submit(write, number) for number in range(8)]:
            writer.result(60)
        seen = follower.result(60)
        done.set()
        for placer in placers:
            placer.result(60)
    assert [event.position for event in seen] == list(range(1, 8 * many * 2 + 1))
    assert len({event.operation_id for event in seen}) == len(seen)
    for claim_ in claims:
        sequences = [event.sequence for event in seen if event.claim_id == claim_.claim_id]
        assert sequences == list(range(1, len(sequences) + 1))


def _place(database: Database, client_code: str, *, limit: int = 100) -> int:
    return database.write(partial(placing.place, client_code=client_code, limit=limit)).count


def _events(database: Database, client_code: str, *, after: int = 0) -> list[AccountingEvent]:
    return database.read(partial(store.of_client, client_code=client_code, after=after, limit=1_000))


def _told(database: Database, client_code: str, *, after: int = 0) -> list[tuple[int, str]]:
    return [(event.position, event.operation_id) for event in _events(database, client_code, after=after)]
