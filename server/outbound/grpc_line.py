"""Channels to others' servers, and what the statuses of their answers say.

A channel leads to addresses that were judged, not to the name: as long as the last call had an answer it stays, and
before any other the name is looked up and judged anew.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Generic, TypeVar

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from grpc_status import rpc_status

from server.outbound.addresses import Address, AddressRefused, Reach
from server.outbound.connections import Connection
from server.telemetry import tracing

Stub = TypeVar("Stub")

REJECTED = frozenset(
    {
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.OUT_OF_RANGE,
    }
)
"""Statuses of those who looked at it, and refuse it for good."""

UNFIT = frozenset(
    {
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)
"""Statuses of a call that was refused before anybody looked at it."""

_NEVER_SENT = (
    "failed to connect to all addresses",
    "errors resolving ",
    "DNS resolution failed",
)  # the library's words
_OPTIONS = (
    ("grpc.keepalive_time_ms", 300_000),  # what servers allow by default
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.enable_retries", 0),  # the caller's part
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),  # it would lead elsewhere
)
_REASON = re.compile(r"[A-Z][A-Z0-9_]{0,62}")  # as google.rpc.ErrorInfo has it


class Line(Generic[Stub]):
    """A channel to where a connection's server may be, and its stub; another one as soon as that is elsewhere."""

    def __init__(self, connection: Connection, reach: Reach, stub: Callable[[grpc.Channel], Stub]) -> None:
        self._connection, self._reach, self._stub = connection, reach, stub
        self._lock = threading.Lock()
        self._addresses: list[Address] = []
        self._channel: grpc.Channel | None = None
        self._service: Stub | None = None
        token = connection.token
        self._credentials = (("authorization", f"Bearer {token}"),) if token else ()

    @property
    def service(self) -> Stub:
        """The stub; `renew` went before."""
        assert self._service is not None, "the line is renewed before the first call"
        return self._service

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What goes with a call: who calls, and the trace that it belongs to."""
        return (*self._credentials, *tracing.headers().items())

    def renew(self) -> str:
        """Look where the name leads now; gives why it may not be reached, as a clause, empty when it may.

        A channel that is left is not closed: other threads may still be calling.
        """
        try:
            addresses = self._reach.addresses(*self._connection.host_and_port)
        except AddressRefused as error:
            return str(error)
        except (OSError, UnicodeError):
            return "the host's name has no address"
        with self._lock:
            if set(addresses) != set(self._addresses):
                self._addresses, self._channel = addresses, _channel(self._connection, addresses)
                self._service = self._stub(self._channel)
        return ""

    def close(self) -> None:
        """Close the channel; calls that are under way end."""
        if self._channel is not None:
            self._channel.close()


@dataclass(slots=True)
class Told:
    """What the details of a status say: the other's own reason, and how long it asks to be left alone."""

    explained: bool = False
    reason: str = ""
    pause_s: float = 0.0


def told(error: grpc.Call) -> Told:
    """What the details say; nothing where they are not the server's own."""
    said = Told()
    try:
        status = rpc_status.from_call(error)
    except ValueError:  # it contradicts the code or the message: it is not the system's
        status = None
    for packed in status.details if status else ():
        info, retry = ErrorInfo(), RetryInfo()
        if packed.Unpack(info):
            said.explained, said.reason = True, info.reason
        elif packed.Unpack(retry):
            said.explained, said.pause_s = True, _seconds(retry.retry_delay)
    return said


def shown_reason(reason: str) -> str:
    """The other's own reason as the end of a sentence; nothing for what is no code, as it may name persons."""
    return f": {reason}" if _REASON.fullmatch(reason) else ""


def is_unsent(error: grpc.Call) -> bool:
    """Whether there was nobody to send the call to."""
    return error.code() is grpc.StatusCode.UNAVAILABLE and (error.details() or "").startswith(_NEVER_SENT)


def _seconds(delay: Duration) -> float:
    return max(0.0, delay.seconds + delay.nanos / 1_000_000_000)


def _channel(connection: Connection, addresses: Sequence[Address]) -> grpc.Channel:
    host, port = connection.host_and_port
    target = _target(addresses, port)
    if not connection.tls:
        return grpc.insecure_channel(target, options=(*_OPTIONS, ("grpc.default_authority", f"{host}:{port}")))
    credentials = grpc.ssl_channel_credentials(
        root_certificates=connection.ca_file.read_bytes() if connection.ca_file else None,
        private_key=connection.key_file.read_bytes() if connection.key_file else None,
        certificate_chain=connection.certificate_file.read_bytes() if connection.certificate_file else None,
    )
    # The certificate is that of the name, whatever its address.
    return grpc.secure_channel(target, credentials, options=(*_OPTIONS, ("grpc.ssl_target_name_override", host)))


def _target(addresses: Sequence[Address], port: int) -> str:
    """Addresses as gRPC takes them: of one kind, so that IPv4 goes as what it is within IPv6 where there are both."""
    if all(isinstance(address, IPv4Address) for address in addresses):
        return "ipv4:" + ",".join(f"{address}:{port}" for address in addresses)
    mapped = (f"::ffff:{address}" if isinstance(address, IPv4Address) else str(address) for address in addresses)
    return "ipv6:" + ",".join(f"[{address}]:{port}" for address in mapped)
