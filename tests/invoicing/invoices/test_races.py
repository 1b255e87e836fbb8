"""Several at one running invoice at the same time; where two must wait for each other, on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, update

from domain.invoicing.configuration import schedules
from domain.invoicing.invoices.model import Added, Invoice
from domain.invoicing.invoices.states import InvoiceState
from domain.invoicing.tables import invoice, invoice_line
from server.database.transaction import Database
from tests.invoicing.invoices.office import IN_JUNE, IN_MAY, JUNE, MAY, Office, add, line

T = TypeVar("T")
WRITERS, SETS = 4, 5


@pytest.fixture
def office(database: Database) -> Office:
    """A cycle without invoices, on either database."""
    return Office(database)


@pytest.fixture
def two_at_once(migrated_postgresql_url: str) -> Iterator[Office]:
    """The same on PostgreSQL, where two may be at it; SQLite has one writer anyway."""
    database = Database(migrated_postgresql_url)
    yield Office(database)
    database.dispose()


@contextmanager
def meanwhile(office: Office, fn: Callable[[Connection], T]) -> Iterator[Callable[[], Future[T]]]:
    """A transaction that has done `fn` and is open inside; what is given ends it, and has its result to come."""
    done, go_on = threading.Event(), threading.Event()

    def slowly(tx: Connection) -> T:
        result = fn(tx)
        done.set()
        assert go_on.wait(20)
        return result

    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(office.do, slowly)

        def end() -> Future[T]:
            go_on.set()
            return result

        try:
            assert done.wait(20)
            yield end
        finally:
            go_on.set()


def waits(pool: ThreadPoolExecutor, fn: Callable[..., T], *args: Any, **options: Any) -> Future[T]:
    """What another does, who waits for who is at it."""
    going = pool.submit(fn, *args, **options)
    with pytest.raises(TimeoutError):
        going.result(0.3)
    return going


@pytest.mark.rule("INV-11")
def test_those_who_add_to_the_same_accounts_at_once_lose_nothing(office: Office) -> None:
    """Each account has one invoice, its numbers are given once, and it comes to the lines of all."""
    accounts = [f"A{n}" for n in range(20)]

    def work(writer: int) -> None:
        for number in range(SETS):
            rows = [line(f"{writer}-{number}", 1 + writer, account=each) for each in accounts]
            office.add(*(rows if writer % 2 else reversed(rows)))

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(work, range(WRITERS)))
    for account in accounts:
        found = office.only(account)
        assert (found.line_count, found.net_minor) == (WRITERS * SETS, SETS * sum(range(1, WRITERS + 1)))
        assert [place.line_no for place, _, _ in office.lines(account)] == list(range(1, WRITERS * SETS + 1))


@pytest.mark.rule("PLT-06", "INV-11")
@pytest.mark.parametrize("more", [0, 200])
def test_a_line_that_several_send_at_once_is_there_once(two_at_once: Office, more: int) -> None:
    """Who comes second waits, and finds it; nothing of it is counted twice, of few or of many."""
    rows = [line("1"), *(line(f"b{number}", account="B") for number in range(1 + more))]
    with meanwhile(two_at_once, lambda tx: add(tx, IN_MAY, rows)) as end, ThreadPoolExecutor(1) as pool:
        second = waits(pool, two_at_once.add, *rows)
        first = end().result(20)
        assert second.result(20) == Added(unchanged=first.made)
    assert two_at_once.only().net_minor == 1_000


@pytest.mark.rule("INV-11", "PLT-03")
def test_the_currency_of_an_invoice_that_is_made_meanwhile_holds(two_at_once: Office) -> None:
    """The look at it was before: what the other made is seen when it is locked."""
    with meanwhile(two_at_once, lambda tx: add(tx, IN_MAY, [line("1")])) as end, ThreadPoolExecutor(1) as pool:
        second = waits(pool, two_at_once.add, line("2", currency="CHF"))
        end()
        assert second.result(20).refused[0].reason == "LINE_CURRENCY_DIFFERS"


@pytest.mark.rule("INV-11")
def test_a_line_that_comes_while_invoices_are_merged_goes_onto_the_carried_one(two_at_once: Office) -> None:
    """The newer one is dropped under the adder, who finds the older one in its place."""
    two_at_once.add(line("1"))
    two_at_once.add(line("2"), call=IN_JUNE)
    older, newer = two_at_once.invoices()
    with meanwhile(two_at_once, lambda tx: merge(tx, older, newer)) as end, ThreadPoolExecutor(1) as pool:
        adding = waits(pool, two_at_once.add, line("3", 5), call=IN_JUNE)
        end()
        place = adding.result(20).made[0]
    assert place == (older.invoice_id, 3)
    found = two_at_once.invoices()[0]
    assert (found.schedule_code, found.line_count, found.net_minor) == (JUNE, 3, 2_005)
    assert two_at_once.faults() == []


@pytest.mark.rule("INV-11", "INV-12")
def test_lines_that_are_handed_over_meanwhile_are_taken_off_where_they_are(two_at_once: Office) -> None:
    """Who takes them off waits for who merges, and looks again."""
    two_at_once.add(line("1"))
    two_at_once.add(line("b/1", 7), line("b/2", 8), line("c/1", 9), call=IN_JUNE)
    older, newer = two_at_once.invoices()
    with meanwhile(two_at_once, lambda tx: merge(tx, older, newer)) as end, ThreadPoolExecutor(1) as pool:
        taking = waits(pool, two_at_once.take_off, "b", source="shop")
        end()
        assert taking.result(20).lines == 2
    assert [(place.invoice_id, name) for place, name, _ in two_at_once.lines()] == [
        (older.invoice_id, "1"),
        (older.invoice_id, "c/1"),
    ]
    assert two_at_once.faults() == []


@pytest.mark.rule("INV-11", "INV-02")
def test_a_schedule_is_not_closed_under_who_adds_to_it(two_at_once: Office) -> None:
    """Who closes waits; who comes after that adds to the next schedule: no invoice is left behind in a closed one."""

    def close(tx: Connection) -> None:
        schedules.close(tx, IN_JUNE, schedules.lock_named(tx, "CYCLE", [MAY]))

    two_at_once.add(line("1", account="B"))
    with meanwhile(two_at_once, lambda tx: add(tx, IN_MAY, [line("1")])) as end, ThreadPoolExecutor(1) as pool:
        closing = waits(pool, two_at_once.do, close)
        end()
        closing.result(20)
    two_at_once.add(line("2"))
    assert [each.schedule_code for each in two_at_once.invoices()] == [MAY, JUNE]


@pytest.mark.rule("INV-02", "INV-11")
def test_who_closes_by_what_an_invoice_comes_to_sees_the_lines_of_who_was_first(two_at_once: Office) -> None:
    """The minimum is looked at again once the adder has committed."""
    two_at_once.add(line("1", 400))

    def close(tx: Connection) -> int:
        enough = (invoice.c.state == InvoiceState.RUNNING, invoice.c.net_minor >= 1_000)
        return tx.execute(update(invoice).where(*enough).values(state=InvoiceState.CLOSED)).rowcount

    with meanwhile(two_at_once, lambda tx: add(tx, IN_MAY, [line("2", 600)])) as end, ThreadPoolExecutor(1) as pool:
        assert two_at_once.database.read(lambda tx: tx.execute(invoice.select()).one().net_minor) == 400
        end().result(20)
        assert pool.submit(two_at_once.do, close).result(20) == 1


def merge(tx: Connection, older: Invoice, newer: Invoice) -> None:
    """Have the older invoice take over the newer one's lines, and its schedule."""
    i, lines = invoice.c, invoice_line.c
    of_newer = (lines.account_id == newer.account_id, lines.invoice_id == newer.invoice_id)
    given = {"invoice_id": older.invoice_id, "line_no": lines.line_no + older.last_line_no}
    mine = i.account_id == older.account_id
    dropped = {"state": "MERGED", "slot": newer.invoice_id, "merged_into": older.invoice_id}
    tx.execute(
        update(invoice).where(mine, i.invoice_id == newer.invoice_id).values(**dropped, line_count=0, net_minor=0)
    )
    tx.execute(update(invoice_line).where(*of_newer).values(**given))
    tx.execute(
        update(invoice)
        .where(mine, i.invoice_id == older.invoice_id)
        .values(
            schedule_code=newer.schedule_code,
            line_count=i.line_count + newer.line_count,
            net_minor=i.net_minor + newer.net_minor,
            last_line_no=i.last_line_no + newer.last_line_no,
        )
    )
