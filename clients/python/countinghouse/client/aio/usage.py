"""Bulk ingest of interval data and register reads."""

from collections.abc import AsyncIterator, Callable, Iterable

from countinghouse.billing.v1 import usage_pb2
from countinghouse.client.aio.calls import Upload
from countinghouse.client.aio.streams import Streams
from countinghouse.client.patience import OnRetry
from countinghouse.client.usage import UsageOutcome, UsageRefusal, UsageRow, UsageTotals, usage_batches


class IngestUsage:
    """Takes in interval data and register reads by the million (BIL-24)."""

    def __init__(self, upload: Upload[usage_pb2.IngestUsageRequest, usage_pb2.IngestUsageResponse]) -> None:
        self._streams = Streams[usage_pb2.IngestUsageRequest, usage_pb2.IngestUsageResponse, UsageOutcome](upload)

    async def __call__(
        self,
        rows: Iterable[UsageRow],
        *,
        time_zone: str = "",
        correction: bool = False,
        on_refusal: Callable[[UsageRefusal], None] | None = None,
        streams: int = 2,
        patience_s: float = 60.0,
        on_retry: OnRetry | None = None,
    ) -> UsageTotals:
        """Send the rows; returns what became of them. `on_refusal` is told of each refused row, in their order.

        Raises:
            CountinghouseError: The server refused the call as a whole, or did not come back within `patience_s`
                seconds. Rows sent before are stored; send the same rows again, nothing is stored twice.
        """
        totals = UsageTotals()
        sent = self.outcomes(
            rows,
            time_zone=time_zone,
            correction=correction,
            streams=streams,
            patience_s=patience_s,
            on_retry=on_retry,
        )
        async for outcome in sent:
            totals.add(outcome)
            if on_refusal is not None:
                for refusal in outcome.refusals:
                    on_refusal(refusal)
        return totals

    def outcomes(
        self,
        rows: Iterable[UsageRow],
        *,
        time_zone: str = "",
        correction: bool = False,
        streams: int = 2,
        patience_s: float = 60.0,
        on_retry: OnRetry | None = None,
    ) -> AsyncIterator[UsageOutcome]:
        """Send the rows, at most 10,000 in a stream and `streams` at once; what became of each stream, in order.

        Corrections go one stream after the other: of two values of one instant the later one holds. A stream that is
        cut is sent again: rows are known by profile and instant.
        """
        batches = usage_batches(rows, time_zone=time_zone, correction=correction)
        at_once = 1 if correction else streams
        return self._streams.outcomes(batches, streams=at_once, patience_s=patience_s, on_retry=on_retry)
