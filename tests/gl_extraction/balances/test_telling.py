"""Trial balances: opening, debits, credits and closing, extracted and not, as of any instant, and for good."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from domain.flows.post import Entry, post
from domain.gl_extraction import tables
from domain.gl_extraction.balances import service
from domain.gl_extraction.balances.compacting import DAY_US, MINUTE_US
from domain.gl_extraction.balances.errors import BalanceTooLarge, TrialBalanceNotFound
from domain.gl_extraction.balances.model import Figures
from domain.gl_extraction.details.ingest import ingest_chunk
from domain.gl_extraction.details.model import Maker, SubjectType
from domain.gl_extraction.details.rows import prepare
from domain.gl_extraction.extraction.errors import TotalTooLarge
from domain.kernel.as_of import AsOfInFuture
from domain.kernel.money import AMOUNT_MINOR_MAX, Money
from domain.kernel.scopes import Scope
from server.database.transaction import Database
from tests.gl_extraction.balances.accounts import compacted, differences, lines, told
from tests.gl_extraction.extraction.desk import Desk
from tests.gl_extraction.samples import CALL, NOW_US, later, open_books, reversed_, row, taken_in, undone

pytestmark = pytest.mark.rule("GLX-24")
APRIL = {"accounting_date": (2026, 4, 10)}
CREDIT = {"debit": None, "credit": ("USD", 30, 0)}


def changes_kept(database: Database) -> int:
    """How many changes balances are added up from, in movements and in spans."""
    changes = func.coalesce(func.sum(tables.balance_movement.c.change_count), 0)
    counts = (select(changes), select(func.count()).select_from(tables.balance_span))
    return database.read(lambda tx: sum(int(tx.execute(count).scalar_one()) for count in counts))


def test_a_line_opens_with_the_months_before_and_closes_with_its_own(books: Database) -> None:
    """Opening is what earlier periods came to; debits and credits stand apart; later periods do not count."""
    june = {"accounting_date": (2026, 6, 1)}
    taken_in(books, [row(1, **APRIL), row(2), row(3), row(4, **CREDIT), row(5, **june)])
    (total,) = told(books).totals
    assert total.all == Figures(opening_minor=10_000, debit_minor=20_000, credit_minor=3_000)
    assert total.all.closing_minor == 27_000
    assert total.detail_count == 3
    (june_total,) = told(books, period="2026-06").totals
    assert june_total.all == Figures(27_000, 10_000, 0)


def test_lines_are_by_account_and_currency_and_never_added_over_two_currencies(books: Database) -> None:
    """A line for each account and currency, in that order; a total for each currency, which is the sum of its lines."""
    euro = {"debit": ("EUR", 1, 0), "distribution_account": "4000"}
    taken_in(books, [row(1), row(2, **euro), row(3, distribution_account="5000"), row(4, distribution_account="")])
    balance = told(books)
    found = lines(books, balance.as_of_us)
    assert [(one.distribution_account, one.currency) for one in found] == [
        ("", "USD"),
        ("4000", "EUR"),
        ("4000", "USD"),
        ("5000", "USD"),
    ]
    assert balance.line_count == 4
    assert [(one.currency, one.all.debit_minor) for one in balance.totals] == [("EUR", 100), ("USD", 30_000)]
    assert [one.currency for one in lines(books, balance.as_of_us, account="4000")] == ["EUR", "USD"]
    assert [one.currency for one in lines(books, balance.as_of_us, account="")] == ["USD"]


def test_what_was_extracted_stands_apart_once_the_batch_is_completed(desk: Desk) -> None:
    """Not while a run is under way, nor when it is canceled; a resend of the same details changes nothing."""
    desk.take_in([row(1), row(2, **CREDIT)])
    canceled = desk.start()
    desk.step_until(canceled, "group")
    assert told(desk.database).totals[0].extracted == Figures(0, 0, 0)
    desk.cancel(canceled)
    desk.finish()
    assert told(desk.database).totals[0].extracted == Figures(0, 0, 0)
    done = desk.run()
    desk.take_in([row(3)])
    (total,) = told(desk.database).totals
    assert total.extracted == Figures(0, 10_000, 3_000)
    assert total.unextracted == Figures(0, 10_000, 0)
    assert (total.detail_count, total.extracted_count) == (3, 2)
    desk.run(replace(desk.batch_of(done).request, created_date_from=None, gl_extraction_batch_id="2"))
    assert told(desk.database).totals == (total,)
    assert differences(desk.database) == []


@pytest.mark.parametrize("stage", ["", "select", "group", "write", "publish", "ended"])
def test_voiding_takes_details_out_whatever_a_run_has_done_with_them(desk: Desk, stage: str) -> None:
    """What is void counts nowhere, voided before, during or after a run; and no run brings it back."""
    desk.take_in([row(1), row(2, subject="P-2"), row(3, subject="P-2", **APRIL)])
    operation_id = desk.start() if stage else ""
    if stage == "ended":
        desk.finish()
    elif stage:
        desk.step_until(operation_id, stage)
    undone(desk.database, later(), subject="P-2")
    assert differences(desk.database) == []
    desk.finish()
    (total,) = told(desk.database).totals
    assert total.all == Figures(0, 10_000, 0)
    assert total.extracted == (Figures(0, 10_000, 0) if stage else Figures(0, 0, 0))
    assert differences(desk.database) == []


def test_a_reversal_stands_on_the_other_side_and_a_posting_balances(books: Database) -> None:
    """A reversal adds its own side; what is posted has equal debits and credits in every currency."""
    taken_in(books, [row(1)])
    (detail_id,) = books.read(lambda tx: tx.execute(select(tables.accounting_detail.c.detail_id)).scalars().all())
    reversed_(books, [detail_id])
    (total,) = told(books).totals
    assert total.all == Figures(0, 10_000, 10_000)
    entries = [
        Entry("bill", f"s-{place}", SubjectType.ACCOUNT, "A-1", "MAIN", 20260601, 20260601, Money(minor, currency))
        for place, (minor, currency) in enumerate([(500, "EUR"), (-500, "EUR"), (7, "JPY"), (-3, "JPY"), (-4, "JPY")])
    ]
    books.write(lambda tx: post(tx, CALL, entries, Maker.BILLING))
    posted = {one.currency: one.all for one in told(books, period="2026-06").totals}
    assert posted["EUR"] == Figures(0, 500, 500)
    assert posted["JPY"] == Figures(0, 7, 7)
    assert differences(books) == []


def test_a_chunk_that_is_sent_again_moves_nothing(books: Database) -> None:
    """Rows that are there already, refused rows, and a use case that is rolled back leave the balance alone."""
    taken_in(books, [row(1), row(2, ledger_code="NONE")])
    before = told(books).totals
    taken_in(books, [row(1), row(2, ledger_code="NONE"), row(1, description="another")])

    def broken(tx: Connection) -> None:
        ingest_chunk(tx, CALL, prepare([row(3)]))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        books.write(broken)
    assert told(books).totals == before
    assert differences(books) == []


def test_as_of_an_instant_only_what_was_recorded_by_then_counts(books: Database) -> None:
    """To the microsecond: as of the instant of a call its details count, as of the one before they do not."""
    for seconds in (0, 10, 20):
        taken_in(books, [row(seconds)], later(seconds * 1_000_000))
    now_us = NOW_US + 30_000_000
    debits = [
        sum(line.all.debit_minor for line in told(books, NOW_US + at_us, now_us=now_us).totals)
        for at_us in (-1, 0, 9_999_999, 10_000_000, 19_999_999, 20_000_000)
    ]
    assert debits == [0, 10_000, 10_000, 20_000, 20_000, 30_000]


def test_a_late_commit_changes_no_balance_that_was_told(migrated_postgresql_url: str) -> None:
    """Details whose transaction began before a balance was told and commits after it count right after it."""
    database = Database(migrated_postgresql_url)
    database.write(open_books)
    written, commit = threading.Event(), threading.Event()

    def slow(tx: Connection) -> None:
        ingest_chunk(tx, CALL, prepare([row(1)]))
        written.set()
        assert commit.wait(30)

    writer = threading.Thread(target=database.write, args=(slow,))
    writer.start()
    assert written.wait(30)
    taken_in(database, [row(2)], CALL)
    first = told(database, now_us=NOW_US + 1_000)
    assert [line.all.debit_minor for line in first.totals] == [10_000]
    commit.set()
    writer.join(30)
    for as_of_us in (NOW_US, first.as_of_us):
        again = told(database, as_of_us, now_us=NOW_US + 9_000)
        assert [line.all.debit_minor for line in again.totals] == [10_000]
    after = told(database, now_us=NOW_US + 9_000)
    assert [line.all.debit_minor for line in after.totals] == [20_000]
    assert differences(database) == []
    database.dispose()


def test_clocks_that_disagree_lose_nothing(books: Database) -> None:
    """A call recorded by a clock that goes fast counts in the next balance, whoever's clock that is asked by."""
    taken_in(books, [row(1)], later(5_000_000))
    first = told(books, now_us=NOW_US)
    assert [line.all.debit_minor for line in first.totals] == [10_000]
    taken_in(books, [row(2)], CALL)
    second = told(books, now_us=NOW_US - 7)
    assert second.as_of_us > first.as_of_us
    assert [line.all.debit_minor for line in second.totals] == [20_000]
    assert told(books, first.as_of_us).totals == first.totals


def test_nothing_is_told_of_the_future_or_of_what_is_not_there(books: Database) -> None:
    """An instant to come is out of range; an unknown period or ledger, and one out of scope, is not found."""
    with pytest.raises(AsOfInFuture):
        told(books, NOW_US + 1)
    for ledger, period, scope in (
        ("MAIN", "2030-01", Scope()),
        ("NONE", "2026-05", Scope()),
        ("MAIN", "2026-05", Scope(ledgers=frozenset({"OTHER"}))),
    ):
        call = replace(CALL, scope=scope)

        def get(tx: Connection, call: Any = call, ledger: str = ledger, period: str = period) -> Any:
            return service.get(tx, call, ledger, period, NOW_US)

        with pytest.raises(TrialBalanceNotFound):
            books.read(get)


def test_amounts_beyond_63_bits_are_recorded_exactly_and_refused_when_told(books: Database) -> None:
    """Ten thousand of the largest amounts in one chunk are taken in; compaction holds; telling is refused clearly."""
    largest = ("JPY", AMOUNT_MINOR_MAX, 0)
    taken_in(books, [row(n, debit=largest) for n in range(10_000)])
    with pytest.raises(BalanceTooLarge):
        told(books)
    compacted(books, NOW_US + DAY_US)
    taken_in(books, [row(n, debit=None, credit=largest) for n in range(10_000, 11_000)])
    with pytest.raises(BalanceTooLarge):
        told(books)
    with pytest.raises(TotalTooLarge):
        undone(books, later(), subject="P-1")


def test_compaction_keeps_every_balance_that_was_told(books: Database) -> None:
    """Old movements are kept one a place and minute; instants told stay, and others round down and say so."""
    start_us = NOW_US - NOW_US % MINUTE_US
    for second in range(0, 180, 5):
        rows = [row(second), row(second + 1, distribution_account="5")]
        taken_in(books, rows, later(start_us - NOW_US + second * 10**6))
    asked = [start_us + at * 10**6 for at in (0, 17, 61, 119)]
    now_us = start_us + 180 * 10**6
    before = [told(books, at_us, now_us=now_us) for at_us in asked]
    assert [balance.as_of_us for balance in before] == asked
    latest = told(books, now_us=now_us)
    count = changes_kept(books)
    steps = compacted(books, now_us + DAY_US, rows_max=10)
    assert steps > 1
    assert changes_kept(books) < count / 4
    assert [told(books, balance.as_of_us) for balance in [*before, latest]] == [*before, latest]
    rounded = told(books, start_us + 90 * 10**6 + 7)
    assert rounded.as_of_us == start_us + 61 * 10**6
    assert rounded.totals == before[2].totals
    compacted(books, now_us + 40 * DAY_US)
    assert [told(books, balance.as_of_us) for balance in [*before, latest]] == [*before, latest]
    assert differences(books) == []
