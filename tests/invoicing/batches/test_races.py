"""Batches beside those who add lines at the same time; where they must wait for each other, on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, event

from domain.invoicing.batches import aggregating, store
from domain.invoicing.batches.counting import Span
from domain.invoicing.batches.states import BatchState
from domain.operations.errors import StepOvertaken
from server.database.transaction import Database
from tests.invoicing.batches.house import IN_APRIL, House
from tests.invoicing.batches.test_worlds import faults
from tests.invoicing.invoices.office import add, line
from tests.invoicing.invoices.test_races import meanwhile, waits

MARCH, APRIL = "2026-03-01", "2026-04-01"


@pytest.fixture
def at_once(migrated_postgresql_url: str) -> Iterator[House]:
    """A house on PostgreSQL, where two may be at it; SQLite has one writer anyway."""
    database = Database(migrated_postgresql_url)
    yield House(database, minimum_usage={"EUR": 1_000})
    database.dispose()


@pytest.mark.rule("INV-11", "INV-13")
def test_a_schedule_is_not_closed_under_a_line_that_comes(at_once: House) -> None:
    """Closing waits for it; then the line is on the invoice that closes, and nothing runs in a closed schedule."""
    house = at_once
    house.charge({"A": 5_000})
    late = house.call
    house.now_us = IN_APRIL
    house.create()

    def come(tx: Connection) -> None:
        add(tx, late, [line("late", 700, "A"), line("late", 2_000, "B")])

    with meanwhile(house, come) as end, ThreadPoolExecutor(1) as pool:
        going = waits(pool, house.work)
        end()
        going.result(20)
    assert house.standing() == {"A": [("CLOSED", MARCH, 5_700, 0)], "B": [("CLOSED", MARCH, 2_000, 0)]}
    assert not faults(house)


@pytest.mark.rule("INV-11", "INV-19")
def test_the_first_line_in_the_next_schedule_comes_while_its_invoice_is_moved(at_once: House) -> None:
    """Whoever is second finds the other's: the chunk is done anew, and there is one invoice with both lines."""
    house = at_once
    house.charge({"A": 400})
    house.now_us = IN_APRIL
    house.close()

    def come(tx: Connection) -> None:
        add(tx, house.call, [line("new", 300, "A")])

    with meanwhile(house, come) as end, ThreadPoolExecutor(1) as pool:
        going = waits(pool, house.engine)
        end()
        going.result(60)
    while house.invoices("A")[0].schedule_code == MARCH:
        house.work()
    assert house.standing() == {"A": [("RUNNING", APRIL, 700, 1), ("MERGED", APRIL, 0, 0)]}
    assert not faults(house)


@pytest.mark.rule("INV-04", "INV-12")
def test_the_lock_waits_for_whoever_has_an_invoice_of_the_batch_in_hand(at_once: House) -> None:
    """What is changed meanwhile is not aggregated any more, and the batch is held instead of locked."""
    house = at_once
    house.charge({"A": 5_000})
    house.now_us = IN_APRIL
    batch = house.close()
    house.engine()
    house.aggregate()

    def change(tx: Connection) -> None:
        assert store.share(tx, batch.batch_id) is not None
        house.touch(tx, house.only("A"), aggregated=0)

    with meanwhile(house, change) as end, ThreadPoolExecutor(1) as pool:
        going = waits(pool, house.engine)
        end()
        going.result(60)
    present = house.batch(batch.batch_id)
    assert (present.state, present.locked_us) == (BatchState.AGGREGATING, 0)
    assert present.held is not None
    assert present.held.reason == "INVOICE_BATCH_NOT_AGGREGATED"


@pytest.mark.rule("INV-04", "INV-12", "INV-16")
def test_an_invoice_that_is_not_aggregated_any_more_while_others_are_is_not_half_aggregated(at_once: House) -> None:
    """It was not locked with the others: the chunk is done anew, and then has its line."""
    house = at_once
    house.charge({"A": 5_000, "B": 5_000})
    house.now_us = IN_APRIL
    batch = house.close()
    house.engine()
    house.aggregate()
    house.put(house.only("A"), aggregated=0)
    waiting: list[str] = []

    def come_in_between(_tx: Connection, _cursor: object, statement: str, *_others: object) -> None:
        if statement.startswith("DELETE FROM invoice_tax") and not waiting:
            waiting.append(statement)
            house.put(house.only("B"), aggregated=0)

    def aggregate(tx: Connection) -> int:
        event.listen(tx, "before_cursor_execute", come_in_between)
        return aggregating.aggregate(tx, house.batch(batch.batch_id), Span(MARCH, "A", "B", 2, 2), 1).done

    with pytest.raises(StepOvertaken):
        house.do(aggregate)
    assert [house.only(each).aggregated for each in "AB"] == [False, False]
    assert house.aggregate().counts == {"aggregated": 2}
    assert len(waiting) == 1


@pytest.mark.rule("INV-11", "INV-13", "INV-19")
def test_lines_come_all_the_time_while_a_batch_goes_through(at_once: House) -> None:
    """None is lost, none is twice, and what they come to stands on invoices."""
    house = at_once
    accounts = [f"A{n}" for n in range(12)]
    house.charge({each: 400 if n % 2 else 2_000 for n, each in enumerate(accounts)})
    house.now_us = IN_APRIL
    stop, sums = threading.Event(), []

    def come() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            lines = [line(f"n{number}", 10, each) for each in accounts]
            added = house.add(*lines, call=house.call)
            assert not added.refused
            sums.append(10 * len(accounts))

    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(come)
        try:
            batch = house.go_on(house.close().batch_id)
            house.work()
            house.engine()
        finally:
            stop.set()
            coming.result(30)
    assert not faults(house)
    charged = 6 * 400 + 6 * 2_000 + sum(sums)
    assert sum(each.net_minor for each in house.all_invoices()) == charged
    assert house.batch(batch.batch_id).number_count == 6
