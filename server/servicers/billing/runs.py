"""Billing runs."""

from __future__ import annotations

from google.longrunning import operations_pb2 as longrunning_pb2

from countinghouse.billing.v1 import billing_runs_pb2 as pb
from countinghouse.billing.v1 import billing_service_pb2_grpc as grpc_service
from domain.billing.runs import service as runs
from domain.kernel.time import BusinessZone
from server.call import Calls, Context
from server.mapping import kinds
from server.mapping.billing import runs as mapping
from server.mapping.operations import id_from_name


class RunsMethods(grpc_service.BillingServiceServicer):
    """The method that bills many."""

    _calls: Calls
    _zone: BusinessZone

    async def RunBilling(self, request: pb.RunBillingRequest, context: Context) -> longrunning_pb2.Operation:
        """Begin to bill the accounts of a cycle."""
        asked = mapping.request_from_proto(request)
        answer = await self._calls.write(
            context,
            request,
            longrunning_pb2.Operation,
            lambda tx, call: kinds.to_proto(runs.run(tx, call, asked, self._zone)),
        )
        self._calls.announce(context, id_from_name(answer.name))
        return answer
