"""Rates as they are configured: versions by effective day, each a tuple of components in order (BIL-20)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.kernel.conditions.expressions import Expression
from domain.kernel.money import Rounding
from domain.kernel.taxes import TaxCategory

DECIMALS_MAX = 18
"""How many decimals a price, limit or percentage may have."""

NUMBER_MAX = 10**15
"""Prices, limits and percentages beyond this, either way, are refused."""


class Kind(StrEnum):
    """What a component is, as lines tell it."""

    FIXED = "FIXED"
    STEP = "STEP"
    TIME_OF_USE = "TIME_OF_USE"
    DEMAND = "DEMAND"
    MINIMUM = "MINIMUM"
    PERCENTAGE = "PERCENTAGE"
    TAX = "TAX"
    DISCOUNT = "DISCOUNT"
    ADJUSTMENT = "ADJUSTMENT"  # no component: what an algorithm adds to a bill


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """What all components have: `code` names it within its version, `distribution_code` the accounts that it feeds.

    Without a condition it always applies. `description` is what customers read on invoices; empty: the code.
    """

    code: str
    distribution_code: str
    description: str = ""
    rounding: Rounding = Rounding.HALF_EVEN
    condition: Expression[bool] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed(Component):
    """A price for a full period, due in proportion to the days served; below zero it is a credit."""

    price: Decimal


@dataclass(frozen=True, slots=True)
class Step:
    """A price for each unit up to a limit of a full period; the last step has no limit.

    `description` is what customers read behind that of the component.
    """

    price: Decimal
    limit: Decimal | None = None
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped(Component):
    """Usage by steps: each unit at the price of the step that it falls into. One step is a flat price."""

    usage: str
    unit: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeOfUse(Component):
    """Usage by buckets of a time-of-use scheme: each at its own price.

    `descriptions` are what customers read of a bucket, behind the component's; of others they read the bucket.
    """

    usage: str
    unit: str
    prices: tuple[tuple[str, Decimal], ...]
    descriptions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand(Component):
    """A price for a full period and unit of maximum demand, due in proportion to the days served.

    With a `bucket` of a time-of-use scheme it is the maximum within that one, such as on-peak demand.
    """

    usage: str
    unit: str
    price: Decimal
    bucket: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimum(Component):
    """What lifts the named components to an amount for a full period, in proportion to the days served."""

    amount: Decimal
    of: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentage(Component):
    """Hundredths of what the named components came to, in money as it is billed."""

    percent: Decimal
    of: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tax(Percentage):
    """A tax on the named components; rounded half-up unless configured otherwise (PLT-02).

    `tax_category` is how invoices tell it (EN 16931); none: standard rate, or zero rate where there is no percentage.
    """

    rounding: Rounding = Rounding.HALF_UP
    tax_category: TaxCategory | None = None

    @property
    def told_category(self) -> TaxCategory:
        """As invoices tell it."""
        return self.tax_category or (TaxCategory.STANDARD if self.percent else TaxCategory.ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount(Percentage):
    """Hundredths off the named components."""


@dataclass(frozen=True, slots=True)
class Version:
    """What a rate is from `effective_day` (yyyymmdd) until the next version; prices are in whole units of currency."""

    effective_day: int
    currency: str
    components: tuple[Component, ...]


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate and its versions, in any order."""

    code: str
    currency: str
    versions: tuple[Version, ...]
