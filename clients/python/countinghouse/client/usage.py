"""Interval data and register reads: cut into streams of one message, and what became of them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from uuid import uuid4

from countinghouse.billing.v1 import usage_pb2
from countinghouse.client.errors import Violation

STREAM_ROWS_MAX = 10_000
"""A server lists every refusal of a stream of at most this many rows."""

UsageRow = tuple[str, usage_pb2.IntervalData | usage_pb2.RegisterRead]
"""A profile, `accounts/{account}/profiles/{profile}`, and what was used or read."""


@dataclass(frozen=True, slots=True)
class UsageRefusal:
    """A row that was left out."""

    row: int
    """Its place among the rows handed in, from 0."""
    profile: str
    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class UsageOutcome:
    """What became of one stream of rows."""

    first_row: int
    """The place of its first row among the rows handed in, from 0."""
    received_count: int
    accepted_count: int
    """Rows that were not known before."""
    duplicate_count: int
    """Rows that were known with the same value."""
    replaced_count: int
    """Rows of a correction that took the place of another value."""
    refusals: tuple[UsageRefusal, ...]
    stale_segment_count: int
    """Frozen bill segments that made use of a value which was replaced; they are to be rebilled."""
    stale_segments: tuple[str, ...]
    """The first 1,000 of them, by resource name."""


@dataclass(slots=True)
class UsageTotals:
    """What became of all rows: received = accepted + duplicate + replaced + refused."""

    received_count: int = 0
    accepted_count: int = 0
    duplicate_count: int = 0
    replaced_count: int = 0
    refused_count: int = 0
    refused_count_by_reason: Counter[str] = field(default_factory=Counter)
    """Refused rows by reason; a row counts once for each of its reasons."""
    stale_segments: set[str] = field(default_factory=set)
    """Frozen bill segments to be rebilled, at most 1,000 of each stream."""

    def add(self, outcome: UsageOutcome) -> None:
        """Add what became of one stream."""
        self.received_count += outcome.received_count
        self.accepted_count += outcome.accepted_count
        self.duplicate_count += outcome.duplicate_count
        self.replaced_count += outcome.replaced_count
        self.refused_count += len(outcome.refusals)
        self.stale_segments.update(outcome.stale_segments)
        for refusal in outcome.refusals:
            self.refused_count_by_reason.update({violation.reason for violation in refusal.violations})


class UsageBatch:
    """The rows of one stream, packed, so that the stream can be sent again when it is cut.

    Each stream has a request id of its own: one that is sent again has the counts of the first time.
    """

    def __init__(self, first_row: int, *, time_zone: str, correction: bool) -> None:
        self.first_row = first_row
        self.received_count = 0
        way = usage_pb2.UsageImport(time_zone=time_zone, correction=correction, request_id=str(uuid4()))
        self._request = usage_pb2.IngestUsageRequest(usage_import=way)
        self.requests = [self._request]
        self._key: tuple[str, type[object]] | None = None
        self._usage = usage_pb2.ProfileUsage()

    @property
    def full(self) -> bool:
        """Whether the next row belongs to another stream."""
        return self.received_count == STREAM_ROWS_MAX

    def add(self, row: UsageRow) -> None:
        """Pack a row: with those before it, if they are of its profile and kind."""
        profile, value = row
        if self._key != (profile, type(value)):
            self._key = profile, type(value)
            self._usage = self._request.usage.add(profile=profile)
        if isinstance(value, usage_pb2.IntervalData):
            self._usage.interval_data.append(value)
        else:
            self._usage.register_reads.append(value)
        self.received_count += 1

    def outcome(self, answer: usage_pb2.IngestUsageResponse) -> UsageOutcome:
        """What became of the rows, refusals under their places among all rows handed in."""
        assert answer.received_count == self.received_count, "the server answered for other rows than were sent"
        assert answer.refused_count == len(answer.refused_rows), "the server did not list every refusal"
        return UsageOutcome(
            first_row=self.first_row,
            received_count=answer.received_count,
            accepted_count=answer.accepted_count,
            duplicate_count=answer.duplicate_count,
            replaced_count=answer.replaced_count,
            refusals=tuple(_refusal(self.first_row, row) for row in answer.refused_rows),
            stale_segment_count=answer.stale_segment_count,
            stale_segments=tuple(answer.stale_segments),
        )


def usage_batches(rows: Iterable[UsageRow], *, time_zone: str, correction: bool) -> Iterator[UsageBatch]:
    """The rows, cut into streams; takes no more from `rows` than it gives."""
    batch = UsageBatch(0, time_zone=time_zone, correction=correction)
    for row in rows:
        batch.add(row)
        if batch.full:
            yield batch
            first_row = batch.first_row + batch.received_count
            batch = UsageBatch(first_row, time_zone=time_zone, correction=correction)
    if batch.received_count:
        yield batch


def _refusal(first_row: int, row: usage_pb2.RefusedUsageRow) -> UsageRefusal:
    violations = tuple(Violation(v.field, v.reason, v.description) for v in row.violations)
    return UsageRefusal(first_row + row.row, row.profile, violations)
