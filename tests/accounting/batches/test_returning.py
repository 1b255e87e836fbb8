"""What receivers say of records: counted, taken back, posted, and given to a person; once each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from domain.accounting.batches.errors import BatchBeingWritten, ReturnContradicts
from domain.accounting.batches.layouts.returns import Decision
from domain.accounting.batches.returning import Said, Taken
from domain.accounting.configuration.registers import CLIENTS, SHELF
from domain.accounting.execution.model import TaskKind
from domain.accounting.performing import correcting
from domain.accounting.performing.model import Kind, Operation
from domain.accounting.performing.states import OperationState
from domain.accounting.tables import collection_balance
from domain.gl_extraction.tables import accounting_detail
from domain.kernel.errors import Invalid
from domain.kernel.registers import store
from server.database.transaction import Database
from tests.accounting.batches.filing import CLIENT, Filing
from tests.accounting.shop import open_shop, rule

ACCEPTED, REJECTED = Decision.ACCEPTED, Decision.REJECTED


def say(filing: Filing, *said: Said, batch_no: int = 1) -> Taken:
    """Say something of a batch, all or nothing."""
    taken, _ = filing.shop.write(filing.returns.receive_all, (CLIENT, batch_no), said)
    return taken


def rejected(operation: Operation, reason: str = "R01") -> Said:
    return Said(operation.operation_id, REJECTED, reason, "account closed")


def accepted(operation: Operation) -> Said:
    return Said(operation.operation_id, ACCEPTED, external_reference="X-1")


def balances(filing: Filing, claim_id: str) -> dict[str, int]:
    columns = collection_balance.c
    query = select(columns.collection_code, func.sum(columns.executed_minor)).where(columns.claim_id == claim_id)
    rows = filing.shop.database.read(lambda tx: tx.execute(query.group_by(columns.collection_code)).all())
    return {code: int(minor) for code, minor in rows}


def details(filing: Filing) -> int:
    query = select(func.count()).select_from(accounting_detail)
    return int(filing.shop.database.read(lambda tx: tx.execute(query).scalar_one()))


@pytest.mark.rule("ACC-37", "ACC-11")
def test_a_rejected_operation_is_taken_back_and_posted(filing: Filing) -> None:
    """By a mirror for tracking only, executed at once, linked both ways, with details; a person gets a task."""
    first, second = filing.credit("A", 10_000, 7_000)
    filing.run()
    taken = say(filing, rejected(first), accepted(second))
    assert (taken.accepted, taken.rejected, taken.unchanged) == (1, 1, 0)
    (back,) = taken.reversals
    now = filing.operation(first)
    assert (back.kind, back.state, back.tracking_only) == (Kind.RETURN, OperationState.EXECUTED, True)
    assert (back.reverses_id, now.reversed_by_id) == (first.operation_id, back.operation_id)
    assert details(filing) == 6
    assert balances(filing, "A") == {"SUSPENSE": -7_000, "ACCOUNT_HOLDER": 7_000}
    (task,) = filing.tasks()
    assert (task.kind, task.operation_id, task.reason) == (TaskKind.RECORD_REJECTED, first.operation_id, "R01")
    batch = filing.batch(1)
    assert (batch.accepted_count, batch.rejected_count) == (1, 1)


@pytest.mark.rule("ACC-37")
def test_said_twice_the_same_changes_nothing_and_otherwise_is_refused(filing: Filing) -> None:
    """Also within one file; nothing of a refused call is done."""
    first, second = filing.credit("A", 10_000, 7_000)
    filing.run()
    say(filing, rejected(first), accepted(second))
    again = say(filing, rejected(first, "R02"), accepted(second))
    assert (again.accepted, again.rejected, again.unchanged) == (0, 0, 2)
    with pytest.raises(ReturnContradicts, match="REJECTED before"):
        say(filing, accepted(first))
    with pytest.raises(ReturnContradicts, match="ACCEPTED before"):
        say(filing, rejected(second))
    assert (details(filing), len(filing.tasks()), filing.batch(1).rejected_count) == (6, 1, 1)


@pytest.mark.rule("ACC-37", "PLT-07")
def test_operations_of_others_are_refused_by_their_place(filing: Filing) -> None:
    """Those of another batch, and those that wait; the others of a file are taken all the same."""
    (first,) = filing.credit("A", 10_000)
    filing.run()
    (later,) = filing.credit("B", 999)
    filing.run()
    with pytest.raises(Invalid) as refused:
        say(filing, accepted(first), accepted(later))
    assert [(v.field, v.reason) for v in refused.value.violations] == [
        ("records[1].operation", "ACCOUNTING_RECORD_NOT_IN_BATCH")
    ]
    assert filing.batch(1).accepted_count == 0
    taken = filing.shop.write(filing.returns.receive, filing.batch(1), [accepted(later), rejected(first)])
    assert (list(taken.refused), taken.rejected) == ([0], 1)


@pytest.mark.rule("ACC-37", "ACC-08")
def test_what_was_reversed_before_is_not_reversed_twice(filing: Filing) -> None:
    """Whether its reversal is done or waits: the rejection is recorded, and the task tells."""
    (first,) = filing.credit("A", 10_000)
    filing.run()
    shop = filing.shop
    reversal = {"claim_id": "A", "operation_id": first.operation_id, "reason": "error"}
    shop.write(correcting.reverse, shop.configurations, shop.books, **reversal)
    filing.run()
    taken = say(filing, rejected(first))
    assert (taken.rejected, taken.reversals) == (1, [])
    assert balances(filing, "A") == {"SUSPENSE": 0, "ACCOUNT_HOLDER": 0}
    (task,) = filing.tasks()
    assert task.message == "it was reversed before. account closed"


@pytest.mark.rule("ACC-37")
def test_a_rejected_reversal_is_taken_back_too(filing: Filing) -> None:
    """The receiver did not reverse: the books show the original again, whose reversal is known to have failed."""
    (first,) = filing.credit("A", 10_000)
    filing.run()
    shop = filing.shop
    reversal = {"claim_id": "A", "operation_id": first.operation_id, "reason": "error"}
    made = shop.write(correcting.reverse, shop.configurations, shop.books, **reversal)
    filing.run()
    say(filing, rejected(made.reversals[0]), batch_no=2)
    assert balances(filing, "A") == {"SUSPENSE": -10_000, "ACCOUNT_HOLDER": 10_000}


@pytest.mark.rule("ACC-37", "ACC-57")
def test_nobody_has_to_approve_what_the_receiver_has_not_done(database: Database, tmp_path: Path) -> None:
    """Also of a write-off above the client's limit: the fact is there."""
    filing = Filing(open_shop(database, [rule("LOSE", "LOSS", "SUSPENSE")]), tmp_path / "files")
    (lost,) = filing.shop.execute("filed", "LOSE", 10_000)
    filing.run()

    def limit(tx: Connection) -> None:
        client = store.find(tx, CLIENTS, CLIENT)
        assert client is not None
        store.change(tx, CLIENTS, replace(client, settings=replace(client.settings, approval_limits={"USD": 5})))
        store.grow_version(tx, SHELF)

    database.write(limit)
    taken = say(filing, rejected(lost))
    assert taken.reversals[0].state is OperationState.EXECUTED


@pytest.mark.rule("ACC-37", "PLT-10")
def test_nothing_is_said_of_a_file_that_is_not_there(filing: Filing) -> None:
    """The batch is numbered, its first file not shown yet."""
    (first,) = filing.credit("A", 10_000)
    run = filing.start()
    filing.step_until(run, "publish")
    with pytest.raises(BatchBeingWritten):
        say(filing, accepted(first))
    filing.ended(run)
    say(filing, accepted(first))
