"""Interval data, register reads and what became of them, as the contract tells them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from google.type.decimal_pb2 import Decimal

from countinghouse.billing.v1 import usage_pb2 as pb
from domain.billing.configuration.model import ProfileKind
from domain.billing.usage.ingest import Ingested
from domain.billing.usage.listing import ALWAYS_US, Stretch
from domain.billing.usage.rows import Group, Refusal
from domain.billing.usage.store.pages import Kept
from domain.kernel.errors import Invalid, Violation
from domain.kernel.quantities import quantity_text
from server.mapping.instants import instant_from_proto
from server.mapping.operations import instant_to_proto

REFUSALS_MAX = 10_000
REFUSALS_BYTES = 3 << 20
"""Refused rows beyond so many bytes are told in short, so that an answer stays below the 4 MiB that clients take."""

SEGMENTS_MAX = 1_000

_NAME = re.compile(r"accounts/([A-Za-z0-9._-]{1,64})/profiles/([A-Za-z0-9._-]{1,64})")
_SECOND_US, _NANOS_PER_US = 1_000_000, 1_000  # what is finer than a microsecond is cut
_PROFILE_MAX = 160  # characters that are told of the profile of a refused row


def groups_from_proto(usage: Iterable[pb.ProfileUsage]) -> list[Group]:
    """The rows as they are, right or wrong. Cost: about 1 µs a row."""
    return list(_groups(usage))


def _groups(usage: Iterable[pb.ProfileUsage]) -> Iterator[Group]:
    for each in usage:
        match = _NAME.fullmatch(each.profile)
        key = (match[1], match[2]) if match else None
        if each.interval_data:
            rows = [
                (
                    row.local_start_time or (at := row.start_time).seconds * _SECOND_US + at.nanos // _NANOS_PER_US,
                    row.quantity.value,
                    row.estimated,
                )
                for row in each.interval_data
            ]
            yield Group(each.profile, key, ProfileKind.INTERVALS, rows)
        if each.register_reads:
            rows = [
                (
                    row.local_read_time or (at := row.read_time).seconds * _SECOND_US + at.nanos // _NANOS_PER_US,
                    row.quantity.value,
                    row.estimated,
                )
                for row in each.register_reads
            ]
            yield Group(each.profile, key, ProfileKind.REGISTER, rows)


def ingested_to_proto(done: Ingested) -> pb.IngestUsageResponse:
    """What became of a chunk; rows count from its first."""
    reasons: Counter[str] = Counter()
    for refusal in done.refusals:
        reasons.update({violation.reason for violation in refusal.violations})
    return pb.IngestUsageResponse(
        received_count=done.received,
        accepted_count=done.accepted,
        duplicate_count=done.duplicate,
        replaced_count=done.replaced,
        refused_count=len(done.refusals),
        refused_rows=map(_refusal_to_proto, done.refusals[:REFUSALS_MAX]),
        refused_count_by_reason=reasons,
        stale_segment_count=len(done.stale_segments),
        stale_segments=done.stale_segments[:SEGMENTS_MAX],
    )


def _refusal_to_proto(refusal: Refusal) -> pb.RefusedUsageRow:
    return pb.RefusedUsageRow(
        row=refusal.position,
        profile=refusal.profile[:_PROFILE_MAX],
        violations=[
            pb.UsageViolation(field=found.field, reason=found.reason, description=found.description)
            for found in refusal.violations
        ],
    )


class Tally:
    """Adds up what became of the chunks of a stream, in their order."""

    def __init__(self) -> None:
        self.answer = pb.IngestUsageResponse()
        self._bytes = 0

    def add(self, chunk: pb.IngestUsageResponse) -> None:
        """Add the next chunk of the stream."""
        answer = self.answer
        for row in chunk.refused_rows[: REFUSALS_MAX - len(answer.refused_rows)]:
            told = answer.refused_rows.add(row=answer.received_count + row.row)
            if self._bytes > REFUSALS_BYTES:
                first = row.violations[0]
                told.violations.add(field=first.field, reason=first.reason)
            else:
                told.profile = row.profile
                told.violations.extend(row.violations)
            self._bytes += told.ByteSize()
        for reason, number in chunk.refused_count_by_reason.items():
            answer.refused_count_by_reason[reason] += number
        answer.stale_segments.extend(chunk.stale_segments[: SEGMENTS_MAX - len(answer.stale_segments)])
        answer.received_count += chunk.received_count
        answer.accepted_count += chunk.accepted_count
        answer.duplicate_count += chunk.duplicate_count
        answer.replaced_count += chunk.replaced_count
        answer.refused_count += chunk.refused_count
        answer.stale_segment_count += chunk.stale_segment_count


def stretch_from_proto(request: pb.ListIntervalDataRequest | pb.ListRegisterReadsRequest) -> Stretch:
    """Which rows a list is of. Raises: Invalid."""
    from_us = instant_from_proto(request, "start_time") or 0
    until_us = instant_from_proto(request, "end_time") or ALWAYS_US
    if until_us <= from_us:
        raise Invalid(Violation("end_time", "END_NOT_AFTER_START", "must be after start_time"))
    return Stretch(from_us, until_us)


def interval_to_proto(kept: Kept) -> pb.IntervalData:
    """An interval."""
    return pb.IntervalData(
        start_time=instant_to_proto(kept.at_us),
        quantity=Decimal(value=quantity_text(kept.attos)),
        estimated=kept.estimated,
        revision=kept.revision,
        receive_time=instant_to_proto(kept.received_us),
    )


def read_to_proto(kept: Kept) -> pb.RegisterRead:
    """A read of a register."""
    return pb.RegisterRead(
        read_time=instant_to_proto(kept.at_us),
        quantity=Decimal(value=quantity_text(kept.attos)),
        estimated=kept.estimated,
        revision=kept.revision,
        receive_time=instant_to_proto(kept.received_us),
    )
