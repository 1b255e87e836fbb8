"""Accounting details: bulk ingest, batch create, get, list, undo, reverse."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence

from countinghouse.gl_extraction.v1 import accounting_details_pb2 as pb
from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc as grpc_service
from domain.gl_extraction.details import ingest, listing, reverse, undo
from domain.gl_extraction.details.ingest import Ingested
from domain.gl_extraction.details.rows import Prepared, prepare
from domain.gl_extraction.details.store.pages import ORDERS, key_of
from domain.kernel.call import Call
from domain.kernel.time import BusinessZone
from server.call import Calls, Context, Tx
from server.chunks import stored_in_turn
from server.mapping.gl_extraction import details as mapping
from server.mapping.listing import listing_key

REFUSALS_MAX = 10_000
REFUSALS_BYTES = 3 << 20
"""Refused rows beyond so many bytes are told in short, so that an answer stays below the 4 MiB that clients take."""


class DetailsMethods(grpc_service.GLExtractionServiceServicer):
    """The methods on accounting details."""

    _calls: Calls
    _zone: BusinessZone
    _rows_per_chunk: int

    async def IngestAccountingDetails(
        self, request_iterator: AsyncIterator[pb.IngestAccountingDetailsRequest], context: Context
    ) -> pb.IngestAccountingDetailsResponse:
        """Take in a stream of rows, chunk by chunk, each chunk whole or not at all.

        They are stored in the order of the stream, so that of two rows with one external id the first decides.
        """
        tally, chunks = _Tally(), _chunks(request_iterator, self._rows_per_chunk)
        async for chunk in stored_in_turn(self._calls, context, chunks, _prepared, _stored):
            tally.add(chunk)
        return tally.to_proto()

    async def BatchCreateAccountingDetails(
        self, request: pb.BatchCreateAccountingDetailsRequest, context: Context
    ) -> pb.BatchCreateAccountingDetailsResponse:
        """Store up to 1,000 rows, all or none."""
        rows = mapping.new_details_from_proto(request.accounting_details)

        def write(tx: Tx, call: Call) -> pb.BatchCreateAccountingDetailsResponse:
            details = ingest.create_all(tx, call, rows)
            return pb.BatchCreateAccountingDetailsResponse(accounting_details=map(mapping.detail_to_proto, details))

        return await self._calls.write(context, request, pb.BatchCreateAccountingDetailsResponse, write)

    async def GetAccountingDetail(
        self, request: pb.GetAccountingDetailRequest, context: Context
    ) -> pb.AccountingDetail:
        """A detail."""
        return await self._calls.read(
            context, lambda tx, call: mapping.detail_to_proto(listing.get(tx, request.name, call.scope))
        )

    async def ListAccountingDetails(
        self, request: pb.ListAccountingDetailsRequest, context: Context
    ) -> pb.ListAccountingDetailsResponse:
        """A page of details."""
        wanted, order = mapping.filter_from_proto(request.filter), ORDERS[request.order_by]
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, call: Call) -> pb.ListAccountingDetailsResponse:
            found = listing.list_page(tx, wanted, order, page, call.scope)
            shown = found[: page.size]
            return pb.ListAccountingDetailsResponse(
                accounting_details=map(mapping.detail_to_proto, shown),
                next_page_token=tokens.token(key_of(shown[-1], order), query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def UndoAccountingDetails(
        self, request: pb.UndoAccountingDetailsRequest, context: Context
    ) -> pb.UndoAccountingDetailsResponse:
        """Mark all details of a subject or registration void."""
        scope = mapping.scope_from_proto(request)

        def write(tx: Tx, call: Call) -> pb.UndoAccountingDetailsResponse:
            return mapping.undone_to_proto(undo.undo(tx, call, scope, reason=request.reason))

        return await self._calls.write(context, request, pb.UndoAccountingDetailsResponse, write)

    async def ReverseAccountingDetails(
        self, request: pb.ReverseAccountingDetailsRequest, context: Context
    ) -> pb.ReverseAccountingDetailsResponse:
        """Make reversals of details, all or none."""

        def write(tx: Tx, call: Call) -> pb.ReverseAccountingDetailsResponse:
            wanted = mapping.reverse_from_proto(request, today=self._zone.today(call.now_us))
            reversals = reverse.reverse(tx, call, wanted)
            return pb.ReverseAccountingDetailsResponse(accounting_details=map(mapping.detail_to_proto, reversals))

        return await self._calls.write(context, request, pb.ReverseAccountingDetailsResponse, write)


class _Tally:
    """Adds up what became of the chunks of a stream."""

    def __init__(self) -> None:
        self._answer = pb.IngestAccountingDetailsResponse()
        self._reasons: Counter[str] = Counter()
        self._bytes = 0

    def add(self, chunk: Ingested) -> None:
        """Add the next chunk of the stream."""
        answer = self._answer
        room = REFUSALS_MAX - len(answer.refused_rows)
        for refusal in chunk.refusals[:room]:
            told = mapping.refusal_to_proto(
                refusal, first_row=answer.received_count, in_short=self._bytes > REFUSALS_BYTES
            )
            answer.refused_rows.append(told)
            self._bytes += told.ByteSize()
        for refusal in chunk.refusals:
            self._reasons.update({violation.reason for violation in refusal.violations})
        answer.received_count += chunk.received
        answer.created_count += chunk.created
        answer.unchanged_count += chunk.unchanged
        answer.refused_count += len(chunk.refusals)

    def to_proto(self) -> pb.IngestAccountingDetailsResponse:
        """The answer to the stream."""
        self._answer.refused_count_by_reason.update(self._reasons)
        return self._answer


async def _chunks(
    requests: AsyncIterator[pb.IngestAccountingDetailsRequest], size: int
) -> AsyncIterator[Sequence[pb.AccountingDetail]]:
    """The rows of the stream, `size` at a time."""
    rows: list[pb.AccountingDetail] = []
    async for request in requests:
        rows.extend(request.accounting_details)
        while len(rows) >= size:
            yield rows[:size]
            del rows[:size]
    if rows:
        yield rows


def _prepared(rows: Sequence[pb.AccountingDetail]) -> Prepared:
    return prepare(mapping.new_details_from_proto(rows))


def _stored(prepared: Prepared, tx: Tx, call: Call) -> Ingested:
    return ingest.ingest_chunk(tx, call, prepared)
