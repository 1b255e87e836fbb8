"""Bills, their segments and billing exceptions."""

from __future__ import annotations

from countinghouse.billing.v1 import bill_segments_pb2 as pb
from countinghouse.billing.v1 import billing_exceptions_pb2 as exceptions_pb
from countinghouse.billing.v1 import billing_service_pb2_grpc as grpc_service
from countinghouse.billing.v1 import bills_pb2
from domain.billing.configuration.snapshot import Configurations
from domain.billing.segments import generating, reading, regenerating
from domain.kernel.call import Call
from server.call import Calls, Context, Tx
from server.mapping.billing import segments as mapping
from server.mapping.billing.names import key_from_name
from server.mapping.listing import listing_key


class SegmentsMethods(grpc_service.BillingServiceServicer):
    """The methods on bills and their segments."""

    _calls: Calls
    _configurations: Configurations

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
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)
        wanted = mapping.bill_filter_from_proto(request)

        def read(tx: Tx, call: Call) -> bills_pb2.ListBillsResponse:
            found = reading.list_bills(tx, wanted, page, call.scope)
            shown = found[: page.size]
            more = len(found) > page.size
            return bills_pb2.ListBillsResponse(
                bills=(mapping.bill_to_proto(*each, order=False) for each in shown),
                next_page_token=tokens.token([shown[-1][0].account_id, shown[-1][0].bill_id], query) if more else "",
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
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)
        wanted = mapping.segment_filter_from_proto(request)

        def read(tx: Tx, call: Call) -> pb.ListBillSegmentsResponse:
            found = reading.list_segments(tx, wanted, page, call.scope)
            shown = found[: page.size]
            token = ""
            if len(found) > page.size:
                last = shown[-1]
                token = tokens.token([last.bill_id, last.position, last.period.start, last.segment_id], query)
            return pb.ListBillSegmentsResponse(
                bill_segments=map(mapping.segment_to_proto, shown), next_page_token=token
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
            found = regenerating.accept(tx, call, self._configurations, key, note=request.note)
            return mapping.segment_to_proto(next(each for each in found.made if each.segment_id == key[1]))

        return await self._calls.write(context, request, pb.BillSegment, write)

    async def GetBillingException(
        self, request: exceptions_pb.GetBillingExceptionRequest, context: Context
    ) -> exceptions_pb.BillingException:
        """A billing exception."""
        key = key_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.exception_to_proto(reading.get_exception(tx, *key, call.scope))
        )

    async def ListBillingExceptions(
        self, request: exceptions_pb.ListBillingExceptionsRequest, context: Context
    ) -> exceptions_pb.ListBillingExceptionsResponse:
        """A page of billing exceptions."""
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)
        wanted = mapping.exception_filter_from_proto(request)

        def read(tx: Tx, call: Call) -> exceptions_pb.ListBillingExceptionsResponse:
            found = reading.list_exceptions(tx, wanted, page, call.scope)
            shown = found[: page.size]
            more = len(found) > page.size
            return exceptions_pb.ListBillingExceptionsResponse(
                billing_exceptions=map(mapping.exception_to_proto, shown),
                next_page_token=tokens.token([shown[-1].exception_id, shown[-1].account_id], query) if more else "",
            )

        return await self._calls.read(context, read)
