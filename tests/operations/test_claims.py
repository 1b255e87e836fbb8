"""Who gets which chunk, who has it, and what becomes of it when they stop."""

import threading
import time
from dataclasses import replace

import pytest
from sqlalchemy import Connection, func, select, update

from domain.operations import runner
from domain.operations.model import State, Stepped, Work
from domain.operations.runner import TakenOver
from domain.operations.tables import chunk, worker
from server.database.transaction import Database
from server.work.worker import Worker, WorkerSettings
from tests.operations import tally
from tests.operations.conftest import Stepper
from tests.support.waiting import wait_for


def end_lease(database: Database, worker_id: str) -> None:
    mine = worker.c.worker_id == worker_id
    database.write(lambda tx: tx.execute(update(worker).where(mine).values(lease_until_us=1)))


@pytest.mark.rule("PLT-22", "PLT-23")
def test_a_worker_that_wakes_after_its_lease_changes_nothing(tallies: Database, stepper: Stepper) -> None:
    """Its chunk was taken over: whether the other is still at it or done, the sleeper's work is rolled back."""
    operation_id = tally.start(tallies, numbers=10, size=10)
    stepper.step()
    sleeper = stepper.register()
    asleep = stepper.claim(sleeper)
    assert tallies.write(runner.take_over) == 0
    assert not stepper.step(), "while the lease holds nobody else gets the chunk"
    end_lease(tallies, sleeper)
    assert tallies.write(runner.take_over) == 1

    def wake() -> None:
        with pytest.raises(TakenOver):
            tallies.write(lambda tx: runner.carry_out(tx, tally.JOBS, asleep, None))

    wake()
    taken = stepper.claim()
    assert taken.row.epoch == asleep.row.epoch + 1
    wake()
    tallies.write(lambda tx: runner.carry_out(tx, tally.JOBS, taken, None))
    wake()
    stepper.finish()
    wake()
    assert tally.tally_of(tallies, operation_id) == tally.whole(10)
    assert tally.look(tallies, operation_id).state is State.SUCCEEDED


@pytest.mark.rule("PLT-22")
def test_the_fence_holds_when_the_chunk_is_lost_in_the_middle_of_the_step(tallies: Database, stepper: Stepper) -> None:
    """The chunk was the worker's when the step began and is not when it ends: the step's work is rolled back."""
    operation_id = tally.start(tallies, numbers=10, size=10)
    stepper.step()
    claimed = stepper.claim()

    def lose(tx: Connection, work: Work) -> Stepped:
        did = tally.JOB.stages[0].step(tx, work)
        tx.execute(update(chunk).values(epoch=chunk.c.epoch + 1))
        return did

    losing = (replace(tally.JOB, stages=(replace(tally.JOB.stages[0], step=lose), tally.JOB.stages[1])),)
    with pytest.raises(TakenOver):
        tallies.write(lambda tx: runner.carry_out(tx, losing, claimed, None))
    assert tally.tally_of(tallies, operation_id) == tally.Tally(0, 0)


def test_a_worker_without_a_lease_claims_nothing(tallies: Database, stepper: Stepper) -> None:
    """A worker that has slept through its lease does not begin anything new."""
    tally.start(tallies, numbers=10, size=10)
    end_lease(tallies, stepper.worker_id)
    assert not stepper.step()
    lease = {"lease_us": 1_000_000}
    assert not tallies.write(lambda tx: runner.extend_lease(tx, stepper.worker_id, **lease))
    stepper.worker_id = stepper.register()
    assert tallies.write(lambda tx: runner.extend_lease(tx, stepper.worker_id, **lease))
    assert stepper.step()


@pytest.mark.rule("PLT-43")
def test_a_leaving_worker_hands_over_without_costing_an_attempt(tallies: Database, stepper: Stepper) -> None:
    """What it still holds is free at once, for whoever is next."""
    tally.start(tallies, numbers=10, size=10)
    leaver = stepper.register()
    assert stepper.claim(leaver).row.attempts == 1
    assert tallies.write(lambda tx: runner.hand_over(tx, leaver)) == 1
    assert stepper.claim().row.attempts == 1
    assert tallies.read(lambda tx: tx.execute(select(func.count()).select_from(worker)).scalar_one()) == 1


@pytest.mark.rule("PLT-23")
def test_a_small_operation_does_not_wait_for_a_large_one(tallies: Database, stepper: Stepper) -> None:
    """One slot, a large operation at work, a small one started later: they take turns."""
    large = tally.start(tallies, numbers=100, size=1)
    for _ in range(10):
        stepper.step()
    small = tally.start(tallies, numbers=3, size=1)
    for _ in range(2 * 6):
        stepper.step()
    assert tally.look(tallies, small).state is State.SUCCEEDED
    assert tally.look(tallies, large).stages[0].items_done < 20


@pytest.mark.rule("PLT-23")
def test_free_slots_go_to_the_operation_with_the_fewest_running_chunks(tallies: Database, stepper: Stepper) -> None:
    """Three operations, six slots: two chunks of each run at once, whatever their size."""
    operations = [tally.start(tallies, numbers=numbers, size=1) for numbers in (100, 50, 5)]
    for _ in operations:
        stepper.step()
    claimed = [stepper.claim().operation.operation_id for _ in range(6)]
    assert sorted(claimed) == sorted(operations * 2)


@pytest.mark.rule("PLT-23")
def test_workers_that_claim_at_once_get_different_chunks(tallies: Database, stepper: Stepper) -> None:
    """Eight threads claim forty chunks: none twice, none left."""
    tally.start(tallies, numbers=40, size=1)
    stepper.step()
    claimed: list[int] = []

    def claim_all() -> None:
        while mine := tallies.write(lambda tx: runner.claim(tx, tally.JOBS, stepper.worker_id)):
            claimed.append(mine.row.chunk_no)

    threads = [threading.Thread(target=claim_all) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == list(range(2, 42))


def test_work_of_a_kind_that_this_program_does_not_know_is_left_to_others(tallies: Database, stepper: Stepper) -> None:
    """While servers are replaced, an older one does not touch what a newer one has started."""
    tally.start(tallies, numbers=10, size=10)
    assert not tallies.read(lambda tx: runner.is_due(tx, []))
    assert tallies.write(lambda tx: runner.claim(tx, [], stepper.worker_id)) is None


@pytest.mark.rule("PLT-43")
def test_a_draining_worker_finishes_what_runs_and_begins_nothing(tallies: Database) -> None:
    """The chunk under way is done, the next ones are left, and the worker is struck off."""
    operation_id = tally.start(tallies, numbers=20, size=2, pause_s="0.3")
    draining = Worker(tallies, tally.JOBS, WorkerSettings(slots=1, poll_s=0.02))
    draining.start()
    wait_for(lambda: tally.look(tallies, operation_id).state is State.RUNNING)
    time.sleep(0.1)
    assert draining.drain(10)
    done = tally.look(tallies, operation_id).stages[0].items_done
    assert done in {2, 4}
    assert tallies.read(lambda tx: tx.execute(select(func.count()).select_from(worker)).scalar_one()) == 0
    assert tally.tally_of(tallies, operation_id) == tally.whole(done)
