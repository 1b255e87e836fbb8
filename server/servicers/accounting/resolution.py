"""The end of a claim: check, resolve, reopen."""

from __future__ import annotations

from countinghouse.accounting.v1 import accounting_service_pb2_grpc as grpc_service
from countinghouse.accounting.v1 import claims_pb2
from countinghouse.accounting.v1 import resolution_pb2 as pb
from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.resolution import service
from domain.kernel.call import Call
from server.call import Calls, Context, Tx
from server.mapping.accounting import resolution as mapping
from server.mapping.accounting.claims import claim_id_from_name, claim_to_proto
from server.mapping.accounting.vocabulary import RESOLUTIONS_BY_NUMBER
from server.mapping.listing import listing_key


class ResolutionMethods(grpc_service.AccountingServiceServicer):
    """The methods on how claims end."""

    _calls: Calls
    _configurations: Configurations

    async def CheckResolution(self, request: pb.CheckResolutionRequest, context: Context) -> pb.CheckResolutionResponse:
        """Whether a claim may end so, and a page of what stands in the way."""
        claim_id, resolution = claim_id_from_name(request.name), RESOLUTIONS_BY_NUMBER[request.resolution]
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, call: Call) -> pb.CheckResolutionResponse:
            found = service.check(tx, call, self._configurations, claim_id, resolution, page=page)
            answer = mapping.check_to_proto(found, size=page.size)
            if len(found.obstacles) > page.size:
                answer.next_page_token = tokens.token(service.key_of(found.obstacles[page.size - 1]), query)
            return answer

        return await self._calls.read(context, read)

    async def ResolveClaim(self, request: pb.ResolveClaimRequest, context: Context) -> claims_pb2.Claim:
        """Resolve a claim."""
        wanted = mapping.ending_from_proto(request)
        answer = await self._calls.write(
            context,
            request,
            claims_pb2.Claim,
            lambda tx, call: claim_to_proto(service.resolve(tx, call, self._configurations, wanted)),
        )
        self._calls.announce_change(answer.name)
        return answer

    async def ReopenClaim(self, request: pb.ReopenClaimRequest, context: Context) -> claims_pb2.Claim:
        """Reopen a claim."""
        claim_id = claim_id_from_name(request.name)
        answer = await self._calls.write(
            context,
            request,
            claims_pb2.Claim,
            lambda tx, call: claim_to_proto(
                service.reopen(tx, call, claim_id, reason=request.reason, etag=request.etag)
            ),
        )
        self._calls.announce_change(answer.name)
        return answer
