"""Recipients to be imported: cut into streams, packed into messages, and what became of them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from countinghouse.client.errors import Violation
from countinghouse.invoicing.v1 import recipients_pb2 as pb

STREAM_RECIPIENTS_MAX = 10_000
"""A server lists every refusal of a stream of at most this many rows."""

MESSAGE_RECIPIENTS_MAX = 1_000
MESSAGE_BYTES_MAX = 2**20
"""Well under the 4 MiB that a server takes in one message."""


@dataclass(frozen=True, slots=True)
class RecipientRefusal:
    """A recipient that was left out."""

    row: int
    """Its place among the recipients handed in, from 0."""
    account_id: str
    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class RecipientsOutcome:
    """What became of one stream of recipients."""

    first_row: int
    """The place of its first recipient among those handed in, from 0."""
    received_count: int
    created_count: int
    changed_count: int
    unchanged_count: int
    """Recipients that were there already with the same content; those of a stream that was sent again, too."""
    refusals: tuple[RecipientRefusal, ...]


@dataclass(slots=True)
class RecipientsTotals:
    """What became of all recipients: received = created + changed + unchanged + refused."""

    received_count: int = 0
    created_count: int = 0
    changed_count: int = 0
    unchanged_count: int = 0
    refused_count: int = 0
    refused_count_by_reason: Counter[str] = field(default_factory=Counter)
    """Refused recipients by reason; one counts once for each of its reasons."""

    def add(self, outcome: RecipientsOutcome) -> None:
        """Add what became of one stream."""
        self.received_count += outcome.received_count
        self.created_count += outcome.created_count
        self.changed_count += outcome.changed_count
        self.unchanged_count += outcome.unchanged_count
        self.refused_count += len(outcome.refusals)
        for refusal in outcome.refusals:
            self.refused_count_by_reason.update({violation.reason for violation in refusal.violations})


class RecipientsBatch:
    """The recipients of one stream, packed, so that the stream can be sent again when it is cut."""

    def __init__(self, first_row: int) -> None:
        self.first_row = first_row
        self.received_count = 0
        self.requests: list[pb.ImportRecipientsRequest] = []
        self._places: list[int] = []  # of the recipients sent, among all handed in
        self._too_large: list[RecipientRefusal] = []
        self._bytes = 0

    @property
    def full(self) -> bool:
        """Whether the next recipient belongs to another stream."""
        return self.received_count == STREAM_RECIPIENTS_MAX

    def add(self, recipient: pb.RecipientToImport) -> None:
        """Pack a recipient; one that no message can carry is refused here."""
        place = self.first_row + self.received_count
        self.received_count += 1
        size = recipient.ByteSize() + 8  # and the field's tag and length
        if size > MESSAGE_BYTES_MAX:
            text = f"the recipient has {size} bytes, more than the {MESSAGE_BYTES_MAX} that a message may carry"
            violation = Violation("", "ROW_TOO_LARGE", text)
            self._too_large.append(RecipientRefusal(place, recipient.account_id, (violation,)))
            return
        if not self.requests or not self._has_room(size):
            self.requests.append(pb.ImportRecipientsRequest())
            self._bytes = 0
        self.requests[-1].recipients.append(recipient)
        self._bytes += size
        self._places.append(place)

    def outcome(self, answer: pb.ImportRecipientsResponse) -> RecipientsOutcome:
        """What became of the recipients, refusals under their places among all that were handed in."""
        assert answer.received_count == len(self._places), "the server answered for other recipients than were sent"
        assert answer.refused_count == len(answer.refused_recipients), "the server did not list every refusal"
        refused = [_refusal(self._places[one.row], one) for one in answer.refused_recipients]
        return RecipientsOutcome(
            first_row=self.first_row,
            received_count=self.received_count,
            created_count=answer.created_count,
            changed_count=answer.changed_count,
            unchanged_count=answer.unchanged_count,
            refusals=tuple(sorted([*refused, *self._too_large], key=lambda refusal: refusal.row)),
        )

    def _has_room(self, size: int) -> bool:
        return self._bytes + size <= MESSAGE_BYTES_MAX and len(self.requests[-1].recipients) < MESSAGE_RECIPIENTS_MAX


def recipient_batches(recipients: Iterable[pb.RecipientToImport]) -> Iterator[RecipientsBatch]:
    """The recipients, cut into streams; takes no more from `recipients` than it gives."""
    batch = RecipientsBatch(0)
    for recipient in recipients:
        batch.add(recipient)
        if batch.full:
            yield batch
            batch = RecipientsBatch(batch.first_row + batch.received_count)
    if batch.received_count:
        yield batch


def _refusal(place: int, refused: pb.RefusedRecipient) -> RecipientRefusal:
    violations = tuple(Violation(v.field, v.reason, v.description) for v in refused.violations)
    return RecipientRefusal(place, refused.account_id, violations)
