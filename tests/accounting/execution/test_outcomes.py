"""What systems of record answer becomes what is executed, failed or in doubt."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pytest
from sqlalchemy import Connection

from domain.accounting.channels.model import Channel
from domain.accounting.execution import completing, redoing
from domain.accounting.execution.completing import Report
from domain.accounting.execution.errors import NotRetried, OutcomeKnown, PostedAlready
from domain.accounting.execution.model import TaskKind
from domain.accounting.execution.states import AssignmentState
from domain.accounting.feed.model import EventKind
from domain.accounting.performing import correcting
from domain.accounting.performing.errors import CallInProgress, OutcomeInDoubt
from domain.accounting.performing.model import Operation
from domain.accounting.performing.states import OperationState
from domain.deliveries.model import State
from domain.flows.accounting import Posting
from domain.gl_extraction.details.errors import NoOpenPeriod
from domain.gl_extraction.periods import service as periods
from domain.gl_extraction.periods.service import Change
from domain.kernel.call import Call
from server.database.transaction import Database
from tests.accounting.execution.sending import NO_ANSWER, POSTED_US, REJECTED, UNAVAILABLE, Sending, posted
from tests.accounting.shop import NOW_US, Shop, open_shop


@pytest.mark.rule("ACC-04", "ACC-22")
def test_what_is_posted_is_executed(database: Database) -> None:
    """By whom, when and as what the system of record said; balances, details and the event are there with it."""
    shop = open_shop(database)
    sending = Sending(shop)
    (made,) = shop.execute("served", "CREDIT", 15_000)
    assert sending.balances("served") == {"SUSPENSE": (0, -15_000), "ACCOUNT_HOLDER": (0, 15_000)}
    sending.send(posted("ref-7"))
    done, assignment = sending.operation(made), sending.assignment(made)
    assert (done.state, done.executed_us, done.executed_by) == (
        OperationState.EXECUTED,
        POSTED_US,
        "systemsOfRecord/core",
    )
    assert (done.external_reference, done.performed_by) == ("ref-7", "ada")
    assert (assignment.state, assignment.attempts) == (AssignmentState.COMPLETED, 1)
    assert sending.balances("served") == {"SUSPENSE": (-15_000, 0), "ACCOUNT_HOLDER": (15_000, 0)}
    assert sending.details() == 2
    assert sending.events("served")[-1] is EventKind.OPERATION_EXECUTED
    assert sending.tasks(made) == []


@pytest.mark.rule("ACC-04")
def test_a_clock_that_is_ahead_has_executed_nothing_in_the_future(database: Database) -> None:
    shop = open_shop(database)
    sending = Sending(shop)
    (made,) = shop.execute("served", "CREDIT", 100)
    sending.send(posted(posted_us=NOW_US + 1))
    assert sending.operation(made).executed_us == NOW_US


@pytest.mark.rule("ACC-21", "ACC-22")
def test_four_failures_with_three_retries_fail_the_assignment_and_a_retry_begins_anew(database: Database) -> None:
    """The example of the rules: four calls with one key, one task, balances unchanged; a retry that works closes it."""
    shop = open_shop(database)
    sending = Sending(shop)
    (made,) = shop.execute("served", "CREDIT", 15_000)
    for attempt in (1, 2, 3):
        (sent,) = sending.send(UNAVAILABLE)
        assert (sent.key, sent.state) == (made.operation_id, State.PENDING)
        shown = sending.assignment(made)
        assert (shown.state, shown.attempts, shown.reason) == (
            AssignmentState.PENDING,
            attempt,
            "SERVICE_UNAVAILABLE",
        )
        assert sending.tasks(made) == []
    (last,) = sending.send(UNAVAILABLE)
    assert (last.key, last.state) == (made.operation_id, State.GIVEN_UP)
    shown = sending.assignment(made)
    assert (shown.state, shown.attempts, shown.message) == (AssignmentState.FAILED, 4, "not now")
    (task,) = sending.tasks(made)
    assert (task.kind, task.queue, task.reason) == (TaskKind.SERVICE_FAILED, "SERVICE_FAILED", "SERVICE_UNAVAILABLE")
    assert sending.balances("served")["SUSPENSE"] == (0, -15_000)
    assert sending.events("served")[-1] is EventKind.OPERATION_FAILED
    again = shop.write(redoing.retry, shop.configurations, "served", made.operation_id)
    assert (again.state, again.attempts) == (AssignmentState.PENDING, 0)
    assert sending.tasks(made) == []
    (sent,) = sending.send(UNAVAILABLE)
    assert (sent.key, sent.state, sent.attempts) == (made.operation_id, State.PENDING, 1)
    sending.send(posted())
    assert sending.assignment(made).state is AssignmentState.COMPLETED
    assert sending.balances("served")["SUSPENSE"] == (-15_000, 0)


@pytest.mark.rule("ACC-21", "ACC-22")
def test_a_rejection_fails_at_once(database: Database) -> None:
    shop = open_shop(database)
    sending = Sending(shop)
    (made,) = shop.execute("served", "CREDIT", 100)
    sending.send(REJECTED)
    shown = sending.assignment(made)
    assert (shown.state, shown.attempts, shown.reason) == (AssignmentState.FAILED, 1, "SERVICE_REJECTED")
    assert [task.kind for task in sending.tasks(made)] == [TaskKind.SERVICE_FAILED]


@pytest.mark.rule("ACC-22")
def test_without_an_answer_it_is_in_doubt_until_a_person_records_what_is_shown(database: Database) -> None:
    """Cancel, re-route and completion by hand are refused until then; not posted, all of them are open."""
    shop = open_shop(database)
    sending = Sending(shop)
    (made,) = shop.execute("served", "CREDIT", 100)
    key = {"claim_id": "served", "operation_id": made.operation_id}
    for _ in range(4):
        sending.send(NO_ANSWER)
    shown = sending.assignment(made)
    assert (shown.state, shown.unanswered, shown.attempts) == (AssignmentState.IN_DOUBT, True, 4)
    assert [task.kind for task in sending.tasks(made)] == [TaskKind.IN_DOUBT]
    assert sending.events("served")[-1] is EventKind.OPERATION_IN_DOUBT
    report = Report("served", made.operation_id, "by-hand", 0, "completion_date")
    with pytest.raises(OutcomeInDoubt):
        shop.write(correcting.cancel, **key, reason="wrong")
    with pytest.raises(OutcomeInDoubt):
        shop.write(redoing.reroute, shop.configurations, shop.books, **key, channel=Channel.MANUAL)
    with pytest.raises(OutcomeInDoubt):
        shop.write(completing.complete, shop.configurations, shop.books, report)
    assert sending.assignment(made) == shown
    failed = shop.write(completing.record_not_posted, "served", made.operation_id)
    assert (failed.state, failed.unanswered) == (AssignmentState.FAILED, False)
    assert [task.kind for task in sending.tasks(made)] == [TaskKind.SERVICE_FAILED]
    with pytest.raises(OutcomeKnown):
        shop.write(completing.record_not_posted, "served", made.operation_id)
    done = shop.write(completing.complete, shop.configurations, shop.books, report)
    assert done.state is AssignmentState.COMPLETED
    assert sending.operation(made).executed_by == "ada"
    assert sending.claim() == []


@pytest.mark.rule("ACC-22")
def test_what_is_shown_as_posted_is_executed_by_the_system_of_record(database: Database) -> None:
    shop = open_shop(database)
    sending = Sending(shop)
    (made,) = shop.execute("served", "CREDIT", 100)
    for _ in range(4):
        sending.send(NO_ANSWER)
    report = Report("served", made.operation_id, "ref-9", 0, "posting_date")
    shop.write(completing.record_posted, shop.configurations, shop.books, report)
    done = sending.operation(made)
    assert (done.state, done.executed_by, done.external_reference) == (
        OperationState.EXECUTED,
        "systemsOfRecord/core",
        "ref-9",
    )
    assert sending.tasks(made) == []
    assert sending.claim() == []


@pytest.mark.rule("ACC-22")
def test_what_is_in_doubt_is_asked_for_first_when_it_is_tried_again(database: Database) -> None:
    """The new delivery knows that an attempt had no answer: its handler asks before it posts."""
    shop = open_shop(database)
    sending = Sending(shop)
    (made,) = shop.execute("served", "CREDIT", 100)
    for _ in range(4):
        sending.send(NO_ANSWER)
    shop.write(redoing.retry, shop.configurations, "served", made.operation_id)
    (claimed,) = sending.claim()
    assert claimed.in_doubt
    assert (claimed.attempts, claimed.key) == (1, made.operation_id)


@pytest.mark.rule("ACC-08")
def test_what_is_being_called_is_neither_canceled_nor_re_routed(database: Database) -> None:
    """Nor what had no answer and is tried again; what was not called yet is, and then nothing is sent."""
    shop = open_shop(database)
    sending = Sending(shop)
    made, other = shop.execute("served", "CREDIT", 100, 200)
    (claimed,) = sending.claim(free=1)
    calling = made if claimed.key == made.operation_id else other
    waiting = other if calling is made else made
    reroute = (shop.configurations, shop.books)
    key = {"claim_id": "served", "operation_id": calling.operation_id}
    for outcome in (None, NO_ANSWER):
        if outcome is not None:
            sending.record([(claimed, outcome)])
        with pytest.raises(CallInProgress):
            shop.write(correcting.cancel, **key, reason="wrong")
        with pytest.raises(CallInProgress):
            shop.write(redoing.reroute, *reroute, **key, channel=Channel.MANUAL)
    shop.write(correcting.cancel, claim_id="served", operation_id=waiting.operation_id, reason="wrong")
    assert sending.assignment(waiting).state is AssignmentState.CANCELED
    assert [delivery.key for delivery in sending.claim()] == [calling.operation_id]


@pytest.mark.rule("ACC-08", "ACC-22")
def test_what_failed_can_be_canceled_and_its_task_is_closed(database: Database) -> None:
    shop = open_shop(database)
    sending = Sending(shop)
    (made,) = shop.execute("served", "CREDIT", 100)
    sending.send(REJECTED)
    shop.write(correcting.cancel, claim_id="served", operation_id=made.operation_id, reason="wrong")
    assert sending.tasks(made) == []
    assert sending.balances("served")["SUSPENSE"] == (0, 0)
    with pytest.raises(NotRetried):
        shop.write(redoing.retry, shop.configurations, "served", made.operation_id)


@pytest.mark.rule("ACC-22")
def test_a_set_of_outcomes_is_recorded_in_one_transaction(database: Database) -> None:
    """Posted, rejected, put off and in doubt beside each other, of two claims: each becomes what it is."""
    shop = open_shop(database, disputes=4)
    sending = Sending(shop)
    made = shop.execute("served", "CREDIT", 100, 200, 300, 400)
    answers = dict(zip([each.operation_id for each in made], [posted(), REJECTED, UNAVAILABLE, NO_ANSWER], strict=True))
    sending.send(answers)
    assert [sending.assignment(each).state.value for each in made] == ["COMPLETED", "FAILED", "PENDING", "PENDING"]
    assert [sending.assignment(each).unanswered for each in made] == [False, False, False, True]
    assert sending.balances("served")["SUSPENSE"] == (-100, -900)


@pytest.mark.rule("ACC-22")
def test_what_the_ledger_takes_is_executed_beside_what_it_does_not(database: Database) -> None:
    """Of five that were posted outside, it refuses the second and the fifth."""
    shop = open_shop(database, disputes=5)
    made = shop.execute("served", "CREDIT", 100, 200, 300, 400, 500)
    sending = Sending(shop, Choosy({made[1].operation_id, made[4].operation_id}))
    sending.send(posted())
    states = [sending.assignment(each).state.value for each in made]
    assert states == ["COMPLETED", "IN_DOUBT", "COMPLETED", "COMPLETED", "IN_DOUBT"]
    assert sending.details() == 6
    assert sending.balances("served")["SUSPENSE"] == (-800, -700)


class Choosy(Posting):
    """A ledger that does not take some operations."""

    def __init__(self, refused: Collection[str]) -> None:
        self._refused = refused

    def post(self, tx: Connection, call: Call, executed: Sequence[Operation]) -> None:
        if any(each.operation_id in self._refused for each in executed):
            raise NoOpenPeriod("GL", 20261118)
        super().post(tx, call, executed)


@pytest.mark.rule("ACC-22")
def test_what_is_posted_while_the_ledger_is_closed_is_not_lost(database: Database) -> None:
    """It is in doubt, with the ledger's reason, until a person records it once the period is open."""
    shop = open_shop(database)
    sending = Sending(shop)
    made = shop.execute("served", "CREDIT", 100, 200, 300)
    _set_period(shop, closed=True)
    sending.send({each.operation_id: posted(f"ref-{at}") for at, each in enumerate(made)})
    for at, each in enumerate(made):
        shown = sending.assignment(each)
        assert (shown.state, shown.unanswered, shown.reason) == (AssignmentState.IN_DOUBT, False, "NO_OPEN_PERIOD")
        assert f"'ref-{at}'" in shown.message
        assert [task.kind for task in sending.tasks(each)] == [TaskKind.IN_DOUBT]
    assert (sending.details(), sending.claim()) == (0, [])
    first = made[0]
    with pytest.raises(PostedAlready):
        shop.write(redoing.retry, shop.configurations, "served", first.operation_id)
    with pytest.raises(PostedAlready):
        shop.write(completing.record_not_posted, "served", first.operation_id)
    report = Report("served", first.operation_id, "ref-0", 0, "posting_date")
    with pytest.raises(NoOpenPeriod):
        shop.write(completing.record_posted, shop.configurations, shop.books, report)
    _set_period(shop, closed=False)
    shop.write(completing.record_posted, shop.configurations, shop.books, report)
    assert sending.operation(first).state is OperationState.EXECUTED
    assert sending.details() == 2


def _set_period(shop: Shop, *, closed: bool) -> None:
    """Close or reopen the one period of the ledger."""

    def write(tx: Connection) -> None:
        move = periods.close if closed else periods.reopen
        move(tx, shop.call(), Change("GL", "2026", etag="", reason=""))

    shop.database.write(write)
