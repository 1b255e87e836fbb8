"""What the tests of operations share: a database with the tally job's tables, and a worker to step by hand."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from domain.operations import runner
from domain.operations.runner import Attempts
from server.database.transaction import Database
from server.work.chunks import Chunks
from tests.operations import tally


@dataclass
class Stepper:
    """A worker without threads: every chunk is carried out when the test says so."""

    database: Database
    attempts: Attempts
    told: list[str] = field(default_factory=list)
    worker_id: str = ""

    def __post_init__(self) -> None:
        self.worker_id = self.register()

    def register(self, lease_s: float = 60) -> str:
        lease_us = round(lease_s * 1_000_000)
        return self.database.write(lambda tx: runner.register(tx, host="here", pid=os.getpid(), lease_us=lease_us))

    @property
    def chunks(self) -> Chunks:
        return Chunks(self.database, tally.JOBS, self.attempts, lease_s=60, chunk_s=30, on_change=self.told.append)

    def step(self) -> bool:
        """Carry out one chunk."""
        return self.chunks.work_once(self.worker_id, lambda: True)

    def finish(self) -> int:
        """Carry out all there is to do now; gives how many chunks."""
        steps = 0
        while self.step():
            steps += 1
        return steps

    def claim(self, worker_id: str = "") -> runner.Claim:
        """Claim a chunk and leave it at that."""
        mine = worker_id or self.worker_id
        claimed = self.database.write(lambda tx: runner.claim(tx, tally.JOBS, mine))
        assert claimed is not None
        return claimed


@pytest.fixture
def tallies(database: Database) -> Database:
    """A migrated database with the tally job's tables."""
    tally.prepare(database)
    return database


@pytest.fixture
def steppers(tallies: Database) -> Callable[..., Stepper]:
    """Makes steppers; attempts rest for no time unless told otherwise."""

    def make(at_most: int = 3, pause_us: int = 0) -> Stepper:
        return Stepper(tallies, Attempts(at_most, pause_us, max(pause_us, 1)))

    return make


@pytest.fixture
def stepper(steppers: Callable[..., Stepper]) -> Stepper:
    return steppers()
