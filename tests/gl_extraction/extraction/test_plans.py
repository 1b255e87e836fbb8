"""How the databases go about it: by key, whatever is there beside and whatever the planner knows.

A run's rows are fresh, so that statistics know nothing of them. PostgreSQL was seen to pair each of a million stamps
with a scan of all details; nothing but the plan shows that before there are a million.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from domain.gl_extraction.extraction.model import Request
from server.database.transaction import Database
from tests.gl_extraction import samples
from tests.gl_extraction.extraction.desk import EVERYTHING, Desk

RUNS = (
    EVERYTHING,
    Request(origin="R", grouping="TS-1", group_account_code="GA1"),
    Request(origin="F", incremental=False),
    Request(gl_extraction_batch_id="1"),
)
BAD = ("Hash Join", "Merge Join", "Join Filter", "Materialize", "Seq Scan on accounting_detail ", "external_id_unique")
"""Words of PostgreSQL's plans that look at more than the keys of the run."""


@contextmanager
def explained(database: Database, explain: str) -> Iterator[list[tuple[str, str]]]:
    """Statements over details and what runs keep of them, each with its plan as it was when it ran."""
    found: list[tuple[str, str]] = []

    def look(_: object, cursor: Any, statement: str, parameters: Any, *_more: object) -> None:
        run = "extraction_stamp" in statement or "accounting_detail_pending" in statement
        if run and "accounting_detail." in statement and not statement.startswith("CREATE"):
            cursor.execute(f"{explain} {statement}", parameters)
            found.append((statement, "\n".join(str(row) for row in cursor.fetchall())))

    event.listen(database._engine, "before_cursor_execute", look)
    try:
        yield found
    finally:
        event.remove(database._engine, "before_cursor_execute", look)


def everything(database: Database, folder: Path) -> None:
    """Every kind of run, a look ahead, a cancel and a reconciliation, on details that nobody has analysed."""
    database.write(samples.open_books)
    desk = Desk(database, folder)
    desk.take_in(samples.row(n, origin="R" if n % 2 else "F", bulking_group=f"B{n % 9}") for n in range(300))
    for request in RUNS:
        desk.preview(request)
        desk.run(request)
    canceled = desk.start(origin="R", incremental=False)
    desk.step_until(canceled, "group")
    desk.cancel(canceled)
    desk.finish()
    desk.reconcile(1)


@pytest.mark.rule("GLX-22")
def test_postgresql_goes_by_key_without_statistics(migrated_postgresql_url: str, tmp_path: Path) -> None:
    """No scan of all details, no join that looks at more than its own keys, no index that knows nothing of ids."""
    database = Database(migrated_postgresql_url)
    with explained(database, "EXPLAIN") as plans:
        everything(database, tmp_path)
    database.dispose()
    assert len(plans) > len(RUNS) * 3
    for statement, plan in plans:
        for bad in BAD:
            assert bad not in plan, f"{bad} in the plan of:\n{statement}\n{plan}"
        assert "pk_accounting_detail" in plan


@pytest.mark.rule("GLX-22")
def test_sqlite_goes_by_key(migrated_sqlite_url: str, tmp_path: Path) -> None:
    """Details are searched by their primary key, never scanned."""
    database = Database(migrated_sqlite_url)
    with explained(database, "EXPLAIN QUERY PLAN") as plans:
        everything(database, tmp_path)
    database.dispose()
    assert len(plans) > len(RUNS) * 2
    for statement, plan in plans:
        assert "SCAN accounting_detail'" not in plan, f"a scan in the plan of:\n{statement}\n{plan}"
        assert "SEARCH accounting_detail USING PRIMARY KEY (bucket=? AND detail_id" in plan, f"{statement}\n{plan}"
