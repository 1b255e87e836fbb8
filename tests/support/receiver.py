"""A real HTTP receiver of notifications, which answers as a test tells it to."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

from tests.support.waiting import wait_for

Answering = Callable[[int], "Answer"]


@dataclass(frozen=True, slots=True)
class Answer:
    """How a request is answered: after a while, with a status and headers, or with bytes that are no HTTP at all."""

    status: int = 204
    after_s: float = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    garbage: bytes = b""
    reset: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    at_s: float

    @property
    def key(self) -> str:
        return self.headers["webhook-id"]

    def event(self, secret: str) -> dict[str, Any]:
        """The event, once an independent implementation has found the signature right."""
        verified = Webhook(secret).verify(self.body, self.headers)
        assert isinstance(verified, dict)
        return verified


class Receiver:
    """Receives on a port of this machine; `answering` gives the answer to the n-th request, from 1.

    It closes a connection after each answer without a word of it, as some do, unless it `keeps` connections.
    """

    def __init__(
        self,
        answering: Answering = lambda _: Answer(),
        tls: ssl.SSLContext | None = None,
        *,
        keeps: bool = False,
    ) -> None:
        self.answering = answering
        self.keeps = keeps
        self.connections: list[str] = []  # "open" or "over", in the order in which they came
        self.received: list[Received] = []
        self.answered: list[tuple[str, int]] = []
        self._guard = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._scheme = "https" if tls else "http"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def url(self, host: str = "127.0.0.1", path: str = "/hook") -> str:
        return f"{self._scheme}://{host}:{self._server.server_port}{path}"

    def wait_for(self, count: int, timeout_s: float = 20) -> list[Received]:
        """Wait for so many requests; gives all there are."""
        wait_for(lambda: len(self.received) >= count, timeout_s, what=f"{count} notifications")
        return list(self.received)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _came(self, received: Received) -> int:
        with self._guard:
            self.received.append(received)
            return len(self.received)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                self.number = len(receiver.connections)
                receiver.connections.append("open")

            def finish(self) -> None:
                super().finish()
                receiver.connections[self.number] = "over"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                number = receiver._came(Received(self.path, headers, body, time.monotonic()))
                answer = receiver.answering(number)
                time.sleep(answer.after_s)
                self.close_connection = not receiver.keeps
                with suppress(OSError):
                    self._give(answer)
                receiver.answered.append((headers.get("webhook-id", ""), 0 if answer.garbage else answer.status))

            do_GET = do_POST  # noqa: N815 - the library's name

            def _give(self, answer: Answer) -> None:
                if answer.reset:
                    linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
                    self.close_connection = True
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    self.connection.close()
                    return
                if answer.garbage:
                    self.wfile.write(answer.garbage)
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_: object) -> None:
        """A connection that the other side broke is what the test is about."""


@contextmanager
def receiving(
    answering: Answering = lambda _: Answer(), tls: ssl.SSLContext | None = None, *, keeps: bool = False
) -> Iterator[Receiver]:
    """A receiver, for as long as it is used."""
    receiver = Receiver(answering, tls, keeps=keeps)
    receiver.start()
    try:
        yield receiver
    finally:
        receiver.close()
