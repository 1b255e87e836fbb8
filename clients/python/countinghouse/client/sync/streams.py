"""Bulk ingest over several client streams."""

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from google.protobuf.message import Message

from countinghouse.client.cursor import CUT
from countinghouse.client.errors import Aborted, ResourceExhausted
from countinghouse.client.patience import OnRetry, Patience
from countinghouse.client.rows import STREAM_S, Packed
from countinghouse.client.sync.calls import Cancelable, Upload

RequestT = TypeVar("RequestT", bound=Message)
ResponseT = TypeVar("ResponseT", bound=Message)
OutcomeT = TypeVar("OutcomeT")


class Streams(Generic[RequestT, ResponseT, OutcomeT]):
    """Sends batches of rows, several at once, each as a stream."""

    def __init__(self, upload: Upload[RequestT, ResponseT]) -> None:
        self._upload = upload

    def outcomes(
        self,
        batches: Iterable[Packed[RequestT, ResponseT, OutcomeT]],
        *,
        streams: int,
        patience_s: float,
        on_retry: OnRetry | None,
    ) -> Iterator[OutcomeT]:
        """What became of each batch, in order, with `streams` at once.

        `batches` is read by the caller's own thread, no further ahead than the streams under way. A stream that is cut
        is sent again.
        """
        pending: deque[Future[OutcomeT]] = deque()
        stop, calls = threading.Event(), dict[int, Cancelable]()
        with ThreadPoolExecutor(streams, thread_name_prefix="ingest") as pool:
            try:
                for batch in batches:
                    pending.append(pool.submit(self._send, batch, Patience(patience_s, on_retry=on_retry), stop, calls))
                    if len(pending) > streams:
                        yield pending.popleft().result()
                while pending:
                    yield pending.popleft().result()
            finally:
                stop.set()
                for future in pending:
                    future.cancel()
                for call in list(calls.values()):
                    call.cancel()

    def _send(
        self,
        batch: Packed[RequestT, ResponseT, OutcomeT],
        patience: Patience,
        stop: threading.Event,
        calls: dict[int, Cancelable],
    ) -> OutcomeT:
        def started(call: Cancelable) -> None:
            calls[batch.first_row] = call
            if stop.is_set():
                call.cancel()

        while True:
            try:
                return batch.outcome(self._upload(batch.requests, timeout_s=STREAM_S, started=started))
            except (*CUT, Aborted, ResourceExhausted) as error:
                if stop.is_set() or stop.wait(patience.delay_s(error)):
                    raise
            finally:
                calls.pop(batch.first_row, None)
