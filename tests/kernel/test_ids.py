"""Ids: opaque, sortable by age."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.ids import from_base32, new_id, to_base32


@pytest.mark.rule("PLT-05")
def test_ids_sort_by_age_also_within_one_instant() -> None:
    """A later id is greater, whether its instant is later or the same."""
    made = [new_id(1_763_715_600_000_000) for _ in range(100)] + [new_id(1_763_715_600_000_001)]
    assert made == sorted(set(made))
    assert {len(one) for one in made} == {26}


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_base_32_comes_back_and_sorts_as_its_numbers(one: int, other: int) -> None:
    """Padded texts stand in the order of their numbers."""
    assert from_base32(to_base32(one, 13)) == one
    assert (to_base32(one, 13) < to_base32(other, 13)) == (one < other)


@pytest.mark.parametrize("text", ["", "u", "l0", "A", "-1", "é"])
def test_what_is_not_base_32_is_no_number(text: str) -> None:
    """A name that nobody made is told apart, not misread."""
    assert from_base32(text) is None
