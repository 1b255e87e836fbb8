"""Lines and reckoned taxes are taken off again, until their invoice is locked."""

from __future__ import annotations

import pytest

from domain.invoicing.invoices.errors import InvoiceLocked
from domain.invoicing.invoices.model import ReckonedTax
from domain.invoicing.invoices.states import InvoiceState
from domain.invoicing.invoices.taking import TakenOff
from domain.kernel import events
from domain.kernel.events import AuditFilter
from server.database.transaction import Database
from tests.invoicing.invoices.office import IN_JUNE, Office, line, tax

BILLS = ("b", "b-2", "b0")


@pytest.fixture
def office(database: Database) -> Office:
    """An account with lines of bills whose ids begin alike, and one of somebody else."""
    opened = Office(database)
    rows = [line(f"{bill}/s/{n}", 10**n, source="billing", segment_id="s") for bill in BILLS for n in (1, 2)]
    opened.add(*rows, line("b/1", 5), taxes=_taxes())
    return opened


def _taxes() -> list[ReckonedTax]:
    return [tax(f"{bill}/s/3", 19) for bill in BILLS]


@pytest.mark.rule("INV-12", "INV-16")
def test_what_a_bill_has_put_there_is_taken_off_with_its_tax(office: Office) -> None:
    """Nothing of other bills or sources; done again it changes nothing, and the bill may come again."""
    assert office.take_off("b") == TakenOff(lines=2, taxes=1)
    assert [name for _, name, _ in office.lines()] == ["b-2/s/1", "b-2/s/2", "b0/s/1", "b0/s/2", "b/1"]
    assert [name for _, name, _ in office.taxes()] == ["b-2/s/3", "b0/s/3"]
    found = office.only()
    assert (found.line_count, found.net_minor, found.aggregated) == (5, 225, False)
    assert office.take_off("b") == TakenOff(0, 0)
    assert office.only() == found
    again = office.add(line("b/s/1", 11, source="billing"), call=IN_JUNE)
    assert sorted(again.made) == [0]


def test_numbers_of_lines_are_never_given_twice(office: Office) -> None:
    """Those of lines that were taken off stay free."""
    office.take_off("b0")
    added = office.add(line("9"))
    assert added.made[0].line_no == 8


@pytest.mark.rule("INV-12")
def test_of_a_closed_invoice_lines_are_taken_off_until_its_batch_is_locked(office: Office) -> None:
    """It counts as not aggregated then."""
    office.close(office.only())
    office.put(office.only(), aggregated=1)
    assert office.take_off("b").lines == 2
    assert not office.only().aggregated


@pytest.mark.rule("INV-12", "INV-17")
def test_nothing_is_taken_off_a_locked_invoice(office: Office) -> None:
    """Neither once its batch is locked, nor once it is itself."""
    office.close(office.only(), locked_us=1)
    before = office.only()
    for state in (InvoiceState.CLOSED, InvoiceState.LOCKED):
        office.put(before, state=state, batch_id="B1" if state is InvoiceState.CLOSED else "")
        with pytest.raises(InvoiceLocked, match=before.name) as refused:
            office.take_off("b")
        assert refused.value.reason == "INVOICE_LOCKED"
        assert (len(office.lines()), len(office.taxes())) == (7, 3)


@pytest.mark.rule("PLT-11")
def test_what_is_taken_off_is_in_the_audit_trail(office: Office) -> None:
    """By invoice, with what it was."""
    office.take_off("b")
    (entry,) = office.database.read(
        lambda tx: events.list_audit(tx, AuditFilter(resource=office.only().name), before_id="", limit=9)
    )
    assert (entry.type, entry.payload["lines"], entry.payload["net_minor"]) == ("invoice.lines_taken_off", 2, 110)
