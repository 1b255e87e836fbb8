"""Bulk rows: cut into streams, packed into messages, and what became of them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from google.protobuf.message import Message

from countinghouse.client.errors import Violation
from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2

STREAM_ROWS_MAX = 10_000
"""A server lists every refusal of a stream of at most this many rows."""

STREAM_S = 300.0
"""Seconds that one stream may take before it is given up and sent again."""

RequestT = TypeVar("RequestT", bound=Message)
ResponseT_contra = TypeVar("ResponseT_contra", bound=Message, contravariant=True)
OutcomeT_co = TypeVar("OutcomeT_co", covariant=True)

MESSAGE_ROWS_MAX = 1_000
MESSAGE_BYTES_MAX = 2**20
"""Well under the 4 MiB that a server takes in one message."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that was left out."""

    row: int
    """Its place among the rows handed in, from 0."""
    source: str
    external_id: str
    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class StreamOutcome:
    """What became of one stream of rows."""

    first_row: int
    """The place of its first row among the rows handed in, from 0."""
    received_count: int
    """Rows taken from the caller for this stream."""
    created_count: int
    """Rows that the server stored now."""
    unchanged_count: int
    """Rows that were there already with the same content; those of a stream that was cut and sent again, too."""
    refusals: tuple[Refusal, ...]


@dataclass(slots=True)
class IngestTotals:
    """What became of all rows: received = created + unchanged + refused."""

    received_count: int = 0
    created_count: int = 0
    unchanged_count: int = 0
    refused_count: int = 0
    refused_count_by_reason: Counter[str] = field(default_factory=Counter)
    """Refused rows by reason; a row counts once for each of its reasons."""

    def add(self, outcome: StreamOutcome) -> None:
        """Add what became of one stream."""
        self.received_count += outcome.received_count
        self.created_count += outcome.created_count
        self.unchanged_count += outcome.unchanged_count
        self.refused_count += len(outcome.refusals)
        for refusal in outcome.refusals:
            self.refused_count_by_reason.update({violation.reason for violation in refusal.violations})


class Packed(Protocol[RequestT, ResponseT_contra, OutcomeT_co]):
    """The rows of one stream, which can be sent again when it is cut."""

    first_row: int
    requests: list[RequestT]

    def outcome(self, answer: ResponseT_contra) -> OutcomeT_co:
        """What became of them."""
        ...


class Batch:
    """The rows of one stream, packed, so that the stream can be sent again when it is cut."""

    def __init__(self, first_row: int) -> None:
        self.first_row = first_row
        self.received_count = 0
        self.requests: list[details_pb2.IngestAccountingDetailsRequest] = []
        self._places: list[int] = []  # of the rows sent, among all rows handed in
        self._too_large: list[Refusal] = []
        self._bytes = MESSAGE_BYTES_MAX

    @property
    def full(self) -> bool:
        """Whether the next row belongs to another stream."""
        return self.received_count == STREAM_ROWS_MAX

    def add(self, row: details_pb2.AccountingDetail) -> None:
        """Pack a row; one that no message can carry is refused here."""
        place = self.first_row + self.received_count
        self.received_count += 1
        size = row.ByteSize() + 8  # and the field's tag and length
        if size > MESSAGE_BYTES_MAX:
            self._too_large.append(_too_large(place, row, size))
            return
        if self._bytes + size > MESSAGE_BYTES_MAX or len(self.requests[-1].accounting_details) == MESSAGE_ROWS_MAX:
            self.requests.append(details_pb2.IngestAccountingDetailsRequest())
            self._bytes = 0
        self.requests[-1].accounting_details.append(row)
        self._bytes += size
        self._places.append(place)

    def outcome(self, answer: details_pb2.IngestAccountingDetailsResponse) -> StreamOutcome:
        """What became of the rows, refusals under their places among all rows handed in."""
        assert answer.received_count == len(self._places), "the server answered for other rows than were sent"
        assert answer.refused_count == len(answer.refused_rows), "the server did not list every refusal"
        refused = [_refusal(self._places[row.row], row) for row in answer.refused_rows]
        return StreamOutcome(
            first_row=self.first_row,
            received_count=self.received_count,
            created_count=answer.created_count,
            unchanged_count=answer.unchanged_count,
            refusals=tuple(sorted([*refused, *self._too_large], key=lambda refusal: refusal.row)),
        )


def batches(rows: Iterable[details_pb2.AccountingDetail]) -> Iterator[Batch]:
    """The rows, cut into streams; takes no more from `rows` than it gives."""
    batch = Batch(0)
    for row in rows:
        batch.add(row)
        if batch.full:
            yield batch
            batch = Batch(batch.first_row + batch.received_count)
    if batch.received_count:
        yield batch


def _refusal(place: int, row: details_pb2.RefusedRow) -> Refusal:
    violations = tuple(Violation(v.field, v.reason, v.description) for v in row.violations)
    return Refusal(place, row.source, row.external_id, violations)


def _too_large(place: int, row: details_pb2.AccountingDetail, size: int) -> Refusal:
    description = f"the row has {size} bytes, more than the {MESSAGE_BYTES_MAX} that a message may carry"
    violation = Violation("", "ROW_TOO_LARGE", description)
    return Refusal(place, row.source[:64], row.external_id[:128], (violation,))
