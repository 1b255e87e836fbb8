"""Service agreement types."""

from __future__ import annotations

from countinghouse.billing.v1 import billing_service_pb2_grpc as grpc_service
from countinghouse.billing.v1 import service_agreement_types_pb2 as pb
from domain.billing.algorithms.registry import Algorithms
from domain.billing.configuration import agreement_types
from domain.billing.configuration.model import AgreementType
from domain.billing.configuration.registers import AGREEMENT_TYPES
from domain.kernel.call import Call
from domain.kernel.registers import service
from server.call import Calls, Context, Tx
from server.mapping.billing import agreement_types as mapping
from server.servicers.billing.distribution import usable
from server.servicers.pages import entries_of


class AgreementTypesMethods(grpc_service.BillingServiceServicer):
    """The methods on service agreement types."""

    _calls: Calls
    _algorithms: Algorithms

    async def CreateServiceAgreementType(
        self, request: pb.CreateServiceAgreementTypeRequest, context: Context
    ) -> pb.ServiceAgreementType:
        """Create a service agreement type."""
        given = request.service_agreement_type
        settings = mapping.settings_from_proto(given)

        def write(tx: Tx, call: Call) -> pb.ServiceAgreementType:
            new = AgreementType(given.code, given.description, 1, call.now_us, call.now_us, settings)
            return mapping.type_to_proto(agreement_types.create(tx, call, new, usable(self._algorithms, call)))

        return await self._calls.write(context, request, pb.ServiceAgreementType, write)

    async def GetServiceAgreementType(
        self, request: pb.GetServiceAgreementTypeRequest, context: Context
    ) -> pb.ServiceAgreementType:
        """A service agreement type."""
        code = request.name.rpartition("/")[2]
        return await self._calls.read(
            context, lambda tx, call: mapping.type_to_proto(service.get(tx, AGREEMENT_TYPES, code, call.scope))
        )

    async def ListServiceAgreementTypes(
        self, request: pb.ListServiceAgreementTypesRequest, context: Context
    ) -> pb.ListServiceAgreementTypesResponse:
        """A page of service agreement types."""
        read = entries_of(
            self._calls,
            request,
            AGREEMENT_TYPES,
            lambda shown, token: pb.ListServiceAgreementTypesResponse(
                service_agreement_types=map(mapping.type_to_proto, shown), next_page_token=token
            ),
        )
        return await self._calls.read(context, read)

    async def UpdateServiceAgreementType(
        self, request: pb.UpdateServiceAgreementTypeRequest, context: Context
    ) -> pb.ServiceAgreementType:
        """Change a service agreement type."""
        change = mapping.change_from_proto(request)
        return await self._calls.write(
            context,
            request,
            pb.ServiceAgreementType,
            lambda tx, call: mapping.type_to_proto(
                agreement_types.update(tx, call, change, usable(self._algorithms, call))
            ),
        )
