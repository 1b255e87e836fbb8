"""Rows by keys of several columns."""

from __future__ import annotations

from sqlalchemy import Connection, select, text

from domain.accounting.tables import assignment
from domain.kernel.keys import among
from server.database.transaction import Database


def test_sqlite_looks_up_rows_by_keys_along_an_index(migrated_sqlite_url: str) -> None:
    """It does not look through the whole table."""
    a = assignment.c
    query = select(a.state).where(among((a.claim_id, a.operation_id), [("1", "a"), ("2", "b")]))

    def plan(tx: Connection) -> list[str]:
        compiled = str(query.compile(tx, compile_kwargs={"literal_binds": True}))
        return [row.detail for row in tx.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))]

    database = Database(migrated_sqlite_url)
    first, *_ = database.read(plan)
    database.dispose()
    assert first == "SEARCH assignment USING PRIMARY KEY (claim_id=?)"
