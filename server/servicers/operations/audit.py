"""Reading the audit trail (PLT-11)."""

from __future__ import annotations

from countinghouse.operations.v1 import audit_pb2, audit_pb2_grpc
from domain.kernel import events
from domain.kernel.call import Call
from server.call import Calls, Context, Tx
from server.mapping.audit import entry_to_proto, filter_from_proto
from server.mapping.listing import listing_key


class AuditServicer(audit_pb2_grpc.AuditServiceServicer):
    """Lists audit entries."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def ListAuditEntries(
        self, request: audit_pb2.ListAuditEntriesRequest, context: Context
    ) -> audit_pb2.ListAuditEntriesResponse:
        """A page of audit entries, newest first."""
        wanted, tokens, query = filter_from_proto(request), self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)
        before_id = str(page.after[0]) if page.after else ""

        def read(tx: Tx, call: Call) -> audit_pb2.ListAuditEntriesResponse:
            found = events.list_audit(tx, wanted, before_id=before_id, limit=page.size + 1, scope=call.scope)
            shown = found[: page.size]
            return audit_pb2.ListAuditEntriesResponse(
                audit_entries=map(entry_to_proto, shown),
                next_page_token=tokens.token([shown[-1].event_id], query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)
