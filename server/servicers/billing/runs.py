"""Billing runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from google.longrunning import operations_pb2 as longrunning_pb2

from countinghouse.billing.v1 import billing_runs_pb2 as pb
from countinghouse.billing.v1 import billing_service_pb2_grpc as grpc_service
from domain.billing.runs import service as runs
from domain.kernel.time import BusinessZone
from server.call import Calls, Context
from server.mapping import kinds
from server.mapping.billing import runs as mapping
from server.mapping.operations import id_from_name
from server.servicers.operations.following import follow
from server.watcher import Watcher


class RunsMethods(grpc_service.BillingServiceServicer):
    """The methods that bill many, and tell how far that is."""

    _calls: Calls
    _watcher: Watcher
    _heartbeat_s: float
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

    async def WatchBillingRun(
        self, request: pb.WatchBillingRunRequest, context: Context
    ) -> AsyncIterator[pb.WatchBillingRunResponse]:
        """The run now if the caller has not seen that, then each change, until it is done."""
        snapshots = follow(
            self._calls,
            self._watcher,
            context,
            id_from_name(request.name),
            lambda tx, call, operation_id: runs.get(tx, operation_id, call.scope),
            after_sequence=request.after_sequence,
            heartbeat_s=self._heartbeat_s,
        )
        async with aclosing(snapshots):
            async for seen, is_news in snapshots:
                at = {"sequence": seen.revision, "at_us": seen.updated_us}
                yield mapping.event_to_proto(seen.proto, **at) if is_news else mapping.heartbeat_to_proto(**at)
