"""A calculation while it goes on: what is billed so far, and the one place where rating rounds (PLT-02)."""

from __future__ import annotations

from decimal import Decimal

from domain.billing.rating.errors import (
    RateAmountTooLarge,
    RateUsageMissing,
    RateUsageUnitDiffers,
)
from domain.billing.rating.model import Component, Demand, Kind, Stepped, TimeOfUse
from domain.billing.rating.proration import portion
from domain.billing.rating.segments import Buckets, Calculation, Intervals, Line, Part, Register, Segment, Usage
from domain.kernel.money import AMOUNT_MINOR_MAX, Money, rounded
from domain.kernel.quantities import Quantity

Charge = Stepped | TimeOfUse | Demand

_Sum = tuple[Kind, int, int]
"""Of a component, what it came to so far: exactly, and as billed in minor units."""


class Running:
    """One segment's calculation. `scale` is how many minor units make a unit of its currency."""

    def __init__(self, segment: Segment, scale: int, days: int, parts: int) -> None:
        assert segment.full_days > 0
        self.segment = segment
        self.scale = scale
        self.days = days
        self._parts = parts
        self._lines: list[Line] = []
        self._sums: dict[str, _Sum] = {}
        self._of_part: dict[str, int] = {}

    def begin(self, part: Part, version: int) -> None:
        """Go on to the next part, which a version holds for."""
        self.part = part
        self.version = version
        self._of_part = {}

    def base(self, of: tuple[str, ...]) -> int:
        """What the named components came to in this part, in minor units; nothing for those that did not apply."""
        found = self._of_part
        return sum([found.get(code, 0) for code in of])

    def usage(self, charge: Charge) -> Usage:
        """The usage that a component charges. Raises: RateUsageMissing, RateUsageUnitDiffers."""
        given = self.segment.usage.get(charge.usage)
        if given is None:
            raise RateUsageMissing(component=charge.code, usage=charge.usage)
        if given.unit != charge.unit:
            raise RateUsageUnitDiffers(component=charge.code, usage=charge.usage, unit=given.unit, wanted=charge.unit)
        if isinstance(given, Intervals):
            assert len(given.parts) == self._parts, "interval usage is given for each part"
        return given

    def buckets(self, usage: Usage) -> Buckets:
        """What of the usage belongs to this part, in attos by bucket."""
        if isinstance(usage, Intervals):
            return usage.parts[self.part.number]
        if self._parts == 1:
            return usage.quantities
        return {bucket: self._portion(attos) for bucket, attos in usage.quantities.items()}

    def total(self, usage: Usage) -> int:
        """What of the usage belongs to this part, in attos, whatever its buckets."""
        if isinstance(usage, Intervals):
            return sum(usage.parts[self.part.number].values())
        return self._portion(sum(usage.quantities.values()))

    def maximum(self, usage: Usage) -> int:
        """The maximum of this part, in attos."""
        found = usage.quantities if isinstance(usage, Register) else usage.parts[self.part.number]
        return max(found.values(), default=0)

    def bill(
        self,
        component: Component,
        kind: Kind,
        exact: int,
        per: int,
        *,
        rate: Decimal,
        by_days: bool = False,
        charge: Charge | None = None,
        usage: Usage | None = None,
        attos: int = 0,
        step: int = 0,
        bucket: str = "",
        base: int | None = None,
    ) -> None:
        """Add a line over `exact / per` minor units; `per` is the same for all lines of a component.

        The lines of a component so far always come to their exact sum, rounded once: what rounding one of them leaves
        over goes into the next. A version that makes another kind of it begins anew.
        Raises: RateAmountTooLarge.
        """
        segment, part = self.segment, self.part
        code, rounding = component.code, component.rounding
        known = self._sums.get(code)
        billed_before = 0
        if known is not None and known[0] is kind:
            exact += known[1]
            billed_before = known[2]
        billed = rounded(exact, per, rounding)
        self._sums[code] = kind, exact, billed
        minor = billed - billed_before
        if not -AMOUNT_MINOR_MAX <= minor <= AMOUNT_MINOR_MAX:
            raise RateAmountTooLarge(component=code)
        self._of_part[code] = self._of_part.get(code, 0) + minor
        self._lines.append(
            Line(
                code,
                kind,
                part.start,
                part.end,
                self.version,
                step,
                bucket,
                "" if charge is None else charge.usage,
                None if charge is None else Quantity(attos, charge.unit),
                None if base is None else Money(base, segment.currency),
                rate,
                part.days if by_days else 1,
                segment.full_days if by_days else 1,
                Money(minor, segment.currency),
                rounding,
                component.distribution_code,
                () if usage is None else usage.sources,
                usage is not None and usage.estimated,
            )
        )

    def calculation(self) -> Calculation:
        """What came of it. Raises: RateAmountTooLarge, for the whole."""
        minor = sum([line.amount.minor for line in self._lines])
        tax = sum([line.amount.minor for line in self._lines if line.kind is Kind.TAX])
        if not -AMOUNT_MINOR_MAX <= minor <= AMOUNT_MINOR_MAX:
            raise RateAmountTooLarge
        currency = self.segment.currency
        return Calculation(tuple(self._lines), Money(minor, currency), Money(tax, currency))

    def _portion(self, attos: int) -> int:
        return portion(attos, self.part.first, self.part.last, self.days)
