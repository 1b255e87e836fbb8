"""Bulk import of recipients."""

from collections.abc import Callable, Iterable, Iterator

from countinghouse.client.patience import OnRetry
from countinghouse.client.recipients import RecipientRefusal, RecipientsOutcome, RecipientsTotals, recipient_batches
from countinghouse.client.sync.calls import Upload
from countinghouse.client.sync.streams import Streams
from countinghouse.invoicing.v1 import recipients_pb2 as pb


class ImportRecipients:
    """Creates and changes the recipients of accounts in bulk."""

    def __init__(self, upload: Upload[pb.ImportRecipientsRequest, pb.ImportRecipientsResponse]) -> None:
        self._streams = Streams[pb.ImportRecipientsRequest, pb.ImportRecipientsResponse, RecipientsOutcome](upload)

    def __call__(
        self,
        recipients: Iterable[pb.RecipientToImport],
        *,
        on_refusal: Callable[[RecipientRefusal], None] | None = None,
        patience_s: float = 60.0,
        on_retry: OnRetry | None = None,
    ) -> RecipientsTotals:
        """Send the recipients; returns what became of them. `on_refusal` is told of each refused one, in their order.

        Raises:
            CountinghouseError: The server refused the call as a whole, or did not come back within `patience_s`
                seconds. Recipients sent before are stored; send the same again, nothing is stored twice.
        """
        totals = RecipientsTotals()
        for outcome in self.outcomes(recipients, patience_s=patience_s, on_retry=on_retry):
            totals.add(outcome)
            if on_refusal is not None:
                for refusal in outcome.refusals:
                    on_refusal(refusal)
        return totals

    def outcomes(
        self,
        recipients: Iterable[pb.RecipientToImport],
        *,
        patience_s: float = 60.0,
        on_retry: OnRetry | None = None,
    ) -> Iterator[RecipientsOutcome]:
        """Send the recipients, at most 10,000 in a stream; what became of each stream, in order.

        One stream goes after the other, so that the last one told of an account counts. A stream that is cut is sent
        again: what is there already is left as it is.
        """
        return self._streams.outcomes(
            recipient_batches(recipients), streams=1, patience_s=patience_s, on_retry=on_retry
        )
