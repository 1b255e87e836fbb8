"""The InvoiceBatchService, one method a line: names and types come from the generated stub."""

from typing import TYPE_CHECKING

from countinghouse.client.sync.calls import Caller
from countinghouse.client.sync.operations import Operations
from countinghouse.invoicing.v1 import invoice_batch_service_pb2_grpc

if TYPE_CHECKING:
    import grpc


class Invoicing:
    """The InvoiceBatchService. Each method takes the request message that the contract names."""

    def __init__(self, caller: Caller, channel: "grpc.Channel", operations: Operations) -> None:
        stub = invoice_batch_service_pb2_grpc.InvoiceBatchServiceStub(channel)
        self._caller, self._stub, self._operations = caller, stub, operations
