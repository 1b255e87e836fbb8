"""Watching and recovering operations (PLT-21, PLT-24)."""

from __future__ import annotations

from collections.abc import AsyncIterator

from google.longrunning import operations_pb2 as longrunning_pb2

from countinghouse.operations.v1 import operations_pb2, operations_pb2_grpc
from domain.kernel.call import Call
from domain.operations import service
from domain.operations.errors import WatchCursorAhead
from server.call import Calls, Context, Tx
from server.mapping import kinds
from server.mapping.operations import id_from_name, instant_to_proto
from server.servicers.operations.subject import OPERATIONS, Snapshot, snapshot_of
from server.watcher import Watcher


class OperationsServicer(operations_pb2_grpc.OperationsServiceServicer):
    """Watches and recovers operations."""

    def __init__(self, calls: Calls, watcher: Watcher, *, heartbeat_s: float) -> None:
        self._calls = calls
        self._watcher = watcher
        self._heartbeat_s = heartbeat_s

    async def WatchOperation(
        self, request: operations_pb2.WatchOperationRequest, context: Context
    ) -> AsyncIterator[operations_pb2.WatchOperationResponse]:
        """The operation now if the caller has not seen that, then each change, until it is done."""
        operation_id = id_from_name(request.name)
        self._calls.about(context, operation_id)
        self._watcher.check()
        with self._watcher.follow(OPERATIONS, operation_id) as following:
            seen = await self._calls.look(
                context, lambda tx, call: snapshot_of(service.get(tx, operation_id, call.scope))
            )
            following.saw(seen)
            if request.after_sequence > seen.revision:
                raise WatchCursorAhead(after_sequence=request.after_sequence, sequence=seen.revision)
            if request.after_sequence < seen.revision:
                yield _event(seen)
            while not seen.proto.done:
                fresh = await following.after(seen.revision, timeout_s=self._heartbeat_s)
                yield _event(fresh) if fresh else _heartbeat(seen)
                seen = fresh or seen

    async def RecoverOperation(
        self, request: operations_pb2.RecoverOperationRequest, context: Context
    ) -> longrunning_pb2.Operation:
        """Run a failed operation again from where it stood."""
        operation_id = id_from_name(request.name)
        self._calls.about(context, operation_id)

        def recover(tx: Tx, call: Call) -> longrunning_pb2.Operation:
            return kinds.to_proto(service.recover(tx, call, operation_id))

        answer = await self._calls.write(context, request, longrunning_pb2.Operation, recover)
        self._calls.announce(context, operation_id)
        return answer


def _event(seen: Snapshot) -> operations_pb2.WatchOperationResponse:
    return operations_pb2.WatchOperationResponse(
        sequence=seen.revision, event_time=instant_to_proto(seen.updated_us), operation=seen.proto
    )


def _heartbeat(seen: Snapshot) -> operations_pb2.WatchOperationResponse:
    return operations_pb2.WatchOperationResponse(
        sequence=seen.revision,
        event_time=instant_to_proto(seen.updated_us),
        heartbeat=operations_pb2.WatchHeartbeat(),
    )
