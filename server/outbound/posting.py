"""One HTTP call to somebody else's server: to an address that was checked, in bounded time, without redirects.

Nothing of the environment counts (no proxy), and of the answer's body no more is read than a bound. A connection is
used again if the next call comes soon; what it may lead to was judged when it was made, by rules that do not change.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

import httpcore
import httpx

from server.outbound.addresses import AddressRefused, Reach

_BODY_BYTES_MAX = 64 << 10
_LITTLE_S = 0.001
_KEPT_MAX = 64  # as many as hands there can be
_IDLE_MAX_S = 1.0  # receivers keep a silent connection open for longer: seldom does one end as it is taken up again
_AGE_MAX_S = 60.0  # then the name is looked up and judged anew

SocketOptions = Iterable[Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver answered; `pause_s` is how long it asks to be left alone (Retry-After), 0 if it does not.

    `body` is its beginning, at most 64 KiB.
    """

    status: int
    pause_s: float = 0
    body: bytes = b""


class PostFailed(Exception):
    """There was no answer; `reason` is UPPER_SNAKE, the text a sentence without anything of the receiver's.

    `unsent`: nothing of the call can have reached the receiver.
    """

    def __init__(self, reason: str, message: str, *, unsent: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        self.unsent = unsent


class Poster:
    """Calls; safe to share between threads. `ca_file` adds authorities, `certificate` shows who calls (file and key).

    As many connections are open at most as threads have called at once, until `rest`.
    """

    def __init__(
        self,
        reach: Reach,
        *,
        timeout_s: float,
        ca_file: str | None = None,
        certificate: tuple[str, str] | None = None,
    ) -> None:
        self._reach = reach
        self._timeout_s = timeout_s
        self._tls = _trust(ca_file, certificate)
        self._now = _Now()
        self._backend = _Backend(reach, self._now)
        self._kept = self._connections(kept=_KEPT_MAX)
        self._fresh = self._connections(kept=0)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Post the body. Raises: PostFailed."""
        return self.call("POST", url, headers, body)

    def call(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, *, timeout_s: float | None = None
    ) -> Answer:
        """Send a request of any method. Raises: PostFailed."""
        if fault := self._reach.url_fault(url):
            raise PostFailed("WEBHOOK_ADDRESS_REFUSED", f"the URL {fault}", unsent=True)
        limit_s = timeout_s or self._timeout_s
        self._now.deadline = time.monotonic() + limit_s
        self._now.sent = False
        try:
            return self._call(method, httpx.URL(url), headers, body)
        except AddressRefused as error:
            raise PostFailed("WEBHOOK_ADDRESS_REFUSED", str(error), unsent=not self._now.sent) from None
        except httpcore.TimeoutException as error:
            unsent = isinstance(error, httpcore.ConnectTimeout) and not self._now.sent
            raise PostFailed("WEBHOOK_TOO_SLOW", f"no answer within {limit_s:g} s", unsent=unsent) from None
        except httpcore.RemoteProtocolError as error:
            raise _not_understood(error) from None
        except httpcore.ProtocolError:
            raise PostFailed("WEBHOOK_NOT_HTTP", "the receiver's answer is no HTTP") from None
        except httpcore.ConnectError as error:
            raise _not_connected(error, unsent=not self._now.sent) from None
        except httpcore.NetworkError:
            raise PostFailed("WEBHOOK_BROKE_OFF", "the connection broke before an answer") from None

    def rest(self) -> None:
        """Close all connections, as nothing is being posted."""
        self._kept.close()

    def _call(self, method: str, url: httpx.URL, headers: Mapping[str, str], body: bytes) -> Answer:
        raw = [(b"host", url.netloc), (b"content-length", str(len(body)).encode())]
        raw += [(name.encode(), value.encode()) for name, value in headers.items()]
        port = url.port or (443 if url.scheme == "https" else 80)
        to = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=port, target=url.raw_path)
        self._now.connected = False
        try:
            return _answer(self._kept, method, to, raw, body)
        except (httpcore.NetworkError, httpcore.RemoteProtocolError) as error:
            if self._now.connected or not _is_end(error):
                raise
            # The receiver had closed the connection, and its word of that was under way.
            self._now.sent = True
            return _answer(self._fresh, method, to, [*raw, (b"connection", b"close")], body)

    def _connections(self, *, kept: int) -> httpcore.ConnectionPool:
        return httpcore.ConnectionPool(
            ssl_context=self._tls,
            max_connections=None,
            max_keepalive_connections=kept,
            keepalive_expiry=_IDLE_MAX_S,
            network_backend=self._backend,
        )


class _Now(threading.local):
    """What this thread is calling: until when, whether a connection was made for it, and whether it went out before."""

    deadline = 0.0
    connected = False
    sent = False


class _Backend(httpcore.NetworkBackend):
    """Connects to what `Reach` allows; from the first look at the name to the last byte, until a deadline."""

    def __init__(self, reach: Reach, now: _Now) -> None:
        self._reach = reach
        self._now = now
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline bounds it
        local_address: str | None = None,
        socket_options: SocketOptions | None = None,
    ) -> httpcore.NetworkStream:
        self._now.connected = True
        try:
            addresses = self._reach.addresses(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(_NAME_UNKNOWN) from error
        failure: Exception | None = None
        for address in addresses:
            try:
                left_s = _left_s(self._now)
                stream = self._plain.connect_tcp(str(address), port, left_s, local_address, socket_options)
                return _Stream(stream, self._now, time.monotonic() + _AGE_MAX_S)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        assert failure is not None
        raise failure


class _Stream(httpcore.NetworkStream):
    """A connection on which everything that a post needs ends at the post's deadline; used again until it is `old`."""

    def __init__(self, stream: httpcore.NetworkStream, now: _Now, old_s: float) -> None:
        self._stream = stream
        self._now = now
        self._old_s = old_s

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the deadline bounds it
        if time.monotonic() >= self._now.deadline:
            raise httpcore.ReadTimeout
        return self._stream.read(max_bytes, _left_s(self._now))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the deadline bounds it
        self._stream.write(buffer, _left_s(self._now))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the deadline bounds it
    ) -> httpcore.NetworkStream:
        secure = self._stream.start_tls(ssl_context, server_hostname, _left_s(self._now))
        return _Stream(secure, self._now, self._old_s)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - as the class it stands for
        if info == "is_readable" and time.monotonic() > self._old_s:
            return True  # by this the pool knows a connection that it must not use again
        return self._stream.get_extra_info(info)


_NAME_UNKNOWN = "name unknown"
_NO_ANSWER = "without sending a response"  # httpcore's words


def _left_s(now: _Now) -> float:
    return max(_LITTLE_S, now.deadline - time.monotonic())


def _answer(
    connections: httpcore.ConnectionPool,
    method: str,
    to: httpcore.URL,
    headers: Sequence[tuple[bytes, bytes]],
    body: bytes,
) -> Answer:
    with connections.stream(method, to, headers=headers, content=body) as response:
        return Answer(response.status, _pause_s(response), _read_some(response))


def _is_end(error: Exception) -> bool:
    """Whether the connection came to its end before an answer began."""
    return isinstance(error, httpcore.NetworkError) or _NO_ANSWER in str(error)


def _not_connected(error: httpcore.ConnectError, *, unsent: bool) -> PostFailed:
    if str(error) == _NAME_UNKNOWN:
        return PostFailed("WEBHOOK_NAME_UNKNOWN", "the host's name has no address", unsent=unsent)
    if isinstance(error.__cause__ or error.__context__, ssl.SSLError):
        why = "no trusted TLS connection: the certificate or the protocol is refused"
        return PostFailed("WEBHOOK_TLS_REFUSED", why, unsent=unsent)
    return PostFailed("WEBHOOK_UNREACHABLE", "no connection to the host", unsent=unsent)


def _trust(ca_file: str | None, certificate: tuple[str, str] | None) -> ssl.SSLContext:
    if ca_file is None and certificate is None:
        return _public_trust()
    made = httpx.create_ssl_context()
    if ca_file is not None:
        made.load_verify_locations(cafile=ca_file)
    if certificate is not None:
        made.load_cert_chain(*certificate)
    return made


@cache
def _public_trust() -> ssl.SSLContext:
    """Trust in the public authorities alone: made once, since reading them is half of what starting a worker takes."""
    return httpx.create_ssl_context()


def _not_understood(error: httpcore.RemoteProtocolError) -> PostFailed:
    if _NO_ANSWER in str(error):
        return PostFailed("WEBHOOK_BROKE_OFF", "the connection broke before an answer")
    return PostFailed("WEBHOOK_NOT_HTTP", "the receiver's answer is no HTTP")


def _read_some(response: httpcore.Response) -> bytes:
    """Read the body up to a bound, so that a receiver need not see a broken connection; the answer stands anyway."""
    body = b""
    try:
        for piece in response.iter_stream():
            body += piece
            if len(body) > _BODY_BYTES_MAX:
                break
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError):
        pass
    return body[:_BODY_BYTES_MAX]


def _pause_s(response: httpcore.Response) -> float:
    """What Retry-After asks for: seconds, or an instant (RFC 9110)."""
    value = next((value for name, value in response.headers if name.lower() == b"retry-after"), b"")
    text = value.decode("ascii", "replace").strip()
    if text.isdecimal():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0
