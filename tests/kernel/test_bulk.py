"""Rows that go in together are those that were handed in, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, select

from domain.accounting.tables import executed_step
from domain.kernel.bulk import arranged, insert_sheets, join_sheets
from domain.kernel.script import Script
from server.database.failures import DatabaseFault
from server.database.transaction import Database

ODD = 'it\'s 100 % \\ odd; ? \n\t "ü" {a,b}'


def _sheet(first: int, rows: int, point: str) -> tuple[int, dict[str, object]]:
    keys = [f"{number:04}" for number in range(first, first + rows)]
    own = {"dispute_id": [f"{ODD}{key}" for key in keys], "step_key": keys}
    return rows, {"claim_id": ODD, **own, "workflow_point": point, "at_us": 2**62}


@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize("count", [1, 49, 50, 230])
def test_sheets_become_rows(database: Database, count: int, *, joined: bool) -> None:
    """Each by itself, or as one in another order: what they have in common is in every row."""
    sheets = [_sheet(0, count, "p"), _sheet(count, 3, "q"), _sheet(count + 3, 0, "r")]
    keys = [f"{number % 7}{number:04}" for number in range(count + 3)]

    def fill(tx: Connection) -> None:
        insert_sheets(tx, "executed_step", [arranged(join_sheets(sheets), keys)] if joined else sheets)  # type: ignore[arg-type]

    database.write(fill)
    found = database.read(lambda tx: [tuple(row) for row in tx.execute(select(executed_step).order_by("step_key"))])
    expected = [(ODD, f"{ODD}{n:04}", "p" if n < count else "q", f"{n:04}", 2**62) for n in range(count + 3)]
    assert found == expected
    with pytest.raises(DatabaseFault):
        database.write(fill)


def test_rows_of_a_sheet_are_arranged_by_their_keys() -> None:
    """Also what several sheets have the same of stays said once."""
    joined = join_sheets([(2, {"a": [1, 2], "b": "x", "c": 5}), (1, {"a": [3], "b": "y", "c": 5})])
    assert joined == (3, {"a": [1, 2, 3], "b": ["x", "x", "y"], "c": 5})
    assert arranged(joined, ["2", "3", "1"]) == (3, {"a": [3, 1, 2], "b": ["y", "x", "x"], "c": 5})


@pytest.mark.parametrize("texts", [[], ["plain", ""], [ODD, 'a"', "b\\", "NULL", " "]])
def test_arrays_hold_what_was_handed_over(migrated_postgresql_url: str, texts: list[str]) -> None:
    """Texts with whatever is in them, and integers to the last."""
    numbers = [2**63 - 1 - at for at in range(len(texts))]

    def ask(tx: Connection) -> list[tuple[object, ...]]:
        return Script(tx).ask("SELECT * FROM unnest(CAST(? AS text[]), CAST(? AS bigint[]))", texts, numbers)

    database = Database(migrated_postgresql_url)
    assert database.read(ask) == list(zip(texts, numbers, strict=True))
    database.dispose()
