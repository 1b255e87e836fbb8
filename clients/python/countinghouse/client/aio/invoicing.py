"""The InvoiceBatchService, one method a line: names and types come from the generated stub."""

from typing import TYPE_CHECKING

from countinghouse.client.aio.batches import WatchBatch, WatchBatches
from countinghouse.client.aio.calls import Caller
from countinghouse.client.aio.invoice_lines import IngestInvoiceLines
from countinghouse.client.aio.listing import Listing
from countinghouse.client.aio.operations import LongRunning, Operations
from countinghouse.client.aio.recipients import ImportRecipients
from countinghouse.invoicing.v1 import invoice_batch_service_pb2_grpc, invoice_batches_pb2, invoice_exports_pb2

if TYPE_CHECKING:
    import grpc.aio


class Invoicing:
    """The InvoiceBatchService. Each method takes the request message that the contract names."""

    def __init__(self, caller: Caller, channel: "grpc.aio.Channel", operations: Operations) -> None:
        stub = invoice_batch_service_pb2_grpc.InvoiceBatchServiceStub(channel)
        self._caller, self._stub, self._operations = caller, stub, operations
        self._configuration(caller, stub)
        self._schedules(caller, stub)
        self._invoices(caller, stub)
        self._lines(caller, stub)
        self._recipients(caller, stub)
        self._exports(caller, stub, operations)
        self._batches(caller, stub, operations)
        self._hookpoints(caller, stub)

    def _configuration(
        self, caller: Caller, stub: "invoice_batch_service_pb2_grpc.InvoiceBatchServiceAsyncStub"
    ) -> None:
        self.create_issuer = caller.unary(stub.CreateIssuer)
        self.get_issuer = caller.unary(stub.GetIssuer)
        self.list_issuers = Listing(caller.unary(stub.ListIssuers), lambda page: page.issuers)
        self.update_issuer = caller.unary(stub.UpdateIssuer)
        self.create_cycle = caller.unary(stub.CreateBillingCycle)
        self.get_cycle = caller.unary(stub.GetBillingCycle)
        self.list_cycles = Listing(caller.unary(stub.ListBillingCycles), lambda page: page.billing_cycles)
        self.update_cycle = caller.unary(stub.UpdateBillingCycle)

    def _schedules(self, caller: Caller, stub: "invoice_batch_service_pb2_grpc.InvoiceBatchServiceAsyncStub") -> None:
        self.create_schedule = caller.unary(stub.CreateInvoiceSchedule)
        self.get_schedule = caller.unary(stub.GetInvoiceSchedule)
        self.list_schedules = Listing(caller.unary(stub.ListInvoiceSchedules), lambda page: page.invoice_schedules)
        self.update_schedule = caller.unary(stub.UpdateInvoiceSchedule)
        self.delete_schedule = caller.unary(stub.DeleteInvoiceSchedule)

    def _recipients(self, caller: Caller, stub: "invoice_batch_service_pb2_grpc.InvoiceBatchServiceAsyncStub") -> None:
        self.get_recipient = caller.unary(stub.GetRecipient)
        self.list_recipients = Listing(caller.unary(stub.ListRecipients), lambda page: page.recipients)
        self.update_recipient = caller.unary(stub.UpdateRecipient)
        self.import_recipients = ImportRecipients(caller.upload(stub.ImportRecipients))

    def _invoices(self, caller: Caller, stub: "invoice_batch_service_pb2_grpc.InvoiceBatchServiceAsyncStub") -> None:
        self.get_invoice = caller.unary(stub.GetInvoice)
        self.list_invoices = Listing(caller.unary(stub.ListInvoices), lambda page: page.invoices)
        self.update_invoice = caller.unary(stub.UpdateInvoice)
        self.create_credit_note = caller.unary(stub.CreateCreditNote)
        self.explain_invoice = caller.unary(stub.ExplainInvoice)
        self.get_published_invoice = caller.unary(stub.GetPublishedInvoice)
        self.list_published_invoices = Listing(caller.unary(stub.ListPublishedInvoices), lambda page: page.invoices)

    def _lines(self, caller: Caller, stub: "invoice_batch_service_pb2_grpc.InvoiceBatchServiceAsyncStub") -> None:
        self.ingest_lines = IngestInvoiceLines(caller.upload(stub.IngestInvoiceLines))
        self.create_line = caller.unary(stub.CreateInvoiceLine)
        self.delete_line = caller.unary(stub.DeleteInvoiceLine)
        self.list_lines = Listing(caller.unary(stub.ListInvoiceLines), lambda page: page.invoice_lines)
        self.list_published_lines = Listing(
            caller.unary(stub.ListPublishedInvoiceLines), lambda page: page.invoice_lines
        )

    def _batches(
        self,
        caller: Caller,
        stub: "invoice_batch_service_pb2_grpc.InvoiceBatchServiceAsyncStub",
        operations: Operations,
    ) -> None:
        self.create_batch = caller.unary(stub.CreateInvoiceBatch)
        self.get_batch = caller.unary(stub.GetInvoiceBatch)
        self.list_batches = Listing(caller.unary(stub.ListInvoiceBatches), lambda page: page.invoice_batches)
        self.list_transitions = Listing(caller.unary(stub.ListInvoiceBatchTransitions), lambda page: page.transitions)
        self.explain_batch = caller.unary(stub.ExplainInvoiceBatch)
        self.retry_batch = caller.unary(stub.RetryInvoiceBatch)
        self.cancel_batch = caller.unary(stub.CancelInvoiceBatch)
        self.watch_batch = WatchBatch(caller.stream(stub.WatchInvoiceBatch))
        self.watch_batches = WatchBatches(caller.stream(stub.WatchInvoiceBatches))
        self.run_batch_engine = LongRunning[
            invoice_batches_pb2.RunInvoiceBatchEngineRequest,
            invoice_batches_pb2.RunInvoiceBatchEngineResponse,
            invoice_batches_pb2.RunInvoiceBatchEngineMetadata,
        ](caller.unary(stub.RunInvoiceBatchEngine), operations)
        self.aggregate = LongRunning[
            invoice_batches_pb2.AggregateInvoicesRequest,
            invoice_batches_pb2.AggregateInvoicesResponse,
            invoice_batches_pb2.AggregateInvoicesMetadata,
        ](caller.unary(stub.AggregateInvoices), operations)

    def _hookpoints(self, caller: Caller, stub: "invoice_batch_service_pb2_grpc.InvoiceBatchServiceAsyncStub") -> None:
        self.list_hookpoints = Listing(caller.unary(stub.ListHookpoints), lambda page: page.hookpoints)
        self.test_hookpoint = caller.unary(stub.TestHookpoint)

    def _exports(
        self,
        caller: Caller,
        stub: "invoice_batch_service_pb2_grpc.InvoiceBatchServiceAsyncStub",
        operations: Operations,
    ) -> None:
        self.run_export_engine = LongRunning[
            invoice_exports_pb2.RunInvoiceExportEngineRequest,
            invoice_exports_pb2.RunInvoiceExportEngineResponse,
            invoice_exports_pb2.RunInvoiceExportEngineMetadata,
        ](caller.unary(stub.RunInvoiceExportEngine), operations)
        self.get_export = caller.unary(stub.GetExportRecord)
        self.list_exports = Listing(caller.unary(stub.ListExportRecords), lambda page: page.export_records)
        self.list_export_failures = Listing(caller.unary(stub.ListExportFailures), lambda page: page.export_failures)
        self.requeue_export = caller.unary(stub.RequeueExportRecord)
        self.publish_batch = caller.unary(stub.PublishInvoiceBatch)
