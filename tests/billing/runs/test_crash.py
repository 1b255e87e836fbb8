"""Workers that bill a cycle are killed at every point: in the end there are the bills of an undisturbed run."""

from __future__ import annotations

import random
import signal
import time

import pytest
from sqlalchemy import Connection

from domain.billing.runs.alike import deciding
from domain.billing.runs.deciding import Desk
from domain.billing.runs.jobs import ChunkSizes
from domain.billing.runs.model import Order
from domain.kernel.call import Call
from domain.operations.model import State
from server.database.transaction import Database
from tests.billing.runs.letterboxes import join
from tests.billing.runs.night import ACCOUNTS, Night
from tests.billing.runs.test_running import forget_bills
from tests.billing.runs.workers import RunsPlan
from tests.billing.segments.utility import head_office
from tests.billing.shop import NOW_US, open_shop
from tests.operations import processes
from tests.operations.processes import Crash, When
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]

KILLED = -signal.SIGKILL


def plan_of(night: Night, until: str = "", crash: Crash | None = None, slots: int = 1) -> RunsPlan:
    return RunsPlan(night.shop.database.url, until=until, crash=crash, slots=slots, sizes=night.sizes)


@pytest.mark.rule("BIL-32", "PLT-22")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_killed_at_any_commit_of_a_run(night: Night, when: When) -> None:
    """For every commit of a run: the worker dies there, another finishes, and the bills are those of no crash."""
    assert _killed_at_each_commit(night, when) > 8  # a claim and an end for each of five chunks


@pytest.mark.rule("BIL-32", "INV-16", "PLT-22")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_killed_at_any_commit_of_a_run_over_accounts_that_are_alike(database: Database, when: When) -> None:
    """Billed together and put on invoices in columns: each line is there once, as it is without a crash."""
    night = Night(open_shop(database), sizes=ChunkSizes(6, 6))
    night.window()
    database.write(_open_alike)
    assert database.write(lambda tx: _left_alone(tx, night)) == ["L02"], "it has not been read"
    assert _killed_at_each_commit(night, when) > 3
    assert len(night.rows()["invoice_line"]) == 11 * 5
    assert len(night.rows()["invoice_reckoned_tax"]) == 11 * 2


def _open_alike(tx: Connection) -> None:
    """Two chunks of accounts that are alike, on an invoice cycle; one of them lacks a read."""
    for number in range(12):
        unread = number == 2
        head_office(tx, f"{100 + number}.25", None if unread else "7", account_id=f"L{number:02}")
        join(tx, f"L{number:02}", "MONTHLY")


def _left_alone(tx: Connection, night: Night) -> list[str]:
    """Those of the accounts that are not billed together with others."""
    call = Call("ada", "billing/Run", "", NOW_US)
    order = Order("NORTH", "JAN", 20260201, 20260203, 20260204, freeze=True, complete=True)
    desk = Desk(night.bench, order, "run", lambda *_: None)
    return deciding.decide(tx, call, desk, [f"L{number:02}" for number in range(12)], lock=False)[1]


def _killed_at_each_commit(night: Night, when: When) -> int:
    """How many commits a run has: at each a worker died, another finished, and the rows were those of no crash."""
    undisturbed = night.run()
    wanted, crashes = night.rows(), 0
    while True:
        night.shop.database.write(forget_bills)
        run = night.start()
        status = processes.finish(plan_of(night, run, Crash(crashes + 1, when)))
        if status == KILLED:
            processes.finish_here(plan_of(night, run), night.shop.database)
        done = night.look(run)
        assert done.state is State.SUCCEEDED, done.failure
        assert done.counts == undisturbed.counts
        assert night.rows() == wanted
        if status == 0:
            return crashes
        crashes += 1


@pytest.mark.rule("BIL-32", "PLT-22", "PLT-23")
def test_workers_killed_at_random_share_a_run_without_loss(night: Night, crash_run: int) -> None:
    """Several workers on one run, one killed again and again: each account is billed once, as if nothing was."""
    night.accounts(ACCOUNTS, 4 * ACCOUNTS)
    undisturbed = night.run()
    wanted, chance = night.rows(), random.Random(crash_run)
    night.shop.database.write(forget_bills)
    run = night.start()
    workers = [processes.start(plan_of(night, slots=2)) for _ in range(2)]
    for _ in range(3):
        time.sleep(chance.uniform(0.02, 0.3))
        victim = workers.pop(chance.randrange(2))
        victim.kill()
        assert processes.ended(victim) == KILLED
        workers.append(processes.start(plan_of(night, slots=2)))
    wait_for(lambda: night.look(run).state.ended, 90)
    for worker in workers:
        worker.kill()
        processes.ended(worker)
    assert night.look(run).counts == undisturbed.counts
    assert night.rows() == wanted


@pytest.mark.rule("BIL-32")
def test_any_chunk_size_gives_the_same_bills(night: Night) -> None:
    """As many accounts at once as one likes."""
    found = []
    for size in (1, 4, 1_000):
        night.shop.database.write(forget_bills)
        night.sizes = ChunkSizes(size, size)
        found.append((night.run().counts, night.rows()))
    assert found[0] == found[1] == found[2]
