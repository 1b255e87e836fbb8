"""The money path of billing: what the customer owes, and against it each distribution code of a segment's lines."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Connection

from domain.billing.bills.booking import Charge
from domain.flows.billing import Billed
from domain.flows.codes import DistributionCodeUnknown
from domain.flows.post import AlreadyPosted
from domain.gl_extraction.details.errors import PeriodMissing
from domain.gl_extraction.details.model import Detail, Maker, Origin
from domain.gl_extraction.details.store import read
from domain.gl_extraction.distribution import service as codes
from domain.gl_extraction.distribution.model import Distribution
from domain.kernel.money import Money
from domain.kernel.scopes import Scope
from server.database.transaction import Database
from tests.gl_extraction.samples import CALL, audit, ids_of, open_books
from tests.gl_extraction.samples import row as detail_row

BILLED = Billed()
CHARGE = Charge(
    account_id="A1",
    segment_id="s1",
    agreement_id="SA1",
    cycle_code="MONTHLY",
    day=20260515,
    transaction_day=20260512,
    receivable="DEBTORS",
    amount=Money(11_900, "EUR"),
    amounts={"SALES": Money(10_000, "EUR"), "VAT": Money(1_900, "EUR")},
)
NARROW = replace(CALL, scope=Scope(frozenset(), frozenset(), frozenset({"MONTHLY"})))
"""A call of somebody who sees one cycle, and no ledger."""


@pytest.fixture
def books(database: Database) -> Database:
    """A database with a ledger of open months, and distribution codes in it."""

    def write(tx: Connection) -> None:
        open_books(tx)
        for code, account in (("DEBTORS", "1200"), ("SALES", "4000"), ("VAT", "2200")):
            codes.create(tx, CALL, code, Distribution("MAIN", distribution_account=account, bulking_group="B"))

    database.write(write)
    return database


def posted(books: Database, *charges: Charge) -> dict[str, Detail]:
    """The details that were made of the charges, by external id."""
    books.write(lambda tx: BILLED.post(tx, NARROW, charges))
    wanted = [
        f"{charge.segment_id}/{'R' if charge.reversal else ''}{side}"
        for charge in charges
        for side, amount in (("D", charge.amount), *((f"C/{code}", each) for code, each in charge.amounts.items()))
        if amount.minor
    ]
    rows = [detail_row(source="billing", external_id=each) for each in wanted]
    return {each.external_id: each for each in books.read(lambda tx: read.by_ids(tx, ids_of(books, rows)))}


def sides(details: dict[str, Detail]) -> dict[str, tuple[int, int]]:
    """Debit and credit of each."""
    return {name: (each.debit_minor, each.credit_minor) for name, each in sorted(details.items())}


@pytest.mark.rule("BIL-10", "GLX-01")
def test_a_segment_is_owed_once_and_earned_by_code(books: Database) -> None:
    """The receivable a debit, each code a credit, traced to segment, account and days."""
    found = posted(books, CHARGE)
    assert sides(found) == {"s1/C/SALES": (0, 10_000), "s1/C/VAT": (0, 1_900), "s1/D": (11_900, 0)}
    for detail in found.values():
        assert (detail.source, detail.maker, detail.origin) == ("billing", Maker.BILLING, Origin.FINANCIAL)
        assert (detail.subject_type, detail.subject, detail.grouping) == ("ACCOUNT", "accounts/A1", "s1")
        assert (detail.accounting_date, detail.transaction_date) == (20260515, 20260512)
        assert (detail.description, detail.reversal, detail.ledger_code) == ("SA1", False, "MAIN")
    assert [found[name].distribution_account for name in sorted(found)] == ["4000", "2200", "1200"]


@pytest.mark.rule("BIL-10", "BIL-13")
def test_a_reversal_posts_the_same_the_other_way_round(books: Database) -> None:
    """Marked, beside what it takes back, so that both come to nothing."""
    found = posted(books, CHARGE) | posted(books, replace(CHARGE, reversal=True))
    assert sides(found)["s1/RD"] == (0, 11_900)
    assert [each.reversal for _, each in sorted(found.items())] == [False, False, False, True, True, True]
    assert sum(each.debit_minor - each.credit_minor for each in found.values()) == 0


@pytest.mark.rule("BIL-10")
def test_what_is_credited_stands_on_the_other_side_and_nothing_for_zero(books: Database) -> None:
    """Amounts of details are positive; of what comes to nothing there are none."""
    amounts = {"SALES": Money(-500, "EUR"), "VAT": Money(0, "EUR")}
    assert sides(posted(books, replace(CHARGE, amount=Money(-500, "EUR"), amounts=amounts))) == {
        "s1/C/SALES": (500, 0),
        "s1/D": (0, 500),
    }
    nothing = replace(CHARGE, segment_id="s2", amount=Money(0, "EUR"), amounts={"SALES": Money(0, "EUR")})
    assert posted(books, nothing) == {}
    assert len(audit(books, "accounting_details.posted")) == 1


@pytest.mark.rule("BIL-10")
def test_what_cannot_be_posted_leaves_nothing_behind(books: Database) -> None:
    """One unsound charge refuses all; none is posted twice."""
    unknown = replace(CHARGE, segment_id="s2", receivable="NONE")
    for charge, error in ((unknown, DistributionCodeUnknown), (replace(CHARGE, day=20300101), PeriodMissing)):
        with pytest.raises(error):
            posted(books, replace(CHARGE, segment_id="s3"), charge)
    assert audit(books, "accounting_details.posted") == []
    posted(books, CHARGE)
    with pytest.raises(AlreadyPosted):
        posted(books, CHARGE)


@pytest.mark.rule("BIL-10", "GLX-04")
def test_what_would_not_be_posted_is_found_before(books: Database) -> None:
    """The ledger of each code, or why not."""
    assert books.write(lambda tx: BILLED.check(tx, {"SALES", "VAT"}, 20260515)) == {"SALES": "MAIN", "VAT": "MAIN"}
    with pytest.raises(DistributionCodeUnknown, match="NONE"):
        books.write(lambda tx: BILLED.check(tx, {"SALES", "NONE"}, 20260515))
