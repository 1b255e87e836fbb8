"""Bulk ingest of invoice lines."""

from collections.abc import Callable, Iterable, Iterator

from countinghouse.client.invoice_lines import line_batches
from countinghouse.client.patience import OnRetry
from countinghouse.client.rows import IngestTotals, Refusal, StreamOutcome
from countinghouse.client.sync.calls import Upload
from countinghouse.client.sync.streams import Streams
from countinghouse.invoicing.v1 import invoice_lines_pb2 as pb


class IngestInvoiceLines:
    """Puts lines on running invoices by the million (INV-11)."""

    def __init__(self, upload: Upload[pb.IngestInvoiceLinesRequest, pb.IngestInvoiceLinesResponse]) -> None:
        self._streams = Streams[pb.IngestInvoiceLinesRequest, pb.IngestInvoiceLinesResponse, StreamOutcome](upload)

    def __call__(
        self,
        lines: Iterable[pb.InvoiceLine],
        *,
        billing_cycle: str,
        on_refusal: Callable[[Refusal], None] | None = None,
        streams: int = 2,
        patience_s: float = 60.0,
        on_retry: OnRetry | None = None,
    ) -> IngestTotals:
        """Send the lines; returns what became of them. `on_refusal` is told of each refused one, in their order.

        `billing_cycle` is the name of the cycle on whose running invoices they come.

        Raises:
            CountinghouseError: The server refused the call as a whole, or did not come back within `patience_s`
                seconds. Lines sent before are stored; send the same again, nothing is stored twice.
        """
        totals = IngestTotals()
        sent = self.outcomes(
            lines, billing_cycle=billing_cycle, streams=streams, patience_s=patience_s, on_retry=on_retry
        )
        for outcome in sent:
            totals.add(outcome)
            if on_refusal is not None:
                for refusal in outcome.refusals:
                    on_refusal(refusal)
        return totals

    def outcomes(
        self,
        lines: Iterable[pb.InvoiceLine],
        *,
        billing_cycle: str,
        streams: int = 2,
        patience_s: float = 60.0,
        on_retry: OnRetry | None = None,
    ) -> Iterator[StreamOutcome]:
        """Send the lines, at most 10,000 in a stream and `streams` at once; what became of each stream, in order.

        `lines` is read by the caller's own thread, no further ahead than the streams under way. A stream that is cut
        is sent again: lines are known by their external ids.
        """
        batches = line_batches(lines, billing_cycle=billing_cycle)
        return self._streams.outcomes(batches, streams=streams, patience_s=patience_s, on_retry=on_retry)
