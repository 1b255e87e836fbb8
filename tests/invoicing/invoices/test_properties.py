"""What holds of running invoices whatever is added to them, taken off and carried, on both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from domain.invoicing.batches.carrying import Pace, carry
from domain.invoicing.batches.counting import Span
from domain.invoicing.batches.model import Batch
from domain.invoicing.batches.states import BatchKind, BatchState
from domain.invoicing.configuration import schedules
from domain.invoicing.configuration.registers import CYCLES
from domain.invoicing.invoices.model import Added, Invoice, NewLine
from domain.invoicing.invoices.states import InvoiceState
from domain.kernel.registers import service as registers
from server.database.transaction import Database
from tests.invoicing.invoices.office import Office, call_at, line, tax

MONTHS = ("2026-05-10T09:00", "2026-06-10T09:00", "2026-07-10T09:00")
ACCOUNTS = ("A", "B", "C")
BILLS = ("b1", "b2")
UNMET = 10**12
"""A minimum that no invoice here reaches, so that it is carried."""

LINES = st.lists(
    st.builds(
        line,
        external_id=st.sampled_from([f"{bill}/{n}" for bill in BILLS for n in range(3)]),
        net_minor=st.integers(-50_000, 50_000),
        account=st.sampled_from(ACCOUNTS),
        currency=st.sampled_from(["EUR", "EUR", "EUR", "CHF"]),
        source=st.just("billing"),
    ),
    max_size=8,
)
TAXES = st.lists(
    st.builds(
        tax,
        external_id=st.sampled_from([f"{bill}/t{n}" for bill in BILLS for n in range(2)]),
        tax_minor=st.integers(-500, 500),
        account=st.sampled_from(ACCOUNTS),
    ),
    max_size=3,
)
ADDING = st.tuples(st.just("add"), st.sampled_from(MONTHS), LINES, TAXES)
TAKING = st.tuples(st.just("take"), st.sampled_from(ACCOUNTS), st.sampled_from(BILLS))
CARRYING = st.tuples(st.just("carry"), st.sampled_from(ACCOUNTS))


class Books:
    """What an office of people with paper would know: each line that was taken, by account and id."""

    def __init__(self) -> None:
        self.lines: dict[tuple[str, str], NewLine] = {}

    def note(self, rows: list[NewLine], added: Added) -> None:
        """Keep what was made; what was there already is the same."""
        for at in added.made:
            key = (rows[at].account_id, rows[at].external_id)
            assert key not in self.lines
            self.lines[key] = rows[at]
        for at in added.unchanged:
            assert self.lines[rows[at].account_id, rows[at].external_id] == rows[at]
        assert len(added.made) + len(added.unchanged) + len(added.refused) == len(rows)


@pytest.fixture
def office(database: Database) -> Office:
    """A cycle."""
    return Office(database)


@pytest.mark.slow
@pytest.mark.rule("INV-11", "INV-12", "INV-16", "PLT-03", "PLT-06")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.one_of(ADDING, ADDING, TAKING, CARRYING), max_size=10))
def test_an_invoice_comes_to_its_lines_whatever_happens(office: Office, steps: list[tuple[object, ...]]) -> None:
    """Each line that was taken is there once; each account has one running invoice a schedule, all in one currency."""
    office.empty()
    books = Books()
    for step in steps:
        _take(office, books, step)
        assert office.faults() == []
    found = {(account, name): amount for account in ACCOUNTS for _, name, amount in office.lines(account)}
    assert found == {key: each.net_minor for key, each in books.lines.items()}
    for account in ACCOUNTS:
        running = [each for each in office.invoices(account) if each.state is InvoiceState.RUNNING]
        assert len({each.schedule_code for each in running}) == len(running)
        assert len({each.currency for each in running}) <= 1
        merged = {each.invoice_id for each in office.invoices(account)} - {each.invoice_id for each in running}
        assert not merged & {place.invoice_id for place, _, _ in office.lines(account)}


def _take(office: Office, books: Books, step: tuple[object, ...]) -> None:
    match step:
        case ("add", str(moment), list(rows), list(taxes)):
            books.note(rows, office.add(*rows, call=call_at(moment), taxes=taxes))
        case ("take", str(account), str(bill)):
            office.take_off(bill, account=account)
            books.lines = {
                key: each for key, each in books.lines.items() if key[0] != account or not key[1].startswith(f"{bill}/")
            }
        case ("carry", str(account)):
            running = [each for each in office.invoices(account) if each.state is InvoiceState.RUNNING]
            if running:
                office.do(lambda tx: _carry(tx, running))
        case _:
            raise AssertionError(step)


def _carry(tx: Connection, running: list[Invoice]) -> None:
    """The oldest running invoice of an account goes on to the next schedule, and takes over what runs there."""
    older = min(running, key=lambda each: each.schedule_code)
    call = call_at(MONTHS[0])
    of = schedules.get(tx, schedules.ScheduleKey("CYCLE", older.schedule_code))
    target = schedules.next_after(tx, call, of)
    batch = Batch("B", "", "CYCLE", BatchKind.INVOICES, BatchState.CLOSED, 1, 0, (of.code,), 1, 1)
    found = registers.get(tx, CYCLES, "CYCLE").settings
    unmet = replace(found, minimum_usage={"EUR": UNMET, "CHF": UNMET})
    carry(tx, batch, Span(of.code, older.account_id, older.account_id, 1, 1), target, unmet, call.now_us, Pace())
