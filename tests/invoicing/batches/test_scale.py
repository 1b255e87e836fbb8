"""A batch of any size goes by statements over sets, a chunk at a time, and stands in the way of few (INV-19)."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, event, text

from domain.invoicing.batches import carrying, counting, engines
from domain.invoicing.batches.advancing import Sizes
from domain.invoicing.batches.carrying import Pace
from domain.invoicing.batches.model import Batch, EngineRequest
from domain.invoicing.configuration import schedules
from domain.invoicing.configuration.registers import CYCLES
from domain.invoicing.configuration.schedules import ScheduleKey
from domain.invoicing.invoices.states import InvoiceState
from domain.kernel.registers import service as registers
from domain.operations import service as operations
from server.database.transaction import Database
from tests.invoicing.batches.house import IN_APRIL, House
from tests.invoicing.invoices.office import add, line

MARCH = "2026-03-01"
UNHURRIED = Pace(first=100, within_us=60_000_000)


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
        return carrying.carry(tx, batch, span, target, settings, house.call.now_us, UNHURRIED).moved

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
        settings = registers.get(tx, CYCLES, "CYCLE").settings
        assert carrying.carry(tx, batch, span, target, settings, house.call.now_us, UNHURRIED).merged == 2
        for account in ("A002", "A003", "NEW"):

            def other(there: Connection, account: str = account) -> None:
                there.execute(impatient)
                assert add(there, house.call, [line(f"late-{account}", 100, account)]).made

            house.database.write(other)

    house.do(beside)
    assert not house.faults()
    assert [each.net_minor for each in house.invoices("A002") if each.state is InvoiceState.RUNNING] == [400, 500]
    house.database.dispose()


@pytest.mark.rule("INV-11", "INV-19", "PLT-22")
def test_a_step_ends_when_it_has_locked_others_for_long_enough(house: House) -> None:
    """The rest is another transaction's; all are moved once, and the operation's figures are of all."""
    house.charge(_names(5))
    house.now_us = IN_APRIL
    house.charge({"A001": 300})
    house.sizes = Sizes(pace=Pace(first=2, within_us=0))
    batch = house.close()
    house.do(lambda tx: engines.start(tx, house.call, EngineRequest()))
    moved = [0]
    while house.step():
        now = house.batch(batch.batch_id).counts.get("moved", 0)
        moved += [now] if now != moved[-1] else []
    assert moved == [0, 2, 4, 5]
    advance = house.batch(batch.batch_id).operation_id
    stages = house.database.read(lambda tx: operations.get(tx, advance)).stages
    assert [(each.items_done, each.items_total) for each in stages if each.stage == "carry"] == [(5, 5)]
    assert {each.carried_count for each in house.all_invoices() if each.state is InvoiceState.RUNNING} == {1}
    assert not house.faults()


@pytest.mark.parametrize(
    ("size", "taken_us", "spent_us", "following"),
    [
        (50, 10_000, 10_000, 200),  # quick: four times as many
        (200, 40_000, 50_000, 175),  # half of what is left
        (50, 45_000, 45_000, 41),  # a slow machine
        (50, 30_000, 110_000, 0),  # no time for another piece
        (50, 900_000, 900_000, 0),  # a machine that is far too slow
    ],
)
def test_pieces_are_as_large_as_time_allows(size: int, taken_us: int, spent_us: int, following: int) -> None:
    """By what the last one took."""
    assert Pace(first=50, within_us=120_000).following(size, taken_us, spent_us) == following
