"""Workers are killed and stopped at every point; each effect is there exactly once."""

import random
import signal
import time
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from sqlalchemy import text

from domain.kernel.errors import Unavailable
from domain.operations.errors import OperationPastCancel
from domain.operations.model import State
from domain.operations.runner import Attempts
from server.database.limits import Limits
from server.database.transaction import Database
from tests.operations import processes, tally
from tests.operations.processes import Crash, Plan, When
from tests.operations.tally import Tally
from tests.operations.test_cancel import cancel
from tests.operations.test_failure import recover
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.crash, pytest.mark.timeout(240)]

KILLED = -signal.SIGKILL
COMMITS = 12  # of a worker that carries out the operation below alone: at least so many


@pytest.mark.rule("PLT-22")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_killed_at_any_commit_leaves_each_effect_once(tallies: Database, when: When) -> None:
    """For every commit of an operation: the worker dies there, another finishes, nothing is lost or doubled."""
    crashes = 0
    while True:
        operation_id = tally.start(tallies, numbers=20, size=10)
        status = processes.finish(Plan(tallies.url, until=operation_id, crash=Crash(crashes + 1, when)))
        if status == 0:
            break
        assert status == KILLED
        crashes += 1
        processes.finish_here(Plan(tallies.url, until=operation_id), tallies)
        assert tally.look(tallies, operation_id).state is State.SUCCEEDED
        assert tally.tally_of(tallies, operation_id) == tally.whole(20)
    assert crashes >= COMMITS
    assert tally.tally_of(tallies, operation_id) == tally.whole(20)


@pytest.mark.rule("PLT-22", "PLT-24")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_killed_at_any_commit_of_a_cancel_leaves_nothing(tallies: Database, when: When) -> None:
    """The same while the work is put back: it goes on where it stood, and in the end nothing is left."""
    crashes = 0
    while True:
        operation_id = tally.start(tallies, numbers=20, size=20, bad=1, way="refuse")
        processes.finish_here(Plan(tallies.url, until=operation_id), tallies)
        tally.mend(tallies, operation_id)
        cancel(tallies, operation_id)
        status = processes.finish(Plan(tallies.url, until=operation_id, crash=Crash(crashes + 1, when)))
        if status == 0:
            break
        assert status == KILLED
        crashes += 1
        processes.finish_here(Plan(tallies.url, until=operation_id), tallies)
        assert tally.look(tallies, operation_id).state is State.CANCELED
        assert tally.tally_of(tallies, operation_id) == Tally(0, 0)
    assert crashes >= 4


@pytest.mark.rule("PLT-22", "PLT-23")
def test_workers_killed_at_random_leave_each_effect_once(tallies: Database, crash_run: int) -> None:
    """Two workers on three operations, one of which is canceled; one or the other is killed again and again."""
    chance = random.Random(crash_run)
    operations = [tally.start(tallies, numbers=120, size=5, pause_s="0.01") for _ in range(3)]
    plan = Plan(tallies.url, slots=2)
    workers = [processes.start(plan), processes.start(plan)]
    to_cancel = chance.randrange(1, 6)
    for kill in range(6):
        time.sleep(chance.uniform(0.02, 0.4))
        if kill == to_cancel:
            _try_to_cancel(tallies, operations[0])
        victim = workers.pop(chance.randrange(2))
        victim.kill()
        assert processes.ended(victim) == KILLED
        workers.append(processes.start(plan))
    wait_for(lambda: all(tally.look(tallies, one).state.ended for one in operations), 60)
    for worker in workers:
        worker.kill()
        processes.ended(worker)
    for one in operations:
        state = tally.look(tallies, one).state
        left = {State.SUCCEEDED: tally.whole(120), State.CANCELED: Tally(0, 0)}[state]
        assert tally.tally_of(tallies, one) == left


def _try_to_cancel(database: Database, operation_id: str) -> None:
    with suppress(OperationPastCancel):
        cancel(database, operation_id)


@pytest.mark.rule("PLT-22", "PLT-23")
def test_a_stopped_worker_that_wakes_after_its_lease_changes_nothing(tallies: Database, tmp_path: Path) -> None:
    """It was stopped while it gathered; another took over and finished; then it wakes, and nothing doubles."""
    operation_id = tally.start(tallies, numbers=20, size=10, wait_in=str(tmp_path))
    plan = Plan(tallies.url, until=operation_id, lease_s=1)
    with processes.running(plan) as sleeper:
        wait_for((tmp_path / "waiting").exists)
        _stop_outside_transactions(tallies, sleeper)
        (tmp_path / "go").touch()
        assert processes.finish(plan) == 0
        done = tally.look(tallies, operation_id)
        assert done.state is State.SUCCEEDED
        processes.send(sleeper, signal.SIGCONT)
        assert processes.ended(sleeper) == 0
    assert tally.look(tallies, operation_id) == done
    assert tally.tally_of(tallies, operation_id) == tally.whole(20)


def _stop_outside_transactions(database: Database, process: BaseProcess) -> None:
    """Stop the process at an instant at which none of its threads is writing."""
    while True:
        processes.send(process, signal.SIGSTOP)
        processes.wait_until_stopped(process)
        try:
            database.write(lambda tx: tx.execute(text("DELETE FROM tally_mended")), timeout_s=0.5)
        except Unavailable:
            processes.send(process, signal.SIGCONT)
            time.sleep(0.01)
        else:
            return


@pytest.mark.rule("PLT-22", "PLT-23")
def test_a_worker_stopped_inside_its_transaction_is_cut_off_on_postgresql(migrated_postgresql_url: str) -> None:
    """PostgreSQL ends the idle transaction and frees its locks; another takes over; the sleeper wakes to nothing."""
    database = Database(migrated_postgresql_url)
    tally.prepare(database)
    operation_id = tally.start(database, numbers=20, size=10, stop="true")
    plan = Plan(database.url, until=operation_id, lease_s=1)
    with processes.running(plan) as sleeper:
        processes.wait_until_stopped(sleeper)
        assert processes.finish(plan) == 0
        processes.send(sleeper, signal.SIGCONT)
        assert processes.ended(sleeper) == 0
    assert tally.tally_of(database, operation_id) == tally.whole(20)
    database.dispose()


@pytest.mark.rule("PLT-22", "PLT-23")
@pytest.mark.parametrize("wakened_by", [signal.SIGCONT, signal.SIGKILL])
def test_a_worker_stopped_inside_its_transaction_on_sqlite(
    migrated_sqlite_url: str, wakened_by: signal.Signals
) -> None:
    """It holds the one write lock: others read on, and are told in time that they cannot write; then all is well."""
    database = Database(migrated_sqlite_url, Limits(lock_s=0.5))
    tally.prepare(database)
    operation_id = tally.start(database, numbers=20, size=10, stop="true")
    plan = Plan(database.url, until=operation_id, lease_s=1, lock_s=0.5)
    with processes.running(plan) as sleeper:
        processes.wait_until_stopped(sleeper)
        with processes.running(plan):
            time.sleep(1.5)  # the lease is over
            for _ in range(2):
                begun = time.monotonic()
                with pytest.raises(Unavailable):
                    tally.start(database, numbers=1, size=1)
                assert time.monotonic() - begun < 1.5
            assert tally.look(database, operation_id).state is State.RUNNING
            processes.send(sleeper, wakened_by)
            wait_for(lambda: tally.look(database, operation_id).state is State.SUCCEEDED)
    assert tally.tally_of(database, operation_id) == tally.whole(20)
    database.dispose()


@pytest.mark.rule("PLT-23")
@pytest.mark.parametrize("workers", [2, 4])
def test_several_workers_share_one_operation_and_many(tallies: Database, workers: int) -> None:
    """One large and several small operations: nothing runs twice, and all workers take part."""
    with processes.running(*[Plan(tallies.url)] * workers):
        wait_for(lambda: _workers(tallies) == workers)
        large = tally.start(tallies, numbers=60, size=1, pause_s="0.02")
        small = [tally.start(tallies, numbers=10, size=5) for _ in range(4)]
        wait_for(lambda: all(tally.look(tallies, one).state is State.SUCCEEDED for one in (large, *small)), 60)
    assert tally.tally_of(tallies, large) == tally.whole(60)
    assert [tally.tally_of(tallies, one) for one in small] == [tally.whole(10)] * 4
    assert len(tally.processes_of(tallies, large)) == workers


def _workers(database: Database) -> int:
    return int(database.read(lambda tx: tx.execute(text("SELECT count(*) FROM worker")).scalar_one()))


@pytest.mark.rule("PLT-22", "PLT-24")
def test_a_chunk_that_kills_its_worker_is_set_apart_and_can_be_recovered(tallies: Database) -> None:
    """Two workers die of it, the third sets it apart and carries out the rest; once mended, the operation is whole."""
    operation_id = tally.start(tallies, numbers=30, size=10, bad=1, way="die")
    plan = Plan(tallies.url, until=operation_id, attempts=Attempts(2, 1_000, 1_000))
    assert [processes.finish(plan) for _ in range(3)] == [KILLED, KILLED, 0]
    failed = tally.look(tallies, operation_id)
    assert failed.state is State.FAILED
    assert failed.failure is not None
    assert failed.failure.reason == "OPERATION_LOST_ITS_WORKERS"
    assert tally.tally_of(tallies, operation_id).numbers == 20
    tally.mend(tallies, operation_id)
    recover(tallies, operation_id)
    assert processes.finish(plan) == 0
    assert tally.tally_of(tallies, operation_id) == tally.whole(30)


@pytest.mark.rule("PLT-24")
def test_cancel_in_the_middle_of_four_workers(tallies: Database) -> None:
    """Four workers are at it when the cancel comes; nothing of what any of them did stays."""
    operation_id = tally.start(tallies, numbers=200, size=2, pause_s="0.01")
    with processes.running(*[Plan(tallies.url)] * 4):
        wait_for(lambda: tally.look(tallies, operation_id).stages[0].items_done > 20)
        cancel(tallies, operation_id)
        wait_for(lambda: tally.look(tallies, operation_id).state is State.CANCELED)
    assert tally.tally_of(tallies, operation_id) == Tally(0, 0)


@pytest.mark.rule("PLT-43", "PLT-22")
def test_a_worker_told_to_leave_hands_over_at_once(tallies: Database) -> None:
    """SIGTERM: it finishes its chunk, exits 0, and the next one need not wait for a lease to end."""
    operation_id = tally.start(tallies, numbers=20, size=2, pause_s="0.2")
    with processes.running(Plan(tallies.url)) as leaver:
        wait_for(lambda: tally.look(tallies, operation_id).stages[0].items_done > 0)
        leaver.terminate()
        assert processes.ended(leaver) == 0
    begun = time.monotonic()
    assert processes.finish(Plan(tallies.url, until=operation_id)) == 0
    assert time.monotonic() - begun < 10
    assert tally.tally_of(tallies, operation_id) == tally.whole(20)


@pytest.mark.rule("PLT-43", "PLT-22")
@pytest.mark.parametrize("patient", [False, True])
def test_a_second_signal_ends_a_worker_at_once_that_nobody_supervises(tallies: Database, *, patient: bool) -> None:
    """Whoever is at the keyboard need not wait for the grace time; to a server's own worker it may come twice."""
    operation_id = tally.start(tallies, numbers=2, size=2, pause_s="2")
    with processes.running(Plan(tallies.url, patient=patient)) as leaver:
        wait_for(lambda: tally.look(tallies, operation_id).started_us and _claimed(tallies))
        processes.send(leaver, signal.SIGINT)
        time.sleep(0.3)
        assert leaver.is_alive()
        processes.send(leaver, signal.SIGINT)
        assert processes.ended(leaver) == (0 if patient else -signal.SIGINT)
    assert processes.finish(Plan(tallies.url, until=operation_id)) == 0
    assert tally.tally_of(tallies, operation_id) == tally.whole(2)


def _claimed(database: Database) -> bool:
    query = "SELECT count(*) FROM chunk WHERE state = 'CLAIMED' AND task = 'STEP'"
    return bool(database.read(lambda tx: tx.execute(text(query)).scalar_one()))
