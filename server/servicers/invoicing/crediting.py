"""Credit notes: what is given back of invoices that are out."""

from __future__ import annotations

from countinghouse.invoicing.v1 import credit_notes_pb2 as pb
from countinghouse.invoicing.v1 import invoice_batch_service_pb2_grpc as grpc_service
from countinghouse.invoicing.v1 import invoices_pb2
from domain.billing.bills.completing import Bench
from domain.billing.bills.completion import Answered
from domain.flows import crediting
from domain.kernel.call import Call
from server.call import Calls, Context, Tx
from server.mapping.invoicing.credit_notes import wanted_from_proto
from server.mapping.invoicing.invoices import invoice_to_proto
from server.servicers.asking import Ask, Asking
from server.servicers.invoicing.telling import tell_watchers


class CreditingMethods(grpc_service.InvoiceBatchServiceServicer):
    """The methods on credit notes; bills on invoices are credited with them, by what is on the `_bench`."""

    _calls: Calls
    _bench: Bench
    _ask: Ask

    async def CreateCreditNote(self, request: pb.CreateCreditNoteRequest, context: Context) -> invoices_pb2.Invoice:
        """Give an invoice back, or some of its lines."""
        wanted = wanted_from_proto(request)

        def write(tx: Tx, call: Call, said: Answered) -> invoices_pb2.Invoice:
            return invoice_to_proto(crediting.credit(tx, call, self._bench, wanted, said))

        answer = await Asking(self._calls, self._ask).write(context, request, invoices_pb2.Invoice, write)
        tell_watchers(self._calls, answer.invoice_batch)
        return answer
