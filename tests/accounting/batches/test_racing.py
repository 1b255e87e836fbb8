"""What is taken into a file while others cancel, perform and generate: each operation ends in one way."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection

from domain.accounting.batches.errors import BatchBeingWritten
from domain.accounting.execution.model import Assignment
from domain.accounting.execution.withdrawing import withdraw
from domain.accounting.performing import correcting
from domain.accounting.performing.errors import CallInProgress, OperationTransition
from domain.accounting.performing.model import Operation
from domain.accounting.performing.states import OperationState
from domain.kernel.call import Call
from domain.kernel.script import Script
from domain.operations.model import State
from server.database.transaction import Database
from tests.accounting.batches.filing import Filing
from tests.accounting.shop import open_shop
from tests.support.waiting import wait_for

CLAIMS = 12


def cancel(filing: Filing, operation: Operation) -> bool:
    """Cancel it, if it is not taken yet."""
    key = {"claim_id": operation.claim_id, "operation_id": operation.operation_id}
    try:
        filing.shop.write(correcting.cancel, **key, reason="race")
    except (CallInProgress, OperationTransition):
        return False
    return True


@pytest.mark.rule("ACC-08", "ACC-32", "PLT-10")
def test_canceling_races_with_taking(filing: Filing) -> None:
    """Two generations and a caller at once: an operation is canceled and in no file, or executed and in one."""
    operations = [each for n in range(CLAIMS) for each in filing.credit(f"C{n:02}", 1_000 + n)]
    runs = [filing.start() for _ in range(2)]
    ready = threading.Barrier(3)

    def work() -> None:
        ready.wait(10)
        filing.finish()

    def cancel_all() -> list[bool]:
        ready.wait(10)
        return [cancel(filing, each) for each in reversed(operations)]

    with ThreadPoolExecutor(3) as threads:
        working = [threads.submit(work) for _ in range(2)]
        canceled = threads.submit(cancel_all).result(60)[::-1]
        for each in working:
            each.result(60)
    filing.finish()
    assert {filing.look(run).state for run in runs} == {State.SUCCEEDED}
    written = [record.operation_id for batch in filing.batches() for record in filing.records(batch)[::2]]
    assert len(written) == len(set(written))
    for operation, was_canceled in zip(operations, canceled, strict=True):
        state = filing.operation(operation).state
        assert state is (OperationState.CANCELED if was_canceled else OperationState.EXECUTED)
        assert (operation.operation_id in written) is not was_canceled


@pytest.mark.rule("ACC-08", "ACC-32")
def test_taking_waits_for_who_holds_a_claim(
    migrated_postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a caller's look at an assignment and its commit nothing is taken; SQLite has one writer anyway."""
    filing = Filing(open_shop(Database(migrated_postgresql_url)), tmp_path / "files")
    (kept,), (canceled,) = filing.credit("A", 1_000), filing.credit("B", 2_000)
    run = filing.start()
    filing.step()
    holds, go_on = threading.Event(), threading.Event()

    def slowly(tx: Connection, script: Script, assignment: Assignment, call: Call) -> Assignment:
        holds.set()
        assert go_on.wait(20)
        return withdraw(tx, script, assignment, call)

    monkeypatch.setattr("domain.accounting.performing.correcting.withdraw", slowly)
    with ThreadPoolExecutor(2) as threads:
        canceling = threads.submit(cancel, filing, canceled)
        assert holds.wait(20)
        taking = threads.submit(filing.finish)
        wait_for(lambda: is_waiting(filing.shop.database), 20, "the run to wait for the claim")
        go_on.set()
        assert canceling.result(20)
        taking.result(60)
    assert filing.look(run).state is State.SUCCEEDED
    assert filing.operation(kept).state is OperationState.EXECUTED
    assert filing.operation(canceled).state is OperationState.CANCELED
    assert filing.batches()[0].operation_count == 1
    filing.shop.database.dispose()


@pytest.mark.rule("ACC-34", "PLT-10")
def test_of_two_regenerations_at_once_one_wins(filing: Filing) -> None:
    """The other is refused and names it."""
    filing.credit("A", 1_000)
    filing.run()
    ready = threading.Barrier(2)

    def start() -> str:
        ready.wait(10)
        try:
            return filing.start_again(1)
        except BatchBeingWritten as refused:
            return refused.reason

    with ThreadPoolExecutor(2) as threads:
        came = [each.result(30) for each in [threads.submit(start) for _ in range(2)]]
    assert came.count("ACCOUNTING_BATCH_BEING_WRITTEN") == 1
    filing.finish()
    assert filing.batch(1).rerun_no == 1


def is_waiting(database: Database) -> bool:
    """Whether somebody waits for a row that another holds."""
    blocked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return bool(database.read(lambda tx: tx.exec_driver_sql(blocked).scalar_one()))
