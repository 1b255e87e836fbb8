"""Accounts, the order in which their agreements are processed, and premises."""

from __future__ import annotations

from countinghouse.billing.v1 import accounts_pb2 as pb
from countinghouse.billing.v1 import billing_service_pb2_grpc as grpc_service
from countinghouse.billing.v1 import premises_pb2, service_agreements_pb2
from domain.billing.accounts import explaining, premises, service
from domain.billing.configuration.snapshot import Configurations
from domain.kernel.call import Call
from server.call import Calls, Context, Tx
from server.mapping.billing import accounts as mapping
from server.mapping.billing import agreements as agreement_mapping
from server.mapping.billing.names import id_from_name
from server.mapping.listing import listing_key


class AccountsMethods(grpc_service.BillingServiceServicer):
    """The methods on accounts and premises."""

    _calls: Calls
    _configurations: Configurations

    async def CreateAccount(self, request: pb.CreateAccountRequest, context: Context) -> pb.Account:
        """Create an account."""
        new = mapping.new_account_from_proto(request.account, request.account_id)

        def write(tx: Tx, call: Call) -> pb.Account:
            return mapping.account_to_proto(service.create(tx, call, self._configurations, new))

        return await self._calls.write(context, request, pb.Account, write)

    async def GetAccount(self, request: pb.GetAccountRequest, context: Context) -> pb.Account:
        """An account."""
        account_id = id_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.account_to_proto(service.get_account(tx, account_id, call.scope))
        )

    async def ListAccounts(self, request: pb.ListAccountsRequest, context: Context) -> pb.ListAccountsResponse:
        """A page of accounts."""
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)
        wanted = mapping.filter_from_proto(request)

        def read(tx: Tx, call: Call) -> pb.ListAccountsResponse:
            found = service.list_page(tx, wanted, page, call.scope)
            shown = found[: page.size]
            return pb.ListAccountsResponse(
                accounts=map(mapping.account_to_proto, shown),
                next_page_token=tokens.token([shown[-1].account_id], query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def UpdateAccount(self, request: pb.UpdateAccountRequest, context: Context) -> pb.Account:
        """Change an account."""
        account_id, change = id_from_name(request.account.name), mapping.account_change_from_proto(request)

        def write(tx: Tx, call: Call) -> pb.Account:
            return mapping.account_to_proto(service.update(tx, call, self._configurations, account_id, change))

        return await self._calls.write(context, request, pb.Account, write)

    async def ExplainProcessingOrder(
        self, request: service_agreements_pb2.ExplainProcessingOrderRequest, context: Context
    ) -> service_agreements_pb2.ExplainProcessingOrderResponse:
        """A page of the processing order of an account."""
        account_id = id_from_name(request.name)
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)
        first = int(page.after[0]) if page.after else 0

        def read(tx: Tx, call: Call) -> service_agreements_pb2.ExplainProcessingOrderResponse:
            found = explaining.explain(tx, self._configurations, account_id, call.scope)
            end = first + page.size
            return service_agreements_pb2.ExplainProcessingOrderResponse(
                places=agreement_mapping.order_to_proto(found[first:end]),
                next_page_token=tokens.token([end], query) if len(found) > end else "",
            )

        return await self._calls.read(context, read)

    async def CreatePremise(self, request: premises_pb2.CreatePremiseRequest, context: Context) -> premises_pb2.Premise:
        """Create a premise."""
        new = mapping.new_premise_from_proto(request.premise, request.premise_id)
        return await self._calls.write(
            context,
            request,
            premises_pb2.Premise,
            lambda tx, call: mapping.premise_to_proto(premises.create(tx, call, new)),
        )

    async def GetPremise(self, request: premises_pb2.GetPremiseRequest, context: Context) -> premises_pb2.Premise:
        """A premise."""
        premise_id = id_from_name(request.name)
        return await self._calls.read(context, lambda tx, _call: mapping.premise_to_proto(premises.get(tx, premise_id)))

    async def ListPremises(
        self, request: premises_pb2.ListPremisesRequest, context: Context
    ) -> premises_pb2.ListPremisesResponse:
        """A page of premises."""
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, _call: Call) -> premises_pb2.ListPremisesResponse:
            found = premises.list_page(tx, page)
            shown = found[: page.size]
            return premises_pb2.ListPremisesResponse(
                premises=map(mapping.premise_to_proto, shown),
                next_page_token=tokens.token([shown[-1].premise_id], query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def UpdatePremise(self, request: premises_pb2.UpdatePremiseRequest, context: Context) -> premises_pb2.Premise:
        """Change a premise."""
        premise_id, change = id_from_name(request.premise.name), mapping.premise_change_from_proto(request)
        return await self._calls.write(
            context,
            request,
            premises_pb2.Premise,
            lambda tx, call: mapping.premise_to_proto(premises.update(tx, call, premise_id, change)),
        )
