"""Notifications through the command line and the client, against a real server on both databases."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from countinghouse.client import aio
from countinghouse.operations.v1 import notifications_pb2 as pb
from tests.client.command import run
from tests.support.receiver import Answer, receiving
from tests.support.server import Served, serving
from tests.support.waiting import wait_for


@pytest.fixture
def server(migrated_url: str, tmp_path: Path) -> Iterator[Served]:
    """A server that may notify this machine."""
    key = tmp_path / "notification.key"
    key.write_text("a master key of the tests, which is long enough\n")
    chosen: dict[str, Any] = {"webhook_loopback": True, "notification_key_file": key, "delivery_pause_s": 0.05}
    with serving(migrated_url, tmp_path, carries_out=(), **chosen) as served:
        yield served


@pytest.mark.rule("PLT-25")
def test_an_operator_keeps_endpoints_and_sends_again_by_commands(server: Served) -> None:
    """Create, test, change, rotate, look, send again, delete: one command each."""
    answer = [Answer(410)]

    def command(*arguments: str) -> str:
        done = run(server.target, "notifications", *arguments)
        assert done.exit_code == 0, done.output
        return str(done.stdout)

    with receiving(lambda _: answer[0]) as receiver:
        made = json.loads(command("create", receiver.url(), "--type", "countinghouse.operation.failed", "-o", "json"))
        name, secret = made["name"].partition("/")[2], made["secret"]
        assert secret.startswith("whsec_")
        assert secret not in command("get", name) + command("list", "-o", "json")

        test = json.loads(command("test", name, "-o", "json"))["name"].partition("/")[2]
        wait_for(lambda: json.loads(command("deliveries", "--state", "given-up", "-o", "json")), what="a refusal")
        assert "WEBHOOK_REFUSED" in command("delivery", test)
        answer[0] = Answer(200)
        command("redeliver", test)
        found = ("deliveries", "--state", "delivered", "--endpoint", name, "-o", "json")
        wait_for(lambda: json.loads(command(*found)), what="the delivery")
        assert receiver.received[-1].event(secret)

    changed = json.loads(command("update", name, "--disable", "--all-types", "-o", "json"))
    assert (changed["disabled"], changed.get("eventTypes", [])) == (True, [])
    rotated = json.loads(command("rotate-secret", name, "-o", "json"))
    assert rotated["secret"] not in {"", secret}
    command("delete", name)
    assert run(server.target, "notifications", "get", name).exit_code != 0


def test_the_asynchronous_client_has_the_same_calls(server: Served) -> None:
    """Create, list, and the deliveries of a test."""

    async def calls() -> tuple[list[str], list[str]]:
        async with aio.connect(server.target) as client:
            endpoint = pb.NotificationEndpoint(url="http://127.0.0.1:9/")
            made = await client.notifications.create_endpoint(
                pb.CreateNotificationEndpointRequest(notification_endpoint=endpoint)
            )
            await client.notifications.test_endpoint(pb.TestNotificationEndpointRequest(name=made.name))
            request = pb.ListNotificationEndpointsRequest()
            names = [each.name async for each in client.notifications.list_endpoints(request)]
            targets = [each.target async for each in client.notifications.list_deliveries(pb.ListDeliveriesRequest())]
            await client.notifications.delete_endpoint(pb.DeleteNotificationEndpointRequest(name=made.name))
            return names, targets

    names, targets = asyncio.run(calls())
    assert len(names) == 1
    assert targets == names
