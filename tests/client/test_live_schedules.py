"""Schedules through the command line, against a real server on both databases."""

import asyncio
import json

import pytest

from countinghouse.client import aio, connect
from countinghouse.operations.v1 import schedules_pb2
from tests.client.command import run
from tests.support.server import Served

CREATE = ("schedules", "create", "nightly", "--cron", "30 1 * * *", "--time-zone", "Europe/Zurich")


@pytest.mark.rule("PLT-26")
def test_an_operator_keeps_schedules_by_commands(server: Served) -> None:
    """Create, change, pause, resume, run, look, delete: one command each, in words that people know."""
    made = run(server.target, *CREATE, "--date", "created_date_to=yesterday", "--missed", "skip")
    assert made.exit_code == 0, made.output
    assert "created_date_to=yesterday" in made.stdout
    assert "GenerateAccountingMessageRequest" in made.stdout
    for command in (
        ("update", "nightly", "--cron", "0 2 * * MON-FRI", "--request", '{"incremental": true}'),
        ("pause", "nightly"),
        ("run", "nightly"),
        ("resume", "nightly"),
    ):
        done = run(server.target, "schedules", *command)
        assert done.exit_code == 0, done.output
    (seen,) = json.loads(run(server.target, "schedules", "list", "-o", "json").stdout)
    assert (seen["cron"], seen["state"], seen["etag"]) == ("0 2 * * MON-FRI", "SCHEDULE_STATE_ACTIVE", "4")
    assert seen["request"]["incremental"] is True
    assert seen["missedRunPolicy"] == "MISSED_RUN_POLICY_SKIP"
    (ran,) = json.loads(run(server.target, "schedules", "runs", "nightly", "-o", "json").stdout)
    assert ran["outcome"] == "SCHEDULE_RUN_OUTCOME_STARTED"
    assert "started" in run(server.target, "schedules", "get", "nightly").stdout
    assert run(server.target, "schedules", "delete", "nightly").exit_code == 0
    assert run(server.target, "schedules", "get", "nightly").exit_code != 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--date", "created_date_to=tomorrow"), "last-of-previous-month"),
        (("--request", "{"), "--request"),
        (("--request", '{"colour": "red"}'), "colour"),
    ],
)
def test_a_slip_of_the_pen_is_told_before_anything_is_asked(arguments: tuple[str, ...], says: str) -> None:
    """What is no day or no request is told by the command itself."""
    told = run("127.0.0.1:1", *CREATE, *arguments)
    assert told.exit_code == 2
    assert says in told.output


def test_a_cron_line_that_is_none_is_told_with_its_field(server: Served) -> None:
    """The server's words reach who typed it."""
    told = run(server.target, "schedules", "create", "x", "--cron", "61 1 * * *", "--date", "created_date_to=today")
    assert told.exit_code != 0
    assert "schedule.cron" in told.output
    assert "bad minute" in told.output


def test_both_facades_know_schedules(server: Served) -> None:
    """The synchronous client and the asynchronous one list what is there."""
    assert run(server.target, *CREATE, "--date", "created_date_to=yesterday").exit_code == 0
    request = schedules_pb2.ListSchedulesRequest()
    with connect(server.target) as client:
        assert [one.code for one in client.schedules.list(request)] == ["nightly"]
    assert asyncio.run(_listed(server.target, request)) == ["nightly"]


async def _listed(target: str, request: schedules_pb2.ListSchedulesRequest) -> list[str]:
    async with aio.connect(target) as client:
        return [one.code async for one in client.schedules.list(request)]
