"""Senders that are killed after the system of record answered, and before that was recorded (ACC-23)."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from domain.deliveries.model import Limits, State
from server.database.transaction import Database
from server.outbound.system_of_record import handler
from tests.connector.adjusting import all_of, by_grpc, enqueue, sending
from tests.house.tree import ROOT
from tests.support.simulator import Simulated, simulating
from tests.support.waiting import wait_for

LEASE_S = 1.0


@contextmanager
def sender(database: Database, ledger: Simulated) -> Iterator[subprocess.Popen[bytes]]:
    """A process that sends."""
    command = [sys.executable, "-m", "tests.connector.sending_process", database.url, ledger.target, str(LEASE_S)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait(20)


@pytest.mark.rule("ACC-21", "ACC-23")
@pytest.mark.crash
def test_a_sender_killed_before_it_recorded_leaves_each_posted_once(database: Database, crash_run: int) -> None:
    """Forty are under way and posted when it dies: the next sender asks, finds them, and posts the others."""
    del crash_run
    keys = [f"op-{number}" for number in range(40)]
    limits = Limits(4, 10_000, 20_000, 16)
    with simulating(lose_answer_permille=300) as ledger:
        enqueue(database, *keys, limits=limits, timeout_us=3_000_000)
        with sender(database, ledger) as process:
            wait_for(lambda: ledger.totals().posts_received >= 12, what="posts under way")
            process.kill()
            process.wait(20)
        ledger.configure()
        with sending(database, by_grpc(ledger), lease_s=LEASE_S):
            wait_for(
                lambda: {each.state for each in all_of(database).values()} == {State.DELIVERED},
                timeout_s=40,
                what="all of them",
            )
        posted = Counter(each.request.idempotency_key for each in ledger.postings())
        assert posted == Counter(keys)
        assert ledger.totals().posts_repeated == 0  # what was in doubt was asked for first


@pytest.mark.rule("ACC-22", "ACC-23")
def test_attempts_that_all_died_with_their_senders_end_by_what_the_system_says(database: Database) -> None:
    """One attempt each, all lost in mid-call: what is posted has arrived, what is not has failed, without doubt."""
    limits = Limits(1, 10_000, 20_000, 16)
    with simulating(lose_answer_permille=1_000) as ledger:
        ledger.configure("other", hang_permille=1_000)
        enqueue(database, "posted", limits=limits, timeout_us=20_000_000)
        enqueue(database, "not-posted", client="other", limits=limits, timeout_us=20_000_000)
        with sender(database, ledger):
            wait_for(lambda: len(ledger.postings()) == 1, what="the posting")
            wait_for(lambda: ledger.totals().posts_received == 2, what="the post that hangs")
        for client in ("", "other"):
            ledger.configure(client)
        with sending(database, by_grpc(ledger), lease_s=LEASE_S) as recorded:
            wait_for(lambda: recorded.ended().keys() >= {"posted", "not-posted"}, what="both ends")
        posted, lost = all_of(database)["posted"], all_of(database, "other")["not-posted"]
        assert (posted.state, recorded.ended()["posted"][1].facts["external_reference"]) == (
            State.DELIVERED,
            "SIM-0000000001",
        )
        assert (lost.state, lost.reason, lost.in_doubt) == (State.GIVEN_UP, "DELIVERY_LOST_ITS_SENDERS", False)
        assert ledger.totals().posts_received == 2


@pytest.mark.rule("ACC-22", "ACC-23")
def test_lost_attempts_stay_in_doubt_while_the_system_cannot_be_asked(database: Database) -> None:
    """Its sender died, and the system does not answer lookups: a person must find out."""
    with simulating(lose_answer_permille=1_000) as ledger:
        enqueue(database, "op-1", limits=Limits(1, 10_000, 20_000, 16), timeout_us=20_000_000)
        with sender(database, ledger):
            wait_for(lambda: len(ledger.postings()) == 1, what="the posting")
        ledger.configure(lookup_error_permille=1_000)
        with sending(database, by_grpc(ledger), lease_s=LEASE_S) as recorded:
            wait_for(recorded.ended, what="its end")
    given_up = all_of(database)["op-1"]
    assert (given_up.state, given_up.reason, given_up.in_doubt) == (State.GIVEN_UP, handler.NO_ANSWER, True)
