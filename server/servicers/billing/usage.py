"""Interval data and register reads: taken in by stream, and listed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from countinghouse.billing.v1 import billing_service_pb2_grpc as grpc_service
from countinghouse.billing.v1 import usage_pb2 as pb
from domain.billing.configuration.model import ProfileKind
from domain.billing.configuration.snapshot import Configurations
from domain.billing.usage import listing
from domain.billing.usage.ingest import ingest_chunk
from domain.billing.usage.rows import Prepared, prepare
from domain.billing.usage.store.pages import Kept
from domain.kernel import idempotency
from domain.kernel.call import Call
from domain.kernel.errors import Invalid, Violation
from domain.kernel.paging import Page
from domain.kernel.scopes import id_of
from domain.kernel.time import is_zone
from server.call import Calls, Context, Tx
from server.chunks import stored_in_turn
from server.mapping.billing import usage as mapping
from server.mapping.billing.names import key_from_name
from server.servicers.pages import page_of

ROWS_MAX = 20_000
"""Rows of one message, which are stored together."""


@dataclass(frozen=True, slots=True)
class _Message:
    """A message, how its rows are meant, and its place in the stream."""

    request: pb.IngestUsageRequest
    way: pb.UsageImport
    ordinal: int


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A message, read; the digest tells it apart from others."""

    way: pb.UsageImport
    ordinal: int
    digest: bytes
    prepared: Prepared


class UsageMethods(grpc_service.BillingServiceServicer):
    """The methods on interval data and register reads."""

    _calls: Calls
    _configurations: Configurations

    async def IngestUsage(
        self, request_iterator: AsyncIterator[pb.IngestUsageRequest], context: Context
    ) -> pb.IngestUsageResponse:
        """Take in a stream of rows, message by message, each whole or not at all.

        They are stored in the order of the stream, so that of two values of one instant the first is known when the
        second comes.
        """
        tally = mapping.Tally()
        async for answer in stored_in_turn(self._calls, context, _meant(request_iterator), _read, self._store):
            tally.add(answer)
        return tally.answer

    async def ListIntervalData(
        self, request: pb.ListIntervalDataRequest, context: Context
    ) -> pb.ListIntervalDataResponse:
        """A page of the intervals of a profile."""
        read = page_of(
            self._calls,
            request,
            _finding(ProfileKind.INTERVALS, request),
            _at,
            lambda shown, token: pb.ListIntervalDataResponse(
                interval_data=map(mapping.interval_to_proto, shown), next_page_token=token
            ),
        )
        return await self._calls.read(context, read)

    async def ListRegisterReads(
        self, request: pb.ListRegisterReadsRequest, context: Context
    ) -> pb.ListRegisterReadsResponse:
        """A page of the reads of a profile."""
        read = page_of(
            self._calls,
            request,
            _finding(ProfileKind.REGISTER, request),
            _at,
            lambda shown, token: pb.ListRegisterReadsResponse(
                register_reads=map(mapping.read_to_proto, shown), next_page_token=token
            ),
        )
        return await self._calls.read(context, read)

    def _store(self, chunk: _Chunk, tx: Tx, call: Call) -> pb.IngestUsageResponse:
        """Store a message's rows; under a request id once, and its first answer is given again."""
        way = chunk.way
        request_id = f"{way.request_id}#{chunk.ordinal}"
        digest = chunk.digest + (id_of(call.scope).to_bytes(8) if call.scope.limited else b"")
        if way.request_id:
            first = idempotency.recall(tx, call.caller, call.method, request_id, digest)
            if first is not None:
                return pb.IngestUsageResponse.FromString(first)
        done = ingest_chunk(tx, call, self._configurations, chunk.prepared, correction=way.correction)
        answer = mapping.ingested_to_proto(done)
        if way.request_id:
            idempotency.remember(
                tx,
                call.caller,
                call.method,
                request_id,
                digest=digest,
                answer=answer.SerializeToString(),
                now_us=call.now_us,
            )
        return answer


async def _meant(requests: AsyncIterator[pb.IngestUsageRequest]) -> AsyncIterator[_Message]:
    """The messages of a stream, each as the first one says. Raises: Invalid."""
    way, ordinal = pb.UsageImport(), 0
    async for request in requests:
        way = _way(request, way, ordinal)
        yield _Message(request, way, ordinal)
        ordinal += 1


def _way(request: pb.IngestUsageRequest, known: pb.UsageImport, ordinal: int) -> pb.UsageImport:
    """How the rows of a message are meant, as the first one says. Raises: Invalid."""
    if ordinal and request.HasField("usage_import"):
        text = "may be given in the first message of the stream alone"
        raise Invalid(Violation("usage_import", "USAGE_IMPORT_TWICE", text))
    way = known if ordinal else request.usage_import
    if way.time_zone and not is_zone(way.time_zone):
        text = f"there is no time zone {way.time_zone!r}; they are named as Europe/Zurich or UTC"
        raise Invalid(Violation("usage_import.time_zone", "TIME_ZONE_UNKNOWN", text))
    rows = sum(len(each.interval_data) + len(each.register_reads) for each in request.usage)
    if rows > ROWS_MAX:
        raise Invalid(Violation("usage", "TOO_MANY_ITEMS", f"must have at most {ROWS_MAX:,} rows in a message"))
    return way


def _read(message: _Message) -> _Chunk:
    """Read the rows of a message."""
    digest, way, request = b"", message.way, message.request
    if way.request_id:
        told = pb.UsageImport(time_zone=way.time_zone, correction=way.correction).SerializeToString()
        digest = sha256(told + b"\0" + pb.IngestUsageRequest(usage=request.usage).SerializeToString()).digest()
    prepared = prepare(mapping.groups_from_proto(request.usage), way.time_zone)
    return _Chunk(way, message.ordinal, digest, prepared)


def _finding(
    kind: ProfileKind, request: pb.ListIntervalDataRequest | pb.ListRegisterReadsRequest
) -> Callable[[Tx, Call, Page], Sequence[Kept]]:
    """What finds the rows of a kind that a request asks for."""
    key, stretch = key_from_name(request.parent), mapping.stretch_from_proto(request)
    return lambda tx, call, page: listing.list_page(tx, kind, key, stretch, page, scope=call.scope)


def _at(kept: Kept) -> int:
    return kept.at_us
