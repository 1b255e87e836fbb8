"""Whether what a segment comes to is plausible against its agreement's own history (BIL-16). Pure."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from domain.billing.configuration.model import Plausible
from domain.billing.rating.segments import Calculation
from domain.billing.segments.errors import ImplausibleAmount
from domain.billing.segments.model import Due, Spent
from domain.kernel.money import Money, Rounding, rounded

_HUNDRED = 100


def require_plausible(due: Due, calculation: Calculation, history: Spent | None) -> None:
    """Refuse an amount by day that is outside the limits of its type; without history nothing is judged.

    The limits themselves are plausible. Where the average is a credit, so are the limits.

    Raises: ImplausibleAmount.
    """
    amount, limits = calculation.amount, due.type.settings.plausible
    if history is not None and (outside := broken(limits, due.period.days, amount.minor, history)):
        average = Money(rounded(history.minor, history.days, Rounding.HALF_EVEN), amount.currency)
        raise ImplausibleAmount(*outside, str(average))


def broken(limits: Plausible | None, days: int, minor: int, history: Spent | None) -> tuple[str, Decimal] | None:
    """The limit that so much for so many days is outside of: `less` or `more` than which percentage; None: of none."""
    if limits is None or history is None or history.segments < limits.segments:
        return None
    sign = -1 if history.minor < 0 else 1
    ours = Fraction(sign * minor, days) * _HUNDRED
    average = Fraction(sign * history.minor, history.days)
    low, high = limits.low_percent, limits.high_percent
    if low is not None and ours < Fraction(low) * average:
        return "less", low
    if high is not None and ours > Fraction(high) * average:
        return "more", high
    return None
