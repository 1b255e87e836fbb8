"""Invoice lines: cut into streams, packed into messages, and what became of them."""

from collections.abc import Iterable, Iterator

from countinghouse.client.errors import Violation
from countinghouse.client.rows import STREAM_ROWS_MAX, Refusal, StreamOutcome
from countinghouse.invoicing.v1 import invoice_lines_pb2 as pb

MESSAGE_BYTES_MAX = 2 * 2**20
"""Well under the 4 MiB that a server takes in one message; what is in a message is stored together."""


class LinesBatch:
    """The lines of one stream, packed, so that the stream can be sent again when it is cut."""

    def __init__(self, first_row: int, billing_cycle: str) -> None:
        self.first_row = first_row
        self.received_count = 0
        self.requests = [pb.IngestInvoiceLinesRequest(billing_cycle=billing_cycle)]
        self._places: list[int] = []  # of the lines sent, among all handed in
        self._too_large: list[Refusal] = []
        self._bytes = 0

    @property
    def full(self) -> bool:
        """Whether the next line belongs to another stream."""
        return self.received_count == STREAM_ROWS_MAX

    def add(self, line: pb.InvoiceLine) -> None:
        """Pack a line; one that no message can carry is refused here."""
        place = self.first_row + self.received_count
        self.received_count += 1
        size = line.ByteSize() + 8  # and the field's tag and length
        if size > MESSAGE_BYTES_MAX:
            text = f"the line has {size} bytes, more than the {MESSAGE_BYTES_MAX} that a message may carry"
            violation = Violation("", "ROW_TOO_LARGE", text)
            self._too_large.append(Refusal(place, line.source[:64], line.external_id[:128], (violation,)))
            return
        if self._bytes + size > MESSAGE_BYTES_MAX:
            self.requests.append(pb.IngestInvoiceLinesRequest())
            self._bytes = 0
        self.requests[-1].invoice_lines.append(line)
        self._bytes += size
        self._places.append(place)

    def outcome(self, answer: pb.IngestInvoiceLinesResponse) -> StreamOutcome:
        """What became of the lines, refusals under their places among all that were handed in."""
        assert answer.received_count == len(self._places), "the server answered for other lines than were sent"
        assert answer.refused_count == len(answer.refused_rows), "the server did not list every refusal"
        refused = [_refusal(self._places[row.row], row) for row in answer.refused_rows]
        return StreamOutcome(
            first_row=self.first_row,
            received_count=self.received_count,
            created_count=answer.created_count,
            unchanged_count=answer.unchanged_count,
            refusals=tuple(sorted([*refused, *self._too_large], key=lambda refusal: refusal.row)),
        )


def line_batches(lines: Iterable[pb.InvoiceLine], *, billing_cycle: str) -> Iterator[LinesBatch]:
    """The lines, cut into streams; takes no more from `lines` than it gives."""
    batch = LinesBatch(0, billing_cycle)
    for line in lines:
        batch.add(line)
        if batch.full:
            yield batch
            batch = LinesBatch(batch.first_row + batch.received_count, billing_cycle)
    if batch.received_count:
        yield batch


def _refusal(place: int, row: pb.RefusedInvoiceLine) -> Refusal:
    violations = tuple(Violation(v.field, v.reason, v.description) for v in row.violations)
    return Refusal(place, row.source, row.external_id, violations)
