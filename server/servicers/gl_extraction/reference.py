"""Reference data: ledgers, group accounts, accounting periods."""

from __future__ import annotations

from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc as grpc_service
from countinghouse.gl_extraction.v1 import reference_pb2 as pb
from domain.flows import closing
from domain.gl_extraction.periods import service as periods
from domain.gl_extraction.reference import service as registers
from domain.gl_extraction.reference.model import GROUP_ACCOUNTS, LEDGERS
from domain.kernel.call import Call
from server.call import Calls, Context, Tx
from server.mapping.gl_extraction import reference as mapping
from server.mapping.listing import listing_key


class ReferenceMethods(grpc_service.GLExtractionServiceServicer):
    """The methods on reference data."""

    _calls: Calls

    async def CreateLedger(self, request: pb.CreateLedgerRequest, context: Context) -> pb.Ledger:
        """Create a ledger."""

        def write(tx: Tx, call: Call) -> pb.Ledger:
            given = request.ledger
            entry = registers.create(tx, call, LEDGERS, code=given.code, description=given.description)
            return mapping.ledger_to_proto(entry)

        return await self._calls.write(context, request, pb.Ledger, write)

    async def GetLedger(self, request: pb.GetLedgerRequest, context: Context) -> pb.Ledger:
        """A ledger."""
        code = mapping.code_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.ledger_to_proto(registers.get(tx, LEDGERS, code, call.scope))
        )

    async def ListLedgers(self, request: pb.ListLedgersRequest, context: Context) -> pb.ListLedgersResponse:
        """A page of ledgers."""
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, call: Call) -> pb.ListLedgersResponse:
            found = registers.list_page(tx, LEDGERS, page, call.scope)
            shown = found[: page.size]
            return pb.ListLedgersResponse(
                ledgers=map(mapping.ledger_to_proto, shown),
                next_page_token=tokens.token([shown[-1].code], query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def UpdateLedger(self, request: pb.UpdateLedgerRequest, context: Context) -> pb.Ledger:
        """Change a ledger's description."""
        change = mapping.change_from_proto(request.ledger, request.update_mask, LEDGERS)
        return await self._calls.write(
            context,
            request,
            pb.Ledger,
            lambda tx, call: mapping.ledger_to_proto(registers.update(tx, call, LEDGERS, change)),
        )

    async def CreateGroupAccount(self, request: pb.CreateGroupAccountRequest, context: Context) -> pb.GroupAccount:
        """Create a group account."""

        def write(tx: Tx, call: Call) -> pb.GroupAccount:
            given = request.group_account
            entry = registers.create(tx, call, GROUP_ACCOUNTS, code=given.code, description=given.description)
            return mapping.group_account_to_proto(entry)

        return await self._calls.write(context, request, pb.GroupAccount, write)

    async def GetGroupAccount(self, request: pb.GetGroupAccountRequest, context: Context) -> pb.GroupAccount:
        """A group account."""
        code = mapping.code_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, _: mapping.group_account_to_proto(registers.get(tx, GROUP_ACCOUNTS, code))
        )

    async def ListGroupAccounts(
        self, request: pb.ListGroupAccountsRequest, context: Context
    ) -> pb.ListGroupAccountsResponse:
        """A page of group accounts."""
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, _: Call) -> pb.ListGroupAccountsResponse:
            found = registers.list_page(tx, GROUP_ACCOUNTS, page)
            shown = found[: page.size]
            return pb.ListGroupAccountsResponse(
                group_accounts=map(mapping.group_account_to_proto, shown),
                next_page_token=tokens.token([shown[-1].code], query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def UpdateGroupAccount(self, request: pb.UpdateGroupAccountRequest, context: Context) -> pb.GroupAccount:
        """Change a group account's description."""
        change = mapping.change_from_proto(request.group_account, request.update_mask, GROUP_ACCOUNTS)
        return await self._calls.write(
            context,
            request,
            pb.GroupAccount,
            lambda tx, call: mapping.group_account_to_proto(registers.update(tx, call, GROUP_ACCOUNTS, change)),
        )

    async def CreateAccountingPeriod(
        self, request: pb.CreateAccountingPeriodRequest, context: Context
    ) -> pb.AccountingPeriod:
        """Create an accounting period, open."""
        new = mapping.new_period_from_proto(request)
        return await self._calls.write(
            context,
            request,
            pb.AccountingPeriod,
            lambda tx, call: mapping.period_to_proto(periods.create(tx, call, new)),
        )

    async def GetAccountingPeriod(
        self, request: pb.GetAccountingPeriodRequest, context: Context
    ) -> pb.AccountingPeriod:
        """An accounting period."""
        key = mapping.period_key_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.period_to_proto(periods.get(tx, *key, call.scope))
        )

    async def ListAccountingPeriods(
        self, request: pb.ListAccountingPeriodsRequest, context: Context
    ) -> pb.ListAccountingPeriodsResponse:
        """A page of a ledger's accounting periods."""
        ledger_code = mapping.code_from_name(request.parent)
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, call: Call) -> pb.ListAccountingPeriodsResponse:
            found = periods.list_page(tx, ledger_code, page, call.scope)
            shown = found[: page.size]
            return pb.ListAccountingPeriodsResponse(
                accounting_periods=map(mapping.period_to_proto, shown),
                next_page_token=tokens.token([shown[-1].start_day], query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def CloseAccountingPeriod(
        self, request: pb.CloseAccountingPeriodRequest, context: Context
    ) -> pb.AccountingPeriod:
        """Close a period."""
        change = mapping.close_from_proto(request)
        return await self._calls.write(
            context,
            request,
            pb.AccountingPeriod,
            lambda tx, call: mapping.period_to_proto(closing.close_period(tx, call, change)),
        )

    async def ReopenAccountingPeriod(
        self, request: pb.ReopenAccountingPeriodRequest, context: Context
    ) -> pb.AccountingPeriod:
        """Reopen a closed period."""
        change = mapping.reopen_from_proto(request)
        return await self._calls.write(
            context,
            request,
            pb.AccountingPeriod,
            lambda tx, call: mapping.period_to_proto(periods.reopen(tx, call, change)),
        )
