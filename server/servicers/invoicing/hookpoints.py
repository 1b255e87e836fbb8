"""Hookpoints: which there are, and what one would say."""

from __future__ import annotations

from collections.abc import Mapping

from countinghouse.invoicing.v1 import hookpoints_pb2 as pb
from countinghouse.invoicing.v1 import invoice_batch_service_pb2_grpc as grpc_service
from domain.invoicing.batches import asking, working
from domain.invoicing.batches.errors import HookpointNotFound
from domain.invoicing.batches.hooks import Hookpoint
from server.call import Calls, Context
from server.mapping.entries import code_from_name
from server.mapping.invoicing import invoice_batches as mapping
from server.servicers.pages import page_of


class HookpointsMethods(grpc_service.InvoiceBatchServiceServicer):
    """The methods on hookpoints."""

    _calls: Calls
    _hookpoints: Mapping[str, Hookpoint]

    async def ListHookpoints(self, request: pb.ListHookpointsRequest, context: Context) -> pb.ListHookpointsResponse:
        """A page of hookpoints."""
        known = sorted(self._hookpoints)

        def keys(after: str, size: int) -> list[str]:
            return [key for key in known if key > after][: size + 1]

        read = page_of(
            self._calls,
            request,
            lambda _tx, _call, page: keys(str(page.after[0]) if page.after else "", page.size),
            lambda key: key,
            lambda shown, token: pb.ListHookpointsResponse(
                hookpoints=[mapping.hookpoint_to_proto(self._hookpoints[key]) for key in shown], next_page_token=token
            ),
        )
        return await self._calls.read(context, read)

    async def TestHookpoint(self, request: pb.TestHookpointRequest, context: Context) -> pb.TestHookpointResponse:
        """What a hook would say of a batch; asked when nothing is locked or read any more."""
        batch_id, point = code_from_name(request.invoice_batch), mapping.point_from_proto(request)
        key = code_from_name(request.name)
        batch = await self._calls.read(context, lambda tx, call: working.get(tx, batch_id, call.scope))
        hook = self._hookpoints.get(key)
        if hook is None:
            raise HookpointNotFound(key)
        answer = await self._calls.work(context, lambda: asking.tried(hook, batch, point))
        return mapping.answer_to_proto(answer)
