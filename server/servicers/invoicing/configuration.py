"""Issuers and billing cycles."""

from __future__ import annotations

from countinghouse.invoicing.v1 import billing_cycles_pb2, issuers_pb2
from countinghouse.invoicing.v1 import invoice_batch_service_pb2_grpc as grpc_service
from domain.invoicing.configuration import cycles, issuers
from domain.invoicing.configuration.model import Cycle
from domain.invoicing.configuration.registers import CYCLES, ISSUERS
from domain.kernel.call import Call
from domain.kernel.registers import service
from server.call import Calls, Context, Tx
from server.mapping.entries import code_from_name
from server.mapping.invoicing import billing_cycles as cycle_mapping
from server.mapping.invoicing import issuers as issuer_mapping
from server.servicers.distribution import known_codes
from server.servicers.pages import entries_of


class ConfigurationMethods(grpc_service.InvoiceBatchServiceServicer):
    """The methods on issuers and billing cycles."""

    _calls: Calls

    async def CreateIssuer(self, request: issuers_pb2.CreateIssuerRequest, context: Context) -> issuers_pb2.Issuer:
        """Create an issuer."""
        given = request.issuer
        settings = issuer_mapping.settings_from_proto(given)
        return await self._calls.write(
            context,
            request,
            issuers_pb2.Issuer,
            lambda tx, call: issuer_mapping.issuer_to_proto(
                issuers.create(tx, call, given.code, given.description, settings)
            ),
        )

    async def GetIssuer(self, request: issuers_pb2.GetIssuerRequest, context: Context) -> issuers_pb2.Issuer:
        """An issuer."""
        code = code_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: issuer_mapping.issuer_to_proto(service.get(tx, ISSUERS, code, call.scope))
        )

    async def ListIssuers(
        self, request: issuers_pb2.ListIssuersRequest, context: Context
    ) -> issuers_pb2.ListIssuersResponse:
        """A page of issuers."""
        read = entries_of(
            self._calls,
            request,
            ISSUERS,
            lambda shown, token: issuers_pb2.ListIssuersResponse(
                issuers=map(issuer_mapping.issuer_to_proto, shown), next_page_token=token
            ),
        )
        return await self._calls.read(context, read)

    async def UpdateIssuer(self, request: issuers_pb2.UpdateIssuerRequest, context: Context) -> issuers_pb2.Issuer:
        """Change an issuer."""
        change = issuer_mapping.issuer_change(request)
        return await self._calls.write(
            context,
            request,
            issuers_pb2.Issuer,
            lambda tx, call: issuer_mapping.issuer_to_proto(issuers.update(tx, call, change)),
        )

    async def CreateBillingCycle(
        self, request: billing_cycles_pb2.CreateBillingCycleRequest, context: Context
    ) -> billing_cycles_pb2.BillingCycle:
        """Create a billing cycle."""
        given = request.billing_cycle
        settings = cycle_mapping.settings_from_proto(given)

        def write(tx: Tx, call: Call) -> billing_cycles_pb2.BillingCycle:
            new = Cycle(given.code, given.description, 1, call.now_us, call.now_us, settings)
            return cycle_mapping.cycle_to_proto(cycles.create(tx, call, new, known_codes(call)))

        return await self._calls.write(context, request, billing_cycles_pb2.BillingCycle, write)

    async def GetBillingCycle(
        self, request: billing_cycles_pb2.GetBillingCycleRequest, context: Context
    ) -> billing_cycles_pb2.BillingCycle:
        """A billing cycle."""
        code = code_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: cycle_mapping.cycle_to_proto(service.get(tx, CYCLES, code, call.scope))
        )

    async def ListBillingCycles(
        self, request: billing_cycles_pb2.ListBillingCyclesRequest, context: Context
    ) -> billing_cycles_pb2.ListBillingCyclesResponse:
        """A page of billing cycles."""
        read = entries_of(
            self._calls,
            request,
            CYCLES,
            lambda shown, token: billing_cycles_pb2.ListBillingCyclesResponse(
                billing_cycles=map(cycle_mapping.cycle_to_proto, shown), next_page_token=token
            ),
        )
        return await self._calls.read(context, read)

    async def UpdateBillingCycle(
        self, request: billing_cycles_pb2.UpdateBillingCycleRequest, context: Context
    ) -> billing_cycles_pb2.BillingCycle:
        """Change a billing cycle."""
        change = cycle_mapping.cycle_change(request)
        return await self._calls.write(
            context,
            request,
            billing_cycles_pb2.BillingCycle,
            lambda tx, call: cycle_mapping.cycle_to_proto(cycles.update(tx, call, change, known_codes(call))),
        )
