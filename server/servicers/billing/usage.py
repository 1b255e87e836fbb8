"""Interval data and register reads: taken in by stream, and listed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
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
from domain.kernel.scopes import id_of
from domain.kernel.time import is_zone
from server.call import Calls, Context, Tx
from server.mapping.billing import usage as mapping
from server.mapping.billing.names import key_from_name
from server.mapping.listing import listing_key

ROWS_MAX = 20_000
"""Rows of one message, which are stored together."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A message, read: its place in the stream, and what it is told apart by from others."""

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

        Two are in flight at most, one being made ready while the one before it is stored; the stream is read no faster
        than that. They are stored in the order of the stream, so that of two values of one instant the first is known
        when the second comes.
        """
        tally, way = mapping.Tally(), pb.UsageImport()
        storing: asyncio.Task[pb.IngestUsageResponse] | None = None
        ordinal = 0
        try:
            async for request in request_iterator:
                way = _way(request, way, ordinal)
                chunk = await self._calls.work(context, partial(_read, request, way, ordinal), for_write=True)
                if storing is not None:
                    tally.add(await storing)
                store = partial(self._store, way, chunk)
                storing = asyncio.create_task(self._calls.write_chunk(context, store))
                ordinal += 1
            if storing is not None:
                tally.add(await storing)
        finally:
            if storing is not None and storing.cancel():
                await asyncio.wait((storing,))
        return tally.answer

    async def ListIntervalData(
        self, request: pb.ListIntervalDataRequest, context: Context
    ) -> pb.ListIntervalDataResponse:
        """A page of the intervals of a profile."""
        found, token = await self._page(ProfileKind.INTERVALS, request, context)
        return pb.ListIntervalDataResponse(interval_data=map(mapping.interval_to_proto, found), next_page_token=token)

    async def ListRegisterReads(
        self, request: pb.ListRegisterReadsRequest, context: Context
    ) -> pb.ListRegisterReadsResponse:
        """A page of the reads of a profile."""
        found, token = await self._page(ProfileKind.REGISTER, request, context)
        return pb.ListRegisterReadsResponse(register_reads=map(mapping.read_to_proto, found), next_page_token=token)

    async def _page(
        self,
        kind: ProfileKind,
        request: pb.ListIntervalDataRequest | pb.ListRegisterReadsRequest,
        context: Context,
    ) -> tuple[Sequence[Kept], str]:
        """What the page shows, and the token of the next."""
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)
        key, stretch = key_from_name(request.parent), mapping.stretch_from_proto(request)
        found = await self._calls.read(
            context, lambda tx, call: listing.list_page(tx, kind, key, stretch, page, scope=call.scope)
        )
        shown = found[: page.size]
        return shown, tokens.token([shown[-1].at_us], query) if len(found) > page.size else ""

    def _store(self, way: pb.UsageImport, chunk: _Chunk, tx: Tx, call: Call) -> pb.IngestUsageResponse:
        """Store a message's rows; under a request id once, and its first answer is given again."""
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


def _read(request: pb.IngestUsageRequest, way: pb.UsageImport, ordinal: int) -> _Chunk:
    """Read the rows of a message."""
    digest = b""
    if way.request_id:
        told = pb.UsageImport(time_zone=way.time_zone, correction=way.correction).SerializeToString()
        digest = sha256(told + b"\0" + pb.IngestUsageRequest(usage=request.usage).SerializeToString()).digest()
    return _Chunk(ordinal, digest, prepare(mapping.groups_from_proto(request.usage), way.time_zone))
