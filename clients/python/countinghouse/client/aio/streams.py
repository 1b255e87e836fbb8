"""Bulk ingest over several client streams."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from typing import Generic, TypeVar

from google.protobuf.message import Message

from countinghouse.client.aio.calls import Upload
from countinghouse.client.cursor import CUT
from countinghouse.client.errors import Aborted, ResourceExhausted
from countinghouse.client.patience import OnRetry, Patience
from countinghouse.client.rows import STREAM_S, Packed

RequestT = TypeVar("RequestT", bound=Message)
ResponseT = TypeVar("ResponseT", bound=Message)
OutcomeT = TypeVar("OutcomeT")


class Streams(Generic[RequestT, ResponseT, OutcomeT]):
    """Sends batches of rows, several at once, each as a stream."""

    def __init__(self, upload: Upload[RequestT, ResponseT]) -> None:
        self._upload = upload

    async def outcomes(
        self,
        batches: Iterable[Packed[RequestT, ResponseT, OutcomeT]],
        *,
        streams: int,
        patience_s: float,
        on_retry: OnRetry | None,
    ) -> AsyncIterator[OutcomeT]:
        """What became of each batch, in order, with `streams` at once.

        `batches` is read no further ahead than the streams under way. A stream that is cut is sent again.
        """
        pending: deque[asyncio.Task[OutcomeT]] = deque()
        try:
            for batch in batches:
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

    async def _send(self, batch: Packed[RequestT, ResponseT, OutcomeT], patience: Patience) -> OutcomeT:
        while True:
            try:
                return batch.outcome(await self._upload(batch.requests, timeout_s=STREAM_S))
            except (*CUT, Aborted, ResourceExhausted) as error:
                await asyncio.sleep(patience.delay_s(error))
