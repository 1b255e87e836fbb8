"""The connector contract over gRPC: one channel, kept open; every failure says whether it may have been posted.

The channel leads to addresses that were judged, not to the name: as long as the last call had an answer it stays, and
before any other the name is looked up and judged anew.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from ipaddress import IPv4Address
from typing import cast

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.type.money_pb2 import Money
from grpc_status import rpc_status

from countinghouse.connector.v1 import system_of_record_pb2 as pb
from countinghouse.connector.v1.system_of_record_pb2_grpc import SystemOfRecordServiceStub
from domain.kernel.amounts import amount_of
from server.mapping.days import day_to_proto
from server.outbound.addresses import Address, AddressRefused, Reach
from server.outbound.system_of_record.answers import TOO_SLOW, rejection, shown_reason
from server.outbound.system_of_record.connections import Connection
from server.outbound.system_of_record.model import Adjustment, Failure, Means, NotPosted, Posting, posting_of
from server.telemetry import tracing

_CODE = grpc.StatusCode
_REJECTED = {
    _CODE.FAILED_PRECONDITION,
    _CODE.INVALID_ARGUMENT,
    _CODE.NOT_FOUND,
    _CODE.ALREADY_EXISTS,
    _CODE.OUT_OF_RANGE,
}
_UNFIT = {_CODE.UNAUTHENTICATED, _CODE.PERMISSION_DENIED, _CODE.UNIMPLEMENTED}
_LATER_IF_EXPLAINED = {_CODE.UNAVAILABLE, _CODE.RESOURCE_EXHAUSTED}  # else it may be a library's or a proxy's word
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
    ("grpc.enable_retries", 0),  # the outbox's part
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),  # it would lead elsewhere
)
_SOUNDING_MAX_S = 5.0
_LITTLE_S = 0.001


class GrpcConnector:
    """A system of record that serves the contract."""

    def __init__(self, connection: Connection, reach: Reach) -> None:
        self._line = _Line(connection, reach)
        token = connection.token
        self._metadata = (("authorization", f"Bearer {token}"),) if token else ()
        self._proven = False  # the last call had an answer; else a lookup goes first

    def post(self, adjustment: Adjustment) -> Posting | Failure:
        """As `Connector.post`."""
        until_s = time.monotonic() + adjustment.timeout_s
        if not self._proven and (found := self._sounded(adjustment)) is not None:
            return found
        left_s = max(_LITTLE_S, until_s - time.monotonic())
        try:
            answer = self._line.service.Post(request_of(adjustment), timeout=left_s, metadata=self._told())
        except grpc.RpcError as error:
            return self._failure(error)
        self._proven = True
        return _posting(answer.posting)

    def lookup(self, adjustment: Adjustment) -> Posting | NotPosted | Failure:
        """As `Connector.lookup`."""
        return self._lookup(adjustment, adjustment.timeout_s)

    def _lookup(self, adjustment: Adjustment, timeout_s: float) -> Posting | NotPosted | Failure:
        request = pb.LookupRequest(client=adjustment.client, idempotency_key=adjustment.idempotency_key)
        if not self._proven and (fault := self._line.renew()):
            return Failure(Means.LATER, f"no connection to the system of record: {fault}")
        try:
            answer = self._line.service.Lookup(request, timeout=timeout_s, metadata=self._told())
        except grpc.RpcError as error:
            return self._failure(error)
        self._proven = True
        if answer.state == pb.POSTING_STATE_POSTED:
            return _posting(answer.posting)
        if answer.state == pb.POSTING_STATE_NOT_POSTED:
            return NotPosted()
        return Failure(Means.UNANSWERED, "the system of record's answer to a lookup says nothing")

    def rest(self) -> None:
        """As `Connector.rest`: the channel stays open, and closes its connection itself when it is long idle."""

    def close(self) -> None:
        """Close the channel."""
        self._line.close()

    def _told(self) -> tuple[tuple[str, str], ...]:
        return (*self._metadata, *tracing.headers().items())

    def _sounded(self, adjustment: Adjustment) -> Posting | Failure | None:
        """Whether there is anybody to post to: a lookup without an answer leaves nothing in doubt, as a post would.

        None when there is.
        """
        found = self._lookup(adjustment, min(_SOUNDING_MAX_S, adjustment.timeout_s))
        if isinstance(found, Posting):
            return found
        if isinstance(found, Failure) and (not self._proven or found.pause_s):
            return Failure(Means.LATER, found.message, found.pause_s)
        return None

    def _failure(self, error: grpc.RpcError) -> Failure:
        call = cast("grpc.Call", error)  # each error of a call is both
        failure = failure_of(call)
        self._proven = failure.means is not Means.UNANSWERED and not _is_unsent(call)
        return failure


def request_of(adjustment: Adjustment) -> pb.PostRequest:
    """The adjustment as the contract tells it."""
    _, units, nanos = amount_of(adjustment.amount_minor, adjustment.currency)
    return pb.PostRequest(
        idempotency_key=adjustment.idempotency_key,
        client=adjustment.client,
        operation=adjustment.operation,
        operation_id=adjustment.operation_id,
        claim=adjustment.claim,
        dispute=adjustment.dispute,
        debit_account=adjustment.debit_account,
        credit_account=adjustment.credit_account,
        amount=Money(currency_code=adjustment.currency, units=units, nanos=nanos),
        entry_reason=adjustment.reason,
        rule=adjustment.rule,
        rule_version=adjustment.rule_version,
        accounting_date=day_to_proto(adjustment.accounting_day),
        description=adjustment.description,
        reverses_operation_id=adjustment.reverses_operation_id,
    )


def failure_of(error: grpc.Call) -> Failure:
    """What a status means, as the contract says."""
    code, details = error.code(), _details(error)
    if code in _REJECTED:
        return rejection(details.reason)
    if code in _UNFIT:
        return Failure(Means.UNFIT, f"the system of record does not accept the call ({code.name})")
    if code is _CODE.ABORTED or (code in _LATER_IF_EXPLAINED and details.explained):
        message = f"the system of record answered {code.name}{shown_reason(details.reason)}"
        return Failure(Means.LATER, message, details.pause_s)
    if _is_unsent(error):
        return Failure(Means.LATER, "no connection to the system of record")
    if code is _CODE.DEADLINE_EXCEEDED:
        return Failure(Means.UNANSWERED, TOO_SLOW)
    return Failure(Means.UNANSWERED, f"the call ended without the system of record's answer ({code.name})")


class _Details:
    """What the details of a status say: the system's own reason, and how long it asks to be left alone."""

    def __init__(self) -> None:
        self.explained = False
        self.reason = ""
        self.pause_s = 0.0


def _details(error: grpc.Call) -> _Details:
    told = _Details()
    try:
        status = rpc_status.from_call(error)
    except ValueError:  # it contradicts the code or the message: it is not the system's
        status = None
    for packed in status.details if status else ():
        info, retry = ErrorInfo(), RetryInfo()
        if packed.Unpack(info):
            told.explained, told.reason = True, info.reason
        elif packed.Unpack(retry):
            told.explained, told.pause_s = True, _seconds(retry.retry_delay)
    return told


def _seconds(delay: Duration) -> float:
    return max(0.0, delay.seconds + delay.nanos / 1_000_000_000)


def _is_unsent(error: grpc.Call) -> bool:
    return error.code() is _CODE.UNAVAILABLE and (error.details() or "").startswith(_NEVER_SENT)


def _posting(posting: pb.Posting) -> Posting:
    return posting_of(posting.external_reference, _microseconds(posting.post_time))


def _microseconds(instant: Timestamp) -> int:
    try:
        return instant.ToMicroseconds()
    except ValueError:
        return 0


class _Line:
    """A channel to where the system of record may be, and its stub; another one as soon as that is elsewhere."""

    def __init__(self, connection: Connection, reach: Reach) -> None:
        self._connection, self._reach = connection, reach
        self._lock = threading.Lock()
        self._addresses: list[Address] = []
        self._channel: grpc.Channel | None = None
        self._service: SystemOfRecordServiceStub | None = None

    @property
    def service(self) -> SystemOfRecordServiceStub:
        """The stub; `renew` went before."""
        assert self._service is not None, "a lookup goes before the first post"
        return self._service

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
                self._service = SystemOfRecordServiceStub(self._channel)
        return ""

    def close(self) -> None:
        """Close the channel."""
        if self._channel is not None:
            self._channel.close()


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
