"""Workers that carry out extractions are killed at every point: all or nothing is seen, and in the end all, once."""

from __future__ import annotations

import random
import signal
import time

import pytest
from sqlalchemy import Connection, select

from domain.data_files import service as data_files
from domain.gl_extraction import tables
from domain.gl_extraction.extraction import service
from domain.gl_extraction.extraction.model import Request
from domain.gl_extraction.extraction.states import BatchState
from domain.kernel.paging import Page
from domain.operations import service as operations
from domain.operations.errors import OperationPastCancel
from domain.operations.model import State
from tests.gl_extraction.extraction.desk import Desk
from tests.gl_extraction.extraction.workers import ExtractingPlan
from tests.gl_extraction.samples import row
from tests.operations import processes
from tests.operations.processes import Crash, When
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]

KILLED = -signal.SIGKILL
ROWS = 9


def plan_of(desk: Desk, until: str = "", crash: Crash | None = None, slots: int = 1) -> ExtractingPlan:
    return ExtractingPlan(desk.database.url, until=until, crash=crash, slots=slots, folder=str(desk.folder))


def is_all_or_nothing(desk: Desk, operation_id: str) -> bool:
    """Whether set, files and stamps of the run are seen together or not at all, on one snapshot."""

    def look(tx: Connection) -> bool:
        operation = operations.get(tx, operation_id)
        batch = service.get(tx, operation.request["batch_no"])
        sets = {found.code for found in data_files.list_sets(tx, Page(1_000, None))}
        complete = batch.state is BatchState.COMPLETED
        sent = complete and batch.detail_count > 0
        shown = batch.data_file_set_code in sets
        return shown == sent and operation.counts.get("stamped", 0) == (batch.detail_count if complete else 0)

    return desk.database.read(look)


def is_gapless(desk: Desk) -> bool:
    """Whether the numbers of all messages follow on each other."""
    block = tables.message_block.c
    query = select(block.first_message_id, block.message_count).order_by(block.first_message_id)
    following = 1
    for first, count in desk.database.read(lambda tx: tx.execute(query).all()):
        if first != following:
            return False
        following += count
    return True


@pytest.mark.rule("GLX-20", "GLX-17", "PLT-22")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_killed_at_any_commit_of_an_extraction(desk: Desk, when: When) -> None:
    """For every commit of a run: the worker dies there, another finishes, and the outcome is that of no crash."""
    crashes = 0
    while True:
        first = 100 * crashes
        ids = desk.take_in(row(first + n, bulking_group=f"B{n % 3}") for n in range(ROWS))
        operation_id = desk.start()
        status = processes.finish(plan_of(desk, operation_id, Crash(crashes + 1, when)))
        assert is_all_or_nothing(desk, operation_id)
        if status == KILLED:
            processes.finish_here(plan_of(desk, operation_id), desk.database)
        done = desk.look(operation_id)
        assert done.state is State.SUCCEEDED, done.failure
        assert [element["amountDebit"] for element in desk.elements(done)] == ["300.00"] * 3
        batch = desk.batch_of(operation_id)
        assert (batch.detail_count, done.counts["stamped"], done.counts["selected"]) == (ROWS, ROWS, ROWS)
        stamps = desk.stamps()
        assert [stamps[detail_id] for detail_id in ids] == [[batch.batch_no]] * ROWS
        assert is_gapless(desk)
        assert desk.reconcile(batch.batch_no).matches
        if status == 0:
            break
        crashes += 1
    assert crashes > 16  # a claim and an end for each of at least eight chunks


@pytest.mark.rule("GLX-20", "PLT-22", "PLT-23")
def test_workers_killed_at_random_share_runs_without_loss(desk: Desk, crash_run: int) -> None:
    """Two workers on several runs at once, one killed again and again, one run canceled: every detail is sent once."""
    chance = random.Random(crash_run)
    ids = desk.take_in(row(n, bulking_group=f"B{n % 7}") for n in range(120))
    runs = [desk.start(), desk.start(origin="F"), desk.start(grouping="TS-1")]
    workers = [processes.start(plan_of(desk, slots=2)) for _ in range(2)]
    to_cancel = chance.randrange(1, 5)
    for kill in range(5):
        time.sleep(chance.uniform(0.02, 0.3))
        if kill == to_cancel:
            _try_to_cancel(desk, runs[0])
        victim = workers.pop(chance.randrange(2))
        victim.kill()
        assert processes.ended(victim) == KILLED
        assert all(is_all_or_nothing(desk, operation_id) for operation_id in runs)
        workers.append(processes.start(plan_of(desk, slots=2)))
    wait_for(lambda: all(desk.look(operation_id).state.ended for operation_id in runs), 90)
    for worker in workers:
        worker.kill()
        processes.ended(worker)
    if desk.look(runs[0]).state is State.CANCELED:
        desk.run(Request(origin="F"))
    assert set(desk.stamps()) == set(ids)
    assert all(len(batches) == 1 for batches in desk.stamps().values())
    assert desk.pending() == set()
    assert is_gapless(desk)


def _try_to_cancel(desk: Desk, operation_id: str) -> None:
    try:
        desk.cancel(operation_id)
    except OperationPastCancel:
        assert desk.batch_of(operation_id).state in {BatchState.PREPARED, BatchState.COMPLETED}
