"""Receipts by a real client: the receiver says what it has taken, in ranges, once and for good."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.timestamp_pb2 import Timestamp

from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details
from countinghouse.gl_extraction.v1 import extraction_pb2
from countinghouse.gl_extraction.v1 import receipts_pb2 as pb
from countinghouse.operations.v1 import audit_pb2, audit_pb2_grpc
from tests.support.server import Served, refusal
from tests.wire.gl_extraction.samples import Gl, messages, row
from tests.wire.gl_extraction.test_extraction import Client, client, extracting

__all__ = ["client", "extracting"]

pytestmark = pytest.mark.rule("GLX-25")
Spans = list[tuple[int, int]]
OPEN, ACKNOWLEDGED, REJECTED = (
    pb.MESSAGE_RECEIPT_STATE_OPEN,
    pb.MESSAGE_RECEIPT_STATE_ACKNOWLEDGED,
    pb.MESSAGE_RECEIPT_STATE_REJECTED,
)


@pytest.fixture
def sent(client: Client) -> extraction_pb2.GenerateAccountingMessageResponse:
    """A batch of ten messages with the ids from 1 to 10."""
    rows = (row(n, bulking_group=f"B{n}") for n in range(30))
    client.gl.IngestAccountingDetails(messages(rows), timeout=20)
    done = client.run(origin=details.ORIGIN_FINANCIAL)
    assert (done.first_message_id, done.message_count) == (1, 10)
    return done


def ranges(spans: Spans) -> list[pb.MessageRange]:
    return [pb.MessageRange(first_message_id=first, last_message_id=last) for first, last in spans]


def acknowledge(gl: Gl, name: str, spans: Spans, **more: Any) -> pb.AcknowledgeMessagesResponse:
    request = pb.AcknowledgeMessagesRequest(name=name, message_ranges=ranges(spans), **more)
    answer: pb.AcknowledgeMessagesResponse = gl.AcknowledgeMessages(request, timeout=20)
    return answer


def reject(gl: Gl, name: str, spans: Spans, **more: Any) -> pb.RejectMessagesResponse:
    request = pb.RejectMessagesRequest(name=name, message_ranges=ranges(spans), **{"reason": "period closed"} | more)
    answer: pb.RejectMessagesResponse = gl.RejectMessages(request, timeout=20)
    return answer


def receipts(gl: Gl, name: str, page_size: int = 2, **asked: Any) -> Iterator[tuple[int, int, int]]:
    token = ""
    while True:
        request = pb.ListMessageReceiptsRequest(parent=name, page_size=page_size, page_token=token, **asked)
        answer = gl.ListMessageReceipts(request, timeout=20)
        for one in answer.message_receipts:
            yield one.first_message_id, one.last_message_id, one.state
        token = answer.next_page_token
        if not token:
            return


def standing_out(gl: Gl, **asked: Any) -> list[pb.BatchReceipt]:
    return list(gl.ListBatchReceipts(pb.ListBatchReceiptsRequest(**asked), timeout=20).batch_receipts)


def test_the_receiver_takes_some_messages_and_rejects_others(client: Client, sent: Any) -> None:
    """Ranges become acknowledged or rejected, the rest stays open; said again, nothing changes."""
    name = sent.extraction_batch
    answer = acknowledge(client.gl, name, [(1, 4), (3, 6), (9, 9)], reference="JE-7")
    assert (answer.changed_count, answer.unchanged_count) == (7, 0)
    assert answer.counts == pb.MessageReceiptCounts(message_count=10, open_count=3, acknowledged_count=7)
    again = acknowledge(client.gl, name, [(6, 7)], reference="JE-8")
    assert (again.changed_count, again.unchanged_count) == (1, 1)
    rejected = reject(client.gl, name, [(8, 0)], reference="X-1")
    assert rejected.counts == pb.MessageReceiptCounts(
        message_count=10, open_count=1, acknowledged_count=8, rejected_count=1
    )
    every = [(1, 6, ACKNOWLEDGED), (7, 7, ACKNOWLEDGED), (8, 8, REJECTED), (9, 9, ACKNOWLEDGED), (10, 10, OPEN)]
    for page_size in (1, 2, 3, 50):
        assert list(receipts(client.gl, name, page_size)) == every
        for state in (OPEN, ACKNOWLEDGED, REJECTED):
            assert list(receipts(client.gl, name, page_size, state=state)) == [one for one in every if one[2] == state]
    first = client.gl.ListMessageReceipts(pb.ListMessageReceiptsRequest(parent=name)).message_receipts[2]
    assert (first.reason, first.reference, first.caller) == ("period closed", "X-1", "anybody")


def test_what_was_said_is_final(client: Client, sent: Any) -> None:
    """A call that would turn one message changes none: FAILED_PRECONDITION names the message and both states."""
    name = sent.extraction_batch
    acknowledge(client.gl, name, [(2, 4)])
    reject(client.gl, name, [(7, 7)])
    found = refusal(lambda: reject(client.gl, name, [(1, 3), (10, 10)]))
    assert (found.code, found.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "MESSAGE_RECEIPT_FINAL")
    assert "message 2 of" in found.message
    assert "ACKNOWLEDGED" in found.message
    assert "REJECTED" in found.message
    assert "1 more" in found.message
    found = refusal(lambda: acknowledge(client.gl, name, [(1, 10)]))
    assert (found.reason, found.metadata["state"], found.metadata["wanted"]) == (
        "MESSAGE_RECEIPT_FINAL",
        "REJECTED",
        "ACKNOWLEDGED",
    )
    assert list(receipts(client.gl, name, state=OPEN)) == [(1, 1, OPEN), (5, 6, OPEN), (8, 10, OPEN)]


def test_messages_that_are_not_the_batchs_are_refused(client: Client, sent: Any) -> None:
    """Every range that is wrong is told; an unknown batch is NOT_FOUND; one without messages has none to take."""
    name = sent.extraction_batch
    found = refusal(lambda: acknowledge(client.gl, name, [(1, 2), (5, 4), (10, 11), (900, 901)]))
    assert found.code is grpc.StatusCode.INVALID_ARGUMENT
    assert found.violations == [
        ("message_ranges[1].last_message_id", "MESSAGE_RANGE_REVERSED"),
        ("message_ranges[2]", "MESSAGE_NOT_IN_BATCH"),
        ("message_ranges[3]", "MESSAGE_NOT_IN_BATCH"),
    ]
    assert refusal(lambda: acknowledge(client.gl, "extractionBatches/99", [(1, 1)])).code is grpc.StatusCode.NOT_FOUND
    for request in (
        pb.AcknowledgeMessagesRequest(name=name),
        pb.RejectMessagesRequest(name=name, message_ranges=ranges([(1, 1)])),
        pb.AcknowledgeMessagesRequest(name=name, message_ranges=ranges([(0, 1)])),
    ):
        kind = "RejectMessages" if isinstance(request, pb.RejectMessagesRequest) else "AcknowledgeMessages"
        method = getattr(client.gl, kind)
        assert refusal(lambda method=method, request=request: method(request)).code is (  # type: ignore[misc]
            grpc.StatusCode.INVALID_ARGUMENT
        )
    empty = client.run(origin=details.ORIGIN_FINANCIAL)
    assert empty.message_count == 0
    found = refusal(lambda: acknowledge(client.gl, empty.extraction_batch, [(1, 1)]))
    assert found.violations == [("message_ranges[0]", "MESSAGE_NOT_IN_BATCH")]
    assert not list(receipts(client.gl, empty.extraction_batch))
    assert list(receipts(client.gl, name)) == [(1, 10, OPEN)]


def test_a_rejection_suggests_the_resend_and_changes_no_stamp(client: Client, sent: Any) -> None:
    """The answer holds the request that sends the batch again; sent again, the old batch stands out no more."""
    name = sent.extraction_batch
    stamped = client.gl.ListAccountingDetails(details.ListAccountingDetailsRequest(page_size=1_000))
    assert [one.extraction_batch for one in standing_out(client.gl)] == [name]
    rejected = reject(client.gl, name, [(3, 3)])
    assert client.gl.ListAccountingDetails(details.ListAccountingDetailsRequest(page_size=1_000)) == stamped
    assert rejected.resend == extraction_pb2.GenerateAccountingMessageRequest(gl_extraction_batch_id="1")
    (out,) = standing_out(client.gl, receipts=pb.BATCH_RECEIPTS_REJECTED)
    assert (out.extraction_batch, out.counts.rejected_count, out.counts.open_count) == (name, 1, 9)
    operation = client.wait(client.gl.GenerateAccountingMessage(rejected.resend))
    assert operation.done
    assert not operation.HasField("error")
    assert not standing_out(client.gl, receipts=pb.BATCH_RECEIPTS_REJECTED)
    (out,) = standing_out(client.gl)
    assert (out.extraction_batch, out.first_message_id) == ("extractionBatches/2", 11)
    assert not reject(client.gl, name, [(4, 4)]).HasField("resend")
    acknowledge(client.gl, "extractionBatches/2", [(11, 20)])
    assert not standing_out(client.gl)


def test_batches_that_wait_too_long_are_listed(client: Client, sent: Any) -> None:
    """Those completed before an instant, oldest first, with how many of their messages are open."""
    first = standing_out(client.gl)[0]
    client.gl.IngestAccountingDetails(messages([row(100)]), timeout=20)
    client.run(origin=details.ORIGIN_FINANCIAL)
    assert [one.counts.open_count for one in standing_out(client.gl)] == [10, 1]
    page = client.gl.ListBatchReceipts(pb.ListBatchReceiptsRequest(page_size=1))
    rest = client.gl.ListBatchReceipts(pb.ListBatchReceiptsRequest(page_size=1, page_token=page.next_page_token))
    assert [one.counts.message_count for one in (*page.batch_receipts, *rest.batch_receipts)] == [10, 1]
    assert not rest.next_page_token
    assert not standing_out(client.gl, completed_before=first.complete_time)
    later = Timestamp()
    later.FromMicroseconds(first.complete_time.ToMicroseconds() + 1)
    assert standing_out(client.gl, completed_before=later) == [first]


@pytest.mark.rule("PLT-06", "PLT-11")
def test_a_repeated_call_changes_nothing_and_each_call_is_one_audit_entry(
    client: Client, sent: Any, extracting: Served
) -> None:
    """The request id gives the first answer again; the entry has the ranges and counts, not the messages."""
    name = sent.extraction_batch
    first = acknowledge(client.gl, name, [(1, 3)], request_id="r-1", reference="JE-1")
    assert acknowledge(client.gl, name, [(1, 3)], request_id="r-1", reference="JE-1") == first
    assert refusal(lambda: acknowledge(client.gl, name, [(1, 4)], request_id="r-1")).reason == "REQUEST_ID_REUSED"
    acknowledge(client.gl, name, [(1, 3)])
    audit = extracting.stub(audit_pb2_grpc.AuditServiceStub)
    asked = audit_pb2.ListAuditEntriesRequest(resource=name, type="messages.acknowledged")
    (entry,) = audit.ListAuditEntries(asked).audit_entries
    assert (entry.caller, entry.request_id) == ("anybody", "r-1")
    changes = json_format.MessageToDict(entry.changes)
    assert changes["message_ranges"] == [[1, 3]]
    assert (changes["changed_count"], changes["reference"]) == (3, "JE-1")
    assert (changes["from"], changes["to"]) == ({"state": "OPEN"}, {"state": "ACKNOWLEDGED"})


@pytest.mark.rule("PLT-10")
def test_receivers_that_race_get_one_winner_for_each_message(client: Client, sent: Any) -> None:
    """Everybody acknowledges or rejects everything at once: one call wins, the others are told or change nothing."""
    name = sent.extraction_batch

    def attempt(place: int) -> str:
        say = acknowledge if place % 2 else reject
        try:
            return f"changed {say(client.gl, name, [(1, 10)]).changed_count}"
        except grpc.RpcError as error:
            return str(error.code().name)

    with ThreadPoolExecutor(6) as pool:
        outcomes = sorted(pool.map(attempt, range(6)))
    assert outcomes == sorted(["changed 10", *["changed 0"] * 2, *["FAILED_PRECONDITION"] * 3])
    ((first, last, _),) = receipts(client.gl, name)
    assert (first, last) == (1, 10)


def test_messages_said_one_by_one_become_one_range(client: Client, sent: Any) -> None:
    """What one receiver says of messages in turn is kept as ranges, in whatever order it says it."""
    for message in (5, 1, 3, 2, 4, 10, 7, 9, 8, 6):
        acknowledge(client.gl, sent.extraction_batch, [(message, 0)])
    assert list(receipts(client.gl, sent.extraction_batch)) == [(1, 10, ACKNOWLEDGED)]
