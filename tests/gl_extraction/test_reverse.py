"""Reversal: the mirror of a detail, on a day of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.flows.post import Entry, post
from domain.gl_extraction.details import errors
from domain.gl_extraction.details.model import Maker, SubjectType
from domain.gl_extraction.details.store import read
from domain.gl_extraction.names import detail_name
from domain.gl_extraction.periods import service as periods
from domain.gl_extraction.periods.model import NewPeriod
from domain.gl_extraction.reference import service as registers
from domain.gl_extraction.reference.model import LEDGERS
from domain.kernel.errors import NotFound
from domain.kernel.money import Money
from server.database.transaction import Database
from tests.gl_extraction.samples import (
    CALL,
    audit,
    ids_of,
    later,
    pending_count,
    reversed_,
    row,
    stamp,
    stored,
    taken_in,
    undone,
)

TODAY = 20260528


def close(books: Database, code: str) -> None:
    change = periods.Change("MAIN", code, etag="", reason="done", force=True)
    books.write(lambda tx: periods.close(tx, CALL, change))


@pytest.mark.rule("GLX-03", "GLX-04", "PLT-11")
def test_a_reversal_mirrors_its_detail_on_its_own_day(books: Database) -> None:
    """Sides are swapped, the amount stays positive, the indicator is set, both know each other; the day is today."""
    taken_in(books, [row(1, accounting_date=(2026, 4, 3), reversal=False)])
    (original_id,) = ids_of(books, [row(1)])
    stamp(books, 3, [original_id])
    (reversal,) = reversed_(books, [original_id], call=later())
    (original,) = books.read(lambda tx: read.by_ids(tx, [original_id]))
    assert original.reversed_by == reversal.detail_id
    assert reversal == replace(
        original,
        detail_id=reversal.detail_id,
        external_id=f"reversal:{original.name.rpartition('/')[2]}",
        reversal=True,
        debit_minor=0,
        credit_minor=10_000,
        accounting_date=TODAY,
        transaction_date=TODAY,
        accounting_period_code="2026-05",
        created_us=later().now_us,
        reverses=original_id,
        reversed_by=0,
        stamp=None,
    )
    assert pending_count(books) == 1, "the reversal waits to be extracted"
    (entry,) = audit(books, "accounting_detail.reversed")
    assert entry.owner == original.name
    assert entry.payload == {
        "from": {"reversed_by": ""},
        "to": {"reversed_by": reversal.name},
        "accounting_date": "2026-05-28",
        "reason": "wrong rate",
    }


@pytest.mark.rule("GLX-03", "PLT-03")
def test_reversals_take_back_every_currency_to_the_unit(books: Database) -> None:
    """Details and their reversals come to zero in each currency; they are given in the order asked for."""
    amounts = [("USD", 0, 10_000_000), ("JPY", 7, 0), ("KWD", 1, 1_000_000)]
    rows = [row(n, debit=amount) for n, amount in enumerate(amounts)]
    taken_in(books, rows)
    ids = ids_of(books, rows)[::-1]
    assert [detail.reverses for detail in reversed_(books, ids)] == ids
    sums: dict[str, int] = {}
    for currency, debit, credit in stored(books, "currency", "debit_minor", "credit_minor"):
        sums[currency] = sums.get(currency, 0) + debit - credit
    assert sums == {"USD": 0, "JPY": 0, "KWD": 0}


@pytest.mark.rule("GLX-04")
def test_a_reversal_takes_the_day_that_is_given_if_its_period_is_open(books: Database) -> None:
    """A day that is given holds; in a closed period, or in none, nothing is reversed."""
    rows = [row(n) for n in range(3)]
    taken_in(books, rows)
    ids = ids_of(books, rows)
    close(books, "2026-04")
    (reversal,) = reversed_(books, ids[:1], day=20260601)
    assert (reversal.accounting_date, reversal.transaction_date) == (20260601, TODAY)
    with pytest.raises(errors.PeriodClosed, match="2026-04-30 lies in ledgers/MAIN/accountingPeriods/2026-04"):
        reversed_(books, ids[1:], day=20260430)
    with pytest.raises(errors.PeriodMissing, match="2026-07-01"):
        reversed_(books, ids[1:], day=20260701)
    assert len(stored(books, "detail_id")) == 4


@pytest.mark.rule("GLX-04")
def test_a_reversal_without_a_day_rolls_to_the_next_open_period(books: Database) -> None:
    """When today's period is closed, the reversal lies on the first day of the next open one; today is its event."""
    taken_in(books, [row(1)])
    ids = ids_of(books, [row(1)])
    close(books, "2026-05")
    (reversal,) = reversed_(books, ids)
    assert (reversal.accounting_date, reversal.accounting_period_code) == (20260601, "2026-06")
    assert reversal.transaction_date == TODAY
    close(books, "2026-06")
    taken_in(books, [row(2, accounting_date=(2026, 4, 1))])
    with pytest.raises(errors.NoOpenPeriod):
        reversed_(books, ids_of(books, [row(2)]))


@pytest.mark.rule("GLX-04")
def test_each_ledger_has_its_own_day(books: Database) -> None:
    """Reversals of two ledgers in one call each lie in an open period of their ledger."""
    books.write(lambda tx: registers.create(tx, CALL, LEDGERS, code="SIDE", description=""))
    books.write(lambda tx: periods.create(tx, CALL, NewPeriod("SIDE", "2026", 20260101, 20261231)))
    rows = [row(1), row(2, ledger_code="SIDE")]
    taken_in(books, rows)
    close(books, "2026-05")
    days = [(found.ledger_code, found.accounting_date) for found in reversed_(books, ids_of(books, rows))]
    assert days == [("MAIN", 20260601), ("SIDE", TODAY)]


@pytest.mark.rule("GLX-03", "PLT-10")
def test_what_cannot_be_reversed_is_refused_with_its_reason(books: Database) -> None:
    """Void, reversed and reversal details, and those of other services, are refused, and the others with them."""
    rows = [row(1), row(2, subject="P-2"), row(3), row(4, reversal=True)]
    taken_in(books, rows)
    void, sound, turned, indicated = ids_of(books, [rows[0], rows[1], rows[2], rows[3]])
    (mirror,) = reversed_(books, [turned])
    entries = [
        Entry("billing", f"{side}", SubjectType.ACCOUNT, "A-1", "MAIN", 20260501, 20260501, Money(side, "USD"))
        for side in (100, -100)
    ]
    posted = books.write(lambda tx: post(tx, CALL, entries, Maker.BILLING))[0]
    count = len(stored(books, "detail_id"))
    books.write(lambda tx: tx.exec_driver_sql(f"UPDATE accounting_detail SET voided_us = 1 WHERE detail_id = {void}"))
    for bad, kind in (
        (void, errors.DetailIsVoid),
        (turned, errors.DetailIsReversed),
        (mirror.detail_id, errors.DetailIsReversal),
        (indicated, errors.DetailIsReversal),
        (posted, errors.DetailMadeElsewhere),
    ):
        with pytest.raises(kind) as refused:
            reversed_(books, [sound, bad])
        assert refused.value.details["resource_name"] == detail_name(bad)
    with pytest.raises(errors.DetailIsReversal) as refused:
        reversed_(books, [indicated, sound, turned, void])
    assert refused.value.details["refused_count"] == "3"
    assert len(stored(books, "detail_id")) == count


@pytest.mark.rule("GLX-03")
@pytest.mark.parametrize("name", ["accountingDetails/0000000000zzz", "accountingDetails/1", "accountingDetails/iiiii"])
def test_an_unknown_detail_is_not_found(books: Database, name: str) -> None:
    """A name that stands for no detail is NOT_FOUND, and the details beside it are not reversed."""
    taken_in(books, [row(1)])
    (known,) = ids_of(books, [row(1)])
    with pytest.raises(NotFound) as refused:
        reversed_(books, names=[detail_name(known), name])
    assert refused.value.name == name
    assert len(stored(books, "detail_id")) == 1


@pytest.mark.rule("GLX-03")
def test_a_reversed_detail_cannot_be_undone_and_its_reversal_neither(books: Database) -> None:
    """A detail is voided or reversed, never both."""
    taken_in(books, [row(1)])
    reversed_(books, ids_of(books, [row(1)]))
    with pytest.raises(errors.UndoNotAllowed) as refused:
        undone(books, subject="P-1")
    assert refused.value.details == {"resource_name": "subjects/P-1", "reversed": "1", "reversals": "1"}


@pytest.mark.rule("GLX-03")
def test_a_taken_reversal_id_is_refused(books: Database) -> None:
    """A row of the same source that happens to have the reversal's external id stops the reversal."""
    taken_in(books, [row(1)])
    (detail_id,) = ids_of(books, [row(1)])
    taken_in(books, [row(2, external_id=f"reversal:{detail_name(detail_id).rpartition('/')[2]}")])
    with pytest.raises(errors.ReversalExists):
        reversed_(books, [detail_id])
