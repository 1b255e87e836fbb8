"""What each kind of component charges for one part: exact integers, which `Running.bill` alone rounds.

Prices, limits and percentages are whole numbers of 10^-18. Below zero, usage is charged as above it with the other
sign, steps included: what is credited is what the same usage would have cost.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal

from domain.billing.rating.errors import RateUsageUnpriced
from domain.billing.rating.model import (
    Component,
    Demand,
    Discount,
    Fixed,
    Kind,
    Minimum,
    Percentage,
    Stepped,
    Tax,
    TimeOfUse,
)
from domain.billing.rating.proration import portion
from domain.billing.rating.running import Running
from domain.kernel.quantities import ATTOS, DECIMALS

HUNDRED = 100
_EXACT = Context(prec=60)

Planned = Callable[[Running], None]


def planned(component: Component) -> Planned:
    """The component made ready: its decimals are turned into integers once, not for each segment."""
    match component:
        case Fixed():
            return _fixed(component)
        case Stepped():
            return _stepped(component)
        case TimeOfUse():
            return _time_of_use(component)
        case Demand():
            return _demand(component)
        case Minimum():
            return _minimum(component)
        case Percentage():
            return _percentage(component)
        case _:
            raise AssertionError(component)


def attos_of(number: Decimal) -> int:
    """A decimal as a whole number of 10^-18; validation has refused finer ones."""
    scaled = number.scaleb(DECIMALS, _EXACT)
    attos = int(scaled)
    assert attos == scaled, "finer than 18 decimals"
    return attos


def _fixed(component: Fixed) -> Planned:
    price = attos_of(component.price)

    def charge(run: Running) -> None:
        exact = price * run.scale * run.part.days
        run.bill(component, Kind.FIXED, exact, ATTOS * run.segment.full_days, rate=component.price, by_days=True)

    return charge


def _stepped(component: Stepped) -> Planned:
    steps = [
        (number, None if step.limit is None else attos_of(step.limit), attos_of(step.price), step.price)
        for number, step in enumerate(component.steps, start=1)
    ]

    def charge(run: Running) -> None:
        usage = run.usage(component)
        total = run.total(usage)
        size, sign = abs(total), -1 if total < 0 else 1
        first, last, full_days = run.part.first, run.part.last, run.segment.full_days
        below = 0
        for number, limit, price, rate in steps:
            above = size if limit is None else min(size, max(below, portion(limit, first, last, full_days)))
            if above > below or (number == 1 and not size):
                attos = sign * (above - below)
                run.bill(
                    component,
                    Kind.STEP,
                    attos * price * run.scale,
                    ATTOS * ATTOS,
                    rate=rate,
                    charge=component,
                    usage=usage,
                    attos=attos,
                    step=number,
                )
            below = above
            if below == size:
                break
        assert below == size, "the last step has no limit"

    return charge


def _time_of_use(component: TimeOfUse) -> Planned:
    prices = [(bucket, attos_of(price), price) for bucket, price in component.prices]
    priced = frozenset(bucket for bucket, _ in component.prices)

    def charge(run: Running) -> None:
        usage = run.usage(component)
        found = run.buckets(usage)
        for bucket, attos in found.items():
            if attos and bucket not in priced:
                raise RateUsageUnpriced(component=component.code, usage=component.usage, bucket=bucket)
        used = [each for each in prices if found.get(each[0])] or prices[:1]
        for bucket, price, rate in used:
            attos = found.get(bucket, 0)
            run.bill(
                component,
                Kind.TIME_OF_USE,
                attos * price * run.scale,
                ATTOS * ATTOS,
                rate=rate,
                charge=component,
                usage=usage,
                attos=attos,
                bucket=bucket,
            )

    return charge


def _demand(component: Demand) -> Planned:
    price = attos_of(component.price)

    def charge(run: Running) -> None:
        usage = run.usage(component)
        attos = run.maximum(usage)
        run.bill(
            component,
            Kind.DEMAND,
            attos * price * run.scale * run.part.days,
            ATTOS * ATTOS * run.segment.full_days,
            rate=component.price,
            by_days=True,
            charge=component,
            usage=usage,
            attos=attos,
        )

    return charge


def _minimum(component: Minimum) -> Planned:
    least = attos_of(component.amount)

    def charge(run: Running) -> None:
        base, per = run.base(component.of), ATTOS * run.segment.full_days
        lacking = max(0, least * run.scale * run.part.days - base * per)
        run.bill(component, Kind.MINIMUM, lacking, per, rate=component.amount, by_days=True, base=base)

    return charge


def _percentage(component: Percentage) -> Planned:
    kind = {Tax: Kind.TAX, Discount: Kind.DISCOUNT}.get(type(component), Kind.PERCENTAGE)
    percent = attos_of(component.percent) * (-1 if kind is Kind.DISCOUNT else 1)
    rate = component.percent

    def charge(run: Running) -> None:
        base = run.base(component.of)
        run.bill(component, kind, base * percent, HUNDRED * ATTOS, rate=rate, base=base)

    return charge
