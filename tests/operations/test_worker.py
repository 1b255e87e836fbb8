"""The worker's threads: how soon they begin, how many take part, and what they do when their lease is in doubt."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, update

from domain.operations.model import Job, State, Stepped, Work
from domain.operations.tables import worker
from server.database.transaction import Database
from server.work.chunks import InDoubt
from server.work.worker import Worker, WorkerSettings
from tests.operations import tally
from tests.operations.conftest import Stepper
from tests.support.waiting import wait_for

SELDOM_S = 60  # between two looks that nothing has called for: longer than any test


@contextmanager
def working(database: Database, settings: WorkerSettings, *jobs: Job) -> Iterator[Worker]:
    """A worker in threads of this process, with a lease."""
    begun = Worker(database, jobs or tally.JOBS, settings)
    begun.start()
    try:
        wait_for(lambda: begun._lease.worker_id, what="the lease")
        yield begun
    finally:
        begun.drain(10)


@pytest.mark.rule("PLT-20", "PLT-40")
def test_an_idle_worker_sees_on_sqlite_what_another_process_started(migrated_sqlite_url: str) -> None:
    """Nobody tells it: it sees that the file has changed, within a fifth of a second."""
    database, others = Database(migrated_sqlite_url), Database(migrated_sqlite_url)
    tally.prepare(database)
    with working(database, WorkerSettings(poll_s=SELDOM_S)):
        time.sleep(0.5)  # it is idle by now
        began = time.monotonic()
        operation_id = tally.start(others, numbers=2, size=1)
        wait_for(lambda: tally.look(others, operation_id).started_us)
        assert time.monotonic() - began < 1
        wait_for(lambda: tally.look(others, operation_id).state is State.SUCCEEDED)
    others.dispose()
    database.dispose()


@pytest.mark.rule("PLT-40")
def test_an_idle_worker_on_sqlite_asks_the_database_seldom(migrated_sqlite_url: str) -> None:
    """A look whether the file has changed is no query: what is left are a look a second and the beats of its lease."""
    database = Database(migrated_sqlite_url)
    statements: list[str] = []
    with working(database, WorkerSettings(slots=8)):
        time.sleep(1)  # every slot has had its first look by now
        for engine in (database._engine, database._reading):
            event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
        time.sleep(2.5)
        assert 0 < sum("chunk" in statement for statement in statements) <= 8
    database.dispose()


@pytest.mark.rule("PLT-23")
def test_one_call_brings_every_free_slot_to_work(tallies: Database) -> None:
    """The one that is woken wakes the next: four chunks that wait for each other are carried out at once."""
    together = threading.Barrier(4)

    def meet(_tx: Connection, _work: Work) -> None:
        together.wait(10)

    enter, close = tally.JOB.stages
    meeting = replace(tally.JOB, stages=(replace(enter, gather=meet, step=_nothing), close))
    with working(tallies, WorkerSettings(slots=4, poll_s=SELDOM_S), meeting) as begun:
        time.sleep(0.3)  # all are idle by now
        operation_id = tally.start(tallies, numbers=4, size=1)
        begun.wake()
        wait_for(lambda: tally.look(tallies, operation_id).state is State.SUCCEEDED)
        assert not together.broken


def _nothing(_tx: Connection, _work: Work) -> Stepped:
    return Stepped(1)


@pytest.mark.rule("PLT-22")
def test_a_chunk_given_up_for_a_lapsed_lease_is_let_go(tallies: Database, stepper: Stepper) -> None:
    """The worker does not carry it out, and says that it may hold it, so that it does not go on under the same id."""
    operation_id = tally.start(tallies, numbers=10, size=10)
    stepper.step()
    with pytest.raises(InDoubt):
        stepper.chunks.work_once(stepper.worker_id, lambda: False)
    assert tally.tally_of(tallies, operation_id) == tally.Tally(0, 0)


@pytest.mark.rule("PLT-22")
def test_a_lease_that_lapses_here_and_holds_in_the_database_loses_no_chunk(tallies: Database, tmp_path: Path) -> None:
    """The beats come too late, but not by the database's clock: the chunk that was given up is not held for ever."""
    operation_id = tally.start(tallies, numbers=10, size=10, wait_in=str(tmp_path))
    lease_s = 1.0
    with working(tallies, WorkerSettings(slots=1, lease_s=lease_s, poll_s=0.05)) as begun:
        wait_for((tmp_path / "waiting").exists)

        def keep_from_beating(tx: Connection) -> None:
            tx.execute(update(worker).values(lease_until_us=2**62))
            wait_for(lambda: begun._lease.worker_id is None)
            (tmp_path / "go").touch()
            time.sleep(0.3)  # the slot finds that its lease is over

        tallies.write(keep_from_beating)
        wait_for(lambda: tally.look(tallies, operation_id).state is State.SUCCEEDED)
    assert tally.tally_of(tallies, operation_id) == tally.whole(10)
