"""Receipts: what the receiver says of messages."""

from __future__ import annotations

from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc as grpc_service
from countinghouse.gl_extraction.v1 import receipts_pb2 as pb
from domain.gl_extraction.receipts import service as receipts
from domain.kernel.call import Call
from server.call import Calls, Context, Tx
from server.mapping.gl_extraction import receipts as mapping
from server.mapping.gl_extraction.extraction import batch_no_from_name
from server.mapping.listing import listing_key


class ReceiptsMethods(grpc_service.GLExtractionServiceServicer):
    """The methods on receipts."""

    _calls: Calls

    async def AcknowledgeMessages(
        self, request: pb.AcknowledgeMessagesRequest, context: Context
    ) -> pb.AcknowledgeMessagesResponse:
        """Messages were taken."""
        said = mapping.acknowledged_from_proto(request)
        return await self._calls.write(
            context,
            request,
            pb.AcknowledgeMessagesResponse,
            lambda tx, call: mapping.acknowledged_to_proto(receipts.receive(tx, call, said)),
        )

    async def RejectMessages(self, request: pb.RejectMessagesRequest, context: Context) -> pb.RejectMessagesResponse:
        """Messages were not taken."""
        said = mapping.rejected_from_proto(request)
        return await self._calls.write(
            context,
            request,
            pb.RejectMessagesResponse,
            lambda tx, call: mapping.rejected_to_proto(said.batch_no, receipts.receive(tx, call, said)),
        )

    async def ListMessageReceipts(
        self, request: pb.ListMessageReceiptsRequest, context: Context
    ) -> pb.ListMessageReceiptsResponse:
        """A page of what was said of a batch's messages."""
        batch_no, state = batch_no_from_name(request.parent), mapping.state_from_proto(request)
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, call: Call) -> pb.ListMessageReceiptsResponse:
            batch, found = receipts.list_page(tx, call, batch_no, state, page)
            shown = found[: page.size]
            return pb.ListMessageReceiptsResponse(
                message_receipts=map(mapping.receipt_to_proto, shown),
                next_page_token=tokens.token([shown[-1].span.last], query) if len(found) > page.size else "",
                counts=mapping.counts_to_proto(receipts.counts_of(batch)),
            )

        return await self._calls.read(context, read)

    async def ListBatchReceipts(
        self, request: pb.ListBatchReceiptsRequest, context: Context
    ) -> pb.ListBatchReceiptsResponse:
        """A page of batches that await the receiver, or that it rejects."""
        wanted = mapping.batches_from_proto(request)
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, call: Call) -> pb.ListBatchReceiptsResponse:
            found = receipts.list_batches(tx, call, wanted, page)
            shown = found[: page.size]
            return pb.ListBatchReceiptsResponse(
                batch_receipts=map(mapping.batch_to_proto, shown),
                next_page_token=tokens.token([shown[-1].batch_no], query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)
