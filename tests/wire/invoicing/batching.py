"""Batches by a real client, beside a house whose running invoices are put straight into the tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from google.longrunning import operations_pb2 as longrunning_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb
from countinghouse.invoicing.v1.invoice_batch_service_pb2_grpc import InvoiceBatchServiceStub
from countinghouse.operations.v1 import operations_pb2, operations_pb2_grpc
from tests.invoicing.batches.house import House
from tests.support.server import Served

CYCLE = "billingCycles/CYCLE"
MARCH, APRIL = f"{CYCLE}/schedules/2026-03-01", f"{CYCLE}/schedules/2026-04-01"


@dataclass
class Batching:
    """Calls on a server whose clock is the house's."""

    served: Served
    house: House

    @property
    def stub(self) -> InvoiceBatchServiceStub:
        return self.served.stub(InvoiceBatchServiceStub)

    def create(self, **asked: Any) -> pb.InvoiceBatch:
        """A batch of the cycle."""
        request = pb.CreateInvoiceBatchRequest(**{"billing_cycle": CYCLE, **asked})
        return self.stub.CreateInvoiceBatch(request, timeout=20)

    def get(self, name: str) -> pb.InvoiceBatch:
        return self.stub.GetInvoiceBatch(pb.GetInvoiceBatchRequest(name=name), timeout=20)

    def done(self, name: str) -> longrunning_pb2.Operation:
        """An operation at its end, which must be a good one."""
        stub = self.served.stub(operations_pb2_grpc.OperationsServiceStub)
        *_, last = stub.WatchOperation(operations_pb2.WatchOperationRequest(name=name), timeout=60)
        assert last.operation.WhichOneof("result") == "response", last.operation.error
        found: longrunning_pb2.Operation = last.operation
        return found

    def close(self, **asked: Any) -> pb.InvoiceBatch:
        """A batch of the cycle, closed as far as that goes by itself."""
        batch = self.create(**asked)
        self.done(batch.operation)
        return self.get(batch.name)

    def engine(self, **asked: Any) -> pb.RunInvoiceBatchEngineResponse:
        """A pass of the engine, and all that it begins, to their ends."""
        started = self.stub.RunInvoiceBatchEngine(pb.RunInvoiceBatchEngineRequest(**asked), timeout=20)
        found = pb.RunInvoiceBatchEngineResponse()
        assert self.done(started.name).response.Unpack(found)
        for batch in self.all():
            if batch.operation:
                self.done(batch.operation)
        return found

    def aggregate(self, **asked: Any) -> int:
        """How many invoices were aggregated."""
        started = self.stub.AggregateInvoices(pb.AggregateInvoicesRequest(**asked), timeout=20)
        found = pb.AggregateInvoicesResponse()
        assert self.done(started.name).response.Unpack(found)
        return found.aggregated_count

    def all(self, **asked: Any) -> list[pb.InvoiceBatch]:
        request = pb.ListInvoiceBatchesRequest(**asked)
        return list(self.stub.ListInvoiceBatches(request, timeout=20).invoice_batches)

    def states(self, name: str) -> list[str]:
        """The states that a batch has been in."""
        request = pb.ListInvoiceBatchTransitionsRequest(parent=name)
        found = self.stub.ListInvoiceBatchTransitions(request, timeout=20).transitions
        return [word(each.to_state) for each in found]

    def explain(self, name: str) -> pb.ExplainInvoiceBatchResponse:
        return self.stub.ExplainInvoiceBatch(pb.ExplainInvoiceBatchRequest(name=name), timeout=20)

    def cancel(self, name: str) -> pb.InvoiceBatch:
        """Cancel a batch, to the end."""
        begun = self.stub.CancelInvoiceBatch(pb.CancelInvoiceBatchRequest(name=name), timeout=20)
        self.done(begun.operation)
        return self.get(name)


def word(state: int) -> str:
    """A state without what stands before it."""
    return pb.InvoiceBatchState.Name(state).removeprefix("INVOICE_BATCH_STATE_")  # type: ignore[arg-type]


def instant(us: int) -> Timestamp:
    found = Timestamp()
    found.FromMicroseconds(us)
    return found
