"""Adjustments on their way to a system of record: attempts, doubt, rejections, patience, on both databases and ways."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from domain.deliveries import rules
from domain.deliveries import service as outbox
from domain.deliveries.model import Kind, Limits, State
from server.database.transaction import Database
from server.outbound.system_of_record import handler
from server.outbound.system_of_record.model import Connector
from tests.connector.adjusting import LIMITS, all_of, by_grpc, by_http, enqueue, payload, sending
from tests.support.simulator import Simulated, simulating
from tests.support.waiting import wait_for

Way = Callable[[Simulated], Connector]


@pytest.fixture(params=[by_grpc, by_http], ids=["grpc", "http"])
def way(request: pytest.FixtureRequest) -> Way:
    """How the system of record is spoken to."""
    chosen: Way = request.param
    return chosen


@pytest.fixture
def ledger() -> Iterator[Simulated]:
    """A simulated system of record without faults."""
    with simulating() as simulated:
        yield simulated


@pytest.mark.rule("ACC-20", "ACC-21")
def test_an_adjustment_arrives_with_all_that_the_system_needs(database: Database, ledger: Simulated, way: Way) -> None:
    """Both ways carry the same, to the cent; its reference and its instant come back."""
    with sending(database, way(ledger)) as recorded:
        enqueue(database, "op-1", reverses_operation_id="op-0")
        wait_for(recorded.ended, what="the adjustment")
    (posted,) = ledger.postings()
    asked = posted.request
    assert (asked.client, asked.operation, asked.operation_id) == ("acme", "claims/c1/operations/op-1", "op-1")
    assert (asked.idempotency_key, asked.claim, asked.dispute) == ("op-1", "c1", "d1")
    assert (asked.debit_account, asked.credit_account) == ("SUSPENSE-1", "HOLDER-1")
    assert (asked.amount.units, asked.amount.nanos, asked.amount.currency_code) == (150, 0, "USD")
    assert (asked.entry_reason, asked.rule, asked.rule_version) == ("PROVISIONAL", "PROVISIONAL_CREDIT", 3)
    assert (asked.accounting_date.year, asked.accounting_date.month, asked.accounting_date.day) == (2026, 11, 21)
    assert (asked.description, asked.reverses_operation_id) == ("provisional credit", "op-0")
    state, outcome = recorded.ended()["op-1"]
    assert state is State.DELIVERED
    assert outcome.facts == {
        "external_reference": posted.posting.external_reference,
        "posted_us": posted.posting.post_time.ToMicroseconds(),
    }


@pytest.mark.rule("ACC-21", "ACC-22")
@pytest.mark.parametrize(("retries", "calls"), [(3, 4), (0, 1)])
def test_n_retries_are_n_calls_after_the_first_with_one_key(
    database: Database, ledger: Simulated, way: Way, retries: int, calls: int
) -> None:
    """Every call fails: one first call and n more, then it is given up; nobody need doubt that it is not posted."""
    ledger.configure(error_permille=1_000)
    with sending(database, way(ledger)) as recorded:
        enqueue(database, "op-1", limits=Limits(1 + retries, 1_000, 2_000, 16))
        wait_for(recorded.ended, what="the end of the budget")
    given_up = all_of(database)["op-1"]
    assert (given_up.state, given_up.attempts, given_up.in_doubt) == (State.GIVEN_UP, calls, False)
    assert (given_up.reason, ledger.totals().posts_received) == (handler.UNAVAILABLE, calls)
    assert "SIMULATED_FAULT" in given_up.message
    assert not ledger.postings()


@pytest.mark.rule("ACC-22")
def test_a_retry_by_a_person_is_a_new_budget_with_the_same_key(database: Database, ledger: Simulated, way: Way) -> None:
    """Four failures, and four more possible; the first that works posts once, under the key of all."""
    ledger.configure(error_permille=1_000)
    with sending(database, way(ledger)) as recorded:
        enqueue(database, "op-1")
        wait_for(lambda: all_of(database)["op-1"].state is State.GIVEN_UP, what="the end of the budget")
        assert recorded.ended()["op-1"][0] is State.GIVEN_UP
        ledger.configure()
        target = "clients/acme"
        again = database.write(
            lambda tx: outbox.send_again(
                tx, Kind.SYSTEM_OF_RECORD, target, "op-1", limits=LIMITS, payload=payload("op-1")
            )
        )
        assert again is not None
        assert (again.attempts, again.redeliveries, again.state) == (0, 1, State.PENDING)
        wait_for(lambda: all_of(database)["op-1"].state is State.DELIVERED, what="the retry")
    assert [each.request.idempotency_key for each in ledger.postings()] == ["op-1"]


@pytest.mark.rule("ACC-21", "ACC-22")
def test_a_rejection_is_never_tried_again(database: Database, ledger: Simulated, way: Way) -> None:
    """The system refused it for good: one call, its own reason told, and the target is not held back for it."""
    ledger.configure(reject_permille=1_000)
    with sending(database, way(ledger)) as recorded:
        enqueue(database, *(f"op-{number}" for number in range(rules.TROUBLED_FROM + 5)))
        wait_for(lambda: len(recorded.ended()) == rules.TROUBLED_FROM + 5, what="the rejections")
        ledger.configure()
        enqueue(database, "good")
        wait_for(lambda: "good" in recorded.ended(), timeout_s=5, what="the one that is fine")
    refused = all_of(database)["op-0"]
    assert (refused.state, refused.attempts, refused.in_doubt) == (State.GIVEN_UP, 1, False)
    assert (refused.reason, refused.message) == (
        handler.REJECTED,
        "the system of record refused it: SIMULATED_REJECTION",
    )
    assert recorded.ended()["op-0"][1].rejected


@pytest.mark.rule("ACC-21", "ACC-22")
def test_an_answer_that_was_lost_is_asked_for_and_nothing_posted_twice(
    database: Database, ledger: Simulated, way: Way
) -> None:
    """It was posted, and the answer never came: the next attempt looks it up instead of posting again."""
    ledger.configure(lose_answer_permille=1_000)
    with sending(database, way(ledger)) as recorded:
        enqueue(database, "op-1", timeout_us=300_000)
        wait_for(recorded.ended, what="the outcome")
    totals = ledger.totals()
    assert all_of(database)["op-1"].state is State.DELIVERED
    assert (totals.posts_received, totals.currencies[0].count) == (1, 1)
    assert totals.lookups_received >= 1
    assert recorded.pairs[0][1].unanswered
    assert recorded.pairs[0][0].in_doubt
    assert recorded.ended()["op-1"][1].facts["external_reference"] == "SIM-0000000001"


@pytest.mark.rule("ACC-21")
def test_what_is_known_not_to_be_posted_is_posted_again_with_the_same_key(
    database: Database, ledger: Simulated, way: Way
) -> None:
    """It hung and was not posted: once the system says so, it is sent again."""
    ledger.configure(hang_permille=1_000)
    with sending(database, way(ledger)) as recorded:
        enqueue(database, "op-1", timeout_us=300_000)
        wait_for(lambda: recorded.pairs, what="the attempt that hung")
        ledger.configure()
        wait_for(recorded.ended, what="the outcome")
    assert [each.request.idempotency_key for each in ledger.postings()] == ["op-1"]
    assert ledger.totals().lookups_received >= 1


@pytest.mark.rule("ACC-22")
def test_after_the_last_attempt_without_an_answer_the_system_is_asked_once_more(
    database: Database, ledger: Simulated, way: Way
) -> None:
    """One attempt and no retry: its answer was lost, and the lookup that follows finds it posted."""
    ledger.configure(lose_answer_permille=1_000)
    with sending(database, way(ledger)) as recorded:
        enqueue(database, "op-1", limits=Limits(1, 1_000, 2_000, 16), timeout_us=300_000)
        wait_for(recorded.ended, what="the outcome")
        ledger.configure(hang_permille=1_000)
        enqueue(database, "op-2", limits=Limits(1, 1_000, 2_000, 16), timeout_us=300_000)
        wait_for(lambda: "op-2" in recorded.ended(), what="the other outcome")
    first, second = all_of(database)["op-1"], all_of(database)["op-2"]
    assert (first.state, first.attempts) == (State.DELIVERED, 1)
    assert (second.state, second.in_doubt, second.reason) == (State.GIVEN_UP, False, handler.NO_ANSWER)


@pytest.mark.rule("ACC-22")
def test_what_nobody_can_tell_stays_in_doubt(database: Database, ledger: Simulated, way: Way) -> None:
    """Answers are lost and lookups fail: it ends in doubt, cannot be taken back meanwhile, and is asked for again."""
    ledger.configure(lose_answer_permille=1_000, lookup_error_permille=1_000)
    target = "clients/acme"
    with sending(database, way(ledger)) as recorded:
        enqueue(database, "op-1", limits=Limits(2, 400_000, 500_000, 16), timeout_us=300_000)
        wait_for(lambda: recorded.pairs, what="the first attempt")
        assert not database.write(lambda tx: outbox.withdraw(tx, Kind.SYSTEM_OF_RECORD, target, "op-1"))
        wait_for(lambda: all_of(database)["op-1"].state is State.GIVEN_UP, what="the end of the budget")
        given_up = all_of(database)["op-1"]
        assert (given_up.attempts, given_up.in_doubt) == (2, True)
        assert given_up.reason == handler.NO_ANSWER
        posts = ledger.totals().posts_received
        ledger.configure()
        database.write(
            lambda tx: outbox.send_again(
                tx, Kind.SYSTEM_OF_RECORD, target, "op-1", limits=LIMITS, payload=payload("op-1")
            )
        )
        wait_for(lambda: all_of(database)["op-1"].state is State.DELIVERED, what="the lookup")
    assert ledger.totals().posts_received == posts == 1


@pytest.mark.rule("ACC-24")
def test_a_pause_that_is_asked_for_is_kept_for_all_of_a_client(database: Database, ledger: Simulated, way: Way) -> None:
    """Retry-After and RetryInfo hold for what failed and for what comes after it; others go on."""
    ledger.configure("acme", error_permille=1_000, retry_after_ms=1_000)
    with sending(database, way(ledger)) as recorded:
        enqueue(database, "op-1")
        wait_for(lambda: recorded.pairs, what="the attempt that failed")
        began_s = time.monotonic()
        ledger.configure("acme")
        enqueue(database, "op-2")
        enqueue(database, "other-1", client="other")
        wait_for(lambda: "other-1" in recorded.ended(), what="the other client")
        assert time.monotonic() - began_s < 0.8
        assert not {"op-1", "op-2"} & recorded.ended().keys()
        wait_for(lambda: len(recorded.ended()) == 3, what="the rest")
        assert time.monotonic() - began_s > 0.8
    assert all_of(database)["op-2"].attempts == 1  # what held it back is no attempt


@pytest.mark.rule("ACC-24")
def test_a_client_whose_system_is_down_slows_no_other(database: Database, way: Way) -> None:
    """Fifty wait for a system that is dead; the others' two hundred are posted at once, and the fifty keep attempts."""
    with simulating() as dead, simulating(latency_min_ms=2, latency_max_ms=5) as alive:
        dead.configure(hang_permille=1_000)
        limits = Limits(attempts_max=1_000, pause_us=1_000, pause_max_us=2_000, under_way_max=8)
        with sending(database, way(dead), way(alive), hands=16, per_target_max=8) as recorded:
            names = [f"down-{number}" for number in range(50)]
            enqueue(database, *names, client="down", limits=limits, timeout_us=500_000)
            wait_for(lambda: dead.totals().posts_received == 8, what="the hands that the dead client may hold")
            began_s = time.monotonic()
            keys = [f"up-{number}" for number in range(200)]
            enqueue(database, *keys, client="up", connection="ledger-2", limits=limits)
            wait_for(lambda: recorded.ended().keys() >= set(keys), what="the client that is well")
            assert time.monotonic() - began_s < 5
            wait_for(lambda: len(recorded.pairs) > 200 + rules.TROUBLED_FROM, what="the dead client's failures")
            waiting = all_of(database, "down").values()
            assert {each.state for each in waiting} == {State.PENDING}
            assert any(each.attempts == 0 for each in waiting)


@pytest.mark.rule("ACC-24")
def test_a_client_has_no_more_calls_at_once_than_it_may(database: Database, ledger: Simulated, way: Way) -> None:
    """Two senders share a limit of three."""
    ledger.configure(latency_min_ms=20, latency_max_ms=40)
    limits = Limits(4, 1_000, 2_000, under_way_max=3)
    with sending(database, way(ledger)) as first, sending(database, way(ledger)) as second:
        keys = [f"op-{number}" for number in range(40)]
        enqueue(database, *keys, limits=limits)
        wait_for(lambda: len(first.ended()) + len(second.ended()) == 40, what="all adjustments")
    assert ledger.totals().concurrency_max == 3
    assert ledger.totals().posts_received == 40


@pytest.mark.rule("ACC-21", "ACC-22")
def test_a_system_that_this_server_does_not_know_fails_and_says_so(database: Database, ledger: Simulated) -> None:
    """Nothing is sent anywhere, and a person reads why."""
    with sending(database, by_grpc(ledger)) as recorded:
        enqueue(database, "op-1", connection="elsewhere")
        wait_for(recorded.ended, what="the end of the budget")
    failed = all_of(database)["op-1"]
    assert (failed.state, failed.reason, failed.in_doubt) == (State.GIVEN_UP, handler.UNKNOWN_CONNECTION, False)


@pytest.mark.rule("ACC-22")
def test_a_system_that_cannot_be_reached_leaves_nothing_in_doubt(database: Database, way: Way) -> None:
    """No connection, nothing sent: when the attempts are used up it has failed, and a person may settle it at once."""
    with simulating() as gone:
        connector = way(gone)
    with sending(database, connector) as recorded:
        enqueue(database, "op-1")
        wait_for(recorded.ended, what="the end of the budget")
    failed = all_of(database)["op-1"]
    assert (failed.state, failed.attempts, failed.in_doubt) == (State.GIVEN_UP, 4, False)
    assert failed.reason == handler.UNAVAILABLE


@pytest.mark.rule("ACC-24")
def test_unequal_senders_share_a_limit_and_none_keeps_what_it_may_not_send(
    database: Database, ledger: Simulated
) -> None:
    """A slow sender has claimed ahead as another joins: what it may not send any more goes back, and all is posted."""
    ledger.configure(latency_min_ms=10, latency_max_ms=20)
    keys = [f"op-{number}" for number in range(80)]
    with sending(database, by_grpc(ledger), hands=1, per_target_max=4) as slow:
        enqueue(database, *keys, limits=Limits(4, 1_000, 2_000, under_way_max=4))
        wait_for(lambda: slow.pairs, what="the first outcomes")
        with sending(database, by_grpc(ledger), hands=8, per_target_max=8) as quick:
            wait_for(lambda: len(slow.ended()) + len(quick.ended()) == 80, what="all adjustments")
    totals = ledger.totals()
    assert (totals.posts_received, totals.concurrency_max <= 4) == (80, True)
    assert {each.attempts for each in all_of(database).values()} == {1}


@pytest.mark.rule("ACC-20")
def test_outcomes_are_recorded_as_sets(database: Database, ledger: Simulated) -> None:
    """What ended within a moment is told together: accounting changes hundreds with the statements of one."""
    ledger.configure(latency_min_ms=10, latency_max_ms=10)
    with sending(database, by_grpc(ledger)) as recorded:
        enqueue(database, *(f"op-{number}" for number in range(200)))
        wait_for(lambda: len(recorded.ended()) == 200, what="all adjustments")
    assert recorded.sets < 100
    assert len(recorded.pairs) == 200
