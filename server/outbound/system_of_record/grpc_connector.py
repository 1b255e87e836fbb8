"""The connector contract over gRPC: one channel, kept open; every failure says whether it may have been posted."""

from __future__ import annotations

import time
from typing import cast

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money

from countinghouse.connector.v1 import system_of_record_pb2 as pb
from countinghouse.connector.v1.system_of_record_pb2_grpc import SystemOfRecordServiceStub
from domain.kernel.amounts import amount_of
from server.mapping.days import day_to_proto
from server.outbound.addresses import Reach
from server.outbound.connections import Connection
from server.outbound.grpc_line import REJECTED, UNFIT, Line, is_unsent, shown_reason, told
from server.outbound.system_of_record.answers import TOO_SLOW, rejection
from server.outbound.system_of_record.model import Adjustment, Failure, Means, NotPosted, Posting, posting_of

_CODE = grpc.StatusCode
_LATER_IF_EXPLAINED = {_CODE.UNAVAILABLE, _CODE.RESOURCE_EXHAUSTED}  # else it may be a library's or a proxy's word
_SOUNDING_MAX_S = 5.0
_LITTLE_S = 0.001


class GrpcConnector:
    """A system of record that serves the contract."""

    def __init__(self, connection: Connection, reach: Reach) -> None:
        self._line = Line(connection, reach, SystemOfRecordServiceStub)
        self._proven = False  # the last call had an answer; else a lookup goes first

    def post(self, adjustment: Adjustment) -> Posting | Failure:
        """As `Connector.post`."""
        until_s = time.monotonic() + adjustment.timeout_s
        if not self._proven and (found := self._sounded(adjustment)) is not None:
            return found
        left_s = max(_LITTLE_S, until_s - time.monotonic())
        try:
            answer = self._line.service.Post(request_of(adjustment), timeout=left_s, metadata=self._line.metadata)
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
            answer = self._line.service.Lookup(request, timeout=timeout_s, metadata=self._line.metadata)
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
        self._proven = failure.means is not Means.UNANSWERED and not is_unsent(call)
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
    code, details = error.code(), told(error)
    if code in REJECTED:
        return rejection(details.reason)
    if code in UNFIT:
        return Failure(Means.UNFIT, f"the system of record does not accept the call ({code.name})")
    if code is _CODE.ABORTED or (code in _LATER_IF_EXPLAINED and details.explained):
        message = f"the system of record answered {code.name}{shown_reason(details.reason)}"
        return Failure(Means.LATER, message, details.pause_s)
    if is_unsent(error):
        return Failure(Means.LATER, "no connection to the system of record")
    if code is _CODE.DEADLINE_EXCEEDED:
        return Failure(Means.UNANSWERED, TOO_SLOW)
    return Failure(Means.UNANSWERED, f"the call ended without the system of record's answer ({code.name})")


def _posting(posting: pb.Posting) -> Posting:
    return posting_of(posting.external_reference, _microseconds(posting.post_time))


def _microseconds(instant: Timestamp) -> int:
    try:
        return instant.ToMicroseconds()
    except ValueError:
        return 0
