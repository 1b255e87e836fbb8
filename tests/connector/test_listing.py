"""Adjustments among the deliveries that a server lists."""

from __future__ import annotations

import grpc
import pytest

from countinghouse.operations.v1 import notifications_pb2 as pb
from countinghouse.operations.v1.notifications_pb2_grpc import NotificationsServiceStub
from domain.deliveries import service as outbox
from domain.deliveries.model import Kind
from server.database.transaction import Database
from tests.connector.adjusting import enqueue
from tests.support.server import Served, refusal


@pytest.mark.rule("ACC-22")
def test_adjustments_are_listed_and_not_sent_again_as_deliveries(migrated_url: str, server: Served) -> None:
    """People see where they stand, those taken back too; an assignment is retried, never its delivery."""
    database = Database(migrated_url)
    enqueue(database, "op-1")
    database.write(lambda tx: outbox.withdraw(tx, Kind.SYSTEM_OF_RECORD, "clients/acme", "op-1"))
    database.dispose()
    stub = server.stub(NotificationsServiceStub)
    listed = stub.ListDeliveries(
        pb.ListDeliveriesRequest(
            kind=pb.DELIVERY_KIND_SYSTEM_OF_RECORD, state=pb.DELIVERY_STATE_WITHDRAWN, target="clients/acme"
        ),
        timeout=10,
    )
    (one,) = listed.deliveries
    assert (one.key, one.subject, one.attempts) == ("op-1", "claims/c1/operations/op-1", 0)
    refused = refusal(lambda: stub.RedeliverDelivery(pb.RedeliverDeliveryRequest(name=one.name), timeout=10))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "DELIVERY_RETRIED_ELSEWHERE")
    assert refused.metadata["subject"] == "claims/c1/operations/op-1"
