"""What answers mean: a system's own word, a proxy's, a library's, or none."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from countinghouse.connector.v1 import system_of_record_pb2 as pb
from countinghouse.connector.v1.system_of_record_pb2_grpc import (
    SystemOfRecordServiceServicer,
    add_SystemOfRecordServiceServicer_to_server,
)
from server.outbound.addresses import Reach
from server.outbound.connections import Connection
from server.outbound.system_of_record.connectors import connector
from server.outbound.system_of_record.http_connector import document_of
from server.outbound.system_of_record.model import Failure, Means, NotPosted, Posting, adjustment_from
from tests.connector.adjusting import payload
from tests.support.receiver import Answer, receiving
from tests.support.simulator import simulating

CODE = grpc.StatusCode
ADJUSTMENT = adjustment_from(payload("op-1", timeout_us=1_000_000))
INFO = ErrorInfo(reason="BOOKS_CLOSED", domain="ledger.example.com")
RETRY = RetryInfo(retry_delay=Duration(seconds=7, nanos=500_000_000))


class _System(SystemOfRecordServiceServicer):
    """Answers posts with one status, and lookups as it is told."""

    def __init__(
        self, code: grpc.StatusCode | None, details: tuple[Message, ...], state: pb.PostingState.ValueType
    ) -> None:
        self.code, self.details, self.state = code, details, state
        self.posts: list[pb.PostRequest] = []
        self.before_post: Callable[[], None] = lambda: None
        self.stop: Callable[[], object] = lambda: None

    def Post(self, request: pb.PostRequest, context: Any) -> pb.PostResponse:  # noqa: N802 - the contract's name
        self.posts.append(request)
        self.before_post()
        if self.code is not None:
            status = Status(
                code=self.code.value[0], message="Mrs Miller owes 150.00", details=map(_packed, self.details)
            )
            if self.details:
                context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
            context.abort(self.code, "Mrs Miller owes 150.00")
        return pb.PostResponse(posting=pb.Posting(external_reference="R-1\n2"))

    def Lookup(self, _: pb.LookupRequest, __: Any) -> pb.LookupResponse:  # noqa: N802 - the contract's name
        return pb.LookupResponse(state=self.state, posting=pb.Posting(external_reference="R-9"))


def _packed(detail: Message) -> Packed:
    packed = Packed()
    packed.Pack(detail)
    return packed


@contextmanager
def system(
    code: grpc.StatusCode | None = None,
    *details: Message,
    state: pb.PostingState.ValueType = pb.POSTING_STATE_NOT_POSTED,
) -> Iterator[tuple[_System, Any]]:
    """A system of record, and the connector that speaks to it."""
    served = _System(code, details, state)
    server = grpc.server(ThreadPoolExecutor(4))
    add_SystemOfRecordServiceServicer_to_server(served, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    served.stop = lambda: server.stop(None)
    speaking = connector(Connection("ledger", "grpc", f"127.0.0.1:{port}", tls=False), Reach(loopback=True))
    try:
        yield served, speaking
    finally:
        server.stop(None).wait(10)


@pytest.mark.rule("ACC-21", "ACC-22")
@pytest.mark.parametrize(
    ("code", "details", "means"),
    [
        (CODE.ABORTED, (), Means.LATER),
        (CODE.UNAVAILABLE, (INFO,), Means.LATER),
        (CODE.UNAVAILABLE, (RETRY,), Means.LATER),
        (CODE.RESOURCE_EXHAUSTED, (INFO, RETRY), Means.LATER),
        (CODE.FAILED_PRECONDITION, (INFO,), Means.REJECTED),
        (CODE.INVALID_ARGUMENT, (), Means.REJECTED),
        (CODE.UNAUTHENTICATED, (), Means.UNFIT),
        (CODE.PERMISSION_DENIED, (INFO,), Means.UNFIT),
        (CODE.UNIMPLEMENTED, (), Means.UNFIT),
        (CODE.UNAVAILABLE, (), Means.UNANSWERED),  # a proxy says the same of a connection that broke in mid-call
        (CODE.RESOURCE_EXHAUSTED, (), Means.UNANSWERED),
        (CODE.DEADLINE_EXCEEDED, (INFO,), Means.UNANSWERED),
        (CODE.INTERNAL, (), Means.UNANSWERED),
        (CODE.UNKNOWN, (), Means.UNANSWERED),
        (CODE.CANCELLED, (), Means.UNANSWERED),
    ],
)
def test_a_status_means_what_the_contract_says(
    code: grpc.StatusCode, details: tuple[Message, ...], means: Means
) -> None:
    """Only what the system itself has said for certain counts as an answer; people never read its own words."""
    with system(code, *details) as (_, speaking):
        failure = speaking.post(ADJUSTMENT)
    assert isinstance(failure, Failure)
    assert failure.means is means
    assert failure.pause_s == (7.5 if RETRY in details else 0)
    assert "Miller" not in failure.message
    assert "150" not in failure.message
    assert ("BOOKS_CLOSED" in failure.message) == (INFO in details and means in {Means.LATER, Means.REJECTED})


@pytest.mark.rule("ACC-21")
def test_a_reason_that_is_no_code_is_not_shown() -> None:
    """It could name a person."""
    with system(CODE.FAILED_PRECONDITION, ErrorInfo(reason="Mrs Miller")) as (_, speaking):
        failure = speaking.post(ADJUSTMENT)
    assert failure == Failure(Means.REJECTED, "the system of record refused it")


@pytest.mark.rule("ACC-22")
@pytest.mark.parametrize(
    ("state", "found"),
    [
        (pb.POSTING_STATE_POSTED, Posting("R-9", 0)),
        (pb.POSTING_STATE_NOT_POSTED, NotPosted()),
        (pb.POSTING_STATE_UNSPECIFIED, None),
    ],
)
def test_a_lookup_says_posted_or_not_or_nothing(
    state: pb.PostingState.ValueType, found: Posting | NotPosted | None
) -> None:
    """An answer that says nothing never counts as "not posted"."""
    with system(state=state) as (_, speaking):
        answer = speaking.lookup(ADJUSTMENT)
    assert answer == found if found else isinstance(answer, Failure) and answer.means is Means.UNANSWERED


@pytest.mark.rule("ACC-20")
def test_a_reference_is_shown_without_what_cannot_be_shown() -> None:
    """A line break in it goes nowhere."""
    with system() as (_, speaking):
        assert speaking.post(ADJUSTMENT) == Posting("R-12", 0)


@contextmanager
def _silent() -> Iterator[str]:
    """Accepts connections, and says nothing."""
    ends: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listening, suppress(OSError):

        def accept() -> None:
            with suppress(OSError):
                while True:
                    ends.append(listening.accept()[0])

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(10)
    for each in ends:
        each.close()


@pytest.mark.rule("ACC-20")
def test_grpc_leads_only_where_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is judged by what it leads to now, and again after a call without an answer; nothing is in doubt."""
    leads = {"to": "10.0.0.1"}

    def found(*_: object, **__: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (leads["to"], 0))]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    with simulating() as ledger:
        to = Connection("ledger", "grpc", f"ledger.example:{ledger.ports.grpc}", tls=False)
        for reach in (Reach(), Reach(loopback=True)):
            refused = connector(to, reach).post(ADJUSTMENT)
            assert isinstance(refused, Failure)
            assert (refused.means, "may not be reached" in refused.message) == (Means.LATER, True)
        speaking = connector(to, Reach(loopback=True))
        assert isinstance(speaking.lookup(ADJUSTMENT), Failure)
        leads["to"] = "127.0.0.1"
        assert isinstance(speaking.post(ADJUSTMENT), Posting)
        assert isinstance(connector(to, Reach()).lookup(ADJUSTMENT), Failure)
        assert len(ledger.postings()) == 1


@pytest.mark.rule("ACC-22")
def test_nothing_is_in_doubt_where_nobody_answers_the_door() -> None:
    """A host that swallows everything was never sent a post: a lookup goes before the first, and after a failure."""
    with _silent() as target:
        speaking = connector(Connection("ledger", "grpc", target, tls=False), Reach(loopback=True))
        failure = speaking.post(ADJUSTMENT)
    assert isinstance(failure, Failure)
    assert failure.means is Means.LATER


@pytest.mark.rule("ACC-21", "ACC-22")
def test_a_connection_that_breaks_in_mid_call_leaves_it_open() -> None:
    """The system may have posted it before it died."""
    started, go_on = threading.Event(), threading.Event()

    def dying() -> None:
        started.set()
        go_on.wait(10)

    with ThreadPoolExecutor(1) as pool, system() as (served, speaking):
        served.before_post = dying
        answering = pool.submit(speaking.post, adjustment_from(payload("op-1", timeout_us=9_000_000)))
        assert started.wait(10)
        served.stop()
        failure = answering.result(15)
        go_on.set()
    assert isinstance(failure, Failure)
    assert failure.means is Means.UNANSWERED


def _json(status: int, **document: str) -> Answer:
    return Answer(status, headers={"content-type": "application/json"}, body=json.dumps(document).encode())


def _asked(answer: Answer, ask: Callable[[Any], Any]) -> Any:
    with receiving(lambda _: answer) as receiver:
        url = receiver.url(path="/v1/")
        speaking = connector(Connection("ledger", "http", url), Reach(loopback=True))
        told = ask(speaking)
        speaking.rest()
        return told


@pytest.mark.rule("ACC-21", "ACC-22", "ACC-24")
@pytest.mark.parametrize(
    ("answer", "means", "pause_s"),
    [
        (_json(429), Means.LATER, 0),
        (Answer(429, headers={"retry-after": "7"}), Means.LATER, 7),
        (_json(503, reason="BOOKS_CLOSED"), Means.LATER, 0),
        (_json(500, reason="BOOKS_CLOSED"), Means.LATER, 0),
        (_json(422, reason="BOOKS_CLOSED", message="Mrs Miller owes 150.00"), Means.REJECTED, 0),
        (_json(409, reason="KEY_REUSED"), Means.REJECTED, 0),
        (_json(401, reason="TOKEN_OLD"), Means.UNFIT, 0),
        (Answer(404), Means.UNFIT, 0),
        (Answer(302, headers={"location": "http://elsewhere.example.com/"}), Means.UNFIT, 0),
        (Answer(502, body=b"<html>bad gateway</html>"), Means.UNANSWERED, 0),  # a proxy's
        (Answer(503), Means.UNANSWERED, 0),
        (Answer(408), Means.UNANSWERED, 0),
        (Answer(200, body=b"<html>welcome</html>"), Means.UNANSWERED, 0),
        (_json(200, externalReference=""), Means.UNANSWERED, 0),
        (Answer(garbage=b"hello\r\n\r\n"), Means.UNANSWERED, 0),
        (Answer(reset=True), Means.UNANSWERED, 0),
        (Answer(after_s=1.5), Means.UNANSWERED, 0),
    ],
)
def test_an_http_status_means_what_the_guide_says(answer: Answer, means: Means, pause_s: float) -> None:
    """A proxy's word leaves it open; people never read a system's own words."""
    failure = _asked(answer, lambda speaking: speaking.post(ADJUSTMENT))
    assert isinstance(failure, Failure)
    assert (failure.means, failure.pause_s) == (means, pause_s)
    assert "Miller" not in failure.message
    assert "150.00" not in failure.message


@pytest.mark.rule("ACC-22")
@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (_json(200, externalReference="R-9", postTime="2026-11-21T10:00:00.5Z"), Posting("R-9", 1_795_255_200_500_000)),
        (_json(404, reason="NOT_POSTED"), NotPosted()),
        (Answer(404, body=b"no such page"), None),  # a wrong address is no word about the posting
        (_json(404, reason="NO_SUCH_PAGE"), None),
    ],
)
def test_a_404_of_a_lookup_counts_only_if_it_is_the_systems_own(
    answer: Answer, found: Posting | NotPosted | None
) -> None:
    """Else a mistaken address would have everything posted twice."""
    told = _asked(answer, lambda speaking: speaking.lookup(ADJUSTMENT))
    assert told == found if found else isinstance(told, Failure)


@pytest.mark.rule("ACC-20")
def test_an_http_post_carries_its_key_and_exact_amounts() -> None:
    """The key stands in the header; amounts are decimal text of the currency's digits, and empty fields left out."""
    with receiving(lambda _: _json(201, externalReference="R-1")) as receiver:
        speaking = connector(Connection("ledger", "http", receiver.url(path="/v1/")), Reach(loopback=True))
        assert speaking.post(ADJUSTMENT) == Posting("R-1", 0)
        speaking.rest()
    (got,) = receiver.received
    assert (got.path, got.headers["idempotency-key"]) == ("/v1/postings", "op-1")
    body = json.loads(got.body)
    assert body == document_of(ADJUSTMENT)
    assert (body["amount"], body["currencyCode"], body["accountingDate"]) == ("150.00", "USD", "2026-11-21")
    assert "reversesOperationId" not in body
    yen = adjustment_from(payload("op-1", amount_minor=150, currency="JPY"))
    assert document_of(yen)["amount"] == "150"
