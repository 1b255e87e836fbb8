"""The simulated system over HTTP and JSON: postings and lookups, as the guide has them."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import ceil
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from google.type.money_pb2 import Money

from countinghouse.connector.v1 import system_of_record_pb2 as pb
from server.simulator.book_keeping import BookKeeping, Hangs, Refusal
from server.simulator.ledger import Posted

HANG_MAX_S = 60
_BODY_BYTES_MAX = 64 << 10
_NANOS = 1_000_000_000
_POSTINGS = "/postings"


@contextmanager
def serving(books: BookKeeping, loop: asyncio.AbstractEventLoop, host: str, port: int) -> Iterator[int]:
    """Serve for a while, beside the event loop that keeps the books; gives the port. Raises: OSError."""
    server = _Server((host, port), books, loop)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.stopping.set()
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], books: BookKeeping, loop: asyncio.AbstractEventLoop) -> None:
        self.books = books
        self.loop = loop
        self.stopping = threading.Event()
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = HANG_MAX_S
    server: _Server

    def do_POST(self) -> None:  # the library's name
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > _BODY_BYTES_MAX:
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"reason": "BODY_TOO_LARGE"})
            return
        body = self.rfile.read(int(length))
        if not urlsplit(self.path).path.endswith(_POSTINGS):
            self._answer(HTTPStatus.NOT_FOUND, {})
            return
        try:
            request = request_of(json.loads(body), self.headers.get("idempotency-key", ""))
        except (ValueError, KeyError, TypeError):
            self._answer(HTTPStatus.BAD_REQUEST, {"reason": "REQUEST_INVALID", "message": "is no adjustment"})
            return
        self._tell(self.server.books.post(request))

    def do_GET(self) -> None:  # the library's name
        url = urlsplit(self.path)
        before, _, key = url.path.rpartition("/")
        client = parse_qs(url.query).get("client", [""])[0]
        if not before.endswith(_POSTINGS):
            self._answer(HTTPStatus.NOT_FOUND, {})
            return
        self._tell(self.server.books.lookup(pb.LookupRequest(client=client, idempotency_key=unquote(key))))

    def _tell(self, answering: Coroutine[Any, Any, Posted | Refusal | None]) -> None:
        try:
            answer = asyncio.run_coroutine_threadsafe(answering, self.server.loop).result(HANG_MAX_S)
        except Hangs:
            self.server.stopping.wait(HANG_MAX_S)  # the caller hangs up long before
            self.close_connection = True
            return
        if isinstance(answer, Posted):
            self._answer(HTTPStatus.OK, _posting(answer))
        elif answer is None:
            self._answer(HTTPStatus.NOT_FOUND, {"reason": "NOT_POSTED"})
        else:
            self._refuse(answer)

    def _refuse(self, refusal: Refusal) -> None:
        status = HTTPStatus.UNPROCESSABLE_ENTITY if refusal.for_good else HTTPStatus.SERVICE_UNAVAILABLE
        pause = {"retry-after": str(ceil(refusal.retry_after_ms / 1_000))} if refusal.retry_after_ms else {}
        self._answer(status, {"reason": refusal.reason, "message": refusal.message}, **pause)

    def _answer(self, status: HTTPStatus, document: dict[str, str], **headers: str) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:  # noqa: ANN401 - as the library has it
        """Nothing is logged of a call."""


def request_of(document: dict[str, Any], key: str) -> pb.PostRequest:
    """The adjustment in a JSON document. Raises: ValueError, KeyError, TypeError for what is none."""
    if document["idempotencyKey"] != key:
        raise ValueError("the header names another key")
    year, month, day = (int(part) for part in document["accountingDate"].split("-"))
    return pb.PostRequest(
        idempotency_key=key,
        client=document["client"],
        operation=document["operation"],
        operation_id=document["operationId"],
        claim=document["claim"],
        dispute=document["dispute"],
        debit_account=document["debitAccount"],
        credit_account=document["creditAccount"],
        amount=_money(document["amount"], document["currencyCode"]),
        entry_reason=document.get("entryReason", ""),
        rule=document.get("rule", ""),
        rule_version=document.get("ruleVersion", 0),
        accounting_date=Date(year=year, month=month, day=day),
        description=document.get("description", ""),
        reverses_operation_id=document.get("reversesOperationId", ""),
    )


def _money(text: str, currency: str) -> Money:
    try:
        nanos = Decimal(text) * _NANOS
    except InvalidOperation:
        raise ValueError("the amount is no decimal number") from None
    if nanos != int(nanos):
        raise ValueError("the amount has too many digits")
    units, rest = divmod(int(nanos), _NANOS)
    return Money(currency_code=currency, units=units, nanos=rest)


def _posting(posted: Posted) -> dict[str, str]:
    post_time = Timestamp()
    post_time.FromMicroseconds(posted.posted_us)
    return {"externalReference": posted.external_reference, "postTime": post_time.ToJsonString()}
