"""Claims and their disputes."""

from __future__ import annotations

from countinghouse.accounting.v1 import accounting_service_pb2_grpc as grpc_service
from countinghouse.accounting.v1 import claims_pb2 as pb
from domain.accounting.claims import service
from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.names import claim_name
from domain.kernel.call import Call
from server.call import Calls, Context, Tx
from server.mapping.accounting import claims as mapping
from server.mapping.listing import listing_key


class ClaimsMethods(grpc_service.AccountingServiceServicer):
    """The methods on claims and disputes."""

    _calls: Calls
    _configurations: Configurations

    async def CreateClaim(self, request: pb.CreateClaimRequest, context: Context) -> pb.Claim:
        """Create a claim, with its disputes."""
        new = mapping.new_claim_from_proto(request)

        def write(tx: Tx, call: Call) -> pb.Claim:
            return mapping.claim_to_proto(service.create(tx, call, self._configurations, new))

        answer = await self._calls.write(context, request, pb.Claim, write)
        self._calls.announce_change(answer.name)
        return answer

    async def GetClaim(self, request: pb.GetClaimRequest, context: Context) -> pb.Claim:
        """A claim."""
        claim_id = mapping.claim_id_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.claim_to_proto(service.get(tx, claim_id, call.scope))
        )

    async def ListClaims(self, request: pb.ListClaimsRequest, context: Context) -> pb.ListClaimsResponse:
        """A page of claims."""
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)
        wanted = mapping.filter_from_proto(request)

        def read(tx: Tx, call: Call) -> pb.ListClaimsResponse:
            found = service.list_page(tx, wanted, page, call.scope)
            shown = found[: page.size]
            return pb.ListClaimsResponse(
                claims=map(mapping.claim_to_proto, shown),
                next_page_token=tokens.token([shown[-1].claim_id], query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def UpdateClaim(self, request: pb.UpdateClaimRequest, context: Context) -> pb.Claim:
        """Change a claim."""
        change = mapping.claim_change_from_proto(request)
        answer = await self._calls.write(
            context,
            request,
            pb.Claim,
            lambda tx, call: mapping.claim_to_proto(service.update(tx, call, change)),
        )
        self._calls.announce_change(answer.name)
        return answer

    async def CreateDispute(self, request: pb.CreateDisputeRequest, context: Context) -> pb.Dispute:
        """Add a dispute."""
        claim_id, new = mapping.claim_id_from_name(request.parent), mapping.new_dispute_from_proto(request)
        answer = await self._calls.write(
            context,
            request,
            pb.Dispute,
            lambda tx, call: mapping.dispute_to_proto(service.create_dispute(tx, call, claim_id, new)),
        )
        self._calls.announce_change(request.parent)
        return answer

    async def GetDispute(self, request: pb.GetDisputeRequest, context: Context) -> pb.Dispute:
        """A dispute."""
        key = mapping.dispute_key_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.dispute_to_proto(service.get_dispute(tx, *key, call.scope))
        )

    async def ListDisputes(self, request: pb.ListDisputesRequest, context: Context) -> pb.ListDisputesResponse:
        """A page of a claim's disputes."""
        claim_id = mapping.claim_id_from_name(request.parent)
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, call: Call) -> pb.ListDisputesResponse:
            found = service.list_disputes(tx, claim_id, page, call.scope)
            shown = found[: page.size]
            return pb.ListDisputesResponse(
                disputes=map(mapping.dispute_to_proto, shown),
                next_page_token=tokens.token([shown[-1].dispute_id], query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def UpdateDispute(self, request: pb.UpdateDisputeRequest, context: Context) -> pb.Dispute:
        """Change a dispute."""
        change = mapping.dispute_change_from_proto(request)
        answer = await self._calls.write(
            context,
            request,
            pb.Dispute,
            lambda tx, call: mapping.dispute_to_proto(service.update_dispute(tx, call, change)),
        )
        self._calls.announce_change(claim_name(change.claim_id))
        return answer
