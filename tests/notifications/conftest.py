"""What the tests of notifications share: a server that may notify this machine, with short pauses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from countinghouse.operations.v1 import notifications_pb2 as pb
from countinghouse.operations.v1 import notifications_pb2_grpc as grpc_service
from server.database.transaction import Database
from tests.operations import tally
from tests.support.server import Served, serving
from tests.support.waiting import wait_for

Stub = grpc_service.NotificationsServiceStub

MASTER_KEY = b"a master key of the tests, which is long enough"

QUICK: dict[str, Any] = {
    "webhook_loopback": True,
    "webhook_timeout_s": 0.5,
    "delivery_pause_s": 0.05,
    "delivery_pause_max_s": 0.2,
}
"""Settings under which a test need not wait long."""


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """A file with a master key."""
    path = tmp_path / "notification.key"
    path.write_bytes(MASTER_KEY + b"\n")
    return path


@pytest.fixture
def notifying(database: Database, migrated_url: str, tmp_path: Path, key_file: Path) -> Iterator[Served]:
    """A server with its worker that can tally numbers and notifies, on either database."""
    tally.prepare(database)
    chosen = {**QUICK, "notification_key_file": key_file}
    with serving(migrated_url, tmp_path, carries_out=tally.JOBS, **chosen) as served:
        yield served


@pytest.fixture
def stub(notifying: Served) -> Stub:
    """The service of that server."""
    return notifying.stub(Stub)


def create(stub: Stub, url: str, **fields: Any) -> pb.NotificationEndpoint:
    """Create an endpoint."""
    request = pb.CreateNotificationEndpointRequest(notification_endpoint=pb.NotificationEndpoint(url=url, **fields))
    return stub.CreateNotificationEndpoint(request, timeout=10)


def deliveries(stub: Stub, **wanted: Any) -> list[pb.Delivery]:
    """The deliveries that there are, newest first."""
    return list(stub.ListDeliveries(pb.ListDeliveriesRequest(**wanted), timeout=10).deliveries)


def wait_until(stub: Stub, name: str, state: pb.DeliveryState.ValueType, timeout_s: float = 20) -> pb.Delivery:
    """Wait until a delivery is in a state; gives it."""

    def get() -> pb.Delivery:
        return stub.GetDelivery(pb.GetDeliveryRequest(name=name), timeout=10)

    wait_for(lambda: get().state == state, timeout_s, what=f"{name} to be {pb.DeliveryState.Name(state)}")
    return get()
