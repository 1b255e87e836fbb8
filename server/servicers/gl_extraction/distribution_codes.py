"""Distribution codes."""

from __future__ import annotations

from countinghouse.gl_extraction.v1 import distribution_codes_pb2 as pb
from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc as grpc_service
from domain.gl_extraction.distribution import service
from domain.kernel.call import Call
from server.call import Calls, Context, Tx
from server.mapping.gl_extraction import distribution_codes as mapping
from server.mapping.listing import listing_key


class DistributionCodeMethods(grpc_service.GLExtractionServiceServicer):
    """The methods on distribution codes."""

    _calls: Calls

    async def CreateDistributionCode(
        self, request: pb.CreateDistributionCodeRequest, context: Context
    ) -> pb.DistributionCode:
        """Create a distribution code."""
        given = request.distribution_code
        distribution = mapping.distribution_from_proto(given)
        return await self._calls.write(
            context,
            request,
            pb.DistributionCode,
            lambda tx, call: mapping.distribution_code_to_proto(service.create(tx, call, given.code, distribution)),
        )

    async def GetDistributionCode(
        self, request: pb.GetDistributionCodeRequest, context: Context
    ) -> pb.DistributionCode:
        """A distribution code."""
        code = mapping.code_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.distribution_code_to_proto(service.get(tx, code, call.scope))
        )

    async def ListDistributionCodes(
        self, request: pb.ListDistributionCodesRequest, context: Context
    ) -> pb.ListDistributionCodesResponse:
        """A page of distribution codes."""
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, call: Call) -> pb.ListDistributionCodesResponse:
            found = service.list_page(tx, page, call.scope)
            shown = found[: page.size]
            return pb.ListDistributionCodesResponse(
                distribution_codes=map(mapping.distribution_code_to_proto, shown),
                next_page_token=tokens.token([shown[-1].code], query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def UpdateDistributionCode(
        self, request: pb.UpdateDistributionCodeRequest, context: Context
    ) -> pb.DistributionCode:
        """Change a distribution code."""
        change = mapping.change_from_proto(request)
        return await self._calls.write(
            context,
            request,
            pb.DistributionCode,
            lambda tx, call: mapping.distribution_code_to_proto(service.update(tx, call, change)),
        )
