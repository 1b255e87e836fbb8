"""Service agreements and profiles of accounts."""

from __future__ import annotations

from countinghouse.billing.v1 import billing_service_pb2_grpc as grpc_service
from countinghouse.billing.v1 import profiles_pb2
from countinghouse.billing.v1 import service_agreements_pb2 as pb
from domain.billing.accounts import agreements, profiles
from domain.billing.configuration.snapshot import Configurations
from domain.kernel.call import Call
from server.call import Calls, Context, Tx
from server.mapping.billing import agreements as mapping
from server.mapping.billing import profiles as profile_mapping
from server.mapping.billing.names import id_from_name, key_from_name
from server.servicers.pages import page_of


class AgreementsMethods(grpc_service.BillingServiceServicer):
    """The methods on what belongs to an account."""

    _calls: Calls
    _configurations: Configurations

    async def CreateServiceAgreement(
        self, request: pb.CreateServiceAgreementRequest, context: Context
    ) -> pb.ServiceAgreement:
        """Add a service agreement."""
        account_id = id_from_name(request.parent)
        new = mapping.new_agreement_from_proto(
            request.service_agreement, request.service_agreement_id, "service_agreement"
        )

        def write(tx: Tx, call: Call) -> pb.ServiceAgreement:
            return mapping.agreement_to_proto(agreements.create(tx, call, self._configurations, account_id, new))

        return await self._calls.write(context, request, pb.ServiceAgreement, write)

    async def GetServiceAgreement(
        self, request: pb.GetServiceAgreementRequest, context: Context
    ) -> pb.ServiceAgreement:
        """A service agreement."""
        key = key_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.agreement_to_proto(agreements.get(tx, *key, call.scope))
        )

    async def ListServiceAgreements(
        self, request: pb.ListServiceAgreementsRequest, context: Context
    ) -> pb.ListServiceAgreementsResponse:
        """A page of an account's service agreements."""
        account_id = id_from_name(request.parent)
        read = page_of(
            self._calls,
            request,
            lambda tx, call, page: agreements.list_page(tx, account_id, page, call.scope),
            lambda found: found.agreement_id,
            lambda shown, token: pb.ListServiceAgreementsResponse(
                service_agreements=map(mapping.agreement_to_proto, shown), next_page_token=token
            ),
        )
        return await self._calls.read(context, read)

    async def UpdateServiceAgreement(
        self, request: pb.UpdateServiceAgreementRequest, context: Context
    ) -> pb.ServiceAgreement:
        """Change or end a service agreement."""
        change = mapping.agreement_change_from_proto(request)
        key = key_from_name(request.service_agreement.name)

        def write(tx: Tx, call: Call) -> pb.ServiceAgreement:
            return mapping.agreement_to_proto(agreements.update(tx, call, self._configurations, key, change))

        return await self._calls.write(context, request, pb.ServiceAgreement, write)

    async def CreateProfile(self, request: profiles_pb2.CreateProfileRequest, context: Context) -> profiles_pb2.Profile:
        """Add a profile."""
        account_id = id_from_name(request.parent)
        new = profile_mapping.new_profile_from_proto(request.profile, request.profile_id)

        def write(tx: Tx, call: Call) -> profiles_pb2.Profile:
            return profile_mapping.profile_to_proto(profiles.create(tx, call, self._configurations, account_id, new))

        return await self._calls.write(context, request, profiles_pb2.Profile, write)

    async def GetProfile(self, request: profiles_pb2.GetProfileRequest, context: Context) -> profiles_pb2.Profile:
        """A profile."""
        key = key_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: profile_mapping.profile_to_proto(profiles.get(tx, *key, call.scope))
        )

    async def ListProfiles(
        self, request: profiles_pb2.ListProfilesRequest, context: Context
    ) -> profiles_pb2.ListProfilesResponse:
        """A page of an account's profiles."""
        account_id = id_from_name(request.parent)
        read = page_of(
            self._calls,
            request,
            lambda tx, call, page: profiles.list_page(tx, account_id, page, call.scope),
            lambda found: found.profile_id,
            lambda shown, token: profiles_pb2.ListProfilesResponse(
                profiles=map(profile_mapping.profile_to_proto, shown), next_page_token=token
            ),
        )
        return await self._calls.read(context, read)

    async def UpdateProfile(self, request: profiles_pb2.UpdateProfileRequest, context: Context) -> profiles_pb2.Profile:
        """Change a profile."""
        change = profile_mapping.profile_change_from_proto(request)
        key = key_from_name(request.profile.name)

        def write(tx: Tx, call: Call) -> profiles_pb2.Profile:
            return profile_mapping.profile_to_proto(profiles.update(tx, call, self._configurations, key, change))

        return await self._calls.write(context, request, profiles_pb2.Profile, write)
