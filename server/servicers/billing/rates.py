"""Rates and their versions."""

from __future__ import annotations

from countinghouse.billing.v1 import billing_service_pb2_grpc as grpc_service
from countinghouse.billing.v1 import rates_pb2 as pb
from domain.billing.configuration import rates as service
from domain.kernel.call import Call
from server.call import Calls, Context, Tx
from server.mapping.billing import rates as mapping
from server.mapping.listing import listing_key
from server.servicers.distribution import known_codes


class RatesMethods(grpc_service.BillingServiceServicer):
    """The methods on rates."""

    _calls: Calls

    async def CreateRate(self, request: pb.CreateRateRequest, context: Context) -> pb.Rate:
        """Create a rate."""
        new = mapping.new_rate_from_proto(request.rate)
        return await self._calls.write(
            context,
            request,
            pb.Rate,
            lambda tx, call: mapping.rate_to_proto(service.create(tx, call, new, known_codes(call))),
        )

    async def GetRate(self, request: pb.GetRateRequest, context: Context) -> pb.Rate:
        """A rate."""
        code = mapping.code_from_name(request.name)
        return await self._calls.read(context, lambda tx, _: mapping.rate_to_proto(service.get(tx, code)))

    async def ListRates(self, request: pb.ListRatesRequest, context: Context) -> pb.ListRatesResponse:
        """A page of rates."""
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, _: Call) -> pb.ListRatesResponse:
            found = service.list_page(tx, page)
            shown = found[: page.size]
            return pb.ListRatesResponse(
                rates=map(mapping.rate_to_proto, shown),
                next_page_token=tokens.token([shown[-1].rate.code], query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def UpdateRate(self, request: pb.UpdateRateRequest, context: Context) -> pb.Rate:
        """Change the description of a rate."""
        change = mapping.rate_change(request)
        return await self._calls.write(
            context, request, pb.Rate, lambda tx, call: mapping.rate_to_proto(service.update(tx, call, change))
        )

    async def CreateRateVersion(self, request: pb.CreateRateVersionRequest, context: Context) -> pb.RateVersion:
        """Change what a rate charges."""
        code, etag = mapping.code_from_name(request.parent), request.etag
        given = mapping.given_from_proto(request.rate_version)

        def write(tx: Tx, call: Call) -> pb.RateVersion:
            known = known_codes(call)
            return mapping.version_to_proto(
                service.create_version(tx, call, code, etag, given=given, known_codes=known)
            )

        return await self._calls.write(context, request, pb.RateVersion, write)

    async def GetRateVersion(self, request: pb.GetRateVersionRequest, context: Context) -> pb.RateVersion:
        """A version of a rate."""
        key = mapping.version_key_from_name(request.name)
        return await self._calls.read(context, lambda tx, _: mapping.version_to_proto(service.get_version(tx, *key)))

    async def ListRateVersions(
        self, request: pb.ListRateVersionsRequest, context: Context
    ) -> pb.ListRateVersionsResponse:
        """A page of a rate's versions."""
        code = mapping.code_from_name(request.parent)
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, _: Call) -> pb.ListRateVersionsResponse:
            found = service.list_versions(tx, code, page)
            shown = found[: page.size]
            return pb.ListRateVersionsResponse(
                rate_versions=map(mapping.version_to_proto, shown),
                next_page_token=tokens.token([shown[-1].rate_version], query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)
