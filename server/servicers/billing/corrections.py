"""Bills are frozen, completed, corrected and given back."""

from __future__ import annotations

from collections.abc import Callable

from countinghouse.billing.v1 import bill_corrections_pb2 as pb
from countinghouse.billing.v1 import billing_service_pb2_grpc as grpc_service
from countinghouse.billing.v1 import bills_pb2
from domain.billing.bills import completing, correcting, crediting
from domain.billing.bills.completing import Bench
from domain.billing.bills.completion import Answered
from domain.billing.bills.correcting import Corrected
from domain.billing.segments.model import Bill
from domain.billing.segments.store.bills import Sum, sums
from domain.kernel.call import Call
from server.call import Calls, Context, Tx
from server.mapping.billing import corrections as mapping
from server.mapping.billing.names import key_from_name
from server.mapping.billing.segments import bill_to_proto
from server.servicers.asking import Ask, Asking

Completed = pb.CompleteBillRequest | pb.CreateCreditNoteRequest


class CorrectionsMethods(grpc_service.BillingServiceServicer):
    """The methods on what becomes of bills; `_ask` asks an algorithm over the network."""

    _calls: Calls
    _bench: Bench
    _ask: Ask

    async def FreezeBill(self, request: pb.FreezeBillRequest, context: Context) -> bills_pb2.Bill:
        """Freeze what can be frozen of a bill."""
        key = mapping.key_from_proto(request)

        def write(tx: Tx, call: Call) -> bills_pb2.Bill:
            return _told(tx, completing.freeze(tx, call, self._bench, key))

        return await self._calls.write(context, request, bills_pb2.Bill, write)

    async def CompleteBill(self, request: pb.CompleteBillRequest, context: Context) -> bills_pb2.Bill:
        """Complete a bill."""
        key = mapping.key_from_proto(request)
        return await self._asking(
            context, request, lambda tx, call, said: completing.complete(tx, call, self._bench, key, said)
        )

    async def ReopenBill(self, request: pb.ReopenBillRequest, context: Context) -> bills_pb2.Bill:
        """Make a complete bill pending again."""
        key = mapping.key_from_proto(request)

        def write(tx: Tx, call: Call) -> bills_pb2.Bill:
            return _told(tx, crediting.reopen(tx, call, self._bench, key, request.reason))

        return await self._calls.write(context, request, bills_pb2.Bill, write)

    async def CreateCreditNote(self, request: pb.CreateCreditNoteRequest, context: Context) -> bills_pb2.Bill:
        """Give segments of a complete bill back."""
        key, chosen = mapping.credited_from_proto(request)
        wanted = crediting.Credit(key, chosen, request.reason)
        return await self._asking(
            context, request, lambda tx, call, said: crediting.credit(tx, call, self._bench, wanted, said)
        )

    async def CancelBillSegment(self, request: pb.CancelBillSegmentRequest, context: Context) -> pb.BillCorrection:
        """Take a frozen segment back."""
        wanted = mapping.correction_from_proto(request)

        def write(tx: Tx, call: Call) -> pb.BillCorrection:
            return _corrected(tx, correcting.cancel(tx, call, self._bench, wanted))

        return await self._calls.write(context, request, pb.BillCorrection, write)

    async def RebillBillSegment(self, request: pb.RebillBillSegmentRequest, context: Context) -> pb.BillCorrection:
        """Take a frozen segment back and calculate it anew."""
        wanted = mapping.correction_from_proto(request)

        def write(tx: Tx, call: Call) -> pb.BillCorrection:
            return _corrected(tx, correcting.rebill(tx, call, self._bench, wanted))

        return await self._calls.write(context, request, pb.BillCorrection, write)

    async def UndoBillSegmentCorrection(
        self, request: pb.UndoBillSegmentCorrectionRequest, context: Context
    ) -> pb.BillCorrection:
        """Leave a segment as it was that is about to be canceled."""
        key = key_from_name(request.name)

        def write(tx: Tx, call: Call) -> pb.BillCorrection:
            return _corrected(tx, correcting.undo(tx, call, self._bench, *key))

        return await self._calls.write(context, request, pb.BillCorrection, write)

    async def _asking(
        self, context: Context, request: Completed, complete: Callable[[Tx, Call, Answered], Bill]
    ) -> bills_pb2.Bill:
        """Complete a bill, whose algorithms over the network are asked between one try and the next."""

        def write(tx: Tx, call: Call, said: Answered) -> bills_pb2.Bill:
            return _told(tx, complete(tx, call, said))

        return await Asking(self._calls, self._ask).write(context, request, bills_pb2.Bill, write)


def _told(tx: Tx, bill: Bill) -> bills_pb2.Bill:
    return bill_to_proto(bill, _sum(tx, bill))


def _corrected(tx: Tx, found: Corrected) -> pb.BillCorrection:
    return mapping.corrected_to_proto(found, _sum(tx, found.bill))


def _sum(tx: Tx, bill: Bill) -> Sum:
    key = (bill.account_id, bill.bill_id)
    return sums(tx, [key]).get(key, Sum())
