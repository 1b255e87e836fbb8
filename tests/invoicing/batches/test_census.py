"""Figures of batches that are not over."""

from __future__ import annotations

import pytest

from domain.invoicing.batches.census import Census, census
from tests.invoicing.batches.house import IN_APRIL, House


def _counted(house: House) -> tuple[dict[str, int], int]:
    found: Census = house.database.read(census)
    return {state: count for state, count in found.batches.items() if count}, found.held_since_us


@pytest.mark.rule("PLT-42", "INV-18")
def test_what_is_held_is_counted_until_it_is_over(house: House) -> None:
    """By state, with the instant since which the first is held; nothing of one that was canceled."""
    assert _counted(house) == ({}, 0)
    house.charge({"A": 5_000})
    batch = house.close(schedules=("2026-03-01",))
    assert batch.held
    assert _counted(house) == ({"PENDING_CLOSE": 1}, batch.held.since_us)
    house.now_us = IN_APRIL
    house.engine()
    house.engine()
    held = house.batch(batch.batch_id).held
    assert held
    assert _counted(house) == ({"AGGREGATING": 1}, held.since_us)
    house.cancel(batch.batch_id)
    assert _counted(house) == ({}, 0)
