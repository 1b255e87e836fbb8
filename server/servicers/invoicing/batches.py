"""Batches of invoices: created, looked at, explained, moved on."""

from __future__ import annotations

from google.longrunning import operations_pb2 as longrunning_pb2

from countinghouse.invoicing.v1 import invoice_batch_service_pb2_grpc as grpc_service
from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb
from domain.invoicing.batches import aggregation, canceling, engines, explaining, service, working
from domain.kernel.call import Call
from server.call import Calls, Context, Tx
from server.mapping.entries import code_from_name
from server.mapping.invoicing import invoice_batches as mapping
from server.servicers.invoicing.telling import changed, started
from server.servicers.pages import page_of


class BatchesMethods(grpc_service.InvoiceBatchServiceServicer):
    """The methods on batches, less those that stream."""

    _calls: Calls

    async def CreateInvoiceBatch(self, request: pb.CreateInvoiceBatchRequest, context: Context) -> pb.InvoiceBatch:
        """Put schedules into a batch, and begin to close it."""
        asked = mapping.request_from_proto(request)
        return await changed(self._calls, context, request, lambda tx, call: service.create(tx, call, asked))

    async def GetInvoiceBatch(self, request: pb.GetInvoiceBatchRequest, context: Context) -> pb.InvoiceBatch:
        """A batch."""
        batch_id = code_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.batch_to_proto(working.get(tx, batch_id, call.scope))
        )

    async def ListInvoiceBatches(
        self, request: pb.ListInvoiceBatchesRequest, context: Context
    ) -> pb.ListInvoiceBatchesResponse:
        """A page of batches."""
        cycle = code_from_name(request.billing_cycle) if request.billing_cycle else ""
        states = mapping.states_from_proto(request)
        read = page_of(
            self._calls,
            request,
            lambda tx, call, page: service.list_page(tx, call, page, cycle=cycle, states=states),
            lambda batch: batch.batch_id,
            lambda shown, token: pb.ListInvoiceBatchesResponse(
                invoice_batches=map(mapping.batch_to_proto, shown), next_page_token=token
            ),
        )
        return await self._calls.read(context, read)

    async def ListInvoiceBatchTransitions(
        self, request: pb.ListInvoiceBatchTransitionsRequest, context: Context
    ) -> pb.ListInvoiceBatchTransitionsResponse:
        """A page of a batch's history."""
        batch_id = code_from_name(request.parent)
        read = page_of(
            self._calls,
            request,
            lambda tx, call, page: service.list_transitions(tx, call, batch_id, page),
            lambda made: made.transition_no,
            lambda shown, token: pb.ListInvoiceBatchTransitionsResponse(
                transitions=map(mapping.transition_to_proto, shown), next_page_token=token
            ),
        )
        return await self._calls.read(context, read)

    async def RetryInvoiceBatch(self, request: pb.RetryInvoiceBatchRequest, context: Context) -> pb.InvoiceBatch:
        """Have a batch go back to where it failed."""
        batch_id = code_from_name(request.name)
        return await changed(self._calls, context, request, lambda tx, call: service.retry(tx, call, batch_id))

    async def CancelInvoiceBatch(self, request: pb.CancelInvoiceBatchRequest, context: Context) -> pb.InvoiceBatch:
        """Begin to cancel a batch."""
        batch_id = code_from_name(request.name)
        return await changed(self._calls, context, request, lambda tx, call: canceling.cancel(tx, call, batch_id))

    async def ExplainInvoiceBatch(
        self, request: pb.ExplainInvoiceBatchRequest, context: Context
    ) -> pb.ExplainInvoiceBatchResponse:
        """What a batch waits for."""
        batch_id = code_from_name(request.name)

        def read(tx: Tx, call: Call) -> pb.ExplainInvoiceBatchResponse:
            return mapping.explanation_to_proto(explaining.explain(tx, call.scope, batch_id, call.now_us))

        return await self._calls.report(context, read)

    async def RunInvoiceBatchEngine(
        self, request: pb.RunInvoiceBatchEngineRequest, context: Context
    ) -> longrunning_pb2.Operation:
        """Begin to move on whatever can move."""
        asked = mapping.engine_request_from_proto(request)
        return await started(self._calls, context, request, lambda tx, call: engines.start(tx, call, asked))

    async def AggregateInvoices(
        self, request: pb.AggregateInvoicesRequest, context: Context
    ) -> longrunning_pb2.Operation:
        """Begin to aggregate invoices."""
        asked = mapping.engine_request_from_proto(request)
        return await started(self._calls, context, request, lambda tx, call: aggregation.start(tx, call, asked))
