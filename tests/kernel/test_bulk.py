"""Rows that go in together are those that were handed in, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, select

from domain.accounting.tables import executed_step
from domain.kernel.bulk import insert_sheets
from domain.kernel.script import Script
from server.database.failures import DatabaseFault
from server.database.transaction import Database

ODD = 'it\'s 100 % \\ odd; ? \n\t "ü" {a,b}'


def _sheet(first: int, rows: int, point: str) -> tuple[int, dict[str, object]]:
    keys = [f"{number:04}" for number in range(first, first + rows)]
    own = {"dispute_id": [f"{ODD}{key}" for key in keys], "step_key": keys}
    return rows, {"claim_id": ODD, **own, "workflow_point": point, "at_us": 2**62}


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("count", [1, 49, 50, 230])
def test_sheets_become_rows(database: Database, count: int, *, ordered: bool) -> None:
    """As they come or in another order: what they have in common is in every row."""
    sheets = [_sheet(0, count, "p"), _sheet(count, 3, "q"), _sheet(count + 3, 0, "r")]
    order = sorted(range(count + 3), key=lambda at: (at % 7, at)) if ordered else None

    def fill(tx: Connection) -> None:
        insert_sheets(tx, "executed_step", sheets, order=order)  # type: ignore[arg-type]

    database.write(fill)
    found = database.read(lambda tx: [tuple(row) for row in tx.execute(select(executed_step).order_by("step_key"))])
    expected = [(ODD, f"{ODD}{n:04}", "p" if n < count else "q", f"{n:04}", 2**62) for n in range(count + 3)]
    assert found == expected
    with pytest.raises(DatabaseFault):
        database.write(fill)


@pytest.mark.parametrize("texts", [[], ["plain", ""], [ODD, 'a"', "b\\", "NULL", " "]])
def test_arrays_hold_what_was_handed_over(migrated_postgresql_url: str, texts: list[str]) -> None:
    """Texts with whatever is in them, and integers to the last."""
    numbers = [2**63 - 1 - at for at in range(len(texts))]

    def ask(tx: Connection) -> list[tuple[object, ...]]:
        return Script(tx).ask("SELECT * FROM unnest(CAST(? AS text[]), CAST(? AS bigint[]))", texts, numbers)

    database = Database(migrated_postgresql_url)
    assert database.read(ask) == list(zip(texts, numbers, strict=True))
    database.dispose()
