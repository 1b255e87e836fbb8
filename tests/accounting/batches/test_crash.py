"""Workers that write batch files are killed at every point: in the end each operation is in one file, executed once."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter

import pytest
from sqlalchemy import func, select

from domain.accounting.batches.layouts.model import Record
from domain.accounting.batches.layouts.reading import read
from domain.accounting.batches.states import BatchState
from domain.accounting.performing.model import Operation
from domain.accounting.performing.states import OperationState
from domain.accounting.tables import accounting_event, collection_balance
from domain.gl_extraction.tables import accounting_detail
from domain.operations.errors import OperationPastCancel
from domain.operations.model import State
from tests.accounting.batches.filing import Filing
from tests.accounting.batches.workers import FilingPlan
from tests.operations import processes
from tests.operations.processes import Crash, When
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]

KILLED = -signal.SIGKILL
CLAIMS = 4


def plan_of(filing: Filing, until: str = "", crash: Crash | None = None, slots: int = 1) -> FilingPlan:
    url, folder = filing.shop.database.url, str(filing.folder)
    return FilingPlan(url, until=until, crash=crash, slots=slots, folder=folder)


def waiting(filing: Filing, round_no: int) -> list[Operation]:
    """Two operations of each of some new claims, that wait for a file."""
    return [each for n in range(CLAIMS) for each in filing.credit(f"R{round_no}-{n}", 1_000 + n, 500)]


def is_written_before_it_is_executed(filing: Filing, operations: list[Operation]) -> bool:
    """Nothing is executed that stands in no written file, and nothing is shown before all of it is executed."""
    executed = [each for each in operations if filing.operation(each).state is OperationState.EXECUTED]
    batches = [batch for batch in filing.batches() if batch.accounting_day]
    newest = batches[-1] if executed else None
    shown = {record.operation_id for batch in batches if batch.written_us for record in filing.records(batch)}
    if newest is not None and not newest.written_us:
        path = filing.folder / newest.run_id / f"accounting-FILED-batch-{newest.batch_no}-rerun-0.csv"
        found = read(newest.file_format, [path.read_bytes()])
        written = {each.operation_id for each in found if isinstance(each, Record)}
        return {each.operation_id for each in executed} <= written and not shown & written
    return len(executed) in {0, len(operations)}


def refuse_loss(filing: Filing, operations: list[Operation]) -> None:
    """Each operation is in one batch, executed once, posted once, and told once; balances are what they come to."""
    records = [record for batch in filing.batches() for record in filing.records(batch)]
    counts = Counter(each.operation_id for each in records)
    assert counts == Counter({each.operation_id: 2 for each in operations})
    assert [each.batch_no for each in filing.batches()] == list(range(1, len(filing.batches()) + 1))
    assert {batch.state for batch in filing.batches()} == {BatchState.WRITTEN}
    assert {filing.operation(each).state for each in operations} == {OperationState.EXECUTED}

    def count(*where: object, of: object = accounting_event) -> int:
        query = select(func.count()).select_from(of).where(*where)  # type: ignore[arg-type]
        return int(filing.shop.database.read(lambda tx: tx.execute(query).scalar_one()))

    assert count(accounting_event.c.kind == "OPERATION_EXECUTED") == len(operations)
    assert count(of=accounting_detail) == 2 * len(operations)
    columns = collection_balance.c
    sums = select(func.sum(columns.executed_minor), func.sum(columns.pending_count)).where(
        columns.collection_code == "ACCOUNT_HOLDER"
    )
    executed, pending = filing.shop.database.read(lambda tx: tx.execute(sums).one())
    assert (executed, pending) == (sum(each.amount.minor for each in operations), 0)


@pytest.mark.rule("ACC-32", "ACC-34", "PLT-22")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_killed_at_any_commit_of_a_generation(filing: Filing, when: When) -> None:
    """For every commit of a run: the worker dies there, another finishes, and the outcome is that of no crash."""
    crashes, operations = 0, list[Operation]()
    while True:
        new = waiting(filing, crashes)
        operations += new
        run = filing.start()
        status = processes.finish(plan_of(filing, run, Crash(crashes + 1, when)))
        assert is_written_before_it_is_executed(filing, new)
        if status == KILLED:
            processes.finish_here(plan_of(filing, run), filing.shop.database)
        done = filing.look(run)
        assert done.state is State.SUCCEEDED, done.failure
        assert done.counts["executed"] == done.counts["written"] == done.counts["selected"] == len(new)
        if status == 0:
            break
        crashes += 1
    assert crashes > 20  # a claim and an end for each of at least ten chunks
    refuse_loss(filing, operations)


@pytest.mark.rule("ACC-34", "PLT-22")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_killed_at_any_commit_of_a_regeneration(filing: Filing, when: When) -> None:
    """Each run ends with one more file, the same records; none is left out or there twice."""
    waiting(filing, 0)
    filing.run()
    first, crashes = filing.records(filing.batch(1)), 0
    while True:
        run = filing.start_again(1)
        status = processes.finish(plan_of(filing, run, Crash(crashes + 1, when)))
        if status == KILLED:
            processes.finish_here(plan_of(filing, run), filing.shop.database)
        crashes += 1
        assert filing.batch(1).rerun_no == crashes
        assert filing.records(filing.batch(1), crashes) == first
        if status == 0:
            break
    assert crashes > 4


@pytest.mark.rule("ACC-32", "PLT-22", "PLT-23")
def test_workers_killed_at_random_share_runs_without_loss(filing: Filing, crash_run: int) -> None:
    """Two workers on three runs at once, one killed again and again, one run canceled: each is written once."""
    chance = random.Random(crash_run)
    operations = [each for round_no in range(6) for each in waiting(filing, round_no)]
    runs = [filing.start() for _ in range(3)]
    workers = [processes.start(plan_of(filing, slots=2)) for _ in range(2)]
    to_cancel = chance.randrange(1, 4)
    for kill in range(4):
        time.sleep(chance.uniform(0.02, 0.3))
        if kill == to_cancel:
            _try_to_cancel(filing, runs[0])
        victim = workers.pop(chance.randrange(2))
        victim.kill()
        assert processes.ended(victim) == KILLED
        workers.append(processes.start(plan_of(filing, slots=2)))
    wait_for(lambda: all(filing.look(run).state.ended for run in runs), 90)
    for worker in workers:
        worker.kill()
        processes.ended(worker)
    filing.run()
    refuse_loss(filing, operations)


def _try_to_cancel(filing: Filing, run: str) -> None:
    try:
        filing.cancel(run)
    except OperationPastCancel:
        assert filing.batches()
