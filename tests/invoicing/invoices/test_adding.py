"""Lines come onto running invoices: by arrival, each once, and what an invoice comes to stands in its row."""

from __future__ import annotations

import pytest

from domain.invoicing.invoices import model
from domain.invoicing.invoices.errors import RunningInvoiceBusy
from domain.invoicing.invoices.model import INVOICE_NET_MAX, Added, Place
from domain.invoicing.invoices.states import InvoiceState
from domain.kernel import events
from domain.kernel.events import AuditFilter
from server.database.transaction import Database
from tests.invoicing.invoices.office import IN_JUNE, IN_MAY, JUNE, MAY, Office, call_at, line, tax


@pytest.fixture
def office(database: Database) -> Office:
    """A cycle without invoices."""
    return Office(database)


def reasons(added: Added) -> dict[int, tuple[str, str]]:
    """By position, field and reason of what was refused."""
    return {at: (found.field, found.reason) for at, found in added.refused.items()}


@pytest.mark.rule("INV-11")
def test_lines_come_onto_the_running_invoice_of_the_schedule_of_their_arrival(office: Office) -> None:
    """Whatever days they are of: it is made when there is none, and there is one an account and schedule."""
    first = office.add(line("1"), line("2", 500), line("1", 300, account="B"))
    second = office.add(line("3", -200, start_day=20260401, end_day=20260501))
    june = office.add(line("4"), call=IN_JUNE)
    may, newer = office.invoices()
    assert (may.schedule_code, may.line_count, may.net_minor) == (MAY, 3, 1_300)
    assert (newer.schedule_code, newer.line_count, newer.net_minor) == (JUNE, 1, 1_000)
    assert office.only("B").net_minor == 300
    assert {may.state, newer.state} == {InvoiceState.RUNNING}
    assert first.made == {
        0: Place(may.invoice_id, 1),
        1: Place(may.invoice_id, 2),
        2: Place(office.only("B").invoice_id, 1),
    }
    assert second.made == {0: Place(may.invoice_id, 3)}
    assert june.made == {0: Place(newer.invoice_id, 1)}
    assert office.lines() == [
        (Place(may.invoice_id, 1), "1", 1_000),
        (Place(may.invoice_id, 2), "2", 500),
        (Place(may.invoice_id, 3), "3", -200),
        (Place(newer.invoice_id, 1), "4", 1_000),
    ]


@pytest.mark.rule("PLT-06")
def test_a_line_that_is_there_already_is_unchanged_wherever_it_stands_by_now(office: Office) -> None:
    """The same set may be sent again, also in another schedule; other content under its id is refused."""
    rows = [line("1"), line("2"), line("1")]
    first = office.add(*rows)
    assert (sorted(first.made), first.unchanged, first.refused) == ([0, 1], {2: first.made[0]}, {})
    again = office.add(*rows, call=IN_JUNE)
    assert again.made == {}
    assert again.unchanged == {0: first.made[0], 1: first.made[1], 2: first.made[0]}
    other = office.add(line("1", 999), line("2", description="dearer"), line("3"), line("3", 7))
    assert reasons(other) == dict.fromkeys((0, 1, 3), ("external_id", "LINE_DIFFERS"))
    assert sorted(other.made) == [2]
    assert office.faults() == []


def test_ids_are_of_an_account_and_a_source(office: Office) -> None:
    """Others may have the same."""
    added = office.add(line("1"), line("1", 2, source="portal"), line("1", 3, account="B"))
    assert len(added.made) == 3


@pytest.mark.rule("INV-16")
def test_reckoned_tax_arrives_as_tax_and_never_as_a_line(office: Office) -> None:
    """It stands beside the lines and is no part of what they come to; sent again it is there once."""
    rows = (line("b/s/1", source="billing", segment_id="s", distribution_code=""),)
    taxes = (tax("b/s/2", segment_id="s"), tax("b/s/3", 7, tax_ppm=70_000), tax("b/s/2", 1, account="B"))
    added = office.add(*rows, taxes=taxes)
    assert (added.taxes_made, added.taxes_refused) == (3, {})
    found = office.only()
    assert (found.line_count, found.net_minor) == (1, 1_000)
    assert office.taxes() == [(found.invoice_id, "b/s/2", 190), (found.invoice_id, "b/s/3", 7)]
    assert (office.only("B").line_count, office.only("B").net_minor) == (0, 0)
    again = office.add(*rows, taxes=(*taxes, tax("b/s/2", 191)), call=IN_JUNE)
    assert (again.taxes_made, {at: each.reason for at, each in again.taxes_refused.items()}) == (0, {3: "TAX_DIFFERS"})
    assert len(office.taxes()) == 2


@pytest.mark.rule("INV-16", "PLT-03")
def test_an_account_has_one_currency_over_its_running_invoices(office: Office) -> None:
    """That of what runs, in whatever schedule; else that of the first line."""
    added = office.add(line("1"), line("2", currency="CHF"), line("1", 4, account="B", currency="CHF"))
    assert reasons(added) == {1: ("net_amount", "LINE_CURRENCY_DIFFERS")}
    later = office.add(
        line("3", currency="CHF"),
        line("4"),
        call=IN_JUNE,
        taxes=(tax("3", currency="CHF"), tax("4")),
    )
    assert reasons(later) == {0: ("net_amount", "LINE_CURRENCY_DIFFERS")}
    assert {at: each.reason for at, each in later.taxes_refused.items()} == {0: "LINE_CURRENCY_DIFFERS"}
    assert [each.currency for each in office.invoices()] == ["EUR", "EUR"]
    for each in office.invoices():
        office.put(each, state=InvoiceState.LOCKED)
    assert reasons(office.add(line("5", currency="CHF"), call=call_at("2026-10-10T09:00"))) == {}


@pytest.mark.rule("INV-16")
def test_tax_needs_a_distribution_code_of_the_cycle_for_its_category(office: Office) -> None:
    """Its rounding is posted by it; where no tax is due none is needed."""
    rows = (line("1", tax_category="L"), line("2", tax_category="E", tax_ppm=0), line("3", tax_category="L", tax_ppm=0))
    added = office.add(*rows, taxes=(tax("1", tax_category="M"),))
    assert reasons(added) == {0: ("tax_category", "TAX_CODE_MISSING")}
    assert {at: each.reason for at, each in added.taxes_refused.items()} == {0: "TAX_CODE_MISSING"}


def test_an_invoice_beyond_all_sizes_is_refused(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """By amount, either way, and by lines: nothing of the account's comes in, that of others does."""
    office.add(line("1", INVOICE_NET_MAX))
    added = office.add(line("2", 1), line("1", -INVOICE_NET_MAX, account="B"), line("2", -1, account="C"))
    assert reasons(added) == {0: ("net_amount", "INVOICE_TOO_LARGE")}
    assert reasons(office.add(line("2", -1, account="B"))) == {0: ("net_amount", "INVOICE_TOO_LARGE")}
    for module in ("sorting", "store.adding"):
        monkeypatch.setattr(f"domain.invoicing.invoices.{module}.LINES_MAX", 3)
    many = office.add(line("3", 0, account="C"), line("4", 0, account="C"), line("5", 0, account="C"))
    assert reasons(many) == dict.fromkeys(range(3), ("account", "INVOICE_LINES_TOO_MANY"))
    assert office.faults() == []
    assert model.LINES_MAX > 3


@pytest.mark.rule("PLT-11")
def test_a_set_is_in_the_audit_trail_once(office: Office) -> None:
    """With its counts and totals by currency, for those who see the cycle; one that changes nothing is not."""
    rows = (line("1"), line("2", 5), line("1", 7, account="B", currency="CHF"), line("9", tax_category="L"))
    for _ in range(2):
        office.add(*rows, taxes=(tax(),))

    (entry,) = office.database.read(
        lambda tx: events.list_audit(tx, AuditFilter(type="invoice_lines.added"), before_id="", limit=9)
    )
    assert entry.payload == {
        "schedule": f"billingCycles/CYCLE/schedules/{MAY}",
        "created_count": 3,
        "unchanged_count": 0,
        "refused_count": 1,
        "reckoned_tax_count": 1,
        "created_totals": {"CHF": 7, "EUR": 1_005},
    }
    assert entry.caller == IN_MAY.caller


@pytest.mark.rule("PLT-06")
def test_thousands_of_accounts_take_their_lines_at_once(office: Office) -> None:
    """Some statements for all of them; sent again, with one more, that one alone is added."""
    rows = [line(f"{n % 7}", n, account=f"A{n // 7:05}") for n in range(7_000)]
    taxes = [tax(f"{n}", account=f"A{n:05}") for n in range(1_000)]
    first = office.add(*rows, taxes=taxes)
    assert (len(first.made), first.taxes_made) == (7_000, 1_000)
    again = office.add(*rows, line("9", 0, account="A00500"), taxes=[*taxes, tax("new", account="A00500")])
    assert (len(again.unchanged), list(again.made), again.taxes_made) == (7_000, [7_000], 1)
    assert {at: place for at, place in again.unchanged.items() if at < 7} == {at: first.made[at] for at in range(7)}
    assert office.only("A00500").net_minor == sum(range(3_500, 3_507))
    assert office.faults() == []


def test_an_invoice_that_never_stands_still_is_given_up_after_a_while(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever adds, or takes off, may try again; nothing was changed."""
    office.add(line("b/1", source="billing"))
    ids = iter(range(100))
    monkeypatch.setattr("domain.invoicing.invoices.store.adding.take_in", lambda *_: {})
    monkeypatch.setattr("domain.invoicing.invoices.store.taking.invoice_ids", lambda *_: [str(next(ids))])
    for try_it in (lambda: office.add(line("2")), lambda: office.take_off("b")):
        with pytest.raises(RunningInvoiceBusy):
            try_it()
    assert office.only().line_count == 1
