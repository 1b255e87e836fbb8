"""What time brings: what is late is escalated, what comes due without its channel waits for a person."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Connection

from domain.accounting.channels.model import Channel
from domain.accounting.configuration.model import ServiceLevel, Settlement
from domain.accounting.configuration.registers import CLIENTS, SHELF
from domain.accounting.execution import passing
from domain.accounting.execution.model import EXCEPTION_QUEUE, TaskKind
from domain.accounting.execution.states import AssignmentState
from domain.kernel.registers import store
from server.database.transaction import Database
from server.telemetry import census
from tests.accounting.execution.sending import REJECTED, UNAVAILABLE, Sending, posted
from tests.accounting.shop import NOW_US, RULES, Shop, open_shop, rule

HOUR_US = 3_600_000_000
LATE = {Channel.SERVICE: ServiceLevel(goal_us=0, deadline_us=HOUR_US)}
BOTH = rule("BOTH", "SUSPENSE", "ACCOUNT_HOLDER", settlement=Settlement("LOSS", "SUSPENSE", "settle"))


def escalate(shop: Shop) -> int:
    return int(shop.write(passing.escalate, most=100))


@pytest.mark.rule("ACC-12")
def test_a_late_call_gets_a_task_which_the_failure_takes_over(database: Database) -> None:
    """One task of a thing at a time: that it is late, then that it failed; it stays among the exceptions."""
    shop = open_shop(database, service_levels=LATE)
    sending = Sending(shop)
    (made,) = shop.execute("served", "CREDIT", 100)
    sending.send(UNAVAILABLE)
    shop.now_us = NOW_US + HOUR_US
    assert escalate(shop) == 1
    (late,) = sending.tasks(made)
    assert (late.kind, late.queue, late.reason) == (TaskKind.OVERDUE, EXCEPTION_QUEUE, "SERVICE_UNAVAILABLE")
    assert sending.assignment(made).state is AssignmentState.PENDING
    sending.send(REJECTED)
    (failed,) = sending.tasks(made)
    assert (failed.kind, failed.queue) == (TaskKind.SERVICE_FAILED, EXCEPTION_QUEUE)
    assert escalate(shop) == 0


@pytest.mark.rule("ACC-12")
def test_a_late_call_that_works_after_all_closes_its_task(database: Database) -> None:
    shop = open_shop(database, service_levels=LATE)
    sending = Sending(shop)
    (made,) = shop.execute("served", "CREDIT", 100)
    shop.now_us = NOW_US + HOUR_US
    escalate(shop)
    sending.send(posted())
    assert sending.tasks(made) == []
    assert sending.assignment(made).state is AssignmentState.COMPLETED
    shop.now_us += HOUR_US
    assert escalate(shop) == 0


@pytest.mark.rule("ACC-06", "ACC-10")
def test_a_second_operation_whose_channel_is_gone_waits_for_a_person(database: Database) -> None:
    """The first is executed all the same: nothing of what was posted is lost."""
    shop = open_shop(database, rules=(*RULES, BOTH))
    sending = Sending(shop)
    first, second = shop.execute("served", "BOTH", 100)
    assert sending.assignment(second).state is AssignmentState.WAITING
    database.write(_without_service)
    sending.send(posted())
    assert sending.assignment(first).state is AssignmentState.COMPLETED
    shown = sending.assignment(second)
    assert (shown.state, shown.reason) == (AssignmentState.FAILED, "CHANNEL_NOT_CONFIGURED")
    assert [task.kind for task in sending.tasks(second)] == [TaskKind.SERVICE_FAILED]
    assert sending.claim() == []


@pytest.mark.rule("ACC-12", "PLT-42")
def test_what_is_late_and_what_waits_for_people_is_counted(database: Database) -> None:
    shop = open_shop(database, service_levels=LATE)
    for client in ("served", "manual", "manual"):
        shop.execute(client, "CREDIT", 100)

    def counted() -> tuple[int, int, int]:
        taken = database.read(lambda tx: census.take(tx, shop.now_us)).accounting
        return taken.overdue, taken.tasks["MANUAL_EXECUTION"], taken.tasks[EXCEPTION_QUEUE]

    assert counted() == (0, 2, 0)
    shop.now_us = NOW_US + HOUR_US
    assert counted() == (1, 2, 0)
    escalate(shop)
    assert counted() == (1, 2, 1)


def _without_service(tx: Connection) -> None:
    client = store.find(tx, CLIENTS, "SERVED")
    assert client is not None
    settings = replace(client.settings, service=None)
    store.change(tx, CLIENTS, replace(client, settings=settings, version=client.version + 1))
    store.grow_version(tx, SHELF)
