"""Money: an exact number of minor units with its currency beside it (PLT-01, PLT-02, PLT-03)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from enum import StrEnum
from itertools import repeat

from iso4217 import Currency

AMOUNT_MINOR_MAX = 10**15
"""Amounts beyond this many minor units, either way, are refused: sums of a thousand still fit into 63 bits."""

DIGITS = {currency.code: currency.exponent for currency in Currency if currency.exponent is not None}
"""By currency, how many decimal digits it has; those that have a minor unit."""


class Rounding(StrEnum):
    """The named rounding modes."""

    HALF_EVEN = ROUND_HALF_EVEN
    HALF_UP = ROUND_HALF_UP  # away from zero


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of `currency` (ISO 4217, upper case)."""

    minor: int
    currency: str

    def __add__(self, other: Money) -> Money:
        """The sum; two currencies are a bug of ours, never a sum."""
        assert self.currency == other.currency, "amounts of different currencies are never added"
        return Money(self.minor + other.minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def times(self, factor: Decimal, rounding: Rounding) -> Money:
        """Scale by `factor`; the only place where a product is rounded to the minor unit."""
        return Money(int((self.minor * factor).quantize(Decimal(1), rounding=rounding.value)), self.currency)

    def decimal(self) -> str:
        """The amount as a decimal string with the currency's digits, such as 150.25 or, for JPY, 150."""
        return decimal_text(self.minor, self.currency)

    def __str__(self) -> str:
        return f"{self.decimal()} {self.currency}"


def digits_of(currency: str) -> int | None:
    """How many decimal digits the currency has (JPY 0, USD 2, KWD 3); None for a code that ISO 4217 does not know.

    Codes without a minor unit (gold, testing) are not money that one can post: None as well.
    """
    return DIGITS.get(currency)


def decimal_text(minor: int, currency: str) -> str:
    """Minor units as a decimal string with the currency's digits; the currency must be known."""
    digits = digits_of(currency)
    assert digits is not None, currency
    if digits == 0:
        return str(minor)
    sign = "-" if minor < 0 else ""
    whole, rest = divmod(abs(minor), 10**digits)
    return f"{sign}{whole}.{rest:0{digits}d}"


def rounded(numerator: int, denominator: int, rounding: Rounding) -> int:
    """The quotient as a whole number, exact up to the one rounding; the denominator is above zero."""
    assert denominator > 0
    whole, rest = divmod(abs(numerator), denominator)
    if 2 * rest > denominator or (2 * rest == denominator and (rounding is Rounding.HALF_UP or whole & 1)):
        whole += 1
    return -whole if numerator < 0 else whole


def all_rounded(numerators: Iterable[int], denominator: int, rounding: Rounding) -> list[int]:
    """`rounded` of each numerator: a fifth of what it costs one by one."""
    assert denominator > 0
    double = 2 * denominator
    if rounding is Rounding.HALF_EVEN:  # halves go up, and then back where that made them odd
        halves = [2 * each + denominator for each in numerators]
        return [whole if rest or not whole & 1 else whole - 1 for whole, rest in map(divmod, halves, repeat(double))]
    return [
        (2 * each + denominator) // double if each >= 0 else -((denominator - 2 * each) // double)
        for each in numerators
    ]


def split(total: Money, weights: tuple[int, ...]) -> tuple[Money, ...]:
    """Parts of `total` in proportion to `weights` (≥ 0, not all 0) that sum to the whole (PLT-02).

    Each part is rounded toward zero; the units left over go one each to the parts with the largest remainders, the
    earlier first.
    """
    assert weights
    assert sum(weights) > 0
    assert min(weights) >= 0
    whole, sign = abs(total.minor), -1 if total.minor < 0 else 1
    shares = [divmod(whole * weight, sum(weights)) for weight in weights]
    left = whole - sum(quotient for quotient, _ in shares)
    first = sorted(range(len(weights)), key=lambda i: (-shares[i][1], i))[:left]
    parts = [quotient + (1 if i in first else 0) for i, (quotient, _) in enumerate(shares)]
    return tuple(Money(sign * part, total.currency) for part in parts)
