"""Bulk ingest of accounting details."""

from collections.abc import Callable, Iterable, Iterator

from countinghouse.client.patience import OnRetry
from countinghouse.client.rows import IngestTotals, Refusal, StreamOutcome, batches
from countinghouse.client.sync.calls import Upload
from countinghouse.client.sync.streams import Streams
from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2


class Ingest:
    """Takes in accounting details by the million (GLX-02)."""

    def __init__(
        self,
        upload: Upload[details_pb2.IngestAccountingDetailsRequest, details_pb2.IngestAccountingDetailsResponse],
    ) -> None:
        self._streams = Streams[
            details_pb2.IngestAccountingDetailsRequest, details_pb2.IngestAccountingDetailsResponse, StreamOutcome
        ](upload)

    def __call__(
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
        for outcome in self.outcomes(rows, streams=streams, patience_s=patience_s, on_retry=on_retry):
            totals.add(outcome)
            if on_refusal is not None:
                for refusal in outcome.refusals:
                    on_refusal(refusal)
        return totals

    def outcomes(
        self,
        rows: Iterable[details_pb2.AccountingDetail],
        *,
        streams: int = 2,
        patience_s: float = 60.0,
        on_retry: OnRetry | None = None,
    ) -> Iterator[StreamOutcome]:
        """Send the rows, at most 10,000 in a stream and `streams` at once; what became of each stream, in order.

        `rows` is read by the caller's own thread, no further ahead than the streams under way. A stream that is cut
        is sent again: rows are known by their external ids.
        """
        return self._streams.outcomes(batches(rows), streams=streams, patience_s=patience_s, on_retry=on_retry)
