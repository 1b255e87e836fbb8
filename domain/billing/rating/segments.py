"""What is rated and what comes of it: a segment's period and usage in, calculation lines out (BIL-05, BIL-20)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from domain.billing.rating.model import Kind
from domain.kernel.conditions.shapes import Values
from domain.kernel.money import Money, Rounding
from domain.kernel.quantities import Quantity

Buckets = Mapping[str, int]
"""By time-of-use bucket (the empty one where there are none), a quantity in attos (10^-18 units)."""


@dataclass(frozen=True, slots=True)
class Register:
    """Usage of the whole period, as register reads tell it: it falls evenly on the days.

    A maximum that is known for the whole period alone stands for each part of it.
    """

    unit: str
    quantities: Buckets
    sources: tuple[str, ...] = ()
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Intervals:
    """Usage of each part of the period, or its maximum demand, as interval data tell it: added up by instant.

    A maximum is told of each bucket that there is, nothing where a part has no time in it.
    One entry for each of `parts_of`, in its order.
    """

    unit: str
    parts: tuple[Buckets, ...]
    sources: tuple[str, ...] = ()
    estimated: bool = False


Usage = Register | Intervals


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """What is to be rated: days [start, end) as yyyymmdd, out of a full billing period of `full_days` days.

    `usage` is by the name that components call it, `values` is what conditions read.
    """

    start: int
    end: int
    full_days: int
    currency: str
    usage: Mapping[str, Usage] = field(default_factory=dict)
    values: Values = field(default_factory=dict)


class Part(NamedTuple):
    """The days [start, end) of a segment that one version holds for: `first` to `last` counted from the segment's."""

    number: int
    start: int
    end: int
    first: int
    last: int

    @property
    def days(self) -> int:
        """How many days it has."""
        return self.last - self.first


class Line(NamedTuple):
    """One line of a calculation, and all that explains it.

    `amount` is `rate` times `quantity` where there is one, times `days` / `full_days`, both 1 where days say nothing.
    Of a percentage or tax it is `rate` hundredths of `base`, of a discount their negative, of a minimum what `base`
    lacks of the rate for its days. The lines of a component sum to their exact sum, rounded once. `version` is the
    effective day of the rate's version, `step` counts from 1; 0 and empty where there are none.
    """

    component: str
    kind: Kind
    start: int
    end: int
    version: int
    step: int
    bucket: str
    usage: str
    quantity: Quantity | None
    base: Money | None
    rate: Decimal
    days: int
    full_days: int
    amount: Money
    rounding: Rounding
    distribution_code: str
    sources: tuple[str, ...]
    estimated: bool


@dataclass(frozen=True, slots=True)
class Calculation:
    """The lines of a segment, by part and then as the components stand, and what they come to; `tax` is part of it."""

    lines: tuple[Line, ...]
    amount: Money
    tax: Money

    def by_distribution(self) -> dict[str, Money]:
        """What the lines of each distribution code come to."""
        found: dict[str, Money] = {}
        for line in self.lines:
            known = found.get(line.distribution_code)
            found[line.distribution_code] = line.amount if known is None else known + line.amount
        return found
