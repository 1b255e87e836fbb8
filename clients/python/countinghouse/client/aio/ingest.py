"""Bulk ingest over several client streams."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable

from countinghouse.client.aio.calls import Upload
from countinghouse.client.cursor import CUT
from countinghouse.client.errors import Aborted, ResourceExhausted
from countinghouse.client.patience import OnRetry, Patience
from countinghouse.client.rows import STREAM_S, Batch, IngestTotals, Refusal, StreamOutcome, batches
from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2


class Ingest:
    """Takes in accounting details by the million (GLX-02)."""

    def __init__(
        self,
        upload: Upload[details_pb2.IngestAccountingDetailsRequest, details_pb2.IngestAccountingDetailsResponse],
    ) -> None:
        self._upload = upload

    async def __call__(
        self,
        rows: Iterable[details_pb2.AccountingDetail],
        *,
        on_refusal: Callable[[Refusal], None] | None = None,
        streams: int = 2,
        patience_s: float = 60.0,
        on_retry: OnRetry | None = None,
    ) -> IngestTotals:
        """Send the rows; returns what became of them. `on_refusal` is told of each refused row, in their order.

        Raises:
            CountinghouseError: The server refused the call as a whole, or did not come back within `patience_s`
                seconds. Rows sent before are stored; send the same rows again, nothing is stored twice.
        """
        totals = IngestTotals()
        async for outcome in self.outcomes(rows, streams=streams, patience_s=patience_s, on_retry=on_retry):
            totals.add(outcome)
            if on_refusal is not None:
                for refusal in outcome.refusals:
                    on_refusal(refusal)
        return totals

    async def outcomes(
        self,
        rows: Iterable[details_pb2.AccountingDetail],
        *,
        streams: int = 2,
        patience_s: float = 60.0,
        on_retry: OnRetry | None = None,
    ) -> AsyncIterator[StreamOutcome]:
        """Send the rows, at most 10,000 in a stream and `streams` at once; what became of each stream, in order.

        `rows` is read no further ahead than the streams under way. A stream that is cut is sent again: rows are known
        by their external ids.
        """
        pending: deque[asyncio.Task[StreamOutcome]] = deque()
        try:
            for batch in batches(rows):
                if len(pending) == streams:
                    yield await pending.popleft()
                pending.append(asyncio.create_task(self._send(batch, Patience(patience_s, on_retry=on_retry))))
                await asyncio.sleep(0)  # let it begin before the next rows are read
            while pending:
                yield await pending.popleft()
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    async def _send(self, batch: Batch, patience: Patience) -> StreamOutcome:
        while True:
            try:
                return batch.outcome(await self._upload(batch.requests, timeout_s=STREAM_S))
            except (*CUT, Aborted, ResourceExhausted) as error:
                await asyncio.sleep(patience.delay_s(error))
