"""Amounts as callers write them: exact minor units, or refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.amounts import NANOS, amount_fault, amount_of, minor_of, scale_of
from domain.kernel.characters import character_fault
from domain.kernel.money import AMOUNT_MINOR_MAX, decimal_text
from domain.kernel.time import real_day

CURRENCIES = st.sampled_from(["USD", "JPY", "KWD", "CLF", "EUR", "UYW"])
MINORS = st.integers(-AMOUNT_MINOR_MAX, AMOUNT_MINOR_MAX)


@pytest.mark.rule("PLT-01")
@given(MINORS, CURRENCIES)
def test_minor_units_survive_the_way_out_and_back(minor: int, currency: str) -> None:
    """What was written as units and billionths is read as the same minor units, of either sign."""
    amount = amount_of(minor, currency)
    assert amount_fault(amount) is None
    assert minor_of(amount) == minor
    _, units, nanos = amount
    assert units * nanos >= 0
    assert Decimal(units) + Decimal(nanos) / NANOS == Decimal(decimal_text(minor, currency))


@pytest.mark.rule("PLT-01")
@given(st.integers(-(10**7), 10**7), st.integers(-NANOS + 1, NANOS - 1), CURRENCIES)
def test_an_amount_is_taken_exactly_when_it_is_whole_minor_units(units: int, nanos: int, currency: str) -> None:
    """An amount is refused, never rounded, when the currency has no unit so fine."""
    fault = amount_fault((currency, units, nanos))
    scale = scale_of(currency)
    assert scale is not None
    whole = (units * NANOS + nanos) * scale[0] % NANOS == 0
    assert (fault is None) == (units * nanos >= 0 and whole)


@pytest.mark.parametrize("currency", ["", "usd", "US", "USDX", "XXX", "XTS", "ZZZ", "\0"])
def test_what_is_no_currency_has_no_scale(currency: str) -> None:
    """Codes that ISO 4217 does not know as money are told by name."""
    assert scale_of(currency) is None
    assert amount_fault((currency, 1, 0)) is not None


def test_days_are_real() -> None:
    """Leap days count; days that the calendar lacks are none, whatever the size of the figures."""
    assert real_day(2024, 2, 29) == 20240229
    assert real_day(9999, 12, 31) == 99991231
    for parts in (
        (2026, 2, 29),
        (0, 1, 1),
        (2026, 13, 1),
        (10_000, 1, 1),
        (2**31 - 1, 1, 1),
        (2**70, 1, 1),
        (1, 1, -1),
    ):
        assert real_day(*parts) is None


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")))
def test_all_that_can_be_written_can_be_kept(text: str) -> None:
    """Every character but controls, surrogates and the two non-characters is text."""
    assert character_fault(text) == ""
    assert character_fault(text + "\0").startswith("must not hold the character U+0000")
