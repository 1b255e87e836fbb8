"""Lines of accounts that are alike come in columns, to what they come to by themselves."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import Connection

from domain.invoicing.configuration.registers import CYCLES
from domain.invoicing.invoices import alike
from domain.invoicing.invoices.alike import Alike, LinesAlike, TaxesAlike
from domain.invoicing.invoices.errors import NotAllTaken
from domain.invoicing.invoices.model import INVOICE_NET_MAX, Invoice
from domain.kernel.registers import store as registers
from server.database.transaction import Database
from tests.invoicing.invoices.office import IN_MAY, Office, line, tax

ACCOUNTS = ["A", "B", "C", "D"]
BOTH = [0, 2]
"""The places of those accounts that have the second line, and the tax; the last account has nothing."""


@pytest.fixture
def office(database: Database) -> Office:
    """A cycle without invoices."""
    return Office(database)


def _add(tx: Connection, *, currency: str = "EUR", category: str = "S") -> None:
    cycle = registers.find(tx, CYCLES, "CYCLE")
    assert cycle is not None
    like = line(source="billing", currency=currency, tax_category=category, distribution_code="", unit_code="KWH")
    ids = [f"b{account}/s/1" for account in ACCOUNTS[:3]]
    segments, words = list("stu"), ["one", "two", "three"]
    lines = [
        LinesAlike(like, [0, 1, 2], ids, segments, words, ["1", "2", "3"], [100, -200, 300]),
        LinesAlike(like, BOTH, ["bA/s/2", "bC/s/2"], ["s", "u"], ["four", "five"], ["4", "5"], [40, 50]),
    ]
    reckoned = tax(currency=currency, tax_category=category)
    taxes = [TaxesAlike(reckoned, BOTH, ["bA/s/3", "bC/s/3"], ["s", "u"], [19, 57])]
    alike.add(tx, IN_MAY, cycle, [Alike(list(ACCOUNTS), currency, lines, taxes)])


def _all(office: Office) -> list[tuple[object, ...]]:
    found = ((each, office.invoices(each), office.lines(each), office.taxes(each)) for each in ACCOUNTS)
    return [(each, list(map(_told, its)), _own(lines), _own(taxes)) for each, its, lines, taxes in found]


def _own(rows: Sequence[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """What rows say beside their invoice, whose id is drawn."""
    return [row[1:] for row in rows]


def _told(found: Invoice) -> tuple[object, ...]:
    return found.currency, found.line_count, found.last_line_no, found.net_minor, found.version, found.schedule_code


@pytest.mark.rule("INV-11", "INV-16", "BIL-32")
def test_what_comes_in_columns_is_what_comes_by_itself(office: Office) -> None:
    """Numbers go on behind what is there, sums stand in each invoice's row, and who gets nothing has no invoice."""
    office.add(line("before", 500))
    office.do(_add)
    assert office.faults() == []
    together = _all(office)
    assert [number for (_, number), *_ in office.lines("A")] == [1, 2, 3]
    office.empty()
    office.add(line("before", 500))
    first = zip("ABC", (100, -200, 300), strict=True)
    second = zip("AC", (40, 50), strict=True)
    cells = {"source": "billing", "distribution_code": ""}
    office.add(
        *(line(f"b{account}/s/1", minor, account, **cells) for account, minor in first),
        *(line(f"b{account}/s/2", minor, account, **cells) for account, minor in second),
        taxes=[tax(f"b{account}/s/3", minor, account) for account, minor in zip("AC", (19, 57), strict=True)],
    )
    assert together == _all(office)


@pytest.mark.rule("INV-11", "INV-16", "PLT-03")
def test_where_one_is_refused_nothing_is_done(office: Office) -> None:
    """Another currency, an invoice beyond all sizes, a tax without a code: told are those whom it concerns."""
    office.add(line("before", 500, account="B"), line("much", INVOICE_NET_MAX, account="C"))
    before = _all(office)
    for given, accounts in (({}, {"C"}), ({"currency": "CHF"}, {"B", "C"}), ({"category": "L"}, {"A", "B", "C"})):
        with pytest.raises(NotAllTaken) as refused:
            office.do(lambda tx, given=given: _add(tx, **given))  # type: ignore[misc]
        assert refused.value.accounts == accounts
        assert _all(office) == before
