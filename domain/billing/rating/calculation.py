"""Rating: a segment's usage becomes calculation lines, by the versions of a rate (BIL-20).

`planned` once for each version of the configuration; `parts_of` tells by which parts interval usage is to be added up;
`calculate` then rates any number of segments, and is safe to share between threads.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.billing.rating import charges
from domain.billing.rating.errors import RateOfAnotherCurrency
from domain.billing.rating.model import Component, Rate
from domain.billing.rating.proration import parts
from domain.billing.rating.running import Running
from domain.billing.rating.segments import Calculation, Part, Segment
from domain.kernel.amounts import scale_of


@dataclass(frozen=True, slots=True)
class Plan:
    """A sound rate made ready: versions in the order of their days, their numbers as integers."""

    rate: str
    currency: str
    scale: int
    effective_days: tuple[int, ...]
    versions: tuple[tuple[tuple[Component, charges.Planned], ...], ...]


def planned(rate: Rate) -> Plan:
    """A rate without violations, made ready."""
    scale = scale_of(rate.currency)
    assert scale is not None, "validation knows the currency"
    versions = sorted(rate.versions, key=lambda version: version.effective_day)
    return Plan(
        rate.code,
        rate.currency,
        scale[0],
        tuple(version.effective_day for version in versions),
        tuple(tuple((each, charges.planned(each)) for each in version.components) for version in versions),
    )


def parts_of(plan: Plan, start: int, end: int) -> tuple[Part, ...]:
    """The parts into which changes of the rate split the days [start, end). Raises: RateNotEffective."""
    return tuple(part for _, part in parts(plan.effective_days, start, end))


def calculate(plan: Plan, segment: Segment) -> Calculation:
    """The lines of a segment: one at least for each part and each component that applies in it.

    Raises: RateOfAnotherCurrency; RateNotEffective; RateUsageMissing; RateUsageUnitDiffers; RateUsageUnpriced;
    RateAmountTooLarge; ConditionFailed, where a condition cannot be evaluated. Cost: see decision 0023.
    """
    if segment.currency != plan.currency:
        raise RateOfAnotherCurrency(rate=plan.rate, currency=plan.currency, wanted=segment.currency)
    found = parts(plan.effective_days, segment.start, segment.end)
    run = Running(segment, plan.scale, days=found[-1][1].last, parts=len(found))
    for place, part in found:
        run.begin(part, plan.effective_days[place])
        for component, charge in plan.versions[place]:
            if component.condition is None or component.condition.evaluate(segment.values):
                charge(run)
    return run.calculation()
