"""Notifications from the end of an operation to a receiver that fails at first, through a real server and worker."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import grpc
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc

from countinghouse.gl_extraction.v1 import extraction_pb2
from countinghouse.operations.v1 import data_files_pb2, data_files_pb2_grpc
from countinghouse.operations.v1 import notifications_pb2 as pb
from server.database.transaction import Database
from tests.notifications.conftest import QUICK, Stub, create, deliveries, wait_until
from tests.operations import tally
from tests.support.receiver import Answer, receiving
from tests.support.server import Served, refusal, serving
from tests.support.waiting import wait_for
from tests.wire.gl_extraction import samples

DELIVERED, GIVEN_UP = pb.DELIVERY_STATE_DELIVERED, pb.DELIVERY_STATE_GIVEN_UP
LOOPBACK_CLOSED = "http://127.0.0.1:9/"  # nobody listens there


@pytest.mark.rule("PLT-25")
def test_an_extraction_notifies_with_links_that_lead_to_what_it_made(
    migrated_url: str, tmp_path: Path, key_file: Path
) -> None:
    """A signed CloudEvents event arrives, and the operation, the batch and the set can be got by its links."""
    with (
        serving(migrated_url, tmp_path, **QUICK, notification_key_file=key_file) as served,
        receiving() as receiver,
    ):
        gl, stub = served.stub(samples.Gl), served.stub(Stub)
        endpoint = create(stub, receiver.url(), event_types=["countinghouse.operation.succeeded"])
        samples.open_books(gl)
        gl.IngestAccountingDetails(samples.messages([samples.row(debit=samples.usd(7_654_321))]))
        started = gl.GenerateAccountingMessage(
            extraction_pb2.GenerateAccountingMessageRequest(group_account_code="GA1")
        )
        (received,) = receiver.wait_for(1)
        event = received.event(endpoint.secret)

        assert received.headers["content-type"].startswith("application/cloudevents+json")
        assert (event["specversion"], event["source"]) == ("1.0", "countinghouse")
        assert event["type"] == "countinghouse.operation.succeeded"
        assert event["id"] == received.key
        assert event["subject"] == event["data"]["operation"] == started.name
        assert event["data"]["state"] == "SUCCEEDED"
        links = event["data"]["links"]
        assert set(links) == {"operation", "extraction_batch", "data_file_set"}
        batch = gl.GetExtractionBatch(extraction_pb2.GetExtractionBatchRequest(name=links["extraction_batch"]))
        assert batch.operation == links["operation"]
        files = served.stub(data_files_pb2_grpc.DataFilesServiceStub)
        found = files.GetDataFileSet(data_files_pb2.GetDataFileSetRequest(name=links["data_file_set"]))
        assert found.name == batch.data_file_set
        assert b"7654321" not in received.body
        assert b"P-1" not in received.body


@pytest.mark.rule("PLT-25")
def test_a_receiver_that_fails_at_first_gets_it_in_the_end_with_one_key(
    notifying: Served, stub: Stub, database: Database
) -> None:
    """500, a redirect, no answer in time, a broken connection, garbage: each is tried again; the work stands."""
    failures = {
        1: Answer(500),
        2: Answer(302, headers={"location": "/elsewhere"}),
        3: Answer(after_s=1.5),
        4: Answer(reset=True),
        5: Answer(garbage=b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        6: Answer(429, headers={"retry-after": "0"}),
    }
    with receiving(lambda number: failures.get(number, Answer())) as receiver:
        endpoint = create(stub, receiver.url())
        operation_id = tally.start(database, numbers=10, size=5)
        received = receiver.wait_for(7)
        (found,) = deliveries(stub, subject=f"operations/{operation_id}")
        done = wait_until(stub, found.name, DELIVERED)
    assert {each.path for each in received} == {"/hook"}
    assert {each.key for each in received} == {done.key}
    assert len({each.body for each in received}) == 1
    for each in received:
        assert each.event(endpoint.secret)["subject"] == f"operations/{operation_id}"
    assert (done.attempts, done.failure_reason) == (7, "")
    assert tally.look(database, operation_id).state == "SUCCEEDED"


@pytest.mark.rule("PLT-25")
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(500, body=b"a secret of the receiver"), ("WEBHOOK_REFUSED", "the receiver answered 500")),
        (Answer(301, headers={"location": "http://127.0.0.1:9/"}), ("WEBHOOK_REDIRECTED", "the receiver answered 301")),
        (Answer(after_s=1), ("WEBHOOK_TOO_SLOW", "no answer within 0.5 s")),
        (Answer(reset=True), ("WEBHOOK_BROKE_OFF", "the connection broke")),
        (Answer(garbage=b"nonsense\r\n\r\n"), ("WEBHOOK_NOT_HTTP", "no HTTP")),
        (Answer(410), ("WEBHOOK_REFUSED", "the receiver answered 410")),
    ],
    ids=["500", "redirect", "slow", "reset", "garbage", "gone"],
)
def test_a_failed_delivery_says_why_and_nothing_of_the_answer(
    migrated_sqlite_url: str, tmp_path: Path, key_file: Path, answer: Answer, told: tuple[str, str]
) -> None:
    """The reason is stable, the sentence for people; the receiver's body is not kept."""
    chosen = {**QUICK, "notification_key_file": key_file, "delivery_attempts_max": 1}
    with (
        serving(migrated_sqlite_url, tmp_path, carries_out=(), **chosen) as served,
        receiving(lambda _: answer) as receiver,
    ):
        stub = served.stub(Stub)
        endpoint = create(stub, receiver.url())
        test = stub.TestNotificationEndpoint(pb.TestNotificationEndpointRequest(name=endpoint.name))
        found = wait_until(stub, test.name, GIVEN_UP)
        assert found.failure_reason == told[0]
        assert told[1] in found.failure_message
        assert "secret" not in found.failure_message
        assert len(receiver.received) == 1


@pytest.mark.rule("PLT-25")
def test_what_was_given_up_is_seen_and_sent_again(notifying: Served, stub: Stub, database: Database) -> None:
    """Nobody listens, then somebody does: the list shows what was lost, and a call sends it again."""
    answer = [Answer(410)]
    with receiving(lambda _: answer[0]) as receiver:
        endpoint = create(stub, receiver.url())
        operation_id = tally.start(database, numbers=4, size=2)
        wait_for(lambda: deliveries(stub, state=GIVEN_UP), what="a delivery given up")
        (lost,) = deliveries(stub, state=GIVEN_UP, target=endpoint.name)
        assert lost.subject == f"operations/{operation_id}"

        answer[0] = Answer(200)
        again = stub.RedeliverDelivery(pb.RedeliverDeliveryRequest(name=lost.name, request_id="again-1"))
        assert (again.state, again.redeliveries) == (pb.DELIVERY_STATE_PENDING, 1)
        done = wait_until(stub, lost.name, DELIVERED)
        repeated = stub.RedeliverDelivery(pb.RedeliverDeliveryRequest(name=lost.name, request_id="again-1"))
        assert repeated == again
        first, second = receiver.received
    assert (first.key, first.body) == (second.key, second.body)
    assert done.redeliveries == 1
    assert [each.name for each in deliveries(stub, key=done.key)] == [done.name]
    assert deliveries(stub, state=GIVEN_UP) == []


@pytest.mark.rule("PLT-25")
def test_failed_and_canceled_operations_notify_those_who_want_to_know(
    notifying: Served, stub: Stub, database: Database
) -> None:
    """Each type goes to the endpoints that ask for it, and to those that ask for all."""
    with receiving() as receiver:
        everything = create(stub, receiver.url(path="/all"))
        failures = create(stub, receiver.url(path="/failures"), event_types=["countinghouse.operation.failed"])
        create(stub, receiver.url(path="/none"), disabled=True)
        failing = tally.start(database, numbers=4, size=2, bad=3, way="refuse")
        receiver.wait_for(2)
        operations = notifying.stub(operations_pb2_grpc.OperationsStub)
        operations.CancelOperation(operations_pb2.CancelOperationRequest(name=f"operations/{failing}"))
        received = receiver.wait_for(3)
    told = sorted((each.path, each.event(_secret_of(each.path, everything, failures))["type"]) for each in received)
    assert told == [
        ("/all", "countinghouse.operation.canceled"),
        ("/all", "countinghouse.operation.failed"),
        ("/failures", "countinghouse.operation.failed"),
    ]
    (failed,) = (each for each in received if each.path == "/failures")
    event = failed.event(failures.secret)
    assert event["data"]["reason"] == "NUMBER_REFUSED"


@pytest.mark.rule("PLT-25")
def test_a_dead_endpoint_holds_up_no_other(notifying: Served, stub: Stub) -> None:
    """While an endpoint never answers, the others get theirs at once."""
    with receiving(lambda _: Answer(after_s=2)) as dead, receiving() as alive:
        slow, quick = create(stub, dead.url()), create(stub, alive.url())
        for _ in range(20):
            stub.TestNotificationEndpoint(pb.TestNotificationEndpointRequest(name=slow.name))
        dead.wait_for(4)
        for _ in range(20):
            stub.TestNotificationEndpoint(pb.TestNotificationEndpointRequest(name=quick.name))
        alive.wait_for(20, timeout_s=10)
        assert deliveries(stub, target=slow.name, state=DELIVERED) == []


@pytest.mark.rule("PLT-25")
def test_an_unreachable_endpoint_never_undoes_the_work(notifying: Served, stub: Stub, database: Database) -> None:
    """The operation succeeded, whatever became of its notification."""
    endpoint = create(stub, LOOPBACK_CLOSED)
    operation_id = tally.start(database, numbers=10, size=5)
    wait_for(lambda: [each for each in deliveries(stub) if each.failure_reason], what="a failure")
    (found,) = deliveries(stub, target=endpoint.name)
    assert found.failure_reason == "WEBHOOK_UNREACHABLE"
    assert found.state == pb.DELIVERY_STATE_PENDING
    assert tally.tally_of(database, operation_id) == tally.whole(10)


@pytest.mark.rule("PLT-25")
def test_a_deleted_endpoint_gets_nothing_more(notifying: Served, stub: Stub) -> None:
    """What waits for it is given up with a reason, and can still be seen."""
    endpoint = create(stub, LOOPBACK_CLOSED)
    test = stub.TestNotificationEndpoint(pb.TestNotificationEndpointRequest(name=endpoint.name))
    stub.DeleteNotificationEndpoint(pb.DeleteNotificationEndpointRequest(name=endpoint.name, etag=endpoint.etag))
    assert wait_until(stub, test.name, GIVEN_UP).failure_reason == "NOTIFICATION_ENDPOINT_NOT_FOUND"
    gone = partial(stub.GetNotificationEndpoint, pb.GetNotificationEndpointRequest(name=endpoint.name))
    assert refusal(gone).code is grpc.StatusCode.NOT_FOUND


def _secret_of(path: str, everything: pb.NotificationEndpoint, failures: pb.NotificationEndpoint) -> str:
    return failures.secret if path == "/failures" else everything.secret
