"""How channels are made: address, credentials, retries, keepalive, sizes."""

import ipaddress
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import grpc
import grpc.aio
from google.longrunning import operations_pb2
from google.protobuf.descriptor import FileDescriptor, MethodDescriptor
from google.protobuf.message import Message

from countinghouse.accounting.v1 import accounting_service_pb2
from countinghouse.client.requests import SAFE_VERBS
from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2
from countinghouse.operations.v1 import audit_pb2, data_files_pb2
from countinghouse.operations.v1 import operations_pb2 as watch_pb2

Token = str | Callable[[], str]
"""A bearer token, or what gives the present one; asked before every call."""

Metadata = tuple[tuple[str, str], ...]

_CONTRACT: tuple[FileDescriptor, ...] = (
    gl_extraction_service_pb2.DESCRIPTOR,
    accounting_service_pb2.DESCRIPTOR,
    watch_pb2.DESCRIPTOR,
    data_files_pb2.DESCRIPTOR,
    audit_pb2.DESCRIPTOR,
    operations_pb2.DESCRIPTOR,
)
_MESSAGE_RECEIVED_MAX = 64 * 2**20  # a page of 1,000 wide details
_MESSAGE_SENT_MAX = 4 * 2**20  # what a server takes by default


@dataclass(frozen=True, slots=True)
class Tls:
    """How the connection is encrypted. PEM bytes; the system's authorities when `ca` is not given."""

    ca: bytes | None = None
    certificate: bytes | None = None
    """The client's own certificate chain, for mutual TLS; needs `key`."""
    key: bytes | None = None
    server_name: str = ""
    """The name that the server's certificate must carry, when it is not that of the target."""


@dataclass(frozen=True, slots=True)
class Connection:
    """Everything that a channel is made of.

    Raises:
        ValueError: A token would go in clear text over a network or holds what no header carries, or a certificate
            comes without its key.
    """

    target: str
    """`host:port`, `unix:path` or another gRPC name."""
    token: Token | None = None
    tls: Tls | None = None
    plaintext_token: bool = False
    """Send the token although the connection is neither encrypted nor on this machine."""
    timeout_s: float = 60.0
    """The bound of every unary call that names no other."""
    report_timeout_s: float = 900.0
    """That of calls which may read every detail of a batch or a period: look-ahead, reconciliation, check."""
    calls_max: int = 200
    """Unary calls in flight at once, and streams at once; more wait their turn."""
    attempts_max: int = 5
    """Tries of a call that is safe to repeat while the server is UNAVAILABLE (gRPC caps it at 5) or sheds load."""

    def __post_init__(self) -> None:
        if (
            self.token is not None
            and self.tls is None
            and not self.plaintext_token
            and not _on_this_machine(self.target)
        ):
            raise ValueError(
                f"the token would go to {self.target} in clear text: connect with TLS, or allow it with plaintext_token"
            )
        if isinstance(self.token, str):
            check_token(self.token)
        if self.tls is not None and bool(self.tls.certificate) != bool(self.tls.key):
            raise ValueError("a client certificate and its key go together")

    def bound_s(self, request: Message, *, report: bool) -> float:
        """The bound of a unary call that names none; `report`: its method reads very much, whatever is asked."""
        return self.report_timeout_s if report or getattr(request, "validate_only", False) else self.timeout_s

    def metadata(self) -> Metadata:
        """What goes along with every call.

        Raises:
            ValueError: What gives the token gave one that no header carries.
        """
        if self.token is None:
            return ()
        token = self.token() if callable(self.token) else self.token
        check_token(token)
        return (("authorization", f"Bearer {token}"),)

    def open(self) -> grpc.Channel:
        """A synchronous channel."""
        if self.tls is None:
            return grpc.insecure_channel(self.target, self._options())
        return grpc.secure_channel(self.target, self._credentials(self.tls), self._options())

    def open_aio(self) -> grpc.aio.Channel:
        """An asynchronous channel; to be called where an event loop runs."""
        if self.tls is None:
            return grpc.aio.insecure_channel(self.target, self._options())
        return grpc.aio.secure_channel(self.target, self._credentials(self.tls), self._options())

    def _credentials(self, tls: Tls) -> grpc.ChannelCredentials:
        return grpc.ssl_channel_credentials(tls.ca, tls.key, tls.certificate)

    def _options(self) -> list[tuple[str, Any]]:
        options: list[tuple[str, Any]] = [
            ("grpc.service_config", service_config(self.attempts_max)),
            ("grpc.primary_user_agent", f"countinghouse-python/{version('countinghouse-client')}"),
            ("grpc.max_receive_message_length", _MESSAGE_RECEIVED_MAX),
            ("grpc.max_send_message_length", _MESSAGE_SENT_MAX),
            # A dead peer is noticed within a minute and a half, and no server that keeps the usual limits minds.
            ("grpc.keepalive_time_ms", 60_000),
            ("grpc.keepalive_timeout_ms", 20_000),
            # A server that went away comes back within seconds, not minutes.
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 5_000),  # what one try may take: a TLS handshake far away takes its time
            ("grpc.max_reconnect_backoff_ms", 5_000),
        ]
        if _on_this_machine(self.target):
            options.append(("grpc.enable_http_proxy", 0))  # a proxy set for the network does not know this machine
        if self.tls is not None and self.tls.server_name:
            options.append(("grpc.ssl_target_name_override", self.tls.server_name))
        return options


def service_config(attempts_max: int) -> str:
    """The gRPC service config, as JSON: which methods are tried again while the server is UNAVAILABLE.

    Those are the unary methods that change nothing, and those whose request carries a request id. Streams are resumed
    by this client itself, where they stood.
    """
    if attempts_max < 2:  # noqa: PLR2004 - one attempt is no retry
        return "{}"
    names = [
        {"service": method.containing_service.full_name, "method": method.name}
        for method in _methods()
        if is_safe_to_repeat(method)
    ]
    policy = {
        "maxAttempts": attempts_max,
        "initialBackoff": "0.1s",
        "maxBackoff": "2s",
        "backoffMultiplier": 3,
        # A server that stops ends what it has not begun with CANCELLED; what this process cancels is never retried.
        "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
    }
    return json.dumps({"methodConfig": [{"name": names, "retryPolicy": policy}]})


def is_safe_to_repeat(method: MethodDescriptor) -> bool:
    """Tell whether a call of the method may be sent twice and have its effect once."""
    if method.client_streaming or method.server_streaming:
        return False
    return method.name.startswith(SAFE_VERBS) or "request_id" in method.input_type.fields_by_name


def _methods() -> Iterator[MethodDescriptor]:
    for file in _CONTRACT:
        for service in file.services_by_name.values():
            yield from service.methods


def check_token(token: str) -> None:
    """Let a token pass that a header can carry.

    Raises:
        ValueError: It is empty or cannot.
    """
    if not token:
        raise ValueError("the token is empty")
    if not (token.isascii() and token.isprintable()):
        raise ValueError("the token holds line breaks or other characters that no header carries")


def _on_this_machine(target: str) -> bool:
    if target.startswith(("unix:", "unix-abstract:")):
        return True
    host = target.removeprefix("dns:").lstrip("/").rpartition(":")[0].strip("[]") or target
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
