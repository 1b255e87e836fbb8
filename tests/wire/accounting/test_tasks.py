"""Work queues over the wire: what waits for people, who takes it in hand, how it is closed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from sqlalchemy import Connection

from countinghouse.accounting.v1 import tasks_pb2 as pb
from domain.accounting.execution.model import Task, TaskKind
from domain.accounting.execution.states import TaskState
from domain.accounting.execution.store import tasks as store
from domain.kernel.ids import new_id
from domain.kernel.script import Script
from server.database.transaction import Database
from tests.support.server import Served, refusal
from tests.wire.accounting.behind import Behind
from tests.wire.accounting.conftest import NOW_US
from tests.wire.accounting.desk import EXECUTED, Desk
from tests.wire.accounting.queues import assignment_of, claim, close, complete, queue, release, state_of

Staff = dict[str, Desk]


@pytest.mark.rule("ACC-40")
def test_a_task_has_all_that_a_person_needs(desk: Desk) -> None:
    """Accounts, amount, reason, dates, claim and dispute: what is to be done is known without another call."""
    made = desk.one(desk.claim("MANUAL"), "CREDIT")
    (task,) = queue(desk)
    assert (task.kind, task.queue, task.state) == (
        pb.TASK_KIND_MANUAL_EXECUTION,
        "MANUAL_EXECUTION",
        pb.TASK_STATE_OPEN,
    )
    assert (task.subject, task.operation) == (made.assignment, made)
    assert (task.operation.debit.account, task.operation.credit.account) == ("1990", "holder-of-MANUAL")
    assert (task.operation.amount.units, task.assignee, task.outcome) == (150, "", "")
    assert desk.call("GetTask", pb.GetTaskRequest(name=task.name)) == task


@pytest.mark.rule("ACC-40", "ACC-04")
def test_claimed_completed_and_never_twice(staff: Staff, database: Database) -> None:
    """Who claims has it in hand; completed with a reference it is executed by that person; the task is closed."""
    ada, ben = staff["ada"], staff["ben"]
    holder = ada.claim("MANUAL")
    made = ada.one(holder, "CREDIT")
    (task,) = queue(ben)
    mine = claim(ben, task)
    assert (mine.state, mine.assignee) == (pb.TASK_STATE_CLAIMED, "ben")
    assert (state_of(assignment_of(ada, made)), assignment_of(ada, made).assignee) == ("IN_PROGRESS", "ben")
    assert claim(ben, task) == mine  # to claim what one has changes nothing
    for refused in (lambda: claim(ada, task), lambda: complete(ada, made.assignment)):
        found = refusal(refused)
        assert (found.code, found.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "TASK_CLAIMED_BY_ANOTHER")
        assert found.metadata["assignee"] == "ben"
    assert state_of(complete(ben, made.assignment, "teller-7")) == "COMPLETED"
    done = ada.get(made.name)
    assert (done.state, done.performer, done.executor, done.external_reference) == (EXECUTED, "ada", "ben", "teller-7")
    again = refusal(lambda: complete(ben, made.assignment, "teller-8"))
    assert (again.reason, again.metadata["state"], again.metadata["wanted"]) == (
        "ASSIGNMENT_STATE",
        "COMPLETED",
        "COMPLETED",
    )
    (closed,) = queue(ada, state=pb.TASK_STATE_CLOSED)
    assert (closed.name, closed.outcome, closed.closer) == (task.name, "EXECUTED", "ben")
    assert queue(ada) == []
    for act in (claim, release):
        assert refusal(lambda act=act: act(ben, task)).reason == "TASK_STATE"  # type: ignore[misc]
    behind = Behind(database, NOW_US)
    assert behind.balances(holder) == {("ACCOUNT_HOLDER", "USD"): (15_000, 0), ("SUSPENSE", "USD"): (-15_000, 0)}
    assert behind.details() == 2


@pytest.mark.rule("ACC-40")
def test_what_is_given_back_is_anybodys(staff: Staff) -> None:
    """One's own, or that of somebody who is away."""
    ada, ben = staff["ada"], staff["ben"]
    made = ada.one(ada.claim("MANUAL"), "CREDIT")
    (task,) = queue(ben)
    assert refusal(lambda: release(ben, task)).reason == "TASK_STATE"
    claim(ben, task)
    released = release(ada, task)
    assert (released.state, released.assignee) == (pb.TASK_STATE_OPEN, "")
    assert (state_of(assignment_of(ada, made)), assignment_of(ada, made).assignee) == ("PENDING", "")
    assert state_of(complete(ada, made.assignment)) == "COMPLETED"


@pytest.mark.rule("ACC-40", "PLT-23")
def test_of_many_who_claim_or_complete_at_once_one_wins(staff: Staff) -> None:
    ada, ben = staff["ada"], staff["ben"]
    made = [ada.one(ada.claim("MANUAL"), "CREDIT") for _ in range(2)]
    first, second = queue(ada)

    def outcome(act: object) -> str:
        try:
            act()  # type: ignore[operator]
        except grpc.RpcError as error:
            return str(error.code().name)
        return "OK"

    with ThreadPoolExecutor(8) as pool:
        by_turns = [ada if at % 2 else ben for at in range(8)]
        claims = list(pool.map(outcome, [lambda who=who: claim(who, first) for who in by_turns]))
        won = queue(ada)[0].assignee
        assert [each for who, each in zip(by_turns, claims, strict=True) if who is staff[won]] == ["OK"] * 4
        assert claims.count("FAILED_PRECONDITION") == 4
        name = next(each.assignment for each in made if each.assignment == second.subject)
        acts = [lambda at=at: complete(ada, name, f"ref-{at}") for at in range(8)]
        assert sorted(pool.map(outcome, acts)) == ["FAILED_PRECONDITION"] * 7 + ["OK"]


@pytest.mark.rule("ACC-40", "PLT-08")
def test_queues_are_listed_in_pages_with_filters(desk: Desk) -> None:
    for client in ("MANUAL", "MANUAL", "SERVICE", "MANUAL"):
        desk.one(desk.claim(client), "CREDIT")
    every = queue(desk, "clients/MANUAL")
    assert [task.name for task in every] == sorted(task.name for task in every)
    assert len(every) == 3
    assert queue(desk, queue="MANUAL_EXECUTION") == queue(desk, kind=pb.TASK_KIND_MANUAL_EXECUTION) == every
    assert queue(desk, "clients/SERVICE") == queue(desk, queue="EXCEPTION") == queue(desk, overdue=True) == []
    claim(desk, every[1])
    assert [task.name for task in queue(desk, state=pb.TASK_STATE_CLAIMED)] == [every[1].name]
    assert [task.name for task in queue(desk, assignee="anybody")] == [every[1].name]
    first = desk.call("ListTasks", pb.ListTasksRequest(parent="clients/-", page_size=2))
    token = first.next_page_token
    rest = desk.call("ListTasks", pb.ListTasksRequest(parent="clients/-", page_size=2, page_token=token))
    assert [task.name for task in (*first.tasks, *rest.tasks)] == [task.name for task in every]
    assert rest.next_page_token == ""
    missing = refusal(lambda: queue(desk, "clients/NOBODY"))
    assert missing.code is grpc.StatusCode.NOT_FOUND


@pytest.mark.rule("ACC-40", "PLT-05")
def test_a_task_that_was_changed_since_is_not_claimed_by_its_old_etag(staff: Staff) -> None:
    ada, ben = staff["ada"], staff["ben"]
    ada.one(ada.claim("MANUAL"), "CREDIT")
    (task,) = queue(ada)
    release(ben, claim(ben, task))
    stale = refusal(lambda: claim(ada, task, etag=task.etag))
    assert (stale.code, stale.reason) == (grpc.StatusCode.ABORTED, "ETAG_STALE")
    claim(ada, task, etag=queue(ada)[0].etag)


@pytest.mark.rule("ACC-40", "ACC-35")
def test_tasks_about_operations_close_by_themselves_those_about_batches_by_people(
    desk: Desk, database: Database
) -> None:
    desk.one(desk.claim("MANUAL"), "CREDIT")
    (task,) = queue(desk)
    refused = refusal(lambda: close(desk, task))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "TASK_CLOSES_BY_ITSELF")
    _open_batch_task(database)
    (batch,) = queue(desk, "clients/BATCH")
    assert (batch.subject, batch.HasField("operation")) == ("clients/BATCH/accountingBatches/7", False)
    assert claim(desk, batch).assignee == "anybody"
    closed = close(desk, batch, "sent by courier")
    assert (closed.state, closed.outcome, closed.closer) == (pb.TASK_STATE_CLOSED, "sent by courier", "anybody")
    assert refusal(lambda: close(desk, batch)).reason == "TASK_STATE"


def _open_batch_task(database: Database) -> None:
    task = Task(
        client_code="BATCH",
        task_id=new_id(NOW_US),
        kind=TaskKind.TRANSMISSION_FAILED,
        queue=TaskKind.TRANSMISSION_FAILED.value,
        state=TaskState.OPEN,
        created_us=NOW_US,
        batch_no=7,
    )

    def write(tx: Connection) -> None:
        script = Script(tx)
        store.insert(script, [task])
        script.run()

    database.write(write)


@pytest.mark.rule("ACC-40")
def test_a_canceled_operation_takes_its_task_along(staff: Staff) -> None:
    """Even out of somebody's hands."""
    ada, ben = staff["ada"], staff["ben"]
    made = ada.one(ada.claim("MANUAL"), "CREDIT")
    (task,) = queue(ada)
    claim(ben, task)
    ada.cancel(made.name)
    (closed,) = queue(ada, state=pb.TASK_STATE_CLOSED)
    assert (closed.outcome, closed.closer) == ("CANCELED", "ada")
    assert refusal(lambda: complete(ben, made.assignment)).reason == "ASSIGNMENT_STATE"


@pytest.mark.rule("PLT-06")
def test_a_claim_with_a_request_id_is_answered_again(staff: Staff) -> None:
    ada, ben = staff["ada"], staff["ben"]
    ada.one(ada.claim("MANUAL"), "CREDIT")
    (task,) = queue(ada)
    mine = claim(ada, task, request_id="claim-1")
    claim(ben, release(ada, task))
    assert claim(ada, task, request_id="claim-1") == mine
    assert queue(ada)[0].assignee == "ben"


@pytest.mark.rule("PLT-07")
def test_what_there_is_not_is_not_found(shop: Served, desk: Desk) -> None:
    nothing = pb.Task(name=f"clients/MANUAL/tasks/{'0' * 26}")
    for act in (claim, release, close):
        found = refusal(lambda act=act: act(desk, nothing))  # type: ignore[misc]
        assert (found.code, found.reason) == (grpc.StatusCode.NOT_FOUND, "TASK_NOT_FOUND")
    assert refusal(lambda: desk.call("GetTask", pb.GetTaskRequest(name=nothing.name))).reason == "TASK_NOT_FOUND"
