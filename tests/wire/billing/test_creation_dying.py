"""Workers die while interval data are created: in the end there are those of an undisturbed creation."""

from __future__ import annotations

import random
import signal
import time
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from domain.billing.tables import interval_data, interval_data_set
from domain.operations.model import State
from server.database.transaction import Database
from tests.billing.creation.workers import CreationPlan
from tests.operations import processes, tally
from tests.operations.processes import Crash, When
from tests.support.server import Served
from tests.support.waiting import wait_for
from tests.wire.billing.creator import Creator, berlin, hours

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]

KILLED = -signal.SIGKILL
FIRST, THIRD = date(2026, 1, 1), date(2026, 1, 3)
ACCOUNTS = 20
MISSING = 7  # of this account one hour was not read


@pytest.fixture
def creator(utility: Served) -> Creator:
    """Accounts of NORTH, each with a meter from whose hours of two days others are created in turn."""
    creator = Creator(utility)
    for number in range(ACCOUNTS):
        account = f"accounts/A-{number:02}"
        creator.office.account(f"A-{number:02}", bill_cycle_code="NORTH")
        creator.office.agreement("S-2", account, type_code="AT-2")
        creator.office.profile("METER", account=account, type_code="HOURLY")
        creator.derived("zz", "S-2", "CREATED-10", "METER", account=account, factor="3")
        creator.derived("mm", "S-2", "CREATED-90", "zz", account=account, factor="0.5")
        read = hours(berlin(FIRST), [str(number + hour) for hour in range(48)])
        if number == MISSING:
            read.popitem()
        creator.read(f"{account}/profiles/METER", read)
    return creator


def start(creator: Creator) -> str:
    """Begin to create the data of the cycle; gives the operation's id."""
    return creator.start(THIRD, start=FIRST, bill_cycle="billCycles/NORTH").name.partition("/")[2]


def made(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All that was created and kept, but names and times."""
    own = ("data_set_id", "operation_id", "created_us", "updated_us", "received_us")
    found = {}
    for table in (interval_data, interval_data_set):
        columns = [each for each in table.columns if each.name not in own]
        query = table.select().with_only_columns(*columns).order_by(*columns)
        found[table.name] = [tuple(row) for row in database.read(lambda tx, q=query: tx.execute(q).all())]  # type: ignore[misc]
    open_ones = text("SELECT account_id, reason, message FROM billing_exception WHERE state = 'OPEN' ORDER BY 1, 2, 3")
    found["exceptions"] = [tuple(row) for row in database.read(lambda tx: tx.execute(open_ones).all())]
    return found


def forget(database: Database) -> None:
    """As if nothing had ever been created."""

    def write(tx: Any) -> None:
        tx.execute(interval_data.delete().where(interval_data.c.profile_id != "METER"))
        for table in ("interval_data_set", "billing_exception"):
            tx.execute(text(f"DELETE FROM {table}"))

    database.write(write)


def undisturbed(creator: Creator, database: Database) -> tuple[Any, dict[str, list[tuple[Any, ...]]]]:
    """What a creation that nobody disturbs comes to; it is forgotten then."""
    run = start(creator)
    assert processes.finish(CreationPlan(database.url, until=run)) == 0
    done, found = tally.look(database, run), made(database)
    assert done.state is State.SUCCEEDED, done.failure
    assert done.counts["created"] == len(found["interval_data"]) - (ACCOUNTS * 48 - 1) > 0
    assert done.counts["errors"]
    forget(database)
    return done.counts, found


@pytest.mark.rule("BIL-22", "PLT-22")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_killed_at_any_commit_of_a_creation(creator: Creator, database: Database, when: When) -> None:
    """For every commit: the worker dies there, another finishes, and the data are those of no crash."""
    counts, wanted = undisturbed(creator, database)
    crashes = 0
    while True:
        run = start(creator)
        status = processes.finish(CreationPlan(database.url, until=run, crash=Crash(crashes + 1, when)))
        if status == KILLED:
            assert processes.finish(CreationPlan(database.url, until=run)) == 0
        done = tally.look(database, run)
        assert (done.state, done.counts) == (State.SUCCEEDED, counts)
        assert made(database) == wanted
        if status == 0:
            break
        crashes += 1
        forget(database)
    assert crashes > 6  # a claim and an end for each of three chunks, and those of the plan


@pytest.mark.rule("BIL-22", "PLT-22", "PLT-23")
def test_workers_killed_at_random_share_a_creation_without_loss(
    creator: Creator, database: Database, crash_run: int
) -> None:
    """Two workers, one of which is killed again and again."""
    counts, wanted = undisturbed(creator, database)
    chance = random.Random(crash_run)
    run, plan = start(creator), CreationPlan(database.url, slots=2)
    workers = [processes.start(plan), processes.start(plan)]
    for _ in range(3):
        time.sleep(chance.uniform(0.02, 0.3))
        victim = workers.pop(chance.randrange(2))
        victim.kill()
        assert processes.ended(victim) == KILLED
        workers.append(processes.start(plan))
    wait_for(lambda: tally.look(database, run).state.ended, 60)
    for worker in workers:
        worker.kill()
        processes.ended(worker)
    assert tally.look(database, run).counts == counts
    assert made(database) == wanted
