"""Posting: balanced in every currency, in an open period, each detail with its source."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from domain.flows.post import Alike, AlreadyPosted, Entry, PostingEmpty, PostingUnbalanced, _refuse_unbalanced, post
from domain.gl_extraction.details.errors import NoOpenPeriod, PeriodMissing
from domain.gl_extraction.details.model import Detail, Maker, Origin, SubjectType
from domain.gl_extraction.details.store import read
from domain.gl_extraction.periods import service as periods
from domain.kernel.errors import Invalid
from domain.kernel.money import Money
from server.database.transaction import Database
from tests.gl_extraction.samples import CALL, audit, open_books, pending_count, stored

CHARGE = Entry(
    source="billing",
    source_id="segments/1/receivable",
    subject_type=SubjectType.ACCOUNT,
    subject="A-1",
    ledger_code="MAIN",
    day=20260515,
    transaction_day=20260515,
    amount=Money(10_050, "USD"),
    bulking_group="B1",
    distribution_account="1200",
    group_account_code="GA1",
    gl_segments=("100",),
)
REVENUE = replace(CHARGE, source_id="segments/1/revenue", amount=Money(-10_050, "USD"), distribution_account="4000")


@pytest.fixture
def books(database: Database) -> Database:
    """A database with a ledger, three open months and a group account."""
    database.write(open_books)
    return database


def posted(books: Database, *entries: Entry, maker: Maker = Maker.BILLING) -> list[Detail]:
    ids = books.write(lambda tx: post(tx, CALL, entries, maker))
    found = {detail.detail_id: detail for detail in books.read(lambda tx: read.by_ids(tx, ids))}
    return [found[detail_id] for detail_id in ids]


def close(books: Database, code: str) -> None:
    change = periods.Change("MAIN", code, etag="", reason="done", force=True)
    books.write(lambda tx: periods.close(tx, CALL, change))


@pytest.mark.rule("GLX-01", "GLX-02", "PLT-11")
def test_a_posting_makes_a_detail_of_each_entry(books: Database) -> None:
    """A positive amount is a debit, a negative one a positive credit; each detail names its source and its maker."""
    debit, credit = posted(books, CHARGE, REVENUE)
    assert (debit.debit_minor, debit.credit_minor, credit.debit_minor, credit.credit_minor) == (10_050, 0, 0, 10_050)
    assert (debit.source, debit.external_id, credit.external_id) == ("billing", CHARGE.source_id, REVENUE.source_id)
    assert {debit.maker, credit.maker} == {Maker.BILLING}
    assert (debit.origin, debit.subject_type, debit.subject) == (Origin.FINANCIAL, "ACCOUNT", "A-1")
    assert (debit.accounting_period_code, debit.gl_segments) == ("2026-05", ("100",))
    assert pending_count(books) == 2
    (entry,) = audit(books, "accounting_details.posted")
    assert entry.payload == {
        "maker": "BILLING",
        "created_count": 2,
        "created_totals": {"USD": {"debit": "100.50", "credit": "100.50"}},
        "first_detail": debit.name,
        "last_detail": credit.name,
    }


@pytest.mark.rule("PLT-03")
@pytest.mark.parametrize(
    ("amounts", "told"),
    [
        ([(100, "USD"), (-99, "USD")], "USD"),
        ([(100, "USD"), (-100, "EUR")], "EUR,USD"),
        ([(100, "USD"), (-100, "USD"), (1, "JPY")], "JPY"),
    ],
)
def test_what_does_not_balance_in_every_currency_is_not_posted(
    books: Database, amounts: list[tuple[int, str]], told: str
) -> None:
    """Amounts of two currencies never make up for each other."""
    entries = [replace(CHARGE, source_id=f"{n}", amount=Money(*amount)) for n, amount in enumerate(amounts)]
    with pytest.raises(PostingUnbalanced) as refused:
        posted(books, *entries)
    assert refused.value.details["currencies"] == told
    assert stored(books, "detail_id") == []


@pytest.mark.rule("PLT-03")
@given(st.lists(st.tuples(st.integers(1, 10**6), st.sampled_from(["USD", "EUR"])), min_size=1, max_size=8), st.data())
def test_only_what_balances_is_let_through(amounts: list[tuple[int, str]], data: st.DataObject) -> None:
    """Debits with their credits balance; with one unit more or less on any of them they do not."""
    signed = [Money(sign * minor, currency) for minor, currency in amounts for sign in (1, -1)]
    entries = [replace(CHARGE, amount=amount) for amount in signed]
    _refuse_unbalanced(entries)
    place = data.draw(st.integers(0, len(entries) - 1))
    changed = entries[place].amount.minor + data.draw(st.sampled_from([10**7, -(10**7)]))
    with pytest.raises(PostingUnbalanced):
        _refuse_unbalanced(
            [*entries[:place], replace(CHARGE, amount=replace(signed[place], minor=changed)), *entries[place + 1 :]]
        )


@pytest.mark.rule("GLX-04")
def test_a_posting_rolls_to_the_next_open_period(books: Database) -> None:
    """Into a closed period nothing is posted: the detail lies on the first open day after, its event keeps its day."""
    close(books, "2026-05")
    april = replace(CHARGE, source_id="april", day=20260401, transaction_day=20260401)
    details = posted(books, CHARGE, REVENUE, april, replace(april, source_id="-", amount=-april.amount))
    assert [detail.accounting_date for detail in details] == [20260601, 20260601, 20260401, 20260401]
    assert [detail.accounting_period_code for detail in details] == ["2026-06", "2026-06", "2026-04", "2026-04"]
    assert [detail.transaction_date for detail in details] == [20260515, 20260515, 20260401, 20260401]
    close(books, "2026-06")
    with pytest.raises(NoOpenPeriod):
        posted(books, replace(CHARGE, source_id="x"), replace(REVENUE, source_id="y"))
    with pytest.raises(PeriodMissing):
        posted(books, *(replace(entry, source_id=f"x{entry.amount}", day=20260701) for entry in (CHARGE, REVENUE)))


@pytest.mark.rule("GLX-02", "GLX-04")
def test_what_breaks_a_rule_is_refused_as_a_whole(books: Database) -> None:
    """Unknown ledgers and group accounts are told entry by entry, and nothing is posted."""
    with pytest.raises(Invalid) as refused:
        posted(books, replace(CHARGE, ledger_code="NONE"), replace(REVENUE, group_account_code="NONE", source_id=""))
    assert [(found.field, found.reason) for found in refused.value.violations] == [
        ("entries[0].ledger_code", "LEDGER_UNKNOWN"),
        ("entries[1].external_id", "FIELD_REQUIRED"),
        ("entries[1].group_account_code", "GROUP_ACCOUNT_UNKNOWN"),
    ]
    with pytest.raises(PostingEmpty):
        posted(books)
    assert stored(books, "detail_id") == []


@pytest.mark.rule("GLX-02")
@pytest.mark.parametrize("again", [{}, {"description": "other"}])
@pytest.mark.parametrize("pairs", [0, 50])
def test_nothing_is_posted_twice(books: Database, again: dict[str, Any], pairs: int) -> None:
    """What a source stands for is posted once, with the same content or with other, among a few entries or many."""
    posted(books, CHARGE, REVENUE)
    others = [replace(entry, source_id=f"{n}/{entry.source_id}") for n in range(pairs) for entry in (CHARGE, REVENUE)]
    with pytest.raises(AlreadyPosted, match="segments/1/revenue of billing"):
        posted(books, *others, replace(CHARGE, source_id="new"), replace(REVENUE, **again))
    assert len(stored(books, "detail_id")) == 2


def _alike(*, subject: str = "accounts/A-1", debit: int = 700) -> list[Alike]:
    """Two debits of each of two segments, and the credits against them."""
    return [
        Alike(
            replace(like, amount=Money(1, "USD")),
            source_ids=[f"{number}/{like.source_id}" for number in range(2)],
            subjects=[subject, "accounts/A-2"],
            descriptions=["S1", "S2"],
            groupings=["s1", "s2"],
            minor=[sign * debit, sign * -5],
        )
        for like, sign in ((CHARGE, 1), (REVENUE, -1))
    ]


@pytest.mark.rule("GLX-01", "GLX-03")
@pytest.mark.parametrize("subject", ["accounts/A-1", "a tab\t, and what COPY escapes \\N"])
def test_entries_that_are_alike_are_posted_as_each_would_be(books: Database, subject: str) -> None:
    """Same details, to the hash of their content; also where they have to be looked at one by one."""
    ids = books.write(lambda tx: post(tx, CALL, [CHARGE, REVENUE], Maker.BILLING, alike=_alike(subject=subject)))
    together = sorted(stored(books, *_TOLD))
    assert len(ids) == len(together) == 6
    for table in ("accounting_detail", "accounting_detail_pending"):
        books.write(lambda tx, table=table: tx.execute(text(f"DELETE FROM {table}")) and None)  # type: ignore[misc]
    posted(books, CHARGE, REVENUE, *(entry for each in _alike(subject=subject) for entry in each.each()))
    assert together == sorted(stored(books, *_TOLD))


_TOLD = (
    "source",
    "external_id",
    "content_hash",
    "description",
    "subject",
    "grouping",
    "distribution_account",
    "debit_minor",
    "credit_minor",
    "coded_mask",
    "gl_segment_1",
)


@pytest.mark.rule("GLX-02", "GLX-03", "PLT-01")
def test_of_entries_that_are_alike_none_is_made_when_one_is_refused(books: Database) -> None:
    """Told of the one: an amount that is too large, what is out of balance, and what was posted before."""
    with pytest.raises(Invalid) as refused:
        books.write(lambda tx: post(tx, CALL, [], Maker.BILLING, alike=_alike(debit=10**15 + 1)))
    assert {each.reason for each in refused.value.violations} >= {"AMOUNT_TOO_LARGE"}
    with pytest.raises(PostingUnbalanced):
        books.write(lambda tx: post(tx, CALL, [], Maker.BILLING, alike=_alike()[:1]))
    assert stored(books, "detail_id") == []
    books.write(lambda tx: post(tx, CALL, [], Maker.BILLING, alike=_alike()))
    with pytest.raises(AlreadyPosted):
        books.write(lambda tx: post(tx, CALL, [], Maker.BILLING, alike=_alike()))
