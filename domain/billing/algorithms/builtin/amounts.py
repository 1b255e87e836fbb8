"""Amounts as parameters and attributes have them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from domain.kernel.money import AMOUNT_MINOR_MAX, digits_of


def minor_above_zero(amount: str, currency: str) -> int | None:
    """An amount in whole units as minor ones; None where it is none above zero, or finer than the currency."""
    try:
        scaled = Decimal(amount).scaleb(digits_of(currency) or 0)
    except InvalidOperation:
        return None
    if not scaled.is_finite() or scaled != scaled.to_integral_value() or not 0 < scaled <= AMOUNT_MINOR_MAX:
        return None
    return int(scaled)
