"""A batch of any size goes by statements over sets, a chunk at a time, and stands in the way of few (INV-19)."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, event, text

from domain.invoicing.batches import carrying, closing, counting
from domain.invoicing.batches.model import Batch
from domain.invoicing.configuration import schedules
from domain.invoicing.configuration.registers import CYCLES
from domain.invoicing.configuration.schedules import ScheduleKey
from domain.invoicing.invoices.states import InvoiceState
from domain.kernel.registers import service as registers
from server.database.transaction import Database
from tests.invoicing.batches.house import IN_APRIL, House
from tests.invoicing.invoices.office import add, line

MARCH = "2026-03-01"


def _names(count: int, first: str = "A") -> dict[str, int]:
    return {f"{first}{number:03}": 400 for number in range(count)}


def _carried(house: House, batch: Batch, size: int) -> tuple[int, int]:
    """How many statements a chunk of this size takes to be looked at once more and moved, and how many it moves."""
    heard: list[str] = []

    def write(tx: Connection) -> int:
        span = counting.cut(tx, batch, [InvoiceState.RUNNING], size)[0]
        settings = registers.get(tx, CYCLES, "CYCLE").settings
        target = schedules.next_after(tx, house.call, schedules.get(tx, ScheduleKey("CYCLE", MARCH)))
        event.listen(tx, "before_cursor_execute", lambda *given: heard.append(given[2]))
        closing.close(tx, batch, span, settings, house.call.now_us)
        return carrying.carry(tx, batch, span, target, house.call.now_us).moved

    moved = house.do(write)
    return len(heard), moved


@pytest.mark.rule("INV-19")
def test_a_chunk_costs_the_same_statements_however_many_invoices_it_has(house: House) -> None:
    """Closing and carrying: two invoices or forty, with newer ones that they take over."""
    house.charge(_names(42))
    house.now_us = IN_APRIL
    house.charge(_names(42))
    batch = house.create()
    while house.batch(batch.batch_id).state.value != "CLOSED":
        assert house.step()
    batch = house.batch(batch.batch_id)
    few, many = _carried(house, batch, 2), _carried(house, batch, 40)
    assert (few[1], many[1]) == (2, 40)
    assert few[0] == many[0]


@pytest.mark.rule("INV-19", "INV-13")
def test_while_a_chunk_is_carried_others_take_lines(migrated_postgresql_url: str) -> None:
    """Of the next schedule only the chunk's own accounts wait; SQLite has one writer at a time, whatever it writes."""
    house = House(Database(migrated_postgresql_url), minimum_usage={"EUR": 1_000})
    house.charge(_names(4))
    house.now_us = IN_APRIL
    house.charge(_names(4))
    batch = house.create()
    while house.batch(batch.batch_id).state.value != "CLOSED":
        assert house.step()
    batch = house.batch(batch.batch_id)
    impatient = text("SET LOCAL lock_timeout = '300ms'")

    def beside(tx: Connection) -> None:
        span = counting.cut(tx, batch, [InvoiceState.RUNNING], 2)[0]
        target = schedules.next_after(tx, house.call, schedules.get(tx, ScheduleKey("CYCLE", MARCH)))
        assert carrying.carry(tx, batch, span, target, house.call.now_us).merged == 2
        for account in ("A002", "A003", "NEW"):

            def other(there: Connection, account: str = account) -> None:
                there.execute(impatient)
                assert add(there, house.call, [line(f"late-{account}", 100, account)]).made

            house.database.write(other)

    house.do(beside)
    assert not house.faults()
    assert [each.net_minor for each in house.invoices("A002") if each.state is InvoiceState.RUNNING] == [400, 500]
    house.database.dispose()
