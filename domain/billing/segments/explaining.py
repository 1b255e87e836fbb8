"""What explains a segment beside what it is: its place, what its lines come to exactly, and what it hangs on. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal

from domain.billing.rating.charges import HUNDRED, attos_of
from domain.billing.rating.model import Kind
from domain.billing.rating.segments import Line
from domain.billing.segments.model import Bill, Charged, Ordered, Segment, Wait
from domain.kernel.amounts import scale_of
from domain.kernel.quantities import ATTOS, DECIMALS

_EXACT = Context(prec=60)
_OF_BASE = {Kind.PERCENTAGE: 1, Kind.TAX: 1, Kind.DISCOUNT: -1}


@dataclass(frozen=True, slots=True)
class Explained:
    """A segment with its agreement's place, and the segments of its bill that it waits for or is charged on."""

    segment: Segment
    place: Ordered | None
    waits_on: Sequence[tuple[Wait, Segment | None]]
    charged_on: Sequence[Segment]


def explained(bill: Bill, segments: Sequence[Segment], wanted: Iterable[Segment]) -> list[Explained]:
    """Some segments of a bill, all of which are given."""
    places = {each.agreement_id: each for each in bill.order}
    by_key = {(each.agreement_id, each.period.start, each.period.end): each for each in segments}

    def find(of: Wait | Charged) -> Segment | None:
        return by_key.get((of.agreement_id, of.start, of.end))

    return [
        Explained(
            each,
            places.get(each.agreement_id),
            [(wait, find(wait)) for wait in each.worked.waits_on],
            [found for source in each.worked.sources for of in source.charged_on if (found := find(of))],
        )
        for each in wanted
    ]


def unrounded(line: Line) -> Decimal:
    """What a line comes to before it is rounded, in whole units of its currency, cut to 18 decimals."""
    scale = scale_of(line.amount.currency)
    assert scale is not None, "it was rated"
    rate, base = attos_of(line.rate), line.base.minor if line.base else 0
    if line.kind in _OF_BASE:
        numerator, denominator = _OF_BASE[line.kind] * rate * base, HUNDRED * scale[0]
    elif line.kind is Kind.MINIMUM:
        lacking = rate * scale[0] * line.days - base * ATTOS * line.full_days
        numerator, denominator = max(0, lacking), scale[0] * line.full_days
    else:
        attos = line.quantity.attos if line.quantity else ATTOS
        numerator, denominator = rate * attos * line.days, ATTOS * line.full_days
    size = abs(numerator) // denominator
    exact = Decimal(size if numerator >= 0 else -size).scaleb(-DECIMALS, _EXACT)
    return exact.normalize(_EXACT) + 0
