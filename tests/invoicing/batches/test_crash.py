"""Workers that move batches on are killed at every point: in the end all is as if nobody had been."""

from __future__ import annotations

import random
import signal
import time
from typing import Any

import pytest

from domain.invoicing.batches import aggregation, engines
from domain.invoicing.batches.model import EngineRequest
from domain.invoicing.batches.states import BatchState
from tests.invoicing.batches.house import IN_APRIL, IN_MARCH, House
from tests.invoicing.batches.test_worlds import faults
from tests.invoicing.batches.workers import BatchesPlan
from tests.operations import processes
from tests.operations.processes import Crash, When
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.crash, pytest.mark.timeout(400)]

KILLED = -signal.SIGKILL
S = BatchState


def prepare(house: House) -> None:
    """A month of invoices that close and that do not, and some that have begun in the next."""
    house.now_us = IN_MARCH
    house.charge({f"A{n}": 5_000 if n % 3 else 400 for n in range(7)})
    house.now_us = IN_APRIL
    house.charge({"A0": 100, "A1": 100, "A6": 100})


def outcome(house: House) -> tuple[Any, ...]:
    """All that comes of a batch, less ids and times."""
    standing = {
        each.account_id: (each.state.value, each.schedule_code, each.number_no, each.net_minor, each.tax_minor)
        for each in house.all_invoices()
        if not each.merged_into
    }
    posted = sorted((code, minor) for _, code, _, minor in house.posted())
    (batch,) = house.batches()
    counts = {name: batch.counts.get(name, 0) for name in ("closed", "moved", "merged", "numbered")}
    return standing, posted, counts, house.states(batch.batch_id)


@pytest.mark.rule("INV-11", "INV-13", "INV-20", "PLT-22")
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("stage", ["close", "move", "lock"])
def test_a_worker_killed_at_any_commit(house: House, when: When, stage: str, crash_run: int) -> None:
    """It dies at a commit of closing, moving or locking; what is gone on with is closed, moved and numbered once."""
    chance = random.Random(f"{when} {stage} {crash_run}")
    prepare(house)
    batch = house.create()
    if stage == "close":
        operation_id = batch.operation_id
    else:
        house.work()
        operation_id = _started(house, stage)
    plan = BatchesPlan(house.database.url, until=operation_id, crash=Crash(chance.randrange(2, 14), when))
    status = processes.finish(plan)
    assert status in {0, KILLED}
    assert not faults(house)
    assert processes.finish(BatchesPlan(plan.url, until=operation_id)) == 0
    house.go_on(batch.batch_id)
    standing, posted, counts, states = outcome(house)
    assert states == [S.PENDING_CLOSE, S.CLOSING, S.CLOSED, S.AGGREGATING, S.READY_FOR_SENDING, S.ORDERED]
    assert counts == {"closed": 4, "moved": 3, "merged": 2, "numbered": 4}
    assert sorted(each.number_no for each in house.all_invoices() if each.number_no) == [1, 2, 3, 4]
    assert {account: row[1:4] for account, row in standing.items() if account in {"A0", "A3", "A6"}} == {
        "A0": ("2026-04-01", 0, 500),
        "A3": ("2026-04-01", 0, 400),
        "A6": ("2026-04-01", 0, 500),
    }
    assert sum(minor for _, minor in posted) == 0
    assert sum(minor for code, minor in posted if code == "AR") == 4 * 5_950
    assert not faults(house)


@pytest.mark.rule("INV-13", "PLT-22", "PLT-23")
def test_workers_killed_at_random_share_batches_without_loss(house: House, crash_run: int) -> None:
    """Two workers, one killed again and again while engines pass: the outcome is that of an undisturbed one."""
    chance = random.Random(crash_run)
    prepare(house)
    batch = house.create()
    plan = BatchesPlan(house.database.url, slots=2)
    workers = [processes.start(plan) for _ in range(2)]
    try:
        for _ in range(4):
            time.sleep(chance.uniform(0.05, 0.3))
            victim = workers.pop(chance.randrange(2))
            victim.kill()
            assert processes.ended(victim) == KILLED
            workers.append(processes.start(plan))
            house.do(lambda tx: engines.start(tx, house.call, EngineRequest()))
            house.do(lambda tx: aggregation.start(tx, house.call, EngineRequest()))
        wait_for(house.idle, 90)
    finally:
        for worker in workers:
            worker.kill()
            processes.ended(worker)
    house.work()
    assert not faults(house)
    house.go_on(batch.batch_id)
    _, _, counts, states = outcome(house)
    assert states == [S.PENDING_CLOSE, S.CLOSING, S.CLOSED, S.AGGREGATING, S.READY_FOR_SENDING, S.ORDERED]
    assert counts == {"closed": 4, "moved": 3, "merged": 2, "numbered": 4}
    assert not faults(house)


def _started(house: House, stage: str) -> str:
    """The operation that moves the others on, or that locks."""
    if stage == "lock":
        house.engine()
        house.aggregate()
    house.do(lambda tx: engines.start(tx, house.call, EngineRequest()))
    (batch,) = house.batches()
    before = batch.operation_id
    while house.batches()[0].operation_id == before:
        assert house.step()
    return house.batches()[0].operation_id
