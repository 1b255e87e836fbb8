"""Tasks: look at work queues, take tasks in hand, give them back, close them."""

from __future__ import annotations

from collections.abc import Callable

from countinghouse.accounting.v1 import accounting_service_pb2_grpc as grpc_service
from countinghouse.accounting.v1 import tasks_pb2 as pb
from domain.accounting.execution import attending, looking
from domain.accounting.execution.model import Task
from domain.accounting.execution.store.pages import task_key
from domain.kernel.call import Call
from server.call import Calls, Context, Tx
from server.mapping.accounting import tasks as mapping
from server.mapping.listing import listing_key


class TasksMethods(grpc_service.AccountingServiceServicer):
    """The methods on tasks."""

    _calls: Calls

    async def GetTask(self, request: pb.GetTaskRequest, context: Context) -> pb.Task:
        """A task."""
        key = mapping.task_key_from_name(request.name)
        return await self._calls.read(context, lambda tx, call: _told(tx, looking.task_of(tx, call, *key)))

    async def ListTasks(self, request: pb.ListTasksRequest, context: Context) -> pb.ListTasksResponse:
        """A page of tasks."""
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, call: Call) -> pb.ListTasksResponse:
            found = looking.list_tasks(tx, call, mapping.filter_from_proto(request, call.now_us), page)
            shown = found[: page.size]
            return pb.ListTasksResponse(
                tasks=map(mapping.task_to_proto, shown),
                next_page_token=tokens.token(task_key(shown[-1].task), query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def ClaimTask(self, request: pb.ClaimTaskRequest, context: Context) -> pb.Task:
        """Take a task in hand."""
        key = mapping.task_key_from_name(request.name)
        return await self._change_task(
            request, context, lambda tx, call: attending.claim(tx, call, *key, etag=request.etag)
        )

    async def ReleaseTask(self, request: pb.ReleaseTaskRequest, context: Context) -> pb.Task:
        """Give a task back."""
        key = mapping.task_key_from_name(request.name)
        return await self._change_task(
            request, context, lambda tx, call: attending.release(tx, call, *key, etag=request.etag)
        )

    async def CloseTask(self, request: pb.CloseTaskRequest, context: Context) -> pb.Task:
        """Close a task."""
        key = mapping.task_key_from_name(request.name)
        return await self._change_task(
            request,
            context,
            lambda tx, call: attending.close(tx, call, *key, note=request.note, etag=request.etag),
        )

    async def _change_task(
        self,
        request: pb.ClaimTaskRequest | pb.ReleaseTaskRequest | pb.CloseTaskRequest,
        context: Context,
        change: Callable[[Tx, Call], Task],
    ) -> pb.Task:
        return await self._calls.write(context, request, pb.Task, lambda tx, call: _told(tx, change(tx, call)))


def _told(tx: Tx, task: Task) -> pb.Task:
    (entry,) = looking.entries(tx, [task])
    return mapping.task_to_proto(entry)
