"""An operation from its start to its end."""

import pytest

from domain.kernel.errors import NotFound, OutOfRange
from domain.operations import service
from domain.operations.model import State
from server.database.transaction import Database
from server.work.worker import Worker, WorkerSettings
from tests.operations import tally
from tests.operations.conftest import Stepper
from tests.support.waiting import wait_for


@pytest.mark.rule("PLT-20", "PLT-40")
def test_an_operation_is_recorded_at_once_and_carried_out_later(tallies: Database, stepper: Stepper) -> None:
    """Starting only records it; the work is done chunk by chunk, each adding to the figures, up to its result."""
    operation_id = tally.start(tallies, numbers=25, size=10)
    queued = tally.look(tallies, operation_id)
    assert (queued.state, queued.revision, queued.started_us) == (State.QUEUED, 1, 0)
    assert stepper.finish() == 1 + 3 + 1 + 1
    done = tally.look(tallies, operation_id)
    assert tally.tally_of(tallies, operation_id) == tally.whole(25)
    assert (done.state, done.stage, done.failure) == (State.SUCCEEDED, "", None)
    assert done.counts == {"amount": 325, "sizes": {"10": 2, "5": 1}}
    assert done.result == {"numbers": 25, "seen_before": 25}
    assert [notice.message for notice in done.notices] == ["entered from 1", "entered from 11", "entered from 21"]
    assert [(stage.stage, stage.items_done, stage.items_total) for stage in done.stages] == [
        ("enter", 25, 25),
        ("close", 1, 1),
    ]
    assert 0 < done.created_us <= done.started_us <= done.ended_us == done.updated_us


@pytest.mark.rule("PLT-21")
def test_each_change_is_a_revision_of_its_own(tallies: Database, stepper: Stepper) -> None:
    """Whoever has seen a revision is given what came after it, and nothing when nothing did."""
    operation_id = tally.start(tallies, numbers=20, size=10)
    seen = [1]
    while stepper.step():
        operation = tally.look(tallies, operation_id)
        assert operation.revision > seen[-1]
        seen.append(operation.revision)
    last = seen[-1]
    after = [tallies.read(lambda tx, since=since: service.after(tx, operation_id, since)) for since in (0, last)]  # type: ignore[misc]
    assert after == [tally.look(tallies, operation_id), None]
    done = tally.look(tallies, operation_id)
    for known, told in (
        ({operation_id: last}, {}),
        ({operation_id: last - 1}, {operation_id: done}),
        ({operation_id: last, "unknown": 3}, {"unknown": None}),
    ):
        assert tallies.read(lambda tx, known=known: service.changed(tx, known)) == told  # type: ignore[misc]
    with pytest.raises(OutOfRange):
        tallies.read(lambda tx: service.after(tx, operation_id, last + 1))
    with pytest.raises(NotFound):
        tallies.read(lambda tx: service.after(tx, "unknown", 0))


@pytest.mark.rule("PLT-21")
def test_every_change_is_told(tallies: Database, stepper: Stepper) -> None:
    """After each commit that changed an operation its id is told, so that watchers need not wait for a poll."""
    operation_id = tally.start(tallies, numbers=20, size=10)
    steps = stepper.finish()
    assert set(stepper.told) == {operation_id}
    assert len(stepper.told) >= steps


def test_an_operation_with_nothing_to_do_ends_well(tallies: Database, stepper: Stepper) -> None:
    """A stage without chunks is over as soon as it is planned, and the next is planned with it."""
    operation_id = tally.start(tallies, numbers=0, size=10)
    assert stepper.finish() == 1 + 1
    done = tally.look(tallies, operation_id)
    assert done.state is State.SUCCEEDED
    assert done.result["numbers"] == 0
    assert all(stage.started_us and stage.ended_us for stage in done.stages)


@pytest.mark.rule("PLT-20", "PLT-22")
def test_a_step_may_leave_a_rest(tallies: Database, stepper: Stepper) -> None:
    """What is left of a chunk is carried out next, each piece once, and the figures are of all."""
    operation_id = tally.start(tallies, numbers=7, size=5, piece=2)
    assert stepper.finish() == 1 + 3 + 1 + 1 + 1
    done = tally.look(tallies, operation_id)
    assert tally.tally_of(tallies, operation_id) == tally.whole(7)
    assert done.counts == {"amount": 28, "sizes": {"2": 3, "1": 1}}
    assert [(stage.items_done, stage.items_total) for stage in done.stages] == [(7, 7), (1, 1)]


@pytest.mark.rule("PLT-20", "PLT-24")
def test_a_job_hears_of_the_failure_of_an_operation(tallies: Database, stepper: Stepper) -> None:
    """Once, when nothing but failed chunks is left, in the transaction in which the operation fails."""
    operation_id = tally.start(tallies, numbers=20, size=10, bad=3, way="refuse")
    while tally.look(tallies, operation_id).state is not State.FAILED:
        assert tally.failures_of(tallies, operation_id) == []
        assert stepper.step()
    assert tally.failures_of(tallies, operation_id) == ["NUMBER_REFUSED"]


@pytest.mark.rule("PLT-23")
def test_a_worker_carries_out_many_operations_at_once(tallies: Database) -> None:
    """Slots work side by side, and each effect is there once."""
    operations = [tally.start(tallies, numbers=50, size=5) for _ in range(4)]
    worker = Worker(tallies, tally.JOBS, WorkerSettings(slots=4, poll_s=0.02))
    worker.start()
    wait_for(lambda: all(tally.look(tallies, one).state is State.SUCCEEDED for one in operations))
    assert worker.drain(5)
    assert [tally.tally_of(tallies, one) for one in operations] == [tally.whole(50)] * 4


def test_operations_are_listed_newest_first_page_by_page(tallies: Database, stepper: Stepper) -> None:
    """Pages neither skip nor repeat, and can be held to some states."""
    from domain.kernel.paging import Page

    made = [tally.start(tallies, numbers=1, size=1) for _ in range(5)]
    stepper.finish()
    queued = tally.start(tallies, numbers=1, size=1)
    listed: list[str] = []
    page = Page(2, None)
    while True:
        found, key = tallies.read(lambda tx, page=page: service.list_page(tx, page))  # type: ignore[misc]
        listed += [operation.operation_id for operation in found]
        if key is None:
            break
        page = Page(2, key)
    assert listed == [queued, *reversed(made)]
    only, _ = tallies.read(lambda tx: service.list_page(tx, Page(9, None), among=[State.QUEUED]))
    assert [operation.operation_id for operation in only] == [queued]
