"""The export queue, its engine, and publishing."""

from __future__ import annotations

from google.longrunning import operations_pb2 as longrunning_pb2

from countinghouse.invoicing.v1 import invoice_batch_service_pb2_grpc as grpc_service
from countinghouse.invoicing.v1 import invoice_batches_pb2, invoice_exports_pb2
from countinghouse.invoicing.v1 import invoice_exports_pb2 as pb
from domain.invoicing.batches import publishing
from domain.invoicing.batches.working import ALL
from domain.invoicing.export import engines, service
from domain.invoicing.names import batch_name
from server.call import Calls, Context
from server.mapping.entries import code_from_name
from server.mapping.invoicing import invoice_batches
from server.mapping.invoicing import invoice_exports as mapping
from server.servicers.invoicing.telling import changed, started, tell_watchers
from server.servicers.pages import page_of


class ExportsMethods(grpc_service.InvoiceBatchServiceServicer):
    """The methods on what goes out."""

    _calls: Calls

    async def RunInvoiceExportEngine(
        self, request: pb.RunInvoiceExportEngineRequest, context: Context
    ) -> longrunning_pb2.Operation:
        """Begin to export what is ordered."""
        asked = invoice_batches.engine_request_from_proto(request)
        return await started(self._calls, context, request, lambda tx, call: engines.start(tx, call, asked))

    async def GetExportRecord(self, request: pb.GetExportRecordRequest, context: Context) -> pb.ExportRecord:
        """An export record."""
        key = mapping.key_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.record_to_proto(service.get(tx, *key, call.scope))
        )

    async def ListExportRecords(
        self, request: pb.ListExportRecordsRequest, context: Context
    ) -> pb.ListExportRecordsResponse:
        """A page of the export queue."""
        batch_id = code_from_name(request.parent)
        cycle = code_from_name(request.billing_cycle) if request.billing_cycle else ""
        states = mapping.states_from_proto(request)
        read = page_of(
            self._calls,
            request,
            lambda tx, call, page: service.list_page(
                tx, page, batch_id="" if batch_id == ALL else batch_id, cycle=cycle, states=states, scope=call.scope
            ),
            lambda record: [record.batch_id, record.export_no],
            lambda shown, token: pb.ListExportRecordsResponse(
                export_records=map(mapping.record_to_proto, shown), next_page_token=token
            ),
        )
        return await self._calls.read(context, read)

    async def ListExportFailures(
        self, request: pb.ListExportFailuresRequest, context: Context
    ) -> pb.ListExportFailuresResponse:
        """A page of what could not be exported."""
        batch_id = code_from_name(request.parent)
        read = page_of(
            self._calls,
            request,
            lambda tx, call, page: service.list_failures(tx, batch_id, page, call.scope),
            lambda failure: [failure.account_id, failure.invoice_id],
            lambda shown, token: pb.ListExportFailuresResponse(
                export_failures=map(mapping.failure_to_proto, shown), next_page_token=token
            ),
        )
        return await self._calls.read(context, read)

    async def RequeueExportRecord(self, request: pb.RequeueExportRecordRequest, context: Context) -> pb.ExportRecord:
        """Take an export record up again."""
        key = mapping.key_from_name(request.name)
        answer = await self._calls.write(
            context, request, pb.ExportRecord, lambda tx, call: mapping.record_to_proto(service.requeue(tx, call, *key))
        )
        tell_watchers(self._calls, batch_name(key[0]))
        return answer

    async def PublishInvoiceBatch(
        self, request: invoice_exports_pb2.PublishInvoiceBatchRequest, context: Context
    ) -> invoice_batches_pb2.InvoiceBatch:
        """Begin to publish a batch."""
        batch_id = code_from_name(request.name)
        return await changed(self._calls, context, request, lambda tx, call: publishing.publish(tx, call, batch_id))
