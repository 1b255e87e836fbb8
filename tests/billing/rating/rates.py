"""Rates and segments for tests, in few words."""

from __future__ import annotations

from decimal import Decimal

from domain.billing.rating.calculation import calculate, planned
from domain.billing.rating.model import (
    Component,
    Demand,
    Discount,
    Fixed,
    Minimum,
    Percentage,
    Rate,
    Step,
    Stepped,
    Tax,
    TimeOfUse,
    Version,
)
from domain.billing.rating.segments import Buckets, Calculation, Intervals, Line, Register, Segment, Usage
from domain.kernel.quantities import attos_of

MARCH = 20260301
APRIL = 20260401


def fixed(price: str, code: str = "FIXED", distribution_code: str = "REVENUE") -> Fixed:
    return Fixed(code=code, distribution_code=distribution_code, price=Decimal(price))


def stepped(*steps: tuple[str, str | None], code: str = "ENERGY", usage: str = "ENERGY") -> Stepped:
    found = tuple(Step(Decimal(price), None if limit is None else Decimal(limit)) for price, limit in steps)
    return Stepped(code=code, distribution_code="REVENUE", usage=usage, unit="kWh", steps=found)


def time_of_use(**prices: str) -> TimeOfUse:
    found = tuple((bucket, Decimal(price)) for bucket, price in prices.items())
    return TimeOfUse(code="TIMES", distribution_code="REVENUE", usage="TIMES", unit="kWh", prices=found)


def demand(price: str, bucket: str = "", code: str = "DEMAND") -> Demand:
    charged = Decimal(price)
    return Demand(code=code, distribution_code="REVENUE", usage="DEMAND", unit="kW", price=charged, bucket=bucket)


def minimum(amount: str, *of: str) -> Minimum:
    return Minimum(code="MINIMUM", distribution_code="REVENUE", amount=Decimal(amount), of=of)


def percentage(percent: str, *of: str) -> Percentage:
    return Percentage(code="LEVY", distribution_code="LEVIES", percent=Decimal(percent), of=of)


def tax(percent: str, *of: str) -> Tax:
    return Tax(code="TAX", distribution_code="TAXES", percent=Decimal(percent), of=of)


def discount(percent: str, *of: str) -> Discount:
    return Discount(code="DISCOUNT", distribution_code="REVENUE", percent=Decimal(percent), of=of)


def rate(*components: Component, currency: str = "USD") -> Rate:
    """A rate of one version."""
    return Rate("R", currency, (Version(20250101, currency, components),))


def changing(*versions: tuple[int, tuple[Component, ...]], currency: str = "USD") -> Rate:
    """A rate of versions by their days."""
    return Rate("R", currency, tuple(Version(day, currency, components) for day, components in versions))


def register(quantity: str, unit: str = "kWh") -> Register:
    return Register(unit, {"": attos(quantity)}, sources=("read/1", "read/2"))


def intervals(*parts: dict[str, str], unit: str = "kWh") -> Intervals:
    found: tuple[Buckets, ...] = tuple({bucket: attos(text) for bucket, text in part.items()} for part in parts)
    return Intervals(unit, found)


def attos(quantity: str) -> int:
    found = attos_of(quantity)
    assert found is not None
    return found


def rated(of: Rate, *, start: int = MARCH, end: int = APRIL, full_days: int = 31, **usage: Usage) -> Calculation:
    """A month's calculation, each usage under its name in capitals."""
    named = {name.upper(): given for name, given in usage.items()}
    segment = Segment(start=start, end=end, full_days=full_days, currency=of.currency, usage=named)
    return calculate(planned(of), segment)


def amounts(calculation: Calculation) -> list[str]:
    return [f"{line.component} {line.amount.decimal()}" for line in calculation.lines]


def of(calculation: Calculation, component: str) -> list[Line]:
    return [line for line in calculation.lines if line.component == component]
