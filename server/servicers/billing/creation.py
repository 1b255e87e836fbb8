"""Interval data that are created from those of other profiles."""

from __future__ import annotations

from google.longrunning import operations_pb2 as longrunning_pb2

from countinghouse.billing.v1 import billing_service_pb2_grpc as grpc_service
from countinghouse.billing.v1 import interval_data_sets_pb2 as pb
from domain.billing.creation import reading, service
from domain.kernel.time import BusinessZone
from server.call import Calls, Context
from server.mapping import kinds
from server.mapping.billing import interval_data_sets as mapping
from server.mapping.billing.names import key_from_name
from server.mapping.operations import id_from_name
from server.servicers.pages import page_of


class CreationMethods(grpc_service.BillingServiceServicer):
    """The methods on interval data sets."""

    _calls: Calls
    _zone: BusinessZone

    async def CreateIntervalData(
        self, request: pb.CreateIntervalDataRequest, context: Context
    ) -> longrunning_pb2.Operation:
        """Begin to create interval data."""
        asked = mapping.request_from_proto(request)
        answer = await self._calls.write(
            context,
            request,
            longrunning_pb2.Operation,
            lambda tx, call: kinds.to_proto(service.create(tx, call, asked, self._zone)),
        )
        self._calls.announce(context, id_from_name(answer.name))
        return answer

    async def GetIntervalDataSet(self, request: pb.GetIntervalDataSetRequest, context: Context) -> pb.IntervalDataSet:
        """An interval data set."""
        key = key_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.data_set_to_proto(reading.get(tx, *key, call.scope))
        )

    async def ListIntervalDataSets(
        self, request: pb.ListIntervalDataSetsRequest, context: Context
    ) -> pb.ListIntervalDataSetsResponse:
        """A page of an account's interval data sets."""
        wanted = mapping.filter_from_proto(request)
        read = page_of(
            self._calls,
            request,
            lambda tx, call, page: reading.list_page(tx, wanted, page, call.scope),
            lambda found: found.data_set_id,
            lambda shown, token: pb.ListIntervalDataSetsResponse(
                interval_data_sets=map(mapping.data_set_to_proto, shown), next_page_token=token
            ),
        )
        return await self._calls.read(context, read)
