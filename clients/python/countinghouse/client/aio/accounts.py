"""Bulk import of accounts with all that belongs to them."""

from collections.abc import AsyncIterator, Callable, Iterable

from countinghouse.billing.v1 import account_import_pb2 as pb
from countinghouse.client.accounts import AccountRefusal, AccountsOutcome, AccountsTotals, account_batches
from countinghouse.client.aio.calls import Upload
from countinghouse.client.aio.streams import Streams
from countinghouse.client.patience import OnRetry


class ImportAccounts:
    """Takes in accounts of another system, each with its agreements and profiles whole or not at all."""

    def __init__(self, upload: Upload[pb.ImportAccountsRequest, pb.ImportAccountsResponse]) -> None:
        self._streams = Streams[pb.ImportAccountsRequest, pb.ImportAccountsResponse, AccountsOutcome](upload)

    async def __call__(
        self,
        accounts: Iterable[pb.AccountToImport],
        *,
        on_refusal: Callable[[AccountRefusal], None] | None = None,
        patience_s: float = 60.0,
        on_retry: OnRetry | None = None,
    ) -> AccountsTotals:
        """Send the accounts; returns what became of them. `on_refusal` is told of each refused one, in their order.

        Raises:
            CountinghouseError: The server refused the call as a whole, or did not come back within `patience_s`
                seconds. Accounts sent before are stored; send the same again, nothing is stored twice.
        """
        totals = AccountsTotals()
        async for outcome in self.outcomes(accounts, patience_s=patience_s, on_retry=on_retry):
            totals.add(outcome)
            if on_refusal is not None:
                for refusal in outcome.refusals:
                    on_refusal(refusal)
        return totals

    def outcomes(
        self,
        accounts: Iterable[pb.AccountToImport],
        *,
        patience_s: float = 60.0,
        on_retry: OnRetry | None = None,
    ) -> AsyncIterator[AccountsOutcome]:
        """Send the accounts, at most 10,000 in a stream; what became of each stream, in order.

        One stream goes after the other: an account may name what one before it has brought. A stream that is cut is
        sent again: accounts are known by their ids.
        """
        return self._streams.outcomes(account_batches(accounts), streams=1, patience_s=patience_s, on_retry=on_retry)
