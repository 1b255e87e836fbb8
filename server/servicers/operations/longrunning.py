"""`google.longrunning.Operations`: the standard methods on every long-running operation (PLT-20)."""

from __future__ import annotations

import time
from collections.abc import Sequence

from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.empty_pb2 import Empty

from domain.kernel.call import Call
from domain.operations import service
from domain.operations.model import Job
from server.call import Calls, Context, Tx
from server.mapping import kinds
from server.mapping.operations import id_from_name, listing_from_proto, listing_key, wait_from_proto
from server.servicers.operations.subject import OPERATIONS, snapshot_of
from server.watcher import Watcher

_ANSWER_S = 0.25
"""A wait ends so long before the call's deadline, so that its answer arrives in time."""


class LongRunningServicer(operations_pb2_grpc.OperationsServicer):
    """Gets, lists, cancels, deletes and waits for operations."""

    def __init__(self, calls: Calls, watcher: Watcher, jobs: Sequence[Job]) -> None:
        self._calls = calls
        self._watcher = watcher
        self._jobs = jobs

    async def GetOperation(
        self, request: operations_pb2.GetOperationRequest, context: Context
    ) -> operations_pb2.Operation:
        """The operation as it stands."""
        operation_id = id_from_name(request.name)
        self._calls.about(context, operation_id)
        return await self._calls.read(
            context, lambda tx, call: kinds.to_proto(service.get(tx, operation_id, call.scope))
        )

    async def ListOperations(
        self, request: operations_pb2.ListOperationsRequest, context: Context
    ) -> operations_pb2.ListOperationsResponse:
        """A page of operations, newest first."""
        wanted = listing_from_proto(request)
        tokens, query = self._calls.page_tokens, listing_key(wanted)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)
        if not wanted.states:  # the terms of the filter exclude each other
            return operations_pb2.ListOperationsResponse()

        def read(tx: Tx, call: Call) -> operations_pb2.ListOperationsResponse:
            found, following = service.list_page(tx, page, among=wanted.states, method=wanted.method, scope=call.scope)
            return operations_pb2.ListOperationsResponse(
                operations=map(kinds.to_proto, found),
                next_page_token=tokens.token(following, query) if following else "",
            )

        return await self._calls.read(context, read)

    async def CancelOperation(self, request: operations_pb2.CancelOperationRequest, context: Context) -> Empty:
        """Stop the operation at its next safe point."""
        operation_id = id_from_name(request.name)
        self._calls.about(context, operation_id)

        def cancel(tx: Tx, call: Call) -> Empty:
            service.request_cancel(tx, call, self._jobs, operation_id)
            return Empty()

        answer = await self._calls.write(context, request, Empty, cancel)
        self._calls.announce(context, operation_id)
        return answer

    async def DeleteOperation(self, request: operations_pb2.DeleteOperationRequest, context: Context) -> Empty:
        """Delete the record of an ended operation."""
        operation_id = id_from_name(request.name)
        self._calls.about(context, operation_id)

        def delete(tx: Tx, call: Call) -> Empty:
            service.delete(tx, call, operation_id)
            return Empty()

        answer = await self._calls.write(context, request, Empty, delete)
        self._calls.announce(context, operation_id)
        return answer

    async def WaitOperation(
        self, request: operations_pb2.WaitOperationRequest, context: Context
    ) -> operations_pb2.Operation:
        """The operation once it is done, or as it stands when the time to wait is over."""
        operation_id = id_from_name(request.name)
        self._calls.about(context, operation_id)
        deadline = min(time.monotonic() + wait_from_proto(request), self._calls.deadline(context) - _ANSWER_S)
        with self._watcher.follow(OPERATIONS, operation_id) as following:
            seen = await self._calls.look(
                context, lambda tx, call: snapshot_of(service.get(tx, operation_id, call.scope))
            )
            following.saw(seen)
            while not seen.proto.done and (left_s := deadline - time.monotonic()) > 0:
                seen = await following.after(seen.revision, timeout_s=left_s) or seen
            return seen.proto
