"""Everything that waits is written, each operation to one file, and is executed with it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from domain.accounting.batches import service
from domain.accounting.batches.errors import BatchNotConfigured
from domain.accounting.batches.layouts.model import Side
from domain.accounting.batches.model import Request
from domain.accounting.batches.states import BatchState
from domain.accounting.configuration.model import DayKind, Delay, FileFormat
from domain.accounting.execution import passing
from domain.accounting.execution.states import AssignmentState
from domain.accounting.performing import correcting
from domain.accounting.performing.errors import CallInProgress
from domain.accounting.performing.states import OperationState
from domain.accounting.tables import accounting_operation, claim, collection_balance
from domain.data_files import service as data_files
from domain.data_files.model import Total
from domain.data_files.rules import is_code
from domain.gl_extraction import tables as gl
from domain.kernel import scopes
from domain.kernel.errors import Invalid, NotFound
from domain.kernel.paging import Page
from domain.operations import service as runs
from domain.operations.errors import OperationPastCancel
from domain.operations.model import State
from server.database.transaction import Database
from tests.accounting.batches.filing import CLIENT, Filing
from tests.accounting.shop import BATCH, NOW_US, RULES, open_shop, rule

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US


def details(filing: Filing) -> int:
    """How many accounting details there are."""
    query = select(func.count()).select_from(gl.accounting_detail)
    return int(filing.shop.database.read(lambda tx: tx.execute(query).scalar_one()))


@pytest.mark.rule("ACC-31", "ACC-32", "ACC-33", "ACC-04")
def test_what_waits_is_written_and_executed(filing: Filing) -> None:
    """One batch of three operations: header, a record a step, trailer; executed by the batch, posted."""
    operations = [*filing.credit("A", 10_000, 7_000), *filing.credit("B", 2_734)]
    done = filing.run(description="evening")
    (batch,) = filing.batches()
    assert (batch.batch_no, batch.rerun_no, batch.state) == (1, 0, BatchState.WRITTEN)
    assert (batch.accounting_day, batch.operation_count) == (20261118, 3)
    assert batch.totals == {"USD": Total(19_734, 19_734)}
    records = filing.records(batch)
    assert [each.operation_id for each in records[::2]] == sorted(each.operation_id for each in operations)
    assert {(each.side, each.account, each.amount_minor) for each in records if each.claim == "B"} == {
        (Side.DEBIT, "acct-suspense", 2_734),
        (Side.CREDIT, "acct-account_holder", 2_734),
    }
    for each in operations:
        now = filing.operation(each)
        assert (now.state, now.executed_by) == (OperationState.EXECUTED, batch.name)
        assert now.executed_us
        assignment = filing.assignment(each)
        assert (assignment.state, assignment.batch_no) == (AssignmentState.COMPLETED, 1)
    assert details(filing) == 6
    assert done.counts["executed"] == done.counts["written"] == done.counts["selected"] == 3
    (told,) = done.result["batches"]
    assert (told["batch_no"], told["set_code"]) == (1, f"accounting-{CLIENT}")
    assert [notice.code for notice in done.notices] == ["ACCOUNTING_BATCH_WRITTEN"]
    query = select(func.sum(collection_balance.c.pending_count))
    assert filing.shop.database.read(lambda tx: tx.execute(query).scalar_one()) == 0


@pytest.mark.rule("ACC-30", "ACC-03", "PLT-03")
def test_each_accounting_date_and_currency_is_apart(filing: Filing) -> None:
    """What came at or after the cut-off is of the next business day: a batch of its own; totals go by currency."""
    filing.credit("A", 10_000)
    filing.credit("B", 500, currency="JPY")
    filing.shop.now_us = NOW_US + 7 * HOUR_US  # in the evening, after the cut-off
    filing.credit("A", 999)
    filing.run()
    first, second = filing.batches()
    assert (first.accounting_day, first.totals) == (20261118, {"JPY": Total(500, 500), "USD": Total(10_000, 10_000)})
    assert (second.accounting_day, second.totals) == (20261119, {"USD": Total(999, 999)})
    assert len(filing.files()) == 2
    assert len(filing.records(first)) == 4


@pytest.mark.rule("ACC-31", "ACC-33")
def test_nothing_pending_makes_no_file_and_uses_no_number(filing: Filing) -> None:
    """A clear answer; the next batch has the next number."""
    done = filing.run()
    assert [notice.code for notice in done.notices] == ["ACCOUNTING_BATCH_NOTHING_PENDING"]
    assert done.result["batches"] == []
    assert (filing.batches(), details(filing)) == ([], 0)
    filing.credit("A", 10_000)
    filing.run()
    filing.run()
    assert [each.batch_no for each in filing.batches()] == [1]


@pytest.mark.rule("ACC-30")
def test_on_days_off_nothing_is_written_where_that_is_asked(filing: Filing) -> None:
    """The operation ends at once and says so; without the wish it writes."""
    operations = filing.credit("A", 10_000)
    filing.shop.now_us = NOW_US + 3 * DAY_US  # a Saturday
    done = filing.run(business_days_only=True)
    assert [notice.code for notice in done.notices] == ["ACCOUNTING_BATCH_DAY_OFF"]
    assert filing.batches() == []
    assert filing.assignment(operations[0]).state is AssignmentState.PENDING
    filing.run()
    assert len(filing.batches()) == 1


@pytest.mark.rule("ACC-32", "PLT-23")
def test_two_generations_at_once_share_without_overlap(filing: Filing) -> None:
    """Whatever the order of their steps, each operation is in one batch, and numbers have no gap."""
    operations = [each for n in range(6) for each in filing.credit(f"C{n}", 1_000 + n)]
    first, second = filing.start(), filing.start()
    filing.finish()
    assert filing.look(first).state is filing.look(second).state is State.SUCCEEDED
    batches = filing.batches()
    assert [each.batch_no for each in batches] == list(range(1, len(batches) + 1))
    written = [record.operation_id for batch in batches for record in filing.records(batch)[::2]]
    assert sorted(written) == sorted(each.operation_id for each in operations)
    assert details(filing) == 12


@pytest.mark.rule("ACC-32")
def test_what_comes_while_a_file_is_written_goes_in_the_next(filing: Filing) -> None:
    """Also the second operation of a claim that is in the file."""
    filing.credit("A", 10_000)
    run = filing.start()
    filing.step_until(run, "write")
    (late,) = filing.credit("A", 999)
    filing.ended(run)
    assert filing.assignment(late).state is AssignmentState.PENDING
    filing.run()
    first, second = filing.batches()
    assert (first.totals, second.totals) == ({"USD": Total(10_000, 10_000)}, {"USD": Total(999, 999)})


@pytest.mark.rule("ACC-13", "ACC-30")
def test_what_waits_for_its_day_is_in_no_file(database: Database, tmp_path: Path) -> None:
    """Until its day has come: then it is in a batch of that day's accounting date."""
    later = rule("LATER", "SUSPENSE", "ACCOUNT_HOLDER", delay=Delay(5, DayKind.CALENDAR, "reported"))
    filing = Filing(open_shop(database, [*RULES, later]), tmp_path / "files")
    database.write(lambda tx: tx.execute(update(claim).values(dates='{"reported":20261118}')))
    (waiting,) = filing.shop.execute("filed", "LATER", 500)
    assert filing.assignment(waiting).state is AssignmentState.SCHEDULED
    filing.run()
    assert filing.batches() == []
    filing.shop.now_us = NOW_US + 5 * DAY_US
    filing.shop.write(passing.begin_scheduled, filing.shop.configurations, most=10)
    filing.run()
    (batch,) = filing.batches()
    assert (batch.accounting_day, batch.operation_count) == (20261123, 1)


@pytest.mark.rule("ACC-08", "ACC-32", "PLT-24")
def test_what_was_taken_cannot_be_canceled_and_what_was_canceled_is_not_taken(filing: Filing) -> None:
    """CALL_IN_PROGRESS from the moment it is taken; what was canceled before is in no file."""
    (canceled,) = filing.credit("A", 10_000)
    (taken,) = filing.credit("B", 2_000)
    filing.shop.write(correcting.cancel, claim_id="A", operation_id=canceled.operation_id, reason="error")
    run = filing.start()
    filing.step_until(run, "number")
    with pytest.raises(CallInProgress):
        filing.shop.write(correcting.cancel, claim_id="B", operation_id=taken.operation_id, reason="error")
    filing.ended(run)
    assert filing.batches()[0].totals == {"USD": Total(2_000, 2_000)}


@pytest.mark.rule("PLT-24", "ACC-32")
def test_a_canceled_run_gives_back_what_it_took(filing: Filing) -> None:
    """Nothing was numbered or written; the next run takes all. From the number on it can only go forward."""
    operations = [each for n in range(5) for each in filing.credit(f"C{n}", 1_000)]
    run = filing.start()
    filing.step_until(run, "number")
    assert {filing.assignment(each).state for each in operations} == {AssignmentState.IN_PROGRESS}
    filing.cancel(run)
    filing.finish()
    assert filing.look(run).state is State.CANCELED
    assert {filing.assignment(each).state for each in operations} == {AssignmentState.PENDING}
    assert filing.batches() == []
    again = filing.start()
    filing.step_until(again, "write")
    with pytest.raises(OperationPastCancel):
        filing.cancel(again)
    filing.ended(again)
    assert [each.operation_count for each in filing.batches()] == [5]


def fixed_width(database: Database, tmp_path: Path) -> Filing:
    """A place to write files of fixed width at, with an operation of the claim A that waits for one."""
    batch = replace(BATCH, file_format=FileFormat.FIXED_WIDTH)
    filing = Filing(open_shop(database, batch=batch), tmp_path / "files")
    filing.credit("A", 10_000)
    return filing


@pytest.mark.rule("ACC-31", "ACC-22", "PLT-24")
@pytest.mark.parametrize(
    ("column", "text", "fits"),
    [
        ("debit_account", "9" * 129, False),
        ("debit_account", "9" * 127 + "\\", False),  # a backslash is written as two
        ("note", "x" * 511 + "\n", False),  # and so is a line break
        ("note", "x" * 510 + "\n", True),
        ("entry_reason", "x" * 127 + " ", False),
        ("entry_reason", "ü" * 128, True),
    ],
)
def test_what_a_file_of_fixed_width_cannot_hold_is_set_apart(
    database: Database, tmp_path: Path, column: str, text: str, *, fits: bool
) -> None:
    """FAILED, with a task that names column and width; the rest goes out under the right number and totals."""
    filing = fixed_width(database, tmp_path)
    (long,) = filing.credit("B", 500)
    lengthen = update(accounting_operation).where(accounting_operation.c.operation_id == long.operation_id)
    database.write(lambda tx: tx.execute(lengthen.values({column: text})))
    done = filing.run()
    (batch,) = filing.batches()
    total = 10_500 if fits else 10_000
    assert (batch.batch_no, batch.totals) == (1, {"USD": Total(total, total)})
    assert len(filing.records(batch)) == 2 * batch.operation_count
    if fits:
        assert filing.tasks() == []
        return
    assert {notice.code for notice in done.notices} == {"ACCOUNTING_BATCH_SET_APART", "ACCOUNTING_BATCH_WRITTEN"}
    (task,) = filing.tasks()
    assert (task.operation_id, task.reason) == (long.operation_id, "ACCOUNTING_BATCH_VALUE_TOO_WIDE")
    said = {"debit_account": "account has more than the 128", "note": "description has more than the 512"}
    assert said.get(column, "reason has more than the 128") in task.message
    assert filing.assignment(long).state is AssignmentState.FAILED
    assert filing.operation(long).state is OperationState.PENDING
    filing.run()
    assert len(filing.batches()) == 1


@pytest.mark.rule("ACC-31", "ACC-33")
def test_a_run_that_sets_all_apart_uses_no_number(database: Database, tmp_path: Path) -> None:
    """It says so, and no file is written."""
    filing = fixed_width(database, tmp_path)
    database.write(lambda tx: tx.execute(update(accounting_operation).values(note="x" * 513)))
    done = filing.run()
    assert [notice.code for notice in done.notices] == [
        "ACCOUNTING_BATCH_SET_APART",
        "ACCOUNTING_BATCH_NOTHING_PENDING",
    ]
    assert (filing.batches(), len(filing.tasks())) == ([], 1)


@pytest.mark.rule("PLT-30", "PLT-07")
def test_every_client_has_a_set_of_its_own(filing: Filing) -> None:
    """Also one whose code is as long as codes may be; what is no code of a set is refused."""
    assert service.own_set("ACME") == "accounting-ACME"
    longest = {service.own_set("A" * 63 + end) for end in "BC"}
    assert len(longest) == 2
    assert all(map(is_code, longest))
    with pytest.raises(Invalid) as refused:
        filing.start(data_file_set_code="..")
    assert refused.value.violations[0].field == "data_file_set_code"


@pytest.mark.rule("PLT-14")
def test_batches_outside_the_callers_clients_are_not_found(filing: Filing) -> None:
    """A batch that is there, its files and its records; its own caller finds them, and so the run and its files."""
    filing.credit("A", 10_000)
    run = filing.run()
    outside, inside = scopes.of_clients(("OTHER",)), scopes.of_clients((CLIENT,))
    for scope, count in ((outside, 0), (inside, 1)):
        call, page = replace(filing.shop.call(), scope=scope), Page(10, None)
        looks = (
            partial(service.get, client_code=CLIENT, batch_no=1, scope=scope),
            partial(service.list_files, call=call, client_code=CLIENT, batch_no=1, page=page),
            partial(service.list_records, call=call, client_code=CLIENT, batch_no=1, page=page),
            partial(service.list_page, call=call, client_code=CLIENT, state=None, page=page),
            partial(runs.get, operation_id=run.operation_id, scope=scope),
            partial(data_files.get_set, code=f"accounting-{CLIENT}", scope=scope),
        )
        found = 0
        for look in looks:
            with suppress(NotFound):
                filing.shop.database.read(look)
                found += 1
        assert found == count * len(looks)


@pytest.mark.rule("ACC-36", "PLT-14")
def test_a_client_without_batches_is_refused(filing: Filing) -> None:
    """For both calls; a client that there is not is not found."""
    with pytest.raises(BatchNotConfigured):
        filing.shop.write(service.generate, Request("SERVED"))
    with pytest.raises(BatchNotConfigured):
        filing.shop.write(service.regenerate, "SERVED", 1, description="")
    with pytest.raises(NotFound):
        filing.shop.write(service.generate, Request("NOBODY"))
