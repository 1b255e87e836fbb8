"""Batches of invoices, watched across lost connections."""

from collections.abc import AsyncIterator

from countinghouse.client.aio.calls import Stream
from countinghouse.client.aio.feed import follow
from countinghouse.client.patience import OnRetry, Patience
from countinghouse.client.places import BatchPlace, BoardPlace
from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb


class WatchBatch:
    """Tells how a batch goes (INV-18). A lost connection is taken up where it was cut: nothing is missed."""

    def __init__(self, stream: Stream[pb.WatchInvoiceBatchRequest, pb.WatchInvoiceBatchResponse]) -> None:
        self._stream = stream

    def __call__(
        self,
        name: str,
        *,
        after_sequence: int = 0,
        timeout_s: float | None = None,
        patience_s: float = 90.0,
        on_retry: OnRetry | None = None,
    ) -> AsyncIterator[pb.WatchInvoiceBatchResponse]:
        """A batch (`invoiceBatches/{batch}`) as it stands, then after every change, until nothing comes after it.

        It ends after `timeout_s` seconds, too. Each transition comes once; without `after_sequence` the last 50, then
        those that are made.

        Raises:
            CountinghouseError: What the server refused, or the last error when `patience_s` passed without any sign of
                the server, not even a heartbeat.
        """
        place = BatchPlace(name, after_sequence, timeout_s)
        return follow(self._stream, place, Patience(patience_s, on_retry=on_retry))


class WatchBatches:
    """Tells how all batches go, likewise."""

    def __init__(self, stream: Stream[pb.WatchInvoiceBatchesRequest, pb.WatchInvoiceBatchesResponse]) -> None:
        self._stream = stream

    def __call__(
        self,
        billing_cycle: str = "",
        *,
        after_sequence: int = 0,
        timeout_s: float | None = None,
        patience_s: float = 90.0,
        on_retry: OnRetry | None = None,
    ) -> AsyncIterator[pb.WatchInvoiceBatchesResponse]:
        """The batches of a cycle (`billingCycles/{cycle}`), or of all, then those that change.

        It ends, and raises, as `WatchBatch` does, but for the end of a batch.
        """
        place = BoardPlace(billing_cycle, after_sequence, timeout_s)
        return follow(self._stream, place, Patience(patience_s, on_retry=on_retry))
