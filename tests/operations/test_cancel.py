"""Cancel stops at the next safe point, puts back what was marked, and says what was and was not done."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import Connection

from domain.kernel import events
from domain.kernel.call import Call
from domain.kernel.events import AuditFilter, list_audit
from domain.operations import runner, service
from domain.operations.errors import (
    OperationKindUnknown,
    OperationNotEnded,
    OperationNotFound,
    OperationPastCancel,
)
from domain.operations.model import Operation, State, Stepped, Work
from domain.operations.runner import TakenOver
from server.database.transaction import Database
from tests.operations import tally
from tests.operations.conftest import Stepper
from tests.operations.tally import Tally


def cancel(database: Database, operation_id: str) -> Operation:
    call = Call("canceler", "google.longrunning.Operations/CancelOperation", "r-1", database.clock_us())
    return database.write(lambda tx: service.request_cancel(tx, call, tally.JOBS, operation_id))


def delete(database: Database, operation_id: str) -> None:
    call = Call("tester", "google.longrunning.Operations/DeleteOperation", "", database.clock_us())
    database.write(lambda tx: service.delete(tx, call, operation_id))


@pytest.mark.rule("PLT-24")
def test_cancel_in_the_middle_puts_back_what_was_done(tallies: Database, stepper: Stepper) -> None:
    """Two of three chunks were done: nothing of them stays, and the failure tells how far it had come."""
    operation_id = tally.start(tallies, numbers=30, size=10)
    for _ in range(3):
        stepper.step()
    assert tally.tally_of(tallies, operation_id) == tally.whole(20)
    assert cancel(tallies, operation_id).state is State.CANCELING
    pieces = stepper.finish()
    assert pieces == 20 // tally.UNDO_PIECE + 2, "the undo is done in bounded pieces, a transaction each"
    canceled = tally.look(tallies, operation_id)
    assert tally.tally_of(tallies, operation_id) == Tally(0, 0)
    assert canceled.state is State.CANCELED
    assert canceled.ended_us >= canceled.started_us
    assert canceled.failure is not None
    assert canceled.failure.reason == "OPERATION_CANCELED"
    assert (
        canceled.failure.message == "canceled after enter 20 of 30 numbers, all of which was put back; not begun: close"
    )
    assert canceled.failure.details["enter.items_done"] == "20"


@pytest.mark.rule("PLT-24")
def test_an_operation_can_be_canceled_before_it_begins(tallies: Database, stepper: Stepper) -> None:
    """No step is carried out at all."""
    operation_id = tally.start(tallies, numbers=30, size=10)
    cancel(tallies, operation_id)
    stepper.finish()
    canceled = tally.look(tallies, operation_id)
    assert canceled.state is State.CANCELED
    assert canceled.failure is not None
    assert canceled.failure.message == "canceled before it began; nothing was done"


@pytest.mark.rule("PLT-24", "PLT-23")
def test_a_step_under_way_notices_the_cancel_and_rolls_back(tallies: Database, stepper: Stepper) -> None:
    """The step was claimed before the cancel and ends after it: it leaves nothing behind, before the undo or after."""
    operation_id = tally.start(tallies, numbers=30, size=10)
    stepper.step()
    claimed = stepper.claim()
    cancel(tallies, operation_id)
    with pytest.raises(TakenOver):
        tallies.write(lambda tx: runner.carry_out(tx, tally.JOBS, claimed, None))
    stepper.finish()
    assert tally.look(tallies, operation_id).state is State.CANCELED
    with pytest.raises(TakenOver):
        tallies.write(lambda tx: runner.carry_out(tx, tally.JOBS, claimed, None))
    assert tally.tally_of(tallies, operation_id) == Tally(0, 0)


@pytest.mark.rule("PLT-24")
def test_a_cancel_that_commits_inside_a_running_step_wins(migrated_postgresql_url: str) -> None:
    """The step has done its work and not yet ended; none of it is kept; on SQLite the cancel waits for the step."""
    database = Database(migrated_postgresql_url)
    tally.prepare(database)
    stepper = Stepper(database, runner.Attempts())
    operation_id = tally.start(database, numbers=10, size=10)
    stepper.step()
    claimed = stepper.claim()
    enter, close = tally.JOB.stages

    def enter_then_cancel(tx: Connection, work: Work) -> Stepped:
        did = enter.step(tx, work)
        cancel(database, operation_id)
        return did

    interrupted = (replace(tally.JOB, stages=(replace(enter, step=enter_then_cancel), close)),)
    with pytest.raises(TakenOver):
        database.write(lambda tx: runner.carry_out(tx, interrupted, claimed, None))
    stepper.finish()
    assert tally.look(database, operation_id).state is State.CANCELED
    assert tally.tally_of(database, operation_id) == Tally(0, 0)
    database.dispose()


@pytest.mark.rule("PLT-24")
def test_past_the_point_of_no_return_cancel_is_refused(tallies: Database, stepper: Stepper) -> None:
    """Prepared work can only go forward: the cancel is refused, and the operation ends well."""
    operation_id = tally.start(tallies, numbers=10, size=10)
    stepper.step()
    stepper.step()
    assert tally.look(tallies, operation_id).stage == "close"
    with pytest.raises(OperationPastCancel) as refused:
        cancel(tallies, operation_id)
    assert refused.value.details == {"resource_name": f"operations/{operation_id}", "stage": "close"}
    stepper.finish()
    assert tally.look(tallies, operation_id).state is State.SUCCEEDED


@pytest.mark.rule("PLT-24")
def test_what_another_version_has_started_is_canceled_by_one_that_knows_it(tallies: Database, stepper: Stepper) -> None:
    """While servers are replaced, one that does not know the kind of work or its stage says so and changes nothing."""
    operation_id = tally.start(tallies, numbers=30, size=10)
    stepper.step()
    before = tally.look(tallies, operation_id)
    call = Call("canceler", "google.longrunning.Operations/CancelOperation", "", tallies.clock_us())
    for known in ((), (replace(tally.JOB, stages=tally.JOB.stages[1:]),)):
        with pytest.raises(OperationKindUnknown) as unknown:
            tallies.write(lambda tx, known=known: service.request_cancel(tx, call, known, operation_id))  # type: ignore[misc]
        assert unknown.value.details["kind"] == tally.KIND
    assert tally.look(tallies, operation_id) == before
    assert cancel(tallies, operation_id).state is State.CANCELING


@pytest.mark.rule("PLT-20")
def test_canceling_what_has_ended_changes_nothing(tallies: Database, stepper: Stepper) -> None:
    """As google.longrunning has it: the call is answered, the operation stays as it ended; twice is once."""
    succeeded = tally.start(tallies, numbers=1, size=1)
    stepper.finish()
    before = tally.look(tallies, succeeded)
    assert cancel(tallies, succeeded) == before
    canceled = tally.start(tallies, numbers=1, size=1)
    assert cancel(tallies, canceled) == cancel(tallies, canceled)
    stepper.finish()
    assert cancel(tallies, canceled) == tally.look(tallies, canceled)
    with pytest.raises(OperationNotFound):
        cancel(tallies, "unknown")


@pytest.mark.rule("PLT-24")
def test_an_undo_that_fails_can_be_recovered(tallies: Database, steppers: Callable[..., Stepper]) -> None:
    """The operation fails, still canceled; recovered after the cause is mended, it goes on putting back."""
    stepper = steppers(at_most=2)
    operation_id = tally.start(tallies, numbers=30, size=10, way="stuck")
    for _ in range(3):
        stepper.step()
    cancel(tallies, operation_id)
    stepper.finish()
    failed = tally.look(tallies, operation_id)
    assert failed.state is State.FAILED
    assert failed.failure is not None
    assert failed.failure.reason == "NUMBER_REFUSED"
    assert tally.tally_of(tallies, operation_id) == tally.whole(20)
    tally.mend(tallies, operation_id)
    call = Call("tester", "test.Tally/Recover", "", tallies.clock_us())
    assert tallies.write(lambda tx: service.recover(tx, call, tally.JOBS, operation_id)).state is State.CANCELING
    stepper.finish()
    assert tally.look(tallies, operation_id).state is State.CANCELED
    assert tally.tally_of(tallies, operation_id) == Tally(0, 0)


@pytest.mark.rule("PLT-20")
def test_only_the_record_of_an_ended_operation_can_be_deleted(tallies: Database, stepper: Stepper) -> None:
    """While it works it cannot; afterwards its record goes, and what it did stays, and so does its audit trail."""
    operation_id = tally.start(tallies, numbers=10, size=10)
    for _ in range(2):
        with pytest.raises(OperationNotEnded) as refused:
            delete(tallies, operation_id)
        assert refused.value.details["state"] == tally.look(tallies, operation_id).state
        stepper.step()
    stepper.finish()
    delete(tallies, operation_id)
    with pytest.raises(OperationNotFound):
        tally.look(tallies, operation_id)
    assert tally.tally_of(tallies, operation_id) == tally.whole(10)
    about = events.AuditFilter(resource=f"operations/{operation_id}")
    trail = tallies.read(lambda tx: events.list_audit(tx, about, before_id="", limit=99))[::-1]
    assert trail[-1].type == "operation.deleted"


@pytest.mark.rule("PLT-11")
def test_the_audit_trail_tells_who_canceled(tallies: Database, stepper: Stepper) -> None:
    """One entry for each step of an operation's life, with who and which call; the work's own are the starter's."""
    operation_id = tally.start(tallies, numbers=30, size=10)
    stepper.step()
    cancel(tallies, operation_id)
    stepper.finish()
    wanted = AuditFilter(operation_id=operation_id)
    newest = tallies.read(lambda tx: list_audit(tx, wanted, before_id="", limit=99))
    trail = [(entry.type, entry.caller, entry.request_id) for entry in reversed(newest)]
    assert trail == [
        ("operation.started", "tester", ""),
        ("operation.cancel_requested", "canceler", "r-1"),
        ("operation.canceled", "tester", ""),
    ]
    assert newest[1].payload == {"from": "RUNNING", "to": "CANCELING"}
