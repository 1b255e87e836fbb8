"""What customers read of what they are charged: the words of the rate, codes where it has none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from domain.billing.accounts.model import ServiceAgreement
from domain.billing.configuration.snapshot import Snapshot
from domain.billing.rating.model import Component, Kind, Stepped, TimeOfUse
from domain.billing.rating.segments import Line
from domain.billing.segments.model import Segment


def told_apart(agreements: Collection[ServiceAgreement]) -> frozenset[str]:
    """Those of an account's agreements whose lines would read like another's: there are several of their type."""
    counts = Counter(each.type_code for each in agreements)
    return frozenset(each.agreement_id for each in agreements if counts[each.type_code] > 1)


class Words:
    """What customers read of a segment's lines; `named` says that the agreement is told in any case.

    The words are those of the rate's version that a line was made by, so that they are the same whenever it is told.
    """

    def __init__(self, segment: Segment, snapshot: Snapshot, *, named: bool) -> None:
        self._segment, self._behind = segment, f" ({segment.agreement_id})" if named else ""
        self._components: Mapping[tuple[int, str], Component] = {
            (day, each.code): each
            for day, number in segment.worked.versions
            for each in snapshot.version_of(segment.rate_code, number).components
        }

    def of(self, line: Line) -> str:
        """The description of a line."""
        if line.kind is Kind.ADJUSTMENT and self._segment.worked.message:
            return f"{self._segment.worked.message}{self._behind}"
        component = self._components.get((line.version, line.component))
        if component is not None and component.description:
            return f"{described(component, line.bucket, line.step)}{self._behind}"
        return " ".join(filter(None, (self._segment.agreement_id, line.component, line.bucket)))


def described(component: Component, bucket: str, step: int) -> str:
    """A component that has a description, or its bucket, or step (from 1; 0: none): `Electricity, peak hours`."""
    part = ""
    if isinstance(component, TimeOfUse):
        part = dict(component.descriptions).get(bucket, bucket)
    elif isinstance(component, Stepped) and step:
        part = component.steps[step - 1].description
    return f"{component.description}, {part}" if part else component.description
