"""A page of details costs by its size: the databases go by key, and sort nothing but what they show."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from domain.gl_extraction.extraction.states import BatchState
from server.database.transaction import Database
from tests.gl_extraction.samples import ids_of, open_books, row, stamp, taken_in, undone
from tests.gl_extraction.test_listing import listed

LISTS: tuple[dict[str, Any], ...] = (
    {},
    {"ledger_code": "MAIN"},
    {"subject": "P-1"},
    {"grouping": "TS-1", "origin": "R"},
    {"source": "erp", "external_id": "line-7"},
    {"extracted": False},
    {"extracted": False, "void": False, "currency": "USD"},
    {"extracted": False, "subject": "P-1"},
    {"extracted": True},
    {"batch_no": 1},
    {"batch_no": 1, "subject": "P-1"},
    {"void": True},
)


def fill(database: Database) -> Database:
    """Details that a batch has sent, that a run has taken, that are void, and that wait."""
    database.write(open_books)
    rows = [row(n, origin="R" if n % 2 else "F", subject=f"P-{n % 3}") for n in range(900)]
    taken_in(database, rows)
    ids = ids_of(database, rows)
    undone(database, subject="P-2")
    left = [detail_id for place, detail_id in enumerate(ids) if place % 3 != 2]
    stamp(database, 1, left[:200])
    stamp(database, 2, left[200:400], BatchState.SELECTING)
    return database


def _analyse_nothing(tx: Connection) -> None:
    """Statistics that come in the middle of a test would make its plans a matter of luck."""
    for name in ("accounting_detail", "extraction_stamp"):
        tx.exec_driver_sql(f"ALTER TABLE {name} SET (autovacuum_enabled = off)")


@contextmanager
def explained(explain: str) -> Iterator[list[str]]:
    """Statements that look for details, each with its plan."""
    found: list[str] = []

    def look(_: object, cursor: Any, statement: str, parameters: Any, *_more: object) -> None:
        if statement.startswith("SELECT") and ("LIMIT" in statement or "external_id = " in statement):
            cursor.execute(f"{explain} {statement}", parameters)
            found.append("\n".join([statement, *(str(plan) for plan in cursor.fetchall())]))

    event.listen(Engine, "before_cursor_execute", look)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", look)


@pytest.mark.rule("PLT-08")
@pytest.mark.parametrize("order", ["create_time", "create_time desc"])
def test_postgresql_sorts_nothing_for_a_page(migrated_postgresql_url: str, order: str) -> None:
    """Ids come from an index in their order, bucket by bucket; no table is read as a whole."""
    database = Database(migrated_postgresql_url)
    database.write(_analyse_nothing)
    fill(database)
    with explained("EXPLAIN") as plans:
        for wanted in LISTS:
            assert listed(database, order, 300, **wanted)
    database.dispose()
    assert len(plans) >= len(LISTS)
    for plan in plans:
        assert not any(bad in plan for bad in ("Sort", "Seq Scan", "Bitmap")), plan


@pytest.mark.rule("PLT-08")
@pytest.mark.parametrize("order", ["create_time", "create_time desc"])
def test_sqlite_sorts_nothing_for_a_page(migrated_sqlite_url: str, order: str) -> None:
    """Ids come from an index in their order, bucket by bucket; no table is read as a whole."""
    database = fill(Database(migrated_sqlite_url))
    with explained("EXPLAIN QUERY PLAN") as plans:
        for wanted in LISTS:
            assert listed(database, order, 300, **wanted)
    database.dispose()
    assert len(plans) >= len(LISTS)
    for plan in plans:
        assert "USE TEMP B-TREE" not in plan, plan
        assert "SCAN accounting_detail" not in plan, plan
        assert "SCAN extraction_stamp" not in plan, plan
        assert "external_id = " not in plan or "bucket=? AND source=? AND external_id=?" in plan, plan
        assert "void.voided_us > 0" not in plan or "_void" in plan, plan


@pytest.mark.rule("PLT-08", "GLX-13")
@pytest.mark.parametrize("size", [37, 1_000])
def test_a_list_is_the_same_whatever_its_pages(books_filled: Database, size: int) -> None:
    """The pages of each list hold each detail once, in the order of ids, and turned round when the order is."""
    every = {
        "void": [f"line-{n}" for n in range(900) if n % 3 == 2],
        "sent": listed(books_filled, size=1_000, batch_no=1),
    }
    assert len(every["sent"]) == 200
    assert listed(books_filled, size=size, void=True) == every["void"]
    unextracted = [f"line-{n}" for n in range(900) if f"line-{n}" not in every["sent"]]
    assert listed(books_filled, size=size, extracted=False) == unextracted
    assert listed(books_filled, "create_time desc", size, extracted=False) == unextracted[::-1]
    assert listed(books_filled, size=size, batch_no=1) == every["sent"]
    assert listed(books_filled, size=size, batch_no=1, extracted=False) == []
    assert sorted(listed(books_filled, "accounting_date", size, extracted=False)) == sorted(unextracted)


@pytest.fixture
def books_filled(database: Database) -> Database:
    return fill(database)
