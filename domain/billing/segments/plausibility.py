"""Whether what a segment comes to is plausible against its agreement's own history (BIL-16). Pure."""

from __future__ import annotations

from fractions import Fraction

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
    limits = due.type.settings.plausible
    if limits is None or history is None or history.segments < limits.segments:
        return
    amount = calculation.amount
    sign = -1 if history.minor < 0 else 1
    ours = Fraction(sign * amount.minor, due.period.days) * _HUNDRED
    average = Fraction(sign * history.minor, history.days)
    told = Money(rounded(history.minor, history.days, Rounding.HALF_EVEN), amount.currency)
    low, high = limits.low_percent, limits.high_percent
    if low is not None and ours < Fraction(low) * average:
        raise ImplausibleAmount("less", low, str(told))
    if high is not None and ours > Fraction(high) * average:
        raise ImplausibleAmount("more", high, str(told))
