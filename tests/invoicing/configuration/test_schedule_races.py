"""Schedules that are made, closed and taken away by several at once, on both databases."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from threading import Event, Thread

import pytest
from sqlalchemy import Connection

from domain.invoicing.configuration import schedule_changes, schedules
from domain.invoicing.configuration.errors import ScheduleHasInvoices
from domain.invoicing.configuration.model import Schedule, ScheduleState
from domain.invoicing.configuration.schedules import ScheduleKey
from domain.invoicing.tables import invoice
from domain.kernel.errors import Invalid
from domain.kernel.paging import Page
from server.database.transaction import Database
from tests.invoicing.configuration.test_schedules import CALL, at
from tests.invoicing.configured import put_cycle

WAIT_S = 20.0


@pytest.fixture(autouse=True)
def _cycle(database: Database) -> None:
    database.write(put_cycle)


def covering(tx: Connection) -> Schedule:
    """The schedule of an instant in April."""
    return schedules.covering(tx, CALL, "CYCLE", at("2026-04-10T09:00:00"))


def everything(database: Database) -> list[Schedule]:
    """All schedules of the cycle."""
    return database.read(lambda tx: schedules.list_page(tx, "CYCLE", Page(1_000, None)))


@pytest.mark.rule("INV-11", "PLT-10")
def test_those_who_miss_a_schedule_at_once_make_one(database: Database) -> None:
    """And all get the same, also where several periods are missing."""
    given = {"start_us": at("2025-12-01T00:00:00")}
    database.write(lambda tx: schedule_changes.create(tx, CALL, ScheduleKey("CYCLE", "first"), given))
    with ThreadPoolExecutor(4) as pool:
        got = [each.result(WAIT_S) for each in [pool.submit(database.write, covering) for _ in range(4)]]
    assert {each.code for each in got} == {"2026-04-01"}
    found = everything(database)
    assert len(found) == 5
    assert all(one.end_us == other.start_us for one, other in pairwise(found))


@pytest.mark.rule("INV-02", "PLT-10")
def test_of_those_who_add_at_one_edge_one_comes_first(database: Database) -> None:
    """The others would overlap it, and are told so: cycles never have two schedules of an instant."""
    database.write(covering)

    def add(number: int) -> str:
        given = {"start_us": at(f"2026-03-0{number}T00:00:00"), "end_us": at("2026-04-01T00:00:00")}
        key = ScheduleKey("CYCLE", f"march-{number}")
        try:
            return database.write(lambda tx: schedule_changes.create(tx, CALL, key, given)).code
        except Invalid as refused:
            return refused.code

    with ThreadPoolExecutor(3) as pool:
        told = sorted(pool.map(add, range(1, 4)))
    assert told[:2] == ["SCHEDULE_OVERLAP"] * 2
    assert [each.code for each in everything(database)] == [told[2], "2026-04-01"]


@pytest.mark.rule("INV-11", "INV-02")
@pytest.mark.parametrize("deletes", [False, True])
def test_who_takes_a_schedule_away_waits_for_who_puts_something_in(database: Database, *, deletes: bool) -> None:
    """No invoice comes to stand where nobody would look for it again."""
    april = database.write(covering)
    inside, go_on = Event(), Event()

    def put(tx: Connection) -> Schedule:
        found = covering(tx)
        inside.set()
        assert go_on.wait(WAIT_S)
        keys = {"account_id": "A1", "invoice_id": "I1", "cycle_code": "CYCLE", "schedule_code": found.code}
        tx.execute(invoice.insert().values(**keys, currency="EUR", created_us=1, updated_us=1))
        return found

    def take_away(tx: Connection) -> None:
        if deletes:
            schedule_changes.delete(tx, CALL, ScheduleKey("CYCLE", april.code), april.etag)
        else:
            schedules.close(tx, CALL, schedules.lock_named(tx, "CYCLE", [april.code]))

    outcome: Future[None] = Future()

    def other() -> None:
        try:
            outcome.set_result(database.write(take_away))
        except Exception as error:  # noqa: BLE001 - it is looked at below
            outcome.set_exception(error)

    with ThreadPoolExecutor(1) as pool:
        putting = pool.submit(database.write, put)
        assert inside.wait(WAIT_S)
        thread = Thread(target=other)
        thread.start()
        thread.join(0.2)
        assert not outcome.done(), "it waits"
        go_on.set()
        assert putting.result(WAIT_S).code == april.code
        thread.join(WAIT_S)
    if deletes:
        with pytest.raises(ScheduleHasInvoices):
            outcome.result(0)
        return
    outcome.result(0)
    assert everything(database)[0].state is ScheduleState.CLOSED
    assert database.write(covering).code == "2026-05-01"
