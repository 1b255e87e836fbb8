"""Batches of invoices: created, looked at, explained, moved on."""

from __future__ import annotations

from collections.abc import Callable

from google.longrunning import operations_pb2 as longrunning_pb2

from countinghouse.invoicing.v1 import invoice_batch_service_pb2_grpc as grpc_service
from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb
from domain.invoicing.batches import aggregation, canceling, engines, explaining, service, working
from domain.invoicing.batches.model import Batch
from domain.invoicing.batches.working import ALL
from domain.invoicing.names import batch_name
from domain.kernel.call import Call
from domain.operations.model import Operation
from server.call import Calls, Context, Tx
from server.mapping import kinds
from server.mapping.entries import code_from_name
from server.mapping.invoicing import invoice_batches as mapping
from server.mapping.operations import id_from_name
from server.servicers.pages import page_of

_Change = pb.RetryInvoiceBatchRequest | pb.CancelInvoiceBatchRequest
_Start = pb.RunInvoiceBatchEngineRequest | pb.AggregateInvoicesRequest


class BatchesMethods(grpc_service.InvoiceBatchServiceServicer):
    """The methods on batches, less those that stream."""

    _calls: Calls

    async def CreateInvoiceBatch(self, request: pb.CreateInvoiceBatchRequest, context: Context) -> pb.InvoiceBatch:
        """Put schedules into a batch, and begin to close it."""
        asked = mapping.request_from_proto(request)
        answer = await self._calls.write(
            context,
            request,
            pb.InvoiceBatch,
            lambda tx, call: mapping.batch_to_proto(service.create(tx, call, asked)),
        )
        return self._announced(context, answer)

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
        return await self._changed(context, request, lambda tx, call: service.retry(tx, call, batch_id))

    async def CancelInvoiceBatch(self, request: pb.CancelInvoiceBatchRequest, context: Context) -> pb.InvoiceBatch:
        """Begin to cancel a batch."""
        batch_id = code_from_name(request.name)
        return await self._changed(context, request, lambda tx, call: canceling.cancel(tx, call, batch_id))

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
        return await self._started(context, request, lambda tx, call: engines.start(tx, call, asked))

    async def AggregateInvoices(
        self, request: pb.AggregateInvoicesRequest, context: Context
    ) -> longrunning_pb2.Operation:
        """Begin to aggregate invoices."""
        asked = mapping.engine_request_from_proto(request)
        return await self._started(context, request, lambda tx, call: aggregation.start(tx, call, asked))

    async def _changed(
        self, context: Context, request: _Change, change: Callable[[Tx, Call], Batch]
    ) -> pb.InvoiceBatch:
        answer = await self._calls.write(
            context, request, pb.InvoiceBatch, lambda tx, call: mapping.batch_to_proto(change(tx, call))
        )
        return self._announced(context, answer)

    async def _started(
        self, context: Context, request: _Start, start: Callable[[Tx, Call], Operation]
    ) -> longrunning_pb2.Operation:
        answer = await self._calls.write(
            context, request, longrunning_pb2.Operation, lambda tx, call: kinds.to_proto(start(tx, call))
        )
        self._calls.announce(context, id_from_name(answer.name))
        return answer

    def _announced(self, context: Context, batch: pb.InvoiceBatch) -> pb.InvoiceBatch:
        """Tell watchers of it, and workers of the operation that it begins."""
        self._calls.announce_change(batch.name)
        self._calls.announce_change(batch_name(ALL))
        if batch.operation:
            self._calls.announce(context, id_from_name(batch.operation))
        return batch
