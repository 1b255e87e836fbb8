"""Assignments: look at them, complete, try again, re-route, record what became of them."""

from __future__ import annotations

from collections.abc import Callable

from countinghouse.accounting.v1 import accounting_service_pb2_grpc as grpc_service
from countinghouse.accounting.v1 import assignments_pb2 as pb
from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.execution import completing, looking, redoing
from domain.accounting.execution.model import Assignment
from domain.accounting.execution.store.pages import assignment_key
from domain.accounting.names import claim_name
from domain.accounting.performing.booking import Books
from domain.kernel.call import Call
from server.call import Calls, Context, Tx
from server.mapping.accounting import assignments as mapping
from server.mapping.listing import listing_key

_Request = (
    pb.CompleteAssignmentRequest
    | pb.RetryAssignmentRequest
    | pb.RerouteAssignmentRequest
    | pb.RecordAssignmentOutcomeRequest
)


class AssignmentsMethods(grpc_service.AccountingServiceServicer):
    """The methods on assignments."""

    _calls: Calls
    _configurations: Configurations
    _books: Books

    async def GetAssignment(self, request: pb.GetAssignmentRequest, context: Context) -> pb.Assignment:
        """An assignment."""
        key = mapping.assignment_key_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.assignment_to_proto(looking.assignment_of(tx, call, *key))
        )

    async def ListAssignments(self, request: pb.ListAssignmentsRequest, context: Context) -> pb.ListAssignmentsResponse:
        """A page of assignments."""
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, call: Call) -> pb.ListAssignmentsResponse:
            found = looking.list_assignments(tx, call, mapping.filter_from_proto(request, call.now_us), page)
            shown = found[: page.size]
            return pb.ListAssignmentsResponse(
                assignments=map(mapping.assignment_to_proto, shown),
                next_page_token=tokens.token(assignment_key(shown[-1]), query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def CompleteAssignment(self, request: pb.CompleteAssignmentRequest, context: Context) -> pb.Assignment:
        """The caller has carried it out."""
        report = mapping.completion_from_proto(request)
        return await self._change_assignment(
            request,
            context,
            lambda tx, call: completing.complete(tx, call, self._configurations, self._books, report),
        )

    async def RetryAssignment(self, request: pb.RetryAssignmentRequest, context: Context) -> pb.Assignment:
        """Try it again."""
        key = mapping.assignment_key_from_name(request.name)
        return await self._change_assignment(
            request, context, lambda tx, call: redoing.retry(tx, call, self._configurations, *key)
        )

    async def RerouteAssignment(self, request: pb.RerouteAssignmentRequest, context: Context) -> pb.Assignment:
        """Have it carried out by another channel."""
        claim_id, operation_id = mapping.assignment_key_from_name(request.name)
        channel = mapping.channel_from_proto(request)
        return await self._change_assignment(
            request,
            context,
            lambda tx, call: redoing.reroute(
                tx,
                call,
                self._configurations,
                self._books,
                claim_id=claim_id,
                operation_id=operation_id,
                channel=channel,
            ),
        )

    async def RecordAssignmentOutcome(
        self, request: pb.RecordAssignmentOutcomeRequest, context: Context
    ) -> pb.Assignment:
        """What the system of record shows."""
        key, posting = mapping.assignment_key_from_name(request.name), mapping.posting_from_proto(request)

        def record(tx: Tx, call: Call) -> Assignment:
            if posting is None:
                return completing.record_not_posted(tx, call, *key)
            return completing.record_posted(tx, call, self._configurations, self._books, posting)

        return await self._change_assignment(request, context, record)

    async def _change_assignment(
        self, request: _Request, context: Context, change: Callable[[Tx, Call], Assignment]
    ) -> pb.Assignment:
        """Change it, and have those look whom that concerns: who sends, and who watches the claim."""
        answer = await self._calls.write(
            context, request, pb.Assignment, lambda tx, call: mapping.assignment_to_proto(change(tx, call))
        )
        if not request.validate_only:
            self._calls.announce_change(claim_name(mapping.assignment_key_from_name(request.name)[0]))
        return answer
