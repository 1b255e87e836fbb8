"""Approvals: a second person looks at a call, and agrees or does not."""

from __future__ import annotations

from countinghouse.operations.v1 import approvals_pb2 as pb
from countinghouse.operations.v1 import approvals_pb2_grpc
from domain.approvals import service as approvals
from domain.kernel.call import Call
from server.call import Calls, Context, Tx
from server.mapping import approvals as mapping
from server.mapping.listing import listing_key


class ApprovalsServicer(approvals_pb2_grpc.ApprovalsServiceServicer):
    """Lists and decides approvals."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def ListApprovals(self, request: pb.ListApprovalsRequest, context: Context) -> pb.ListApprovalsResponse:
        """A page of approvals, newest first."""
        state, tokens, query = mapping.state_from_proto(request), self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, call: Call) -> pb.ListApprovalsResponse:
            found = approvals.list_page(tx, call, state, page)
            shown = found[: page.size]
            return pb.ListApprovalsResponse(
                approvals=[mapping.approval_to_proto(each, with_request=False) for each in shown],
                next_page_token=tokens.token([shown[-1].approval_id], query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def GetApproval(self, request: pb.GetApprovalRequest, context: Context) -> pb.Approval:
        """An approval, with its request."""
        approval_id = mapping.id_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.approval_to_proto(approvals.get(tx, call, approval_id))
        )

    async def ApproveApproval(self, request: pb.ApproveApprovalRequest, context: Context) -> pb.Approval:
        """Agree to somebody else's call."""
        approval_id, held = mapping.id_from_name(request.name), self._calls.permissions(context)

        def approve(tx: Tx, call: Call) -> pb.Approval:
            after = approvals.approve(tx, call, approval_id, reason=request.reason, held=held)
            return mapping.approval_to_proto(after)

        return await self._calls.write(context, request, pb.Approval, approve)

    async def RejectApproval(self, request: pb.RejectApprovalRequest, context: Context) -> pb.Approval:
        """Refuse a call."""
        approval_id, held = mapping.id_from_name(request.name), self._calls.permissions(context)

        def reject(tx: Tx, call: Call) -> pb.Approval:
            after = approvals.reject(tx, call, approval_id, reason=request.reason, held=held)
            return mapping.approval_to_proto(after)

        return await self._calls.write(context, request, pb.Approval, reject)
