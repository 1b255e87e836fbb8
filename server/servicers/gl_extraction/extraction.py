"""Extraction: start it, look ahead, and look at its batches."""

from __future__ import annotations

from google.longrunning import operations_pb2 as longrunning_pb2

from countinghouse.gl_extraction.v1 import extraction_pb2 as pb
from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc as grpc_service
from domain.gl_extraction.extraction import service as extraction
from domain.kernel.call import Call
from server.call import Calls, Context, Tx
from server.mapping import kinds
from server.mapping.gl_extraction import extraction as mapping
from server.mapping.listing import listing_key
from server.mapping.operations import id_from_name


class ExtractionMethods(grpc_service.GLExtractionServiceServicer):
    """The methods on extractions and their batches."""

    _calls: Calls
    _extraction: extraction.Settings

    async def GenerateAccountingMessage(
        self, request: pb.GenerateAccountingMessageRequest, context: Context
    ) -> longrunning_pb2.Operation:
        """Start an extraction, or say what it would send: that takes no write lock, however much it is."""
        asked = mapping.request_from_proto(request)

        def look_ahead(tx: Tx, call: Call) -> longrunning_pb2.Operation:
            return mapping.preview_to_proto(call, asked, extraction.preview(tx, asked, self._extraction, call.scope))

        def start(tx: Tx, call: Call) -> longrunning_pb2.Operation:
            return kinds.to_proto(extraction.start(tx, call, asked, self._extraction))

        if request.validate_only:
            return await self._calls.report(context, look_ahead)
        answer = await self._calls.write(context, request, longrunning_pb2.Operation, start)
        self._calls.announce(context, id_from_name(answer.name))
        return answer

    async def GetExtractionBatch(self, request: pb.GetExtractionBatchRequest, context: Context) -> pb.ExtractionBatch:
        """A batch."""
        batch_no = mapping.batch_no_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.batch_to_proto(extraction.get(tx, batch_no, call.scope))
        )

    async def ListExtractionBatches(
        self, request: pb.ListExtractionBatchesRequest, context: Context
    ) -> pb.ListExtractionBatchesResponse:
        """A page of batches, newest first."""
        state, tokens, query = mapping.state_from_proto(request), self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, call: Call) -> pb.ListExtractionBatchesResponse:
            found = extraction.list_page(tx, state, page, call.scope)
            shown = found[: page.size]
            return pb.ListExtractionBatchesResponse(
                extraction_batches=map(mapping.batch_to_proto, shown),
                next_page_token=tokens.token([shown[-1].batch_no], query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def ReconcileExtractionBatch(
        self, request: pb.ReconcileExtractionBatchRequest, context: Context
    ) -> pb.ReconcileExtractionBatchResponse:
        """What a batch sent against what those details are now."""
        batch_no = mapping.batch_no_from_name(request.name)
        return await self._calls.report(
            context, lambda tx, call: mapping.reconciliation_to_proto(extraction.reconcile(tx, batch_no, call.scope))
        )
