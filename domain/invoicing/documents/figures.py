"""Days, rates and prices as documents have them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal

from domain.invoicing.documents.model import DocumentLine
from domain.kernel.money import decimal_text, digits_of

ONE = "C62"
"""The unit of what is counted or has no other (UN/ECE recommendation 20)."""

_EXACT = Context(prec=200, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Priced:
    """How a line's net amount comes about; the price is never below zero, the quantity may be (BR-27)."""

    quantity: str
    unit_code: str
    price: str


def priced(line: DocumentLine, currency: str) -> Priced:
    """What the line tells, where quantity times price rounds to its net amount; else one at that amount.

    A price below zero is turned into a quantity below zero. Source: EN 16931 BT-129, BT-130, BT-146.
    """
    if line.quantity and line.price:
        quantity, price = Decimal(line.quantity), Decimal(line.price)
        if _minor(_EXACT.multiply(quantity, price), currency) == line.net_minor:
            if price < 0:
                quantity, price = -quantity, -price
            return Priced(_plain(quantity), line.unit_code or ONE, _plain(price))
    quantity_text = "-1" if line.net_minor < 0 else "1"
    return Priced(quantity_text, ONE, decimal_text(abs(line.net_minor), currency))


def day_of(yyyymmdd: int) -> date:
    """The day that a number says."""
    return date(yyyymmdd // 10_000, yyyymmdd // 100 % 100, yyyymmdd % 100)


def iso_day(yyyymmdd: int) -> str:
    """The day as 2026-04-01."""
    text = f"{yyyymmdd:08d}"
    return f"{text[:4]}-{text[4:6]}-{text[6:]}"


def last_day(end_day: int) -> int:
    """The day before one that is not included any more."""
    before = day_of(end_day) - timedelta(days=1)
    return before.year * 10_000 + before.month * 100 + before.day


def percent(ppm: int) -> str:
    """Millionths as percent, with no more digits than needed: 19, or 7.7."""
    whole, rest = divmod(ppm, 10_000)
    return f"{whole}.{rest:04d}".rstrip("0") if rest else str(whole)


def _minor(amount: Decimal, currency: str) -> int:
    digits = digits_of(currency)
    assert digits is not None, currency
    return int(amount.scaleb(digits, _EXACT).to_integral_value(context=_EXACT))


def _plain(number: Decimal) -> str:
    """Without exponent, and without a sign before zero."""
    return format(abs(number) if number.is_zero() else number, "f")
