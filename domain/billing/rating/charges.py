"""What each kind of component charges for one part: exact integers, which `Running.bill` alone rounds.

Prices, limits and percentages are whole numbers of 10^-18. Below zero, usage is charged as above it with the other
sign, steps included: what is credited is what the same usage would have cost.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal
from operator import sub

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
from domain.billing.rating.sheets import Column, Rows
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
        exact = [price * run.scale * run.part.days] * run.sheet.rows
        run.bill(component, Kind.FIXED, exact, ATTOS * run.sheet.full_days, rate=component.price, by_days=True)

    return charge


def _stepped(component: Stepped) -> Planned:
    steps = [
        (number, None if step.limit is None else attos_of(step.limit), attos_of(step.price), step.price)
        for number, step in enumerate(component.steps, start=1)
    ]

    def charge(run: Running) -> None:
        if (usage := run.usage(component)) is None:
            return
        totals = run.totals(usage)
        if len(steps) == 1:
            (_, _, price, rate) = steps[0]
            bill(run, totals, price, rate, step=1, has=None)
            return
        sizes, below = list(map(abs, totals)), run.nothing
        first, last, full_days = run.part.first, run.part.last, run.sheet.full_days
        for number, limit, price, rate in steps:
            if limit is None:
                above = sizes
            else:
                most = portion(limit, first, last, full_days)
                above = [min(size, max(least, most)) for size, least in zip(sizes, below, strict=True)]
            within = list(map(sub, above, below))
            has = [each > 0 or (number == 1 and not size) for each, size in zip(within, sizes, strict=True)]
            if any(has):
                signed = [-each if total < 0 else each for each, total in zip(within, totals, strict=True)]
                bill(run, signed, price, rate, step=number, has=has)
            below = above
        assert below == sizes, "the last step has no limit"

    def bill(run: Running, attos: Column, price: int, rate: Decimal, *, step: int, has: Rows | None) -> None:
        scaled = price * run.scale
        exact = [each * scaled for each in attos]
        per = ATTOS * ATTOS
        run.bill(component, Kind.STEP, exact, per, rate=rate, charge=component, attos=attos, step=step, has=has)

    return charge


def _time_of_use(component: TimeOfUse) -> Planned:
    prices = [(bucket, attos_of(price), price) for bucket, price in component.prices]
    priced = frozenset(bucket for bucket, _ in component.prices)

    def charge(run: Running) -> None:
        if (usage := run.usage(component)) is None:
            return
        found = run.buckets(usage)
        for bucket in (each for each in found if each not in priced):
            why = RateUsageUnpriced(component=component.code, usage=component.usage, bucket=bucket)
            run.refuse(list(map(bool, found[bucket])), why)
        columns = [found.get(bucket, run.nothing) for bucket, _, _ in prices]
        for place, (bucket, price, rate) in enumerate(prices):
            attos, scaled = columns[place], price * run.scale
            has = (
                list(map(bool, attos)) if place else [each or not any(row) for each, *row in zip(*columns, strict=True)]
            )
            if not any(has):
                continue
            run.bill(
                component,
                Kind.TIME_OF_USE,
                [each * scaled for each in attos],
                ATTOS * ATTOS,
                rate=rate,
                charge=component,
                attos=attos,
                bucket=bucket,
                has=None if all(has) else list(map(bool, has)),
            )

    return charge


def _demand(component: Demand) -> Planned:
    price = attos_of(component.price)

    def charge(run: Running) -> None:
        if (usage := run.usage(component)) is None or (attos := run.highest(usage, component)) is None:
            return
        scaled = price * run.scale * run.part.days
        run.bill(
            component,
            Kind.DEMAND,
            [each * scaled for each in attos],
            ATTOS * ATTOS * run.sheet.full_days,
            rate=component.price,
            by_days=True,
            charge=component,
            attos=attos,
            bucket=component.bucket,
        )

    return charge


def _minimum(component: Minimum) -> Planned:
    least = attos_of(component.amount)

    def charge(run: Running) -> None:
        base, per = run.base(component.of), ATTOS * run.sheet.full_days
        due = least * run.scale * run.part.days
        lacking = [max(0, due - each * per) for each in base]
        run.bill(component, Kind.MINIMUM, lacking, per, rate=component.amount, by_days=True, base=base)

    return charge


def _percentage(component: Percentage) -> Planned:
    kind = {Tax: Kind.TAX, Discount: Kind.DISCOUNT}.get(type(component), Kind.PERCENTAGE)
    percent = attos_of(component.percent) * (-1 if kind is Kind.DISCOUNT else 1)
    rate = component.percent

    def charge(run: Running) -> None:
        base = run.base(component.of)
        run.bill(component, kind, [each * percent for each in base], HUNDRED * ATTOS, rate=rate, base=base)

    return charge
