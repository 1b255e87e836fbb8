"""Senders are killed between an answer and its record: what is posted is executed, once (ACC-23)."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pytest
from sqlalchemy import Connection as Tx

from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.execution.outcomes import Outcomes
from domain.accounting.execution.states import AssignmentState
from domain.deliveries.model import Delivery, Outcome
from domain.flows.accounting import Posting
from server.database.transaction import Database
from server.outbound.addresses import Reach
from server.outbound.connections import Connection
from server.outbound.system_of_record.connectors import connector
from server.outbound.system_of_record.handler import SystemsOfRecord
from server.work.dispatch import Dispatch, DispatchSettings
from tests.accounting.execution.sending import Sending
from tests.accounting.shop import NOW_US, open_shop
from tests.support.simulator import simulating
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.crash, pytest.mark.timeout(120)]

When = Literal["answered", "recorded", "never"]
KILLED = -signal.SIGKILL
_CONTEXT = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Plan:
    """Where a sender sends, and when it dies: before an answer is recorded, or when it is, before the commit."""

    url: str
    target: str
    dies: When


class Mortal(Outcomes):
    """Records outcomes, and dies of it."""

    def __init__(self, dies: When) -> None:
        super().__init__(Configurations(), Posting(), lambda: NOW_US)
        self._dies = dies

    def record(self, tx: Tx, pairs: Sequence[tuple[Delivery, Outcome]]) -> None:
        if self._dies == "answered":
            os.kill(os.getpid(), signal.SIGKILL)
        super().record(tx, pairs)
        if self._dies == "recorded":
            os.kill(os.getpid(), signal.SIGKILL)


def send(plan: Plan) -> None:
    """Send until killed."""
    connectors = {"core": connector(Connection("core", "grpc", plan.target, tls=False), Reach(loopback=True))}
    handler = SystemsOfRecord(connectors, Mortal(plan.dies))
    dispatch = Dispatch([handler], DispatchSettings(lease_s=0.5, poll_s=0.05))
    dispatch.run(Database(plan.url), threading.Event())


@pytest.mark.rule("ACC-23", "ACC-21")
@pytest.mark.parametrize("dies", ["answered", "recorded"])
def test_a_sender_killed_before_an_answer_is_recorded_posts_nothing_twice(database: Database, dies: When) -> None:
    """Another asks with the same key: one posting each, executed once, two details each."""
    shop = open_shop(database)
    sending = Sending(shop)
    made = shop.execute("served", "CREDIT", 100, 200, 300)
    with simulating() as simulated:
        victim = _CONTEXT.Process(target=send, args=(Plan(database.url, simulated.target, dies),), daemon=True)
        victim.start()
        victim.join(60)
        assert victim.exitcode == KILLED
        assert simulated.postings() != []
        assert {sending.assignment(each).state for each in made} == {AssignmentState.PENDING}
        assert sending.details() == 0
        heir = _CONTEXT.Process(target=send, args=(Plan(database.url, simulated.target, "never"),), daemon=True)
        heir.start()
        try:
            done = AssignmentState.COMPLETED
            wait_for(lambda: all(sending.assignment(each).state is done for each in made), 60, "all to be executed")
        finally:
            heir.kill()
            heir.join(60)
        assert sorted(each.request.idempotency_key for each in simulated.postings()) == sorted(
            each.operation_id for each in made
        )
    assert sending.balances("served") == {"SUSPENSE": (-600, 0), "ACCOUNT_HOLDER": (600, 0)}
    assert sending.details() == 6
