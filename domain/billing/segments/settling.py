"""Segments that were made by a configuration of before are found, and made again before they are frozen (BIL-10)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from domain.billing.accounts.model import ServiceAgreement
from domain.billing.configuration.snapshot import Snapshot
from domain.billing.segments.model import Charged, Segment
from domain.billing.segments.states import SegmentKind, SegmentState


def outdated(
    segments: Collection[Segment], agreements: Collection[ServiceAgreement], snapshot: Snapshot
) -> Iterator[Segment]:
    """Those segments of a pending bill that would be made otherwise by now, as they are then: incomplete.

    What was charged on one of them is one, too: charges point back in the processing order. Cost: linear.
    """
    by_id = {each.agreement_id: each for each in agreements}
    wrong: set[Charged] = set()
    for each in sorted(segments, key=lambda each: (each.position, each.period)):
        if each.state is not SegmentState.FREEZABLE or each.kind is not SegmentKind.USAGE:
            continue
        charged_on = (charged for source in each.worked.sources for charged in source.charged_on)
        if each.worked.basis != _basis(each, by_id, snapshot) or not wrong.isdisjoint(charged_on):
            wrong.add(Charged(each.agreement_id, each.period.start, each.period.end))
            yield replace(each, state=SegmentState.INCOMPLETE, version=each.version + 1)


def _basis(segment: Segment, agreements: Mapping[str, ServiceAgreement], snapshot: Snapshot) -> str:
    agreement = agreements[segment.agreement_id]
    rate_code = agreement.rate_code or snapshot.agreement_types[agreement.type_code].settings.rate
    return snapshot.basis(agreement.type_code, rate_code, segment.period.start, segment.period.end)
