"""Texts and rows that are alike are written as each would be by itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from domain.kernel.bulk import insert_rows, insert_sheets
from domain.kernel.ids import from_base32, ids_from, some_ids
from domain.kernel.quantities import quantity_text, quantity_texts
from domain.kernel.templates import Template
from server.database.transaction import Database

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0\ue000\ue001"), max_size=8)


@given(st.lists(TEXTS | st.sampled_from(("\ue000", "\ue001", "%", "%s"))), TEXTS, st.lists(TEXTS, max_size=4))
def test_holes_are_filled_and_nothing_else_is_changed(pieces: list[str], same: str, column: list[str]) -> None:
    """Wherever they stand and however often; with what is the same for all rows, or each row's own."""
    template = Template("".join(pieces), ["\ue000", "\ue001"])
    expected = ["".join(pieces).replace("\ue000", same).replace("\ue001", each) for each in column]
    assert template.filled(len(column), {"\ue000": same, "\ue001": column}) == expected


@pytest.mark.rule("PLT-05")
def test_ids_from_a_seed_are_the_same_however_they_are_drawn() -> None:
    """One after another or some at once; sorted by their number, also beyond where that needs more bits."""
    one_by_one = ids_from(1_763_715_600_000_000, "seed")
    made = [one_by_one() for _ in range(20_000)]
    assert made == sorted(set(made)) == some_ids(1_763_715_600_000_000, "seed", 20_000)
    assert {(from_base32(each) or 0) >> 72 for each in made} == {1_763_715_600_000_000}
    assert some_ids(1_763_715_600_000_000, "other", 2)[0] != made[0]


@given(st.lists(st.integers(-(10**36), 10**36)))
def test_many_quantities_are_written_as_each_is(column: list[int]) -> None:
    """Whole ones, fractions, and below zero."""
    assert quantity_texts(column) == list(map(quantity_text, column))


def test_rows_in_columns_are_inserted_as_rows_are(database: Database) -> None:
    """With what COPY would take for something else, in cells of their own and in those that are the same."""
    names, odd = ("name", "next_value"), ["a\tb", "\\N", "100 %s", "c\nd"]

    def write(tx: Connection) -> list[tuple[str, int]]:
        tx.execute(text("DELETE FROM sequence"))
        insert_sheets(
            tx,
            "sequence",
            [(4, {"name": odd, "next_value": [1, 2, 3, 4]}), (0, {}), (1, dict(zip(names, ("%\\x", 5), strict=True)))],
        )
        made = [(row[0], row[1]) for row in tx.execute(text("SELECT name, next_value FROM sequence ORDER BY 2"))]
        tx.execute(text("DELETE FROM sequence"))
        insert_rows(tx, "sequence", names, made)
        assert [tuple(row) for row in tx.execute(text("SELECT name, next_value FROM sequence ORDER BY 2"))] == made
        return made

    assert database.write(write) == [*zip(odd, (1, 2, 3, 4), strict=True), ("%\\x", 5)]
