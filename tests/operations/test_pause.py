"""A paused operation stays as it is, whatever becomes of its workers, and goes on from there."""

import random
import time
from dataclasses import replace

import pytest
from sqlalchemy import Connection, text

from domain.kernel.call import Call
from domain.kernel.errors import IllegalTransition
from domain.kernel.events import AuditFilter, list_audit
from domain.operations import runner, service
from domain.operations.errors import OperationNotEnded, OperationNotFound, OperationNotPaused, OperationNotUnderWay
from domain.operations.model import Operation, State, Stepped, Work
from domain.operations.runner import TakenOver
from server.database.transaction import Database
from tests.operations import processes, tally
from tests.operations.conftest import Stepper
from tests.operations.processes import Plan
from tests.operations.tally import Tally
from tests.operations.test_cancel import cancel, delete
from tests.operations.test_failure import recover
from tests.support.waiting import wait_for

_SERVICE = "countinghouse.operations.v1.OperationsService"


def pause(database: Database, operation_id: str) -> Operation:
    call = Call("operator", f"{_SERVICE}/PauseOperation", "p-1", database.clock_us())
    return database.write(lambda tx: service.pause(tx, call, operation_id))


def resume(database: Database, operation_id: str) -> Operation:
    call = Call("operator", f"{_SERVICE}/ResumeOperation", "", database.clock_us())
    return database.write(lambda tx: service.resume(tx, call, operation_id))


@pytest.mark.rule("PLT-24")
def test_a_paused_operation_does_nothing_until_it_is_resumed(tallies: Database, stepper: Stepper) -> None:
    """What was done stays, watchers see it by the revision, and in the end all is as if nobody had paused it."""
    operation_id = tally.start(tallies, numbers=30, size=10)
    for _ in range(2):
        stepper.step()
    before = tally.look(tallies, operation_id)
    paused = pause(tallies, operation_id)
    assert (paused.state, paused.revision, paused.ended_us) == (State.PAUSED, before.revision + 1, 0)
    assert stepper.finish() == 0
    assert tally.look(tallies, operation_id) == paused
    assert tally.tally_of(tallies, operation_id) == tally.whole(10)
    assert resume(tallies, operation_id).state is State.RUNNING
    stepper.finish()
    assert tally.look(tallies, operation_id).state is State.SUCCEEDED
    assert tally.tally_of(tallies, operation_id) == tally.whole(30)


@pytest.mark.rule("PLT-24")
def test_an_operation_can_be_paused_before_it_begins(tallies: Database, stepper: Stepper) -> None:
    """It waits for its turn again once it is resumed; others have theirs meanwhile."""
    operation_id = tally.start(tallies, numbers=10, size=10)
    pause(tallies, operation_id)
    other = tally.start(tallies, numbers=10, size=10)
    stepper.finish()
    assert tally.look(tallies, other).state is State.SUCCEEDED
    assert tally.look(tallies, operation_id).state is State.PAUSED
    assert resume(tallies, operation_id).state is State.QUEUED
    stepper.finish()
    assert tally.tally_of(tallies, operation_id) == tally.whole(10)


@pytest.mark.rule("PLT-24", "PLT-23")
def test_a_step_under_way_notices_the_pause_and_rolls_back(tallies: Database, stepper: Stepper) -> None:
    """A paused operation holds no chunk: the step's worker has lost it, before it is resumed and after."""
    operation_id = tally.start(tallies, numbers=30, size=10)
    stepper.step()
    claimed = stepper.claim()
    pause(tallies, operation_id)
    assert _held(tallies) == 0
    failed, attempts = RuntimeError("of a step that is no longer ours"), stepper.attempts
    for go_on in (lambda: None, lambda: resume(tallies, operation_id), stepper.claim):
        go_on()
        with pytest.raises(TakenOver):
            tallies.write(lambda tx: runner.carry_out(tx, tally.JOBS, claimed, None))
        assert tallies.write(lambda tx: runner.set_back(tx, tally.JOBS, claimed, failed, attempts)) is None
    assert tally.tally_of(tallies, operation_id) == Tally(0, 0)


@pytest.mark.rule("PLT-24")
def test_a_pause_that_commits_inside_a_running_step_wins(migrated_postgresql_url: str) -> None:
    """The step has done its work and not yet ended; none of it is kept; on SQLite the pause waits for the step."""
    database = Database(migrated_postgresql_url)
    tally.prepare(database)
    stepper = Stepper(database, runner.Attempts())
    operation_id = tally.start(database, numbers=10, size=10)
    stepper.step()
    claimed = stepper.claim()
    enter, close = tally.JOB.stages

    def enter_then_pause(tx: Connection, work: Work) -> Stepped:
        did = enter.step(tx, work)
        pause(database, operation_id)
        return did

    interrupted = (replace(tally.JOB, stages=(replace(enter, step=enter_then_pause), close)),)
    with pytest.raises(TakenOver):
        database.write(lambda tx: runner.carry_out(tx, interrupted, claimed, None))
    assert tally.tally_of(database, operation_id) == Tally(0, 0)
    resume(database, operation_id)
    stepper.finish()
    assert tally.tally_of(database, operation_id) == tally.whole(10)
    database.dispose()


@pytest.mark.rule("PLT-24", "PLT-23")
def test_what_was_claimed_just_as_it_was_paused_is_done_by_others(tallies: Database, stepper: Stepper) -> None:
    """The claim had not seen the pause: it comes to nothing, counts as no attempt, and holds nothing up."""
    operation_id = tally.start(tallies, numbers=10, size=10)
    stepper.step()
    claimed = stepper.claim()
    pause(tallies, operation_id)
    query = text("UPDATE chunk SET state = 'CLAIMED', worker_id = :worker, attempts = 1 WHERE state = 'READY'")
    tallies.write(lambda tx: tx.execute(query, {"worker": stepper.worker_id}))
    with pytest.raises(TakenOver):
        tallies.write(lambda tx: runner.carry_out(tx, tally.JOBS, claimed, None))
    resume(tallies, operation_id)
    assert stepper.claim().row.attempts == 1


@pytest.mark.rule("PLT-24")
def test_a_paused_operation_stays_past_the_point_of_no_return(tallies: Database, stepper: Stepper) -> None:
    """It can be paused there, too; what cannot be canceled is not canceled by way of a pause."""
    operation_id = tally.start(tallies, numbers=10, size=10)
    for _ in range(2):
        stepper.step()
    assert pause(tallies, operation_id).stage == "close"
    with pytest.raises(Exception, match="can only go forward"):
        cancel(tallies, operation_id)
    resume(tallies, operation_id)
    stepper.finish()
    assert tally.look(tallies, operation_id).state is State.SUCCEEDED


@pytest.mark.rule("PLT-24", "PLT-20")
def test_a_paused_operation_can_be_canceled_and_not_deleted(tallies: Database, stepper: Stepper) -> None:
    """Its work is put back as ever."""
    operation_id = tally.start(tallies, numbers=30, size=10)
    for _ in range(2):
        stepper.step()
    pause(tallies, operation_id)
    with pytest.raises(OperationNotEnded):
        delete(tallies, operation_id)
    assert cancel(tallies, operation_id).state is State.CANCELING
    stepper.finish()
    assert tally.look(tallies, operation_id).state is State.CANCELED
    assert tally.tally_of(tallies, operation_id) == Tally(0, 0)


@pytest.mark.rule("PLT-10", "PLT-24")
def test_only_what_is_under_way_is_paused_and_only_what_is_paused_resumed(tallies: Database, stepper: Stepper) -> None:
    """The refusal names both states; nothing is changed by it."""
    running = tally.start(tallies, numbers=10, size=10)
    stepper.step()
    _refused(tallies, running, resume, OperationNotPaused, State.RUNNING)
    pause(tallies, running)
    _refused(tallies, running, pause, OperationNotUnderWay, State.PAUSED)
    cancel(tallies, running)
    _refused(tallies, running, pause, OperationNotUnderWay, State.CANCELING)
    stepper.finish()
    failed = tally.start(tallies, numbers=10, size=10, bad=1, way="refuse")
    stepper.finish()
    for operation_id, state in ((running, State.CANCELED), (failed, State.FAILED)):
        _refused(tallies, operation_id, pause, OperationNotUnderWay, state)
        _refused(tallies, operation_id, resume, OperationNotPaused, state)
    for move in (pause, resume):
        with pytest.raises(OperationNotFound):
            move(tallies, "unknown")


def _refused(database: Database, operation_id: str, move: object, error: type[IllegalTransition], state: State) -> None:
    assert callable(move)
    before = tally.look(database, operation_id)
    with pytest.raises(error) as refused:
        move(database, operation_id)
    wanted = State.PAUSED if move is pause else State.RUNNING
    assert (refused.value.details["state"], refused.value.details["wanted"]) == (state, wanted)
    assert tally.look(database, operation_id) == before


@pytest.mark.rule("PLT-21", "BIL-31")
def test_the_time_at_rest_does_not_count_in_a_stages_rate(tallies: Database, stepper: Stepper) -> None:
    """Paused for hours, failed for hours: how fast it goes is told of the time at work."""
    operation_id = tally.start(tallies, numbers=20, size=10, bad=13, way="refuse")
    for _ in range(2):
        stepper.step()
    pause(tallies, operation_id)
    _ago(tallies, operation_id, hours=3)
    resume(tallies, operation_id)
    stepper.finish()
    assert tally.look(tallies, operation_id).state is State.FAILED
    _ago(tallies, operation_id, hours=2)
    tally.mend(tallies, operation_id)
    recover(tallies, operation_id)
    stepper.finish()
    enter, close = tally.look(tallies, operation_id).stages
    assert 5 * 3_600_000_000 <= enter.idle_us < 5 * 3_600_000_000 + 60_000_000
    assert close.idle_us == 0


def _ago(database: Database, operation_id: str, *, hours: int) -> None:
    """Let the operation's last change be so long ago."""
    query = text("UPDATE operation SET updated_us = updated_us - :us WHERE operation_id = :id")
    database.write(lambda tx: tx.execute(query, {"us": hours * 3_600_000_000, "id": operation_id}))


@pytest.mark.rule("PLT-11")
def test_the_audit_trail_tells_who_paused_and_who_resumed(tallies: Database, stepper: Stepper) -> None:
    """One entry each, with the states before and after."""
    operation_id = tally.start(tallies, numbers=10, size=10)
    stepper.step()
    pause(tallies, operation_id)
    resume(tallies, operation_id)
    wanted = AuditFilter(operation_id=operation_id)
    resumed, paused, _ = tallies.read(lambda tx: list_audit(tx, wanted, before_id="", limit=99))
    assert (paused.type, paused.caller, paused.request_id) == ("operation.paused", "operator", "p-1")
    assert paused.payload == {"from": "RUNNING", "to": "PAUSED"}
    assert (resumed.type, resumed.caller) == ("operation.resumed", "operator")
    assert resumed.payload == {"from": "PAUSED", "to": "RUNNING"}


@pytest.mark.crash
@pytest.mark.timeout(240)
@pytest.mark.rule("PLT-24", "PLT-22", "PLT-23")
def test_paused_in_the_middle_of_workers_that_are_killed_it_stays_as_it_is(tallies: Database, crash_run: int) -> None:
    """Two workers are at it, one is killed at random; paused, nothing of it moves; in the end each effect is once."""
    chance = random.Random(crash_run)
    operation_id = tally.start(tallies, numbers=200, size=2, pause_s="0.01")
    plan = Plan(tallies.url, slots=2)
    workers = [processes.start(plan), processes.start(plan)]
    for pauses in range(1, 4):
        wait_for(lambda done=pauses * 20: tally.look(tallies, operation_id).stages[0].items_done > done)  # type: ignore[misc]
        paused = pause(tallies, operation_id)
        stands = tally.tally_of(tallies, operation_id)
        victim = workers.pop(chance.randrange(2))
        victim.kill()
        processes.ended(victim)
        workers.append(processes.start(plan))
        other = tally.start(tallies, numbers=10, size=5)
        wait_for(lambda one=other: tally.look(tallies, one).state is State.SUCCEEDED)  # type: ignore[misc]
        time.sleep(chance.uniform(0, 0.2))
        assert tally.look(tallies, operation_id) == paused
        assert tally.tally_of(tallies, operation_id) == stands
        resume(tallies, operation_id)
    wait_for(lambda: tally.look(tallies, operation_id).state is State.SUCCEEDED, 60)
    for worker in workers:
        worker.kill()
        processes.ended(worker)
    assert tally.tally_of(tallies, operation_id) == tally.whole(200)


def _held(database: Database) -> int:
    query = "SELECT count(*) FROM chunk WHERE state = 'CLAIMED'"
    return int(database.read(lambda tx: tx.execute(text(query)).scalar_one()))
