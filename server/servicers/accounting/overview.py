"""What claims have come to: by collection, by operation, by step; and the rules to use by hand."""

from __future__ import annotations

from countinghouse.accounting.v1 import accounting_service_pb2_grpc as grpc_service
from countinghouse.accounting.v1 import manual_rules_pb2, overview_pb2
from domain.accounting.balances import service as balances
from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.performing import choosing, listing
from domain.kernel.call import Call
from server.call import Calls, Context, Tx
from server.mapping.accounting import manual_rules as manual_mapping
from server.mapping.accounting import overview as mapping
from server.mapping.accounting.operations import operation_to_proto
from server.mapping.instants import instant_from_proto
from server.mapping.listing import listing_key


class OverviewMethods(grpc_service.AccountingServiceServicer):
    """The methods that tell what claims have come to."""

    _calls: Calls
    _configurations: Configurations

    async def GetAccountingOverview(
        self, request: overview_pb2.GetAccountingOverviewRequest, context: Context
    ) -> overview_pb2.AccountingOverview:
        """A claim or dispute by collection."""
        key, as_of_us = mapping.key_from_name(request.name), instant_from_proto(request, "as_of_time")

        def read(tx: Tx, call: Call) -> overview_pb2.AccountingOverview:
            found = balances.overview(tx, call, self._configurations, *key, as_of_us=as_of_us)
            return mapping.overview_to_proto(found)

        return await self._calls.read(context, read)

    async def ListAccountingOperations(
        self, request: overview_pb2.ListAccountingOperationsRequest, context: Context
    ) -> overview_pb2.ListAccountingOperationsResponse:
        """A page of operations."""
        wanted, order = mapping.filter_from_proto(request), mapping.order_from_proto(request.order_by)
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, call: Call) -> overview_pb2.ListAccountingOperationsResponse:
            found = listing.list_page(tx, call, wanted, order, page)
            shown = found[: page.size]
            return overview_pb2.ListAccountingOperationsResponse(
                accounting_operations=map(operation_to_proto, shown),
                next_page_token=tokens.token(order.key_of(shown[-1]), query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def ListAccountingSteps(
        self, request: overview_pb2.ListAccountingStepsRequest, context: Context
    ) -> overview_pb2.ListAccountingStepsResponse:
        """A page of steps."""
        key = mapping.key_from_name(request.parent)
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, call: Call) -> overview_pb2.ListAccountingStepsResponse:
            found = balances.steps(tx, *key, page, call.scope)
            shown = found[: page.size]
            return overview_pb2.ListAccountingStepsResponse(
                accounting_steps=map(mapping.step_to_proto, shown),
                next_page_token=tokens.token(balances.key_of(shown[-1]), query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def ListManualRules(
        self, request: manual_rules_pb2.ListManualRulesRequest, context: Context
    ) -> manual_rules_pb2.ListManualRulesResponse:
        """A page of rules to use by hand."""
        entry = manual_mapping.entry_from_proto(request)
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, call: Call) -> manual_rules_pb2.ListManualRulesResponse:
            found = choosing.choices(tx, call, self._configurations, entry, page)
            shown = found[: page.size]
            return manual_rules_pb2.ListManualRulesResponse(
                manual_rules=map(manual_mapping.choice_to_proto, shown),
                next_page_token=tokens.token(choosing.key_of(shown[-1]), query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)
