"""A calculation while it goes on: what is billed so far, and the one place where rating rounds (PLT-02)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from operator import add, sub

from domain.billing.rating.errors import RateAmountTooLarge, RateBucketMissing, RateUsageMissing, RateUsageUnitDiffers
from domain.billing.rating.model import Component, Demand, Kind, Stepped, TimeOfUse
from domain.billing.rating.proration import portion
from domain.billing.rating.segments import Part
from domain.billing.rating.sheets import Column, Lines, Rated, Rows, Sheet, Used
from domain.kernel.conditions.errors import ConditionFailed
from domain.kernel.conditions.expressions import Expression
from domain.kernel.errors import DomainError
from domain.kernel.money import AMOUNT_MINOR_MAX, all_rounded

Charge = Stepped | TimeOfUse | Demand


class Running:
    """One sheet's calculation. `scale` is how many minor units make a unit of its currency."""

    def __init__(self, sheet: Sheet, scale: int, days: int, parts: int) -> None:
        assert sheet.full_days > 0
        self.sheet = sheet
        self.scale = scale
        self.days = days
        self.nothing: Column = [0] * sheet.rows
        self._parts = parts
        self._has: Rows | None = None
        self._lines: list[Lines] = []
        self._sums: dict[tuple[str, Kind], tuple[Column, Column]] = {}  # so far, exactly and as billed
        self._of_part: dict[str, Column] = {}
        self._refused: dict[int, DomainError] = {}

    def begin(self, part: Part, version: int) -> None:
        """Go on to the next part, which a version holds for."""
        self.part = part
        self.version = version
        self._of_part = {}

    def applies(self, component: Component) -> bool:
        """Whether a component applies in any row; what follows is of those in which it does."""
        self._has = None
        if component.condition is None:
            return True
        if len(self.sheet.values) == 1:
            return self._holds_for_all(component.condition)
        self._has = [self._holds(component, row) for row in range(self.sheet.rows)]
        return any(self._has)

    def base(self, of: tuple[str, ...]) -> Column:
        """What the named components came to in this part, in minor units; nothing for those that did not apply."""
        found = [self._of_part[code] for code in of if code in self._of_part]
        return list(map(sum, zip(*found, strict=True))) if found else self.nothing

    def usage(self, charge: Charge) -> Used | None:
        """The usage that a component charges; without it, or in another unit, its rows are refused."""
        given = self.sheet.usage.get(charge.usage)
        if given is None:
            self.refuse(None, RateUsageMissing(component=charge.code, usage=charge.usage))
            return None
        if given.unit != charge.unit:
            self.refuse(
                None,
                RateUsageUnitDiffers(component=charge.code, usage=charge.usage, unit=given.unit, wanted=charge.unit),
            )
            return None
        assert not given.by_part or len(given.parts) == self._parts, "interval usage is given for each part"
        return given

    def buckets(self, used: Used) -> Mapping[str, Column]:
        """What of the usage belongs to this part, in attos by bucket."""
        if used.by_part:
            return used.parts[self.part.number]
        if self._parts == 1:
            return used.parts[0]
        return {bucket: self._portions(column) for bucket, column in used.parts[0].items()}

    def totals(self, used: Used) -> Column:
        """What of the usage belongs to this part, in attos, whatever its buckets."""
        (*columns,) = used.parts[self.part.number if used.by_part else 0].values()
        total = columns[0] if len(columns) == 1 else list(map(sum, zip(*columns, strict=True)))
        total = total or self.nothing
        return total if used.by_part or self._parts == 1 else self._portions(total)

    def highest(self, used: Used, demand: Demand) -> Column | None:
        """The maximum of this part within a component's bucket, in attos; None where the usage does not tell it."""
        found = used.parts[self.part.number if used.by_part else 0]
        if demand.bucket not in found:
            self.refuse(None, RateBucketMissing(component=demand.code, usage=demand.usage, bucket=demand.bucket))
        return found.get(demand.bucket)

    def refuse(self, rows: Rows | None, why: DomainError) -> None:
        """Refuse rows of those in which the component applies; of several reasons the first is kept."""
        for row in range(self.sheet.rows):
            if (rows is None or rows[row]) and (self._has is None or self._has[row]):
                self._refused.setdefault(row, why)

    def bill(
        self,
        component: Component,
        kind: Kind,
        exact: Column,
        per: int,
        *,
        rate: Decimal,
        by_days: bool = False,
        charge: Charge | None = None,
        attos: Column | None = None,
        step: int = 0,
        bucket: str = "",
        base: Column | None = None,
        has: Rows | None = None,
    ) -> None:
        """Add a line over `exact / per` minor units; `per` is the same for all lines of a component.

        The lines of a component so far always come to their exact sum, rounded once: what rounding one of them leaves
        over goes into the next. A version that makes another kind of it counts by itself. Without one of `has`, and
        where the component does not apply, a row has no such line.
        """
        has = _both(self._has, has)
        if has is not None:
            exact = [each if there else 0 for each, there in zip(exact, has, strict=True)]
        code, part = component.code, self.part
        known = self._sums.get((code, kind))
        if known is None:
            minor = billed = all_rounded(exact, per, component.rounding)
        else:
            exact = list(map(add, exact, known[0]))
            billed = all_rounded(exact, per, component.rounding)
            minor = list(map(sub, billed, known[1]))
            if has is not None:  # a line that is not there changes nothing, also where it would be rounded otherwise
                minor = [each if there else 0 for each, there in zip(minor, has, strict=True)]
                billed = list(map(add, known[1], minor))
        self._sums[code, kind] = exact, billed
        if too_large := _too_large(minor):
            self.refuse(too_large, RateAmountTooLarge(component=code))
        before = self._of_part.get(code)
        self._of_part[code] = minor if before is None else list(map(add, before, minor))
        self._lines.append(
            Lines(
                code,
                kind,
                part.start,
                part.end,
                self.version,
                step,
                bucket,
                "" if charge is None else charge.usage,
                "" if charge is None else charge.unit,
                attos,
                base,
                rate,
                part.days if by_days else 1,
                self.sheet.full_days if by_days else 1,
                minor,
                component.rounding,
                component.distribution_code,
                has,
            )
        )

    def rated(self) -> Rated:
        """What came of it."""
        amount = self._sum(self._lines)
        tax = self._sum([line for line in self._lines if line.kind is Kind.TAX])
        self._has = None
        if too_large := _too_large(amount):
            self.refuse(too_large, RateAmountTooLarge())
        return Rated(self.sheet.currency, tuple(self._lines), amount, tax, self._refused)

    def _holds(self, component: Component, row: int) -> bool:
        """Whether a component's condition holds; of a row that is refused nothing is asked."""
        assert component.condition is not None
        if row in self._refused:
            return False
        try:
            return component.condition.evaluate(self.sheet.values[row])
        except ConditionFailed as failed:
            self._refused[row] = failed
            return False

    def _holds_for_all(self, condition: Expression[bool]) -> bool:
        """Whether a condition holds where all rows have the same values."""
        try:
            return condition.evaluate(self.sheet.values[0])
        except ConditionFailed as failed:
            self.refuse(None, failed)
            return False

    def _sum(self, lines: list[Lines]) -> Column:
        return list(map(sum, zip(*(line.minor for line in lines), strict=True))) if lines else self.nothing

    def _portions(self, column: Column) -> Column:
        part, days = self.part, self.days
        return [portion(attos, part.first, part.last, days) for attos in column]


def _both(one: Rows | None, other: Rows | None) -> Rows | None:
    if one is None or other is None:
        return other if one is None else one
    return [first and second for first, second in zip(one, other, strict=True)]


def _too_large(minor: Column) -> Rows | None:
    """The rows whose amount is beyond what is billed; None where there is none."""
    if max(minor) <= AMOUNT_MINOR_MAX and min(minor) >= -AMOUNT_MINOR_MAX:
        return None
    return [abs(each) > AMOUNT_MINOR_MAX for each in minor]
