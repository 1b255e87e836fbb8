"""Balances are kept small by a loop, and made for books that were there before."""

from __future__ import annotations

import importlib
import threading

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, delete, func, select

from domain.gl_extraction import tables
from domain.gl_extraction.balances.compacting import DAY_US
from domain.gl_extraction.balances.model import Figures
from server.call import now_us
from server.database.transaction import Database
from server.work.bookkeeping import keeping_balances
from tests.gl_extraction.balances.accounts import differences, told
from tests.gl_extraction.extraction.desk import Desk
from tests.gl_extraction.samples import NOW_US, later, row, taken_in, undone
from tests.support.waiting import wait_for

pytestmark = pytest.mark.rule("GLX-24")


def changes_kept(database: Database) -> int:
    """How many changes balances are added up from, in movements and in spans."""
    changes = func.coalesce(func.sum(tables.balance_movement.c.change_count), 0)
    counts = (select(changes), select(func.count()).select_from(tables.balance_span))
    return database.read(lambda tx: sum(int(tx.execute(count).scalar_one()) for count in counts))


def test_the_worker_keeps_balances_small(books: Database) -> None:
    """A minute of small postings becomes one row a place; the loop ends soon after it is told to."""
    for n in range(20):
        taken_in(books, [row(n)], later(n))
    assert changes_kept(books) == 20
    stopping = threading.Event()
    loop = keeping_balances(every_s=0.01, clock_us=lambda: NOW_US + DAY_US)
    thread = threading.Thread(target=loop.run, args=(books, stopping))
    thread.start()
    wait_for(lambda: changes_kept(books) == 1, 20)
    stopping.set()
    thread.join(10)
    assert not thread.is_alive()
    assert differences(books) == []


def test_books_that_were_there_before_have_balances_to_the_minute(desk: Desk) -> None:
    """The migration adds up what was taken in, voided and sent, and what a run under way has taken."""
    minute = 60_000_000
    desk.take_in([row(1), row(2, subject="P-2"), row(3, subject="P-3")])
    undone(desk.database, later(minute), subject="P-2")
    desk.run()
    desk.take_in([row(4), row(5, subject="P-5"), row(6, subject="P-6")], later(3 * minute))
    undone(desk.database, later(4 * minute), subject="P-3")
    under_way = desk.start()
    desk.step_until(under_way, "write")
    undone(desk.database, later(5 * minute), subject="P-5")

    def anew(tx: Connection) -> None:
        for table in (tables.balance_movement, tables.balance_span, tables.batch_movement):
            tx.execute(delete(table))
        with Operations.context(MigrationContext.configure(tx)):
            importlib.import_module("server.database.migrations.versions.0006_balances")._fill()

    desk.database.write(anew)
    assert differences(desk.database) == []
    first, last = NOW_US + minute, NOW_US + 10 * minute
    assert [one.all for one in told(desk.database, first, now_us=last).totals] == [Figures(0, 30_000, 0)]
    desk.finish()
    assert differences(desk.database) == []
    (total,) = told(desk.database, now_us=now_us()).totals  # runs end by the real clock
    assert (total.all, total.extracted) == (Figures(0, 30_000, 0), Figures(0, 30_000, 0))
