"""The connector contract over gRPC: one channel, kept open; every failure says whether it may have been posted."""

from __future__ import annotations

import time
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
)
_SOUNDING_MAX_S = 5.0
_LITTLE_S = 0.001


class GrpcConnector:
    """A system of record that serves the contract."""

    def __init__(self, connection: Connection) -> None:
        self._channel = _channel(connection)
        self._service = SystemOfRecordServiceStub(self._channel)
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
            answer = self._service.Post(request_of(adjustment), timeout=left_s, metadata=self._told())
        except grpc.RpcError as error:
            return self._failure(error)
        self._proven = True
        return _posting(answer.posting)

    def lookup(self, adjustment: Adjustment) -> Posting | NotPosted | Failure:
        """As `Connector.lookup`."""
        return self._lookup(adjustment, adjustment.timeout_s)

    def _lookup(self, adjustment: Adjustment, timeout_s: float) -> Posting | NotPosted | Failure:
        request = pb.LookupRequest(client=adjustment.client, idempotency_key=adjustment.idempotency_key)
        try:
            answer = self._service.Lookup(request, timeout=timeout_s, metadata=self._told())
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
        self._channel.close()

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


def _channel(connection: Connection) -> grpc.Channel:
    if not connection.tls:
        return grpc.insecure_channel(connection.target, options=_OPTIONS)
    credentials = grpc.ssl_channel_credentials(
        root_certificates=connection.ca_file.read_bytes() if connection.ca_file else None,
        private_key=connection.key_file.read_bytes() if connection.key_file else None,
        certificate_chain=connection.certificate_file.read_bytes() if connection.certificate_file else None,
    )
    return grpc.secure_channel(connection.target, credentials, options=_OPTIONS)
