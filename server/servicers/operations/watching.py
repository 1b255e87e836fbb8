"""Watching, pausing, resuming and recovering operations (PLT-21, PLT-24)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing

from google.longrunning import operations_pb2 as longrunning_pb2

from countinghouse.operations.v1 import operations_pb2, operations_pb2_grpc
from domain.kernel.call import Call
from domain.operations import service
from domain.operations.model import Job, Operation
from server.call import Calls, Context, Tx
from server.mapping import kinds
from server.mapping.operations import id_from_name, instant_to_proto
from server.servicers.operations.following import follow
from server.servicers.operations.subject import Snapshot
from server.watcher import Watcher

_Move = (
    operations_pb2.RecoverOperationRequest
    | operations_pb2.PauseOperationRequest
    | operations_pb2.ResumeOperationRequest
)


class OperationsServicer(operations_pb2_grpc.OperationsServiceServicer):
    """Watches, pauses, resumes and recovers operations."""

    def __init__(self, calls: Calls, watcher: Watcher, jobs: Sequence[Job], *, heartbeat_s: float) -> None:
        self._calls = calls
        self._watcher = watcher
        self._jobs = jobs
        self._heartbeat_s = heartbeat_s

    async def WatchOperation(
        self, request: operations_pb2.WatchOperationRequest, context: Context
    ) -> AsyncIterator[operations_pb2.WatchOperationResponse]:
        """The operation now if the caller has not seen that, then each change, until it is done."""
        snapshots = follow(
            self._calls,
            self._watcher,
            context,
            id_from_name(request.name),
            lambda tx, call, operation_id: service.get(tx, operation_id, call.scope),
            after_sequence=request.after_sequence,
            heartbeat_s=self._heartbeat_s,
        )
        async with aclosing(snapshots):
            async for seen, is_news in snapshots:
                yield _event(seen) if is_news else _heartbeat(seen)

    async def RecoverOperation(
        self, request: operations_pb2.RecoverOperationRequest, context: Context
    ) -> longrunning_pb2.Operation:
        """Run a failed operation again from where it stood."""
        return await self._move(context, request, lambda tx, call, key: service.recover(tx, call, self._jobs, key))

    async def PauseOperation(
        self, request: operations_pb2.PauseOperationRequest, context: Context
    ) -> longrunning_pb2.Operation:
        """Do nothing more of an operation until it is resumed."""
        return await self._move(context, request, service.pause)

    async def ResumeOperation(
        self, request: operations_pb2.ResumeOperationRequest, context: Context
    ) -> longrunning_pb2.Operation:
        """Go on with a paused operation."""
        return await self._move(context, request, service.resume)

    async def _move(
        self, context: Context, request: _Move, move: Callable[[Tx, Call, str], Operation]
    ) -> longrunning_pb2.Operation:
        operation_id = id_from_name(request.name)
        self._calls.about(context, operation_id)
        answer = await self._calls.write(
            context,
            request,
            longrunning_pb2.Operation,
            lambda tx, call: kinds.to_proto(move(tx, call, operation_id)),
        )
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
