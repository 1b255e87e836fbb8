"""Accounting rules and their versions."""

from __future__ import annotations

from countinghouse.accounting.v1 import accounting_rules_pb2 as pb
from countinghouse.accounting.v1 import accounting_service_pb2_grpc as grpc_service
from domain.accounting.configuration import accounting_rules as service
from domain.kernel.call import Call
from server.call import Calls, Context, Tx
from server.mapping.accounting import accounting_rules as mapping
from server.mapping.accounting.configuration import code_from_name
from server.mapping.listing import listing_key


class AccountingRulesMethods(grpc_service.AccountingServiceServicer):
    """The methods on accounting rules."""

    _calls: Calls

    async def CreateAccountingRule(
        self, request: pb.CreateAccountingRuleRequest, context: Context
    ) -> pb.AccountingRule:
        """Create an accounting rule."""
        code = request.accounting_rule.code
        new = mapping.new_version_from_proto(request.accounting_rule.newest_version, path=service.CREATED_IN)
        return await self._calls.write(
            context,
            request,
            pb.AccountingRule,
            lambda tx, call: mapping.rule_to_proto(service.create(tx, call, code, new)),
        )

    async def GetAccountingRule(self, request: pb.GetAccountingRuleRequest, context: Context) -> pb.AccountingRule:
        """An accounting rule."""
        code = code_from_name(request.name)
        return await self._calls.read(context, lambda tx, _: mapping.rule_to_proto(service.get(tx, code)))

    async def ListAccountingRules(
        self, request: pb.ListAccountingRulesRequest, context: Context
    ) -> pb.ListAccountingRulesResponse:
        """A page of accounting rules."""
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, _: Call) -> pb.ListAccountingRulesResponse:
            found = service.list_page(tx, page)
            shown = found[: page.size]
            return pb.ListAccountingRulesResponse(
                accounting_rules=map(mapping.rule_to_proto, shown),
                next_page_token=tokens.token([shown[-1].code], query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def CreateAccountingRuleVersion(
        self, request: pb.CreateAccountingRuleVersionRequest, context: Context
    ) -> pb.AccountingRuleVersion:
        """Change an accounting rule."""
        code, etag = code_from_name(request.parent), request.etag
        new = mapping.new_version_from_proto(request.accounting_rule_version, path=service.VERSION_WORD)
        return await self._calls.write(
            context,
            request,
            pb.AccountingRuleVersion,
            lambda tx, call: mapping.rule_version_to_proto(service.create_version(tx, call, code, etag, new)),
        )

    async def GetAccountingRuleVersion(
        self, request: pb.GetAccountingRuleVersionRequest, context: Context
    ) -> pb.AccountingRuleVersion:
        """A version of an accounting rule."""
        key = mapping.version_key_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, _: mapping.rule_version_to_proto(service.get_version(tx, *key))
        )

    async def ListAccountingRuleVersions(
        self, request: pb.ListAccountingRuleVersionsRequest, context: Context
    ) -> pb.ListAccountingRuleVersionsResponse:
        """A page of an accounting rule's versions."""
        code = code_from_name(request.parent)
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, _: Call) -> pb.ListAccountingRuleVersionsResponse:
            found = service.list_versions(tx, code, page)
            shown = found[: page.size]
            return pb.ListAccountingRuleVersionsResponse(
                accounting_rule_versions=map(mapping.rule_version_to_proto, shown),
                next_page_token=tokens.token([shown[-1].rule_version], query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def RetireAccountingRule(
        self, request: pb.RetireAccountingRuleRequest, context: Context
    ) -> pb.AccountingRule:
        """Retire an accounting rule."""
        code, etag = code_from_name(request.name), request.etag
        return await self._calls.write(
            context,
            request,
            pb.AccountingRule,
            lambda tx, call: mapping.rule_to_proto(service.retire(tx, call, code, etag, retired=True)),
        )

    async def UnretireAccountingRule(
        self, request: pb.UnretireAccountingRuleRequest, context: Context
    ) -> pb.AccountingRule:
        """Bring a retired accounting rule back."""
        code, etag = code_from_name(request.name), request.etag
        return await self._calls.write(
            context,
            request,
            pb.AccountingRule,
            lambda tx, call: mapping.rule_to_proto(service.retire(tx, call, code, etag, retired=False)),
        )
