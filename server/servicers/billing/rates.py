"""Rates and their versions."""

from __future__ import annotations

from countinghouse.billing.v1 import billing_service_pb2_grpc as grpc_service
from countinghouse.billing.v1 import rates_pb2 as pb
from domain.billing.configuration import rates as service
from domain.kernel.call import Call
from server.call import Calls, Context, Tx
from server.mapping.billing import rates as mapping
from server.servicers.distribution import known_codes
from server.servicers.pages import page_of


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
        read = page_of(
            self._calls,
            request,
            lambda tx, _call, page: service.list_page(tx, page),
            lambda found: found.rate.code,
            lambda shown, token: pb.ListRatesResponse(rates=map(mapping.rate_to_proto, shown), next_page_token=token),
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
        read = page_of(
            self._calls,
            request,
            lambda tx, _call, page: service.list_versions(tx, code, page),
            lambda found: found.rate_version,
            lambda shown, token: pb.ListRateVersionsResponse(
                rate_versions=map(mapping.version_to_proto, shown), next_page_token=token
            ),
        )
        return await self._calls.read(context, read)
