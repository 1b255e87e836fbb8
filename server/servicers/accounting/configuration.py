"""What accounting is configured with: clients, claim types, collections, account determination."""

from __future__ import annotations

from functools import partial

from countinghouse.accounting.v1 import account_determination_pb2 as determination_pb
from countinghouse.accounting.v1 import accounting_service_pb2_grpc as grpc_service
from countinghouse.accounting.v1 import clients_pb2, configuration_pb2
from domain.accounting.configuration import (
    claim_types,
    clients,
    collections,
    determinations,
)
from domain.accounting.configuration.registers import CLAIM_TYPES, CLIENTS, COLLECTIONS, DETERMINATIONS
from domain.kernel.call import Call
from domain.kernel.registers import service
from server.call import Calls, Context, Tx
from server.mapping.accounting import clients as client_mapping
from server.mapping.accounting import configuration as mapping
from server.mapping.listing import listing_key
from server.servicers.distribution import known_codes


class ConfigurationMethods(grpc_service.AccountingServiceServicer):
    """The methods on what is configured; `_systems_of_record` are the names of those that the servers know."""

    _calls: Calls
    _systems_of_record: frozenset[str]

    async def CreateClient(self, request: clients_pb2.CreateClientRequest, context: Context) -> clients_pb2.Client:
        """Create a client."""
        code, given = request.client.code, client_mapping.given_from_proto(request.client)
        return await self._calls.write(
            context,
            request,
            clients_pb2.Client,
            lambda tx, call: client_mapping.client_to_proto(
                clients.create(tx, call, code, given, self._systems_of_record)
            ),
        )

    async def GetClient(self, request: clients_pb2.GetClientRequest, context: Context) -> clients_pb2.Client:
        """A client."""
        code = mapping.code_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: client_mapping.client_to_proto(service.get(tx, CLIENTS, code, call.scope))
        )

    async def ListClients(
        self, request: clients_pb2.ListClientsRequest, context: Context
    ) -> clients_pb2.ListClientsResponse:
        """A page of clients."""
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, call: Call) -> clients_pb2.ListClientsResponse:
            found = service.list_page(tx, CLIENTS, page, call.scope)
            shown = found[: page.size]
            return clients_pb2.ListClientsResponse(
                clients=map(client_mapping.client_to_proto, shown),
                next_page_token=tokens.token([shown[-1].code], query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def UpdateClient(self, request: clients_pb2.UpdateClientRequest, context: Context) -> clients_pb2.Client:
        """Change a client."""
        change = client_mapping.change_from_proto(request)
        return await self._calls.write(
            context,
            request,
            clients_pb2.Client,
            lambda tx, call: client_mapping.client_to_proto(clients.update(tx, call, change, self._systems_of_record)),
        )

    async def CreateClaimType(
        self, request: configuration_pb2.CreateClaimTypeRequest, context: Context
    ) -> configuration_pb2.ClaimType:
        """Create a claim type."""
        given = request.claim_type
        return await self._calls.write(
            context,
            request,
            configuration_pb2.ClaimType,
            lambda tx, call: mapping.claim_type_to_proto(claim_types.create(tx, call, given.code, given.description)),
        )

    async def GetClaimType(
        self, request: configuration_pb2.GetClaimTypeRequest, context: Context
    ) -> configuration_pb2.ClaimType:
        """A claim type."""
        code = mapping.code_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.claim_type_to_proto(service.get(tx, CLAIM_TYPES, code, call.scope))
        )

    async def ListClaimTypes(
        self, request: configuration_pb2.ListClaimTypesRequest, context: Context
    ) -> configuration_pb2.ListClaimTypesResponse:
        """A page of claim types."""
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, call: Call) -> configuration_pb2.ListClaimTypesResponse:
            found = service.list_page(tx, CLAIM_TYPES, page, call.scope)
            shown = found[: page.size]
            return configuration_pb2.ListClaimTypesResponse(
                claim_types=map(mapping.claim_type_to_proto, shown),
                next_page_token=tokens.token([shown[-1].code], query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def UpdateClaimType(
        self, request: configuration_pb2.UpdateClaimTypeRequest, context: Context
    ) -> configuration_pb2.ClaimType:
        """Change a claim type."""
        change = mapping.claim_type_change(request)
        return await self._calls.write(
            context,
            request,
            configuration_pb2.ClaimType,
            lambda tx, call: mapping.claim_type_to_proto(claim_types.update(tx, call, change)),
        )

    async def CreateCollection(
        self, request: configuration_pb2.CreateCollectionRequest, context: Context
    ) -> configuration_pb2.Collection:
        """Create a collection."""
        given = request.collection
        create = partial(
            collections.create,
            code=given.code,
            description=given.description,
            suspense=given.suspense,
            write_off=given.write_off,
            zero_for=mapping.zero_for_from_proto(given),
        )
        return await self._calls.write(
            context,
            request,
            configuration_pb2.Collection,
            lambda tx, call: mapping.collection_to_proto(create(tx, call)),
        )

    async def GetCollection(
        self, request: configuration_pb2.GetCollectionRequest, context: Context
    ) -> configuration_pb2.Collection:
        """A collection."""
        code = mapping.code_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.collection_to_proto(service.get(tx, COLLECTIONS, code, call.scope))
        )

    async def ListCollections(
        self, request: configuration_pb2.ListCollectionsRequest, context: Context
    ) -> configuration_pb2.ListCollectionsResponse:
        """A page of collections."""
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, call: Call) -> configuration_pb2.ListCollectionsResponse:
            found = service.list_page(tx, COLLECTIONS, page, call.scope)
            shown = found[: page.size]
            return configuration_pb2.ListCollectionsResponse(
                collections=map(mapping.collection_to_proto, shown),
                next_page_token=tokens.token([shown[-1].code], query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def UpdateCollection(
        self, request: configuration_pb2.UpdateCollectionRequest, context: Context
    ) -> configuration_pb2.Collection:
        """Change a collection."""
        change = mapping.collection_change(request)
        return await self._calls.write(
            context,
            request,
            configuration_pb2.Collection,
            lambda tx, call: mapping.collection_to_proto(collections.update(tx, call, change)),
        )

    async def CreateAccountDeterminationTable(
        self, request: determination_pb.CreateAccountDeterminationTableRequest, context: Context
    ) -> determination_pb.AccountDeterminationTable:
        """Create an account determination table."""
        given = request.account_determination_table
        rows = mapping.rows_from_proto(given)

        def write(tx: Tx, call: Call) -> determination_pb.AccountDeterminationTable:
            table = determinations.create(
                tx,
                call,
                given.collection_code,
                description=given.description,
                rows=rows,
                known_codes=known_codes(call),
            )
            return mapping.table_to_proto(table)

        return await self._calls.write(context, request, determination_pb.AccountDeterminationTable, write)

    async def GetAccountDeterminationTable(
        self, request: determination_pb.GetAccountDeterminationTableRequest, context: Context
    ) -> determination_pb.AccountDeterminationTable:
        """An account determination table."""
        code = mapping.code_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.table_to_proto(service.get(tx, DETERMINATIONS, code, call.scope))
        )

    async def ListAccountDeterminationTables(
        self, request: determination_pb.ListAccountDeterminationTablesRequest, context: Context
    ) -> determination_pb.ListAccountDeterminationTablesResponse:
        """A page of account determination tables."""
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, call: Call) -> determination_pb.ListAccountDeterminationTablesResponse:
            found = service.list_page(tx, DETERMINATIONS, page, call.scope)
            shown = found[: page.size]
            return determination_pb.ListAccountDeterminationTablesResponse(
                account_determination_tables=map(mapping.table_to_proto, shown),
                next_page_token=tokens.token([shown[-1].collection_code], query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def UpdateAccountDeterminationTable(
        self, request: determination_pb.UpdateAccountDeterminationTableRequest, context: Context
    ) -> determination_pb.AccountDeterminationTable:
        """Change an account determination table."""
        change = mapping.table_change(request)
        return await self._calls.write(
            context,
            request,
            determination_pb.AccountDeterminationTable,
            lambda tx, call: mapping.table_to_proto(determinations.update(tx, call, change, known_codes(call))),
        )
