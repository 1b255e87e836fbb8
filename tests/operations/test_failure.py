"""What fails is tried again, set apart when it keeps failing, and can be recovered; the rest goes on."""

from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from domain.kernel import events
from domain.kernel.call import Call
from domain.operations import runner, service
from domain.operations.errors import OperationNotFailed, OperationNotSettled
from domain.operations.model import ChunkState, Operation, State
from domain.operations.runner import Attempts
from domain.operations.tables import chunk
from server.database.transaction import Database
from tests.operations import tally
from tests.operations.conftest import Stepper
from tests.operations.tally import Tally
from tests.operations.test_cancel import cancel, delete


def recover(database: Database, operation_id: str) -> Operation:
    call = Call("mender", "countinghouse.operations.v1.OperationsService/RecoverOperation", "", database.clock_us())
    return database.write(lambda tx: service.recover(tx, call, tally.JOBS, operation_id))


@pytest.mark.rule("PLT-24")
def test_one_bad_chunk_is_set_apart_and_the_rest_goes_on(tallies: Database, stepper: Stepper) -> None:
    """Of five chunks one is refused: four are done, then the operation fails with the refusal and where it was."""
    operation_id = tally.start(tallies, numbers=50, size=10, bad=13, way="refuse")
    stepper.finish()
    failed = tally.look(tallies, operation_id)
    assert failed.state is State.FAILED
    assert failed.ended_us > 0
    assert failed.stage == "enter"
    assert tally.tally_of(tallies, operation_id) == Tally(40, tally.whole(50).amount - sum(range(11, 21)))
    assert failed.failure is not None
    assert (failed.failure.reason, failed.failure.category) == ("NUMBER_REFUSED", "Refused")
    assert failed.failure.message == "The number is refused until the cause is mended."
    assert failed.failure.details == {
        "number": "secret",
        "stage": "enter",
        "chunk": "3",
        "attempts": "1",
        "chunks_failed": "1",
    }
    assert (
        failed.notices[-1].code == "OPERATION_CHUNK_SET_APART" or failed.notices[1].code == "OPERATION_CHUNK_SET_APART"
    )


@pytest.mark.rule("PLT-24")
def test_a_failed_operation_goes_on_from_where_it_stood(tallies: Database, stepper: Stepper) -> None:
    """After its cause is mended it is recovered: what was done is not done again, and the end is the whole."""
    operation_id = tally.start(tallies, numbers=50, size=10, bad=13, way="refuse")
    stepper.finish()
    failed = tally.look(tallies, operation_id)
    tally.mend(tallies, operation_id)
    recovered = recover(tallies, operation_id)
    assert (recovered.state, recovered.recoveries, recovered.failure) == (State.RUNNING, 1, None)
    assert recovered.ended_us == 0
    assert recovered.revision == failed.revision + 1
    assert stepper.finish() == 1 + 2, "the one chunk, and the last stage"
    assert tally.tally_of(tallies, operation_id) == tally.whole(50)
    assert tally.look(tallies, operation_id).state is State.SUCCEEDED


@pytest.mark.rule("PLT-24")
def test_recovering_an_operation_that_fails_again(tallies: Database, stepper: Stepper) -> None:
    """Nothing was mended: it fails again in the same place, as often as it is recovered."""
    operation_id = tally.start(tallies, numbers=20, size=10, bad=13, way="refuse")
    for recoveries in range(3):
        stepper.finish()
        failed = tally.look(tallies, operation_id)
        assert (failed.state, failed.recoveries) == (State.FAILED, recoveries)
        assert tally.failures_of(tallies, operation_id) == ["NUMBER_REFUSED"] * (recoveries + 1)
        recover(tallies, operation_id)


@pytest.mark.rule("PLT-10", "PLT-24")
def test_only_a_failed_operation_can_be_recovered(tallies: Database, stepper: Stepper) -> None:
    """In any other state it is refused, naming both states."""
    operation_id = tally.start(tallies, numbers=10, size=10)
    for state in (State.QUEUED, State.RUNNING, State.SUCCEEDED):
        with pytest.raises(OperationNotFailed) as refused:
            recover(tallies, operation_id)
        assert (refused.value.details["state"], refused.value.details["wanted"]) == (state, State.RUNNING)
        if state is State.QUEUED:
            stepper.step()
        else:
            stepper.finish()


@pytest.mark.parametrize(("way", "reason"), [("break", "INTERNAL"), ("busy", "UNAVAILABLE")])
def test_what_may_pass_is_tried_again_a_bounded_number_of_times(
    tallies: Database, steppers: Callable[..., Stepper], way: str, reason: str
) -> None:
    """A bug or an outage is tried three times, then set apart; an error of nobody's plan tells nothing of its text."""
    stepper = steppers(at_most=3)
    operation_id = tally.start(tallies, numbers=10, size=10, bad=5, way=way)
    assert stepper.finish() == 1 + 3
    failure = tally.look(tallies, operation_id).failure
    assert failure is not None
    assert (failure.reason, failure.details["attempts"]) == (reason, "3")
    assert "12.34" not in failure.message
    assert tally.tally_of(tallies, operation_id) == Tally(0, 0)


def test_an_attempt_rests_longer_each_time(tallies: Database, steppers: Callable[..., Stepper]) -> None:
    """After a failed attempt the chunk waits; meanwhile there is nothing to claim."""
    stepper = steppers(at_most=3, pause_us=3_600_000_000)
    operation_id = tally.start(tallies, numbers=10, size=10, bad=5, way="busy")
    assert stepper.finish() == 2
    assert tally.look(tallies, operation_id).state is State.RUNNING
    assert not stepper.step()
    tallies.write(lambda tx: tx.execute(update(chunk).values(not_before_us=0)))
    assert stepper.step()
    pauses = Attempts(5, 1_000, 5_000)
    assert [pauses.pause_after(attempt) for attempt in range(1, 6)] == [1_000, 2_000, 4_000, 5_000, 5_000]


def test_what_fails_once_and_then_not_ends_well(tallies: Database, stepper: Stepper) -> None:
    """An outage that passes costs an attempt and nothing else."""
    operation_id = tally.start(tallies, numbers=30, size=10, bad=15, way="busy")
    stepper.step()
    stepper.step()
    stepper.step()
    tally.mend(tallies, operation_id)
    stepper.finish()
    assert tally.look(tallies, operation_id).state is State.SUCCEEDED
    assert tally.tally_of(tallies, operation_id) == tally.whole(30)


@pytest.mark.rule("PLT-22")
def test_a_chunk_that_loses_its_worker_each_time_is_set_apart(
    tallies: Database, steppers: Callable[..., Stepper]
) -> None:
    """A crash loop ends: a chunk whose workers died in every attempt is not given to another."""
    stepper = steppers(at_most=3)
    operation_id = tally.start(tallies, numbers=10, size=10)
    stepper.step()
    for attempt in range(1, 4):
        victim = stepper.register()
        assert stepper.claim(victim).row.attempts == attempt
        tallies.write(lambda tx, victim=victim: runner.take_over(tx, dead=[victim]))  # type: ignore[misc]
    stepper.finish()
    failure = tally.look(tallies, operation_id).failure
    assert failure is not None
    assert failure.reason == "OPERATION_LOST_ITS_WORKERS"
    recover(tallies, operation_id)
    stepper.finish()
    assert tally.tally_of(tallies, operation_id) == tally.whole(10)


@pytest.mark.rule("PLT-24")
def test_a_failed_operation_can_be_canceled_instead(tallies: Database, stepper: Stepper) -> None:
    """What it left half done is put back; only then its record may go."""
    operation_id = tally.start(tallies, numbers=50, size=10, bad=13, way="refuse")
    stepper.finish()
    with pytest.raises(OperationNotSettled):
        delete(tallies, operation_id)
    assert cancel(tallies, operation_id).state is State.CANCELING
    stepper.finish()
    assert tally.look(tallies, operation_id).state is State.CANCELED
    assert tally.tally_of(tallies, operation_id) == Tally(0, 0)
    delete(tallies, operation_id)


def test_an_ended_operation_leaves_no_chunks(tallies: Database, stepper: Stepper) -> None:
    """Chunks are kept while they are needed, a failed one's for its recovery, and no longer."""
    tally.start(tallies, numbers=50, size=10)
    failing = tally.start(tallies, numbers=10, size=10, bad=1, way="refuse")
    stepper.finish()
    left = tallies.read(lambda tx: tx.execute(select(chunk.c.operation_id, chunk.c.state)).all())
    assert {(row.operation_id, row.state) for row in left if row.state != ChunkState.DONE} == {
        (failing, ChunkState.FAILED)
    }
    assert {row.operation_id for row in left} == {failing}


@pytest.mark.rule("PLT-11")
def test_the_audit_trail_tells_of_stages_failure_and_recovery(tallies: Database, stepper: Stepper) -> None:
    """Each stage with its counts, the failure with its reason, the recovery with who asked for it."""
    operation_id = tally.start(tallies, numbers=20, size=10, bad=13, way="refuse")
    stepper.finish()
    tally.mend(tallies, operation_id)
    recover(tallies, operation_id)
    stepper.finish()
    about = events.AuditFilter(resource=f"operations/{operation_id}")
    trail = tallies.read(lambda tx: events.list_audit(tx, about, before_id="", limit=99))[::-1]
    assert [(event.type, event.caller) for event in trail] == [
        ("operation.started", "tester"),
        ("operation.failed", "tester"),
        ("operation.recovered", "mender"),
        ("operation.stage_done", "tester"),
        ("operation.stage_done", "tester"),
        ("operation.succeeded", "tester"),
    ]
    assert trail[1].payload == {"from": "RUNNING", "to": "FAILED", "stage": "enter", "reason": "NUMBER_REFUSED"}
    assert trail[3].payload["items_done"] == 20
    assert trail[3].payload["counts"]["amount"] == tally.whole(20).amount
    assert {event.operation_id for event in trail} == {operation_id}
    assert [event.sequence for event in trail] == list(range(1, 7))


def test_notices_are_bounded(tallies: Database, stepper: Stepper) -> None:
    """An operation keeps a hundred notices and says how many more there were."""
    operation_id = tally.start(tallies, numbers=130, size=1)
    stepper.finish()
    notices = tally.look(tallies, operation_id).notices
    assert len(notices) == 101
    assert notices[-1].message == "30 more notices are not shown"
    assert notices[99].message == "entered from 100"


@pytest.mark.rule("PLT-23", "PLT-40")
def test_what_only_a_newer_version_can_carry_out_waits_for_it(
    tallies: Database, steppers: Callable[..., Stepper]
) -> None:
    """While two versions work side by side, the older one gives the chunk back, and that is no attempt."""
    operation_id = tally.start(tallies, numbers=10, size=10, bad=1, way="newer")
    stepper = steppers(at_most=2)
    for _ in range(5):
        stepper.finish()
        waiting = tallies.read(lambda tx: tx.execute(select(chunk).where(chunk.c.task == "STEP")).one())
        assert (waiting.state, waiting.attempts) == (ChunkState.READY, 0)
        assert "WRITTEN_BY_NEWER_VERSION" in waiting.error
        tallies.write(lambda tx: tx.execute(update(chunk).values(not_before_us=0)))
    assert tally.look(tallies, operation_id).state is State.RUNNING
    tally.mend(tallies, operation_id)
    stepper.finish()
    assert tally.tally_of(tallies, operation_id) == tally.whole(10)
