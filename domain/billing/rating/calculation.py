"""Rating: a segment's usage becomes calculation lines, by the versions of a rate (BIL-20).

`planned` once for each version of the configuration; `parts_of` tells by which parts interval usage is to be added up;
`calculate` then rates a segment, and `rated` any number of them that are alike; both are safe to share between threads.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.billing.rating import charges, sheets
from domain.billing.rating.errors import RateOfAnotherCurrency
from domain.billing.rating.model import Component, Rate
from domain.billing.rating.proration import parts
from domain.billing.rating.running import Running
from domain.billing.rating.segments import Calculation, Part, Segment
from domain.billing.rating.sheets import Rated, Sheet
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
    usage = {name: used for name, each in segment.usage.items() if (used := sheets.used([each]))}
    sheet = Sheet(
        start=segment.start,
        end=segment.end,
        full_days=segment.full_days,
        currency=segment.currency,
        rows=1,
        usage=usage,
        values=(segment.values,),
    )
    return sheets.calculation(rated(plan, sheet), 0, segment.usage)


def rated(plan: Plan, sheet: Sheet) -> Rated:
    """The lines of segments that are alike: what of `calculate` concerns a row alone is kept with what came of it.

    Raises: RateOfAnotherCurrency; RateNotEffective. Cost: see decision 0023.
    """
    if sheet.currency != plan.currency:
        raise RateOfAnotherCurrency(rate=plan.rate, currency=plan.currency, wanted=sheet.currency)
    found = parts(plan.effective_days, sheet.start, sheet.end)
    run = Running(sheet, plan.scale, days=found[-1][1].last, parts=len(found))
    for place, part in found:
        run.begin(part, plan.effective_days[place])
        for component, charge in plan.versions[place]:
            if run.applies(component):
                charge(run)
    return run.rated()
