"""Money as callers write it: whole units and billionths of a unit, made exact minor units or refused (PLT-01).

The reasons are stable codes; they stand in rows' refusals and in field violations alike.
"""

from __future__ import annotations

from domain.kernel.money import AMOUNT_MINOR_MAX, DIGITS, decimal_text, digits_of

NANOS = 1_000_000_000
_NANO_DIGITS = 9

Amount = tuple[str, int, int]
"""Currency (ISO 4217), whole units, and billionths of a unit of the same sign, as `google.type.Money` has them."""

Fault = tuple[str, str]
"""A stable reason and the sentence for a person."""


_SCALES = {currency: (10**digits, 10 ** (_NANO_DIGITS - digits)) for currency, digits in DIGITS.items()}


def scale_of(currency: str) -> tuple[int, int] | None:
    """How many minor units make a unit, and how many billionths make a minor unit; None for an unknown currency."""
    return _SCALES.get(currency)


def amount_fault(amount: Amount) -> Fault | None:
    """What is wrong with an amount of either sign, if anything: the first that applies."""
    currency, units, nanos = amount
    scale = scale_of(currency)
    if scale is None:
        return "CURRENCY_UNKNOWN", f"{currency[:8]!r} is not a currency of ISO 4217 that amounts can be in"
    if not -NANOS < nanos < NANOS:
        return "AMOUNT_MALFORMED", "nanos must be between -999,999,999 and 999,999,999"
    if units * nanos < 0:
        return "AMOUNT_MALFORMED", "units and nanos must have the same sign"
    per_unit, nanos_per_minor = scale
    if nanos % nanos_per_minor:
        digits = digits_of(currency)
        return "AMOUNT_FINER_THAN_MINOR_UNIT", f"{currency} has {digits} decimal digits; the amount has more"
    if abs(units * per_unit + nanos // nanos_per_minor) > AMOUNT_MINOR_MAX:
        return "AMOUNT_TOO_LARGE", f"must not be beyond {decimal_text(AMOUNT_MINOR_MAX, currency)} {currency}"
    return None


def minor_of(amount: Amount) -> int:
    """The amount in minor units of its currency; only for an amount without fault."""
    currency, units, nanos = amount
    scale = scale_of(currency)
    assert scale is not None, currency
    per_unit, nanos_per_minor = scale
    minor, finer = divmod(nanos, nanos_per_minor)
    assert finer == 0, "finer than the minor unit"
    return units * per_unit + minor


def amount_of(minor: int, currency: str) -> Amount:
    """Minor units, of either sign, as whole units and billionths; the currency must be known."""
    scale = scale_of(currency)
    assert scale is not None, currency
    per_unit, nanos_per_minor = scale
    units, rest = divmod(abs(minor), per_unit)
    sign = -1 if minor < 0 else 1
    return currency, sign * units, sign * rest * nanos_per_minor
