"""Operations that a system of record carries out, from the call to what is executed, by a real connector."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from countinghouse.accounting.v1 import assignments_pb2, operations_pb2, tasks_pb2
from server.database.transaction import Database
from tests.support.server import refusal, serving
from tests.support.simulator import Simulated, simulating
from tests.support.waiting import wait_for
from tests.wire.accounting.behind import Behind
from tests.wire.accounting.conftest import NOW_US
from tests.wire.accounting.desk import EXECUTED, PENDING, Desk
from tests.wire.accounting.queues import assignment_of, complete, queue, record, reroute, retry, state_of
from tests.wire.accounting.samples import SYSTEM_OF_RECORD, Accounting, create_client, open_shop, update_client
from tests.wire.gl_extraction.samples import Gl

AWAY = "away"
QUICK = {"backoff": "0.01s", "backoff_max": "0.02s", "timeout": "0.5s"}


@dataclass
class Bank:
    """A server with a shop whose client SERVICE has a simulated system of record."""

    desk: Desk
    accounting: Accounting
    behind: Behind
    simulated: Simulated

    def credit(self, client: str = "SERVICE") -> operations_pb2.AccountingOperation:
        """A provisional credit of 150.00 USD for a new claim."""
        return self.desk.one(self.desk.claim(client), "CREDIT")

    def wait(
        self, operation: operations_pb2.AccountingOperation, state: str, attempts: int = -1
    ) -> assignments_pb2.Assignment:
        """Wait until its assignment is in a state, after so many attempts."""

        def there() -> bool:
            found = assignment_of(self.desk, operation)
            return state_of(found) == state and attempts in {-1, found.attempt_count}

        wait_for(there, 20, f"{state} after {attempts} attempts")
        return assignment_of(self.desk, operation)


@contextmanager
def banking(url: str, folder: Path, database: Database, simulated: Simulated, **chosen: Any) -> Iterator[Bank]:
    """A server and its worker on a database; the connection `away` leads nowhere."""
    path = folder / "systems_of_record.toml"
    path.write_text(
        "".join(
            f'[[systems_of_record]]\nname = "{name}"\nkind = "grpc"\ntarget = "{target}"\ntls = false\n'
            for name, target in ((SYSTEM_OF_RECORD, simulated.target), (AWAY, "127.0.0.1:9"))
        )
    )
    chosen = {"systems_of_record_file": path, "systems_of_record_loopback": True, **chosen}
    with serving(url, folder, carries_out=(), clock_us=lambda: NOW_US, **chosen) as server:
        accounting = server.stub(Accounting)
        open_shop(accounting, server.stub(Gl))
        set_service(accounting, max_retries=3)
        yield Bank(Desk(accounting), accounting, Behind(database, NOW_US), simulated)


@pytest.fixture
def bank(database: Database, migrated_url: str, tmp_path: Path) -> Iterator[Bank]:
    with simulating() as simulated, banking(migrated_url, tmp_path, database, simulated) as opened:
        yield opened


def set_service(accounting: Accounting, **changed: Any) -> None:
    """Call the client's system of record so from now on."""
    update_client(accounting, "SERVICE", service={"system_of_record": SYSTEM_OF_RECORD, **QUICK, **changed})


@pytest.mark.rule("ACC-04", "ACC-20", "ACC-22", "ACC-23")
def test_a_provisional_credit_is_one_call_and_no_task(bank: Bank) -> None:
    """The example of the rules: Suspense -150.00, Account Holder +150.00, sum 0; two facts, performed and executed."""
    made = bank.credit()
    assert (made.state, made.executor, made.HasField("execute_time")) == (PENDING, "", False)
    bank.wait(made, "COMPLETED", 1)
    done = bank.desk.get(made.name)
    (posting,) = bank.simulated.postings()
    assert (done.state, done.performer, done.executor) == (EXECUTED, "anybody", f"systemsOfRecord/{SYSTEM_OF_RECORD}")
    assert (done.external_reference, posting.request.idempotency_key) == (
        posting.posting.external_reference,
        made.name.rpartition("/")[2],
    )
    assert (posting.request.debit_account, posting.request.credit_account) == ("1990", "holder-of-SERVICE")
    assert (posting.request.amount, posting.request.entry_reason) == (made.amount, "DISPUTE")
    assert bank.behind.balances(made.name.rpartition("/operations")[0]) == {
        ("ACCOUNT_HOLDER", "USD"): (15_000, 0),
        ("SUSPENSE", "USD"): (-15_000, 0),
    }
    assert (bank.behind.details(), queue(bank.desk)) == (2, [])
    assert bank.simulated.totals().posts_received == 1


@pytest.mark.rule("ACC-21", "ACC-22")
def test_four_failures_with_three_retries_then_a_person_tries_again(bank: Bank) -> None:
    """The example of the rules: four calls with one key, FAILED, one task, balances unchanged; then it works."""
    bank.simulated.configure(error_permille=1_000)
    made = bank.credit()
    failed = bank.wait(made, "FAILED", 4)
    assert (failed.reason, failed.unanswered) == ("SERVICE_UNAVAILABLE", False)
    assert failed.message != ""
    assert bank.simulated.totals().posts_received == 4
    (task,) = queue(bank.desk, "clients/SERVICE")
    assert (task.kind, task.subject, task.reason) == (
        tasks_pb2.TASK_KIND_SERVICE_FAILED,
        made.assignment,
        "SERVICE_UNAVAILABLE",
    )
    holder = made.name.rpartition("/operations")[0]
    assert bank.behind.balances(holder)["SUSPENSE", "USD"] == (0, -15_000)
    bank.simulated.configure()
    assert state_of(retry(bank.desk, made.assignment)) == "PENDING"
    bank.wait(made, "COMPLETED", 1)
    (closed,) = queue(bank.desk, state=tasks_pb2.TASK_STATE_CLOSED)
    assert (closed.name, closed.outcome) == (task.name, "RETRIED")
    assert (queue(bank.desk), bank.simulated.totals().posts_received) == ([], 5)
    (posting,) = bank.simulated.postings()
    assert posting.request.idempotency_key == made.name.rpartition("/")[2]
    assert bank.behind.balances(holder)["SUSPENSE", "USD"] == (-15_000, 0)


@pytest.mark.rule("ACC-21")
@pytest.mark.parametrize("retries", [0, 1])
def test_so_many_retries_are_one_call_and_so_many_more(bank: Bank, retries: int) -> None:
    set_service(bank.accounting, max_retries=retries)
    bank.simulated.configure(error_permille=1_000)
    made = bank.credit()
    bank.wait(made, "FAILED", 1 + retries)
    assert bank.simulated.totals().posts_received == 1 + retries


@pytest.mark.rule("ACC-21", "ACC-22")
def test_a_rejection_fails_at_once_and_can_be_done_by_hand_or_canceled(bank: Bank) -> None:
    bank.simulated.configure(reject_permille=1_000)
    first, second = bank.credit(), bank.credit()
    for made in (first, second):
        assert bank.wait(made, "FAILED", 1).reason == "SERVICE_REJECTED"
    assert state_of(complete(bank.desk, first.assignment, "teller-7")) == "COMPLETED"
    assert bank.desk.get(first.name).executor == "anybody"
    bank.desk.cancel(second.name)
    assert state_of(assignment_of(bank.desk, second)) == "CANCELED"
    assert (queue(bank.desk), bank.simulated.postings()) == ([], [])
    assert bank.behind.deliveries(first) == bank.behind.deliveries(second) == ["WITHDRAWN"]


@pytest.mark.rule("ACC-22", "ACC-23")
def test_an_answer_that_was_lost_is_found_again_and_nothing_is_posted_twice(bank: Bank) -> None:
    """The call hangs until its deadline, though it was posted: Lookup tells so."""
    bank.simulated.configure(lose_answer_permille=1_000)
    made = bank.credit()
    bank.wait(made, "COMPLETED")
    (posting,) = bank.simulated.postings()
    assert bank.desk.get(made.name).external_reference == posting.posting.external_reference
    assert bank.behind.details() == 2


@pytest.mark.rule("ACC-22")
def test_in_doubt_until_a_person_records_what_the_system_of_record_shows(bank: Bank) -> None:
    """No answer, and Lookup answers neither: cancel, re-route and completion by hand are refused."""
    set_service(bank.accounting, max_retries=0, timeout="0.1s")
    bank.simulated.configure(lose_answer_permille=1_000, lookup_error_permille=1_000)
    posted, unposted = bank.credit(), bank.credit()
    for made in (posted, unposted):
        doubted = bank.wait(made, "IN_DOUBT")
        assert (doubted.unanswered, doubted.reason) == (True, "SERVICE_NO_ANSWER")
        for act in (
            lambda made=made: bank.desk.cancel(made.name),
            lambda made=made: reroute(bank.desk, made.assignment),
            lambda made=made: complete(bank.desk, made.assignment),
        ):
            assert refusal(act).reason == "OUTCOME_IN_DOUBT"
    assert {task.kind for task in queue(bank.desk)} == {tasks_pb2.TASK_KIND_IN_DOUBT}
    unsaid = refusal(lambda: record(bank.desk, posted.assignment, external_reference=""))
    assert unsaid.violations == [("external_reference", "FIELD_REQUIRED")]
    assert state_of(record(bank.desk, posted.assignment, external_reference="seen-1")) == "COMPLETED"
    done = bank.desk.get(posted.name)
    assert (done.executor, done.external_reference) == (f"systemsOfRecord/{SYSTEM_OF_RECORD}", "seen-1")
    assert refusal(lambda: record(bank.desk, posted.assignment, external_reference="seen-2")).reason == "OUTCOME_KNOWN"
    assert state_of(record(bank.desk, unposted.assignment)) == "FAILED"
    (task,) = queue(bank.desk)
    assert (task.kind, task.subject) == (tasks_pb2.TASK_KIND_SERVICE_FAILED, unposted.assignment)
    bank.simulated.configure()
    retry(bank.desk, unposted.assignment)
    bank.wait(unposted, "COMPLETED")
    assert bank.behind.details() == 4


@pytest.mark.rule("ACC-22", "ACC-23")
def test_what_is_in_doubt_is_asked_for_before_it_is_posted_again(bank: Bank) -> None:
    """It was posted all along: the retry asks, and posts nothing."""
    set_service(bank.accounting, max_retries=0, timeout="0.1s")
    bank.simulated.configure(lose_answer_permille=1_000, lookup_error_permille=1_000)
    made = bank.credit()
    bank.wait(made, "IN_DOUBT")
    bank.simulated.configure()
    calls = bank.simulated.totals().posts_received
    retry(bank.desk, made.assignment)
    bank.wait(made, "COMPLETED")
    assert (bank.simulated.totals().posts_received, len(bank.simulated.postings())) == (calls, 1)


@pytest.mark.rule("ACC-24")
def test_a_client_whose_system_of_record_is_away_does_not_slow_the_others(bank: Bank) -> None:
    service = {"system_of_record": AWAY, "max_retries": 100, **QUICK}
    create_client(bank.accounting, "AWAY", service=service)
    stuck = [bank.credit("AWAY") for _ in range(5)]
    made = [bank.credit() for _ in range(5)]
    for each in made:
        bank.wait(each, "COMPLETED", 1)
    assert {state_of(assignment_of(bank.desk, each)) for each in stuck} == {"PENDING"}
    wait_for(lambda: any(assignment_of(bank.desk, each).attempt_count for each in stuck), 20, "an attempt")
    assert queue(bank.desk, "clients/AWAY") == []


@pytest.mark.rule("ACC-08", "ACC-20")
def test_a_reversal_goes_by_the_same_service_and_names_what_it_reverses(bank: Bank) -> None:
    made = bank.credit()
    bank.wait(made, "COMPLETED")
    (reversal,) = bank.desk.reverse(made.name).reversals
    bank.wait(reversal, "COMPLETED")
    first, second = bank.simulated.postings()
    assert (second.request.debit_account, second.request.credit_account) == (
        first.request.credit_account,
        first.request.debit_account,
    )
    assert second.request.reverses_operation_id == made.name.rpartition("/")[2]
    assert bank.behind.balances(made.name.rpartition("/operations")[0]) == {}
