"""Accounts, the order in which their agreements are processed, and premises."""

from __future__ import annotations

from collections.abc import Sequence

from countinghouse.billing.v1 import accounts_pb2 as pb
from countinghouse.billing.v1 import billing_service_pb2_grpc as grpc_service
from countinghouse.billing.v1 import premises_pb2, service_agreements_pb2
from domain.billing.accounts import explaining, premises, service
from domain.billing.accounts.explaining import Explained
from domain.billing.configuration.snapshot import Configurations
from domain.kernel.call import Call
from domain.kernel.paging import Page
from server.call import Calls, Context, Tx
from server.mapping.billing import accounts as mapping
from server.mapping.billing import agreements as agreement_mapping
from server.mapping.billing.names import id_from_name
from server.servicers.pages import page_of


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
        wanted = mapping.filter_from_proto(request)
        read = page_of(
            self._calls,
            request,
            lambda tx, call, page: service.list_page(tx, wanted, page, call.scope),
            lambda found: found.account_id,
            lambda shown, token: pb.ListAccountsResponse(
                accounts=map(mapping.account_to_proto, shown), next_page_token=token
            ),
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

        def find(tx: Tx, call: Call, page: Page) -> Sequence[Explained]:
            first = int(page.after[0]) if page.after else 0
            return explaining.explain(tx, self._configurations, account_id, call.scope)[first : first + page.size + 1]

        read = page_of(
            self._calls,
            request,
            find,
            lambda found: found.place.position,
            lambda shown, token: service_agreements_pb2.ExplainProcessingOrderResponse(
                places=agreement_mapping.order_to_proto(shown), next_page_token=token
            ),
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
        read = page_of(
            self._calls,
            request,
            lambda tx, _call, page: premises.list_page(tx, page),
            lambda found: found.premise_id,
            lambda shown, token: premises_pb2.ListPremisesResponse(
                premises=map(mapping.premise_to_proto, shown), next_page_token=token
            ),
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
