"""Trial balances: told as of an instant, page by page, and checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from countinghouse.gl_extraction.v1 import balances_pb2 as pb
from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc as grpc_service
from domain.gl_extraction.balances import service as balances
from domain.gl_extraction.balances.service import LinesWanted
from domain.kernel.call import Call
from domain.kernel.paging import Key
from server.call import Calls, Context, Tx
from server.mapping.gl_extraction import balances as mapping
from server.mapping.instants import instant_from_proto
from server.mapping.listing import listing_key
from server.mapping.operations import instant_to_proto

T = TypeVar("T")


class BalancesMethods(grpc_service.GLExtractionServiceServicer):
    """The methods on trial balances."""

    _calls: Calls

    async def GetTrialBalance(self, request: pb.GetTrialBalanceRequest, context: Context) -> pb.TrialBalance:
        """What a period comes to."""
        key, as_of_us = mapping.key_from_name(request.name), instant_from_proto(request, "as_of_time")

        def read(tx: Tx, call: Call, at_us: int) -> pb.TrialBalance:
            return mapping.balance_to_proto(balances.get(tx, call, *key, at_us))

        return await self._told(context, key, as_of_us, read)

    async def ListTrialBalanceLines(
        self, request: pb.ListTrialBalanceLinesRequest, context: Context
    ) -> pb.ListTrialBalanceLinesResponse:
        """A page of lines; all pages are as of the instant of the first."""
        key, as_of_us = mapping.key_from_name(request.parent), instant_from_proto(request, "as_of_time")
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)
        account = request.distribution_account if request.HasField("distribution_account") else None
        after = (str(page.after[1]), str(page.after[2])) if page.after else None
        wanted = LinesWanted(*key, account, after, page.size + 1)

        def read(tx: Tx, call: Call, at_us: int) -> pb.ListTrialBalanceLinesResponse:
            found = balances.lines(tx, call, wanted, at_us)
            shown = found[: page.size]
            last: Key = [at_us, shown[-1].distribution_account, shown[-1].currency] if shown else []
            return pb.ListTrialBalanceLinesResponse(
                trial_balance_lines=map(mapping.line_to_proto, shown),
                next_page_token=tokens.token(last, query) if len(found) > page.size else "",
                as_of_time=instant_to_proto(at_us),
            )

        if page.after:
            told_us = int(page.after[0])
            return await self._calls.read(context, lambda tx, call: read(tx, call, told_us))
        return await self._told(context, key, as_of_us, read)

    async def CheckTrialBalance(
        self, request: pb.CheckTrialBalanceRequest, context: Context
    ) -> pb.CheckTrialBalanceResponse:
        """Whether a trial balance is what its details come to."""
        key = mapping.key_from_name(request.name)
        return await self._calls.report(
            context, lambda tx, call: mapping.check_to_proto(balances.check(tx, call, *key))
        )

    async def _told(
        self, context: Context, key: tuple[str, str], as_of_us: int | None, read: Callable[[Tx, Call, int], T]
    ) -> T:
        """What `read` gives as of an instant: of one that was told already where that will do, else of one told now."""

        def read_told(tx: Tx, call: Call) -> T | None:
            balances.require(tx, call, *key)
            at_us = balances.told(tx, as_of_us)
            return None if at_us is None else read(tx, call, at_us)

        answer = await self._calls.read(context, read_told)
        if answer is not None:
            return answer
        at_us = await self._calls.write_chunk(context, lambda tx, call: balances.tell(tx, call, as_of_us))
        return await self._calls.read(context, lambda tx, call: read(tx, call, at_us))
