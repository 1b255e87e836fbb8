"""Bills, their segments and billing exceptions."""

from __future__ import annotations

from typing import Protocol

from countinghouse.billing.v1 import bill_segments_pb2 as pb
from countinghouse.billing.v1 import billing_exceptions_pb2 as exceptions_pb
from countinghouse.billing.v1 import billing_service_pb2_grpc as grpc_service
from countinghouse.billing.v1 import bills_pb2
from domain.billing.bills import recalculating, working_off
from domain.billing.bills.completing import Bench
from domain.billing.configuration.snapshot import Configurations
from domain.billing.segments import generating, reading, regenerating
from domain.billing.segments.model import BillingException
from domain.kernel.call import Call
from server.call import Calls, Context, Tx
from server.mapping.billing import segments as mapping
from server.mapping.billing.names import key_from_name
from server.servicers.pages import page_of

_Closing = exceptions_pb.AcceptBillingExceptionRequest | exceptions_pb.ResolveBillingExceptionRequest


class _Close(Protocol):
    def __call__(self, tx: Tx, call: Call, bench: Bench, key: tuple[str, str], /, *, note: str) -> BillingException:
        """The exception, closed."""
        ...


class SegmentsMethods(grpc_service.BillingServiceServicer):
    """The methods on bills and their segments."""

    _calls: Calls
    _configurations: Configurations
    _bench: Bench

    async def GenerateBill(
        self, request: bills_pb2.GenerateBillRequest, context: Context
    ) -> bills_pb2.GenerateBillResponse:
        """Generate the pending bill of an account, or tell what it would be."""
        wanted = mapping.request_from_proto(request)

        def write(tx: Tx, call: Call) -> bills_pb2.GenerateBillResponse:
            return mapping.billed_to_proto(generating.generate(tx, call, self._configurations, wanted))

        def look(tx: Tx, call: Call) -> bills_pb2.GenerateBillResponse:
            return mapping.billed_to_proto(generating.preview(tx, call, self._configurations, wanted))

        if request.preview:
            return await self._calls.read(context, look)
        return await self._calls.write(context, request, bills_pb2.GenerateBillResponse, write)

    async def GetBill(self, request: bills_pb2.GetBillRequest, context: Context) -> bills_pb2.Bill:
        """A bill."""
        key = key_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.bill_to_proto(*reading.get_bill(tx, *key, call.scope))
        )

    async def ListBills(self, request: bills_pb2.ListBillsRequest, context: Context) -> bills_pb2.ListBillsResponse:
        """A page of bills."""
        wanted = mapping.bill_filter_from_proto(request)
        read = page_of(
            self._calls,
            request,
            lambda tx, call, page: reading.list_bills(tx, wanted, page, call.scope),
            lambda found: [found[0].account_id, found[0].bill_id],
            lambda shown, token: bills_pb2.ListBillsResponse(
                bills=(mapping.bill_to_proto(*each, order=False) for each in shown), next_page_token=token
            ),
        )
        return await self._calls.read(context, read)

    async def GetBillSegment(self, request: pb.GetBillSegmentRequest, context: Context) -> pb.BillSegment:
        """A bill segment."""
        key = key_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.explanation_to_proto(reading.explain(tx, *key, call.scope)).segment
        )

    async def ListBillSegments(
        self, request: pb.ListBillSegmentsRequest, context: Context
    ) -> pb.ListBillSegmentsResponse:
        """A page of an account's bill segments."""
        wanted = mapping.segment_filter_from_proto(request)
        read = page_of(
            self._calls,
            request,
            lambda tx, call, page: reading.list_segments(tx, wanted, page, call.scope),
            lambda found: [found.bill_id, found.position, found.period.start, found.segment_id],
            lambda shown, token: pb.ListBillSegmentsResponse(
                bill_segments=map(mapping.segment_to_proto, shown), next_page_token=token
            ),
        )
        return await self._calls.read(context, read)

    async def ExplainBillSegment(
        self, request: pb.ExplainBillSegmentRequest, context: Context
    ) -> pb.BillSegmentExplanation:
        """A bill segment with all that explains it."""
        key = key_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.explanation_to_proto(reading.explain(tx, *key, call.scope))
        )

    async def RegenerateBillSegment(
        self, request: pb.RegenerateBillSegmentRequest, context: Context
    ) -> pb.RegenerateBillSegmentResponse:
        """Make a segment again, with what depends on it."""
        key = key_from_name(request.name)

        def write(tx: Tx, call: Call) -> pb.RegenerateBillSegmentResponse:
            return mapping.made_to_proto(regenerating.regenerate(tx, call, self._configurations, key))

        return await self._calls.write(context, request, pb.RegenerateBillSegmentResponse, write)

    async def AcceptBillSegment(self, request: pb.AcceptBillSegmentRequest, context: Context) -> pb.BillSegment:
        """Let an implausible segment pass."""
        key = key_from_name(request.name)

        def write(tx: Tx, call: Call) -> pb.BillSegment:
            return mapping.segment_to_proto(recalculating.accept(tx, call, self._bench, key, note=request.note))

        return await self._calls.write(context, request, pb.BillSegment, write)

    async def GetBillingException(
        self, request: exceptions_pb.GetBillingExceptionRequest, context: Context
    ) -> exceptions_pb.BillingException:
        """A billing exception."""
        key = key_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.exception_to_proto(reading.get_exception(tx, *key, call.scope))
        )

    async def AcceptBillingException(
        self, request: exceptions_pb.AcceptBillingExceptionRequest, context: Context
    ) -> exceptions_pb.BillingException:
        """Let the implausible segment of an exception pass."""
        return await self._close(context, request, working_off.accept)

    async def ResolveBillingException(
        self, request: exceptions_pb.ResolveBillingExceptionRequest, context: Context
    ) -> exceptions_pb.BillingException:
        """Close an exception whose cause is mended."""
        return await self._close(context, request, working_off.resolve)

    async def _close(self, context: Context, request: _Closing, close: _Close) -> exceptions_pb.BillingException:
        key = key_from_name(request.name)

        def write(tx: Tx, call: Call) -> exceptions_pb.BillingException:
            return mapping.exception_to_proto(close(tx, call, self._bench, key, note=request.note))

        return await self._calls.write(context, request, exceptions_pb.BillingException, write)

    async def ListBillingExceptions(
        self, request: exceptions_pb.ListBillingExceptionsRequest, context: Context
    ) -> exceptions_pb.ListBillingExceptionsResponse:
        """A page of billing exceptions."""
        wanted = mapping.exception_filter_from_proto(request)
        read = page_of(
            self._calls,
            request,
            lambda tx, call, page: reading.list_exceptions(tx, wanted, page, call.scope),
            lambda found: [found.exception_id, found.account_id],
            lambda shown, token: exceptions_pb.ListBillingExceptionsResponse(
                billing_exceptions=map(mapping.exception_to_proto, shown), next_page_token=token
            ),
        )
        return await self._calls.read(context, read)
