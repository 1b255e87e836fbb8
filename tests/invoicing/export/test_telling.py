"""Whoever watches a batch is told by whatever changes it, so that nobody waits for the next look (INV-18)."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.invoicing.batches.states import BatchState
from domain.invoicing.batches.working import ALL
from domain.invoicing.names import batch_name
from domain.operations.runner import Attempts
from server.database.transaction import Database
from server.work.chunks import Chunks
from tests.invoicing.batches.house import IN_APRIL
from tests.invoicing.export.dock import Dock


class Telling(Dock):
    """A house that exports, and finds out after each chunk whether the change of a batch was told."""

    untold: list[str]

    def step(self) -> bool:
        """Carry out one chunk; notes what has changed a batch without a word."""
        told: list[str] = []
        before = {each.batch_id: each for each in self.batches()}
        attempts = Attempts(at_most=2, pause_us=0)
        chunks = Chunks(self.database, self.jobs(), attempts, lease_s=600, chunk_s=60, on_change=told.append)
        went = chunks.work_once(self.worker_id, lambda: True)
        for each in self.batches():
            if before.get(each.batch_id) != each and not {batch_name(each.batch_id), batch_name(ALL)} <= set(told):
                self.untold.append(f"{each.state} by {told}")
        return went


@pytest.mark.rule("INV-18", "PLT-21")
def test_every_chunk_that_changes_a_batch_tells_its_watchers(database: Database, tmp_path: Path) -> None:
    """From its creation to its publishing, an incomplete export and a cancel included."""
    house = Telling(database, tmp_path / "files")
    house.untold = []
    batch = house.ordered({"A": 5_000, "B": 1_000, "C": 400})
    house.receive("A", "B")
    house.export()
    house.receive("C")
    house.export()
    assert house.publish(batch.batch_id).state is BatchState.PUBLISHED
    house.charge({"A": 700})
    house.now_us = IN_APRIL + 60 * 86_400_000_000
    house.cancel(house.close().batch_id)
    assert not house.untold
