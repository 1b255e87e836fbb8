"""How usage is measured: time-of-use schemes and profile types."""

from __future__ import annotations

from countinghouse.billing.v1 import billing_service_pb2_grpc as grpc_service
from countinghouse.billing.v1 import profile_types_pb2, time_of_use_schemes_pb2
from domain.billing.configuration import profile_types, schemes
from domain.billing.configuration.registers import PROFILE_TYPES, SCHEMES
from domain.kernel.registers import service
from server.call import Calls, Context
from server.mapping.billing import profile_types as type_mapping
from server.mapping.billing import time_of_use_schemes as scheme_mapping
from server.mapping.entries import code_from_name
from server.servicers.pages import entries_of


class MeasuringMethods(grpc_service.BillingServiceServicer):
    """The methods on time-of-use schemes and profile types; `_creations` are the algorithms that create data."""

    _calls: Calls
    _creations: frozenset[str]

    async def CreateTimeOfUseScheme(
        self, request: time_of_use_schemes_pb2.CreateTimeOfUseSchemeRequest, context: Context
    ) -> time_of_use_schemes_pb2.TimeOfUseScheme:
        """Create a time-of-use scheme."""
        given = request.time_of_use_scheme
        settings = scheme_mapping.settings_from_proto(given)
        return await self._calls.write(
            context,
            request,
            time_of_use_schemes_pb2.TimeOfUseScheme,
            lambda tx, call: scheme_mapping.scheme_to_proto(
                schemes.create(tx, call, given.code, given.description, settings)
            ),
        )

    async def GetTimeOfUseScheme(
        self, request: time_of_use_schemes_pb2.GetTimeOfUseSchemeRequest, context: Context
    ) -> time_of_use_schemes_pb2.TimeOfUseScheme:
        """A time-of-use scheme."""
        code = code_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: scheme_mapping.scheme_to_proto(service.get(tx, SCHEMES, code, call.scope))
        )

    async def ListTimeOfUseSchemes(
        self, request: time_of_use_schemes_pb2.ListTimeOfUseSchemesRequest, context: Context
    ) -> time_of_use_schemes_pb2.ListTimeOfUseSchemesResponse:
        """A page of time-of-use schemes."""
        read = entries_of(
            self._calls,
            request,
            SCHEMES,
            lambda shown, token: time_of_use_schemes_pb2.ListTimeOfUseSchemesResponse(
                time_of_use_schemes=map(scheme_mapping.scheme_to_proto, shown), next_page_token=token
            ),
        )
        return await self._calls.read(context, read)

    async def UpdateTimeOfUseScheme(
        self, request: time_of_use_schemes_pb2.UpdateTimeOfUseSchemeRequest, context: Context
    ) -> time_of_use_schemes_pb2.TimeOfUseScheme:
        """Change a time-of-use scheme."""
        change = scheme_mapping.scheme_change(request)
        return await self._calls.write(
            context,
            request,
            time_of_use_schemes_pb2.TimeOfUseScheme,
            lambda tx, call: scheme_mapping.scheme_to_proto(schemes.update(tx, call, change)),
        )

    async def CreateProfileType(
        self, request: profile_types_pb2.CreateProfileTypeRequest, context: Context
    ) -> profile_types_pb2.ProfileType:
        """Create a profile type."""
        given, known = request.profile_type, self._creations
        settings = type_mapping.settings_from_proto(given)
        return await self._calls.write(
            context,
            request,
            profile_types_pb2.ProfileType,
            lambda tx, call: type_mapping.type_to_proto(
                profile_types.create(tx, call, given.code, given.description, settings, algorithms=known)
            ),
        )

    async def GetProfileType(
        self, request: profile_types_pb2.GetProfileTypeRequest, context: Context
    ) -> profile_types_pb2.ProfileType:
        """A profile type."""
        code = code_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: type_mapping.type_to_proto(service.get(tx, PROFILE_TYPES, code, call.scope))
        )

    async def ListProfileTypes(
        self, request: profile_types_pb2.ListProfileTypesRequest, context: Context
    ) -> profile_types_pb2.ListProfileTypesResponse:
        """A page of profile types."""
        read = entries_of(
            self._calls,
            request,
            PROFILE_TYPES,
            lambda shown, token: profile_types_pb2.ListProfileTypesResponse(
                profile_types=map(type_mapping.type_to_proto, shown), next_page_token=token
            ),
        )
        return await self._calls.read(context, read)

    async def UpdateProfileType(
        self, request: profile_types_pb2.UpdateProfileTypeRequest, context: Context
    ) -> profile_types_pb2.ProfileType:
        """Change a profile type."""
        change = type_mapping.type_change(request)
        return await self._calls.write(
            context,
            request,
            profile_types_pb2.ProfileType,
            lambda tx, call: type_mapping.type_to_proto(profile_types.update(tx, call, change, self._creations)),
        )
