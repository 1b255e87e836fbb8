"""The InvoiceBatchService, one method a line: names and types come from the generated stub."""

from typing import TYPE_CHECKING

from countinghouse.client.sync.calls import Caller
from countinghouse.client.sync.listing import Listing
from countinghouse.client.sync.operations import Operations
from countinghouse.client.sync.recipients import ImportRecipients
from countinghouse.invoicing.v1 import invoice_batch_service_pb2_grpc

if TYPE_CHECKING:
    import grpc


class Invoicing:
    """The InvoiceBatchService. Each method takes the request message that the contract names."""

    def __init__(self, caller: Caller, channel: "grpc.Channel", operations: Operations) -> None:
        stub = invoice_batch_service_pb2_grpc.InvoiceBatchServiceStub(channel)
        self._caller, self._stub, self._operations = caller, stub, operations
        self._configuration(caller, stub)
        self._schedules(caller, stub)
        self._recipients(caller, stub)

    def _configuration(self, caller: Caller, stub: invoice_batch_service_pb2_grpc.InvoiceBatchServiceStub) -> None:
        self.create_issuer = caller.unary(stub.CreateIssuer)
        self.get_issuer = caller.unary(stub.GetIssuer)
        self.list_issuers = Listing(caller.unary(stub.ListIssuers), lambda page: page.issuers)
        self.update_issuer = caller.unary(stub.UpdateIssuer)
        self.create_cycle = caller.unary(stub.CreateBillingCycle)
        self.get_cycle = caller.unary(stub.GetBillingCycle)
        self.list_cycles = Listing(caller.unary(stub.ListBillingCycles), lambda page: page.billing_cycles)
        self.update_cycle = caller.unary(stub.UpdateBillingCycle)

    def _schedules(self, caller: Caller, stub: invoice_batch_service_pb2_grpc.InvoiceBatchServiceStub) -> None:
        self.create_schedule = caller.unary(stub.CreateInvoiceSchedule)
        self.get_schedule = caller.unary(stub.GetInvoiceSchedule)
        self.list_schedules = Listing(caller.unary(stub.ListInvoiceSchedules), lambda page: page.invoice_schedules)
        self.update_schedule = caller.unary(stub.UpdateInvoiceSchedule)
        self.delete_schedule = caller.unary(stub.DeleteInvoiceSchedule)

    def _recipients(self, caller: Caller, stub: invoice_batch_service_pb2_grpc.InvoiceBatchServiceStub) -> None:
        self.get_recipient = caller.unary(stub.GetRecipient)
        self.list_recipients = Listing(caller.unary(stub.ListRecipients), lambda page: page.recipients)
        self.update_recipient = caller.unary(stub.UpdateRecipient)
        self.import_recipients = ImportRecipients(caller.upload(stub.ImportRecipients))
