"""Money: exact, of one currency, rounded in one named place."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.money import Money, Rounding, decimal_text, digits_of, rounded, split

MINOR = st.integers(-(10**15), 10**15)
CURRENCIES = st.sampled_from(["JPY", "USD", "KWD"])


@pytest.mark.rule("PLT-01")
def test_a_currency_has_the_digits_of_iso_4217() -> None:
    """Yen have no minor unit, dollars two digits, dinars three; what is not money is not known."""
    assert [digits_of(code) for code in ("JPY", "USD", "KWD")] == [0, 2, 3]
    assert [digits_of(code) for code in ("XXX", "XAU", "usd", "", "ABC")] == [None] * 5


@pytest.mark.rule("PLT-01")
@given(MINOR, CURRENCIES)
def test_an_amount_is_written_with_its_currency_digits_and_read_back_exactly(minor: int, currency: str) -> None:
    """No digit is lost or made up on the way out."""
    digits = digits_of(currency)
    assert digits is not None
    text = decimal_text(minor, currency)
    assert Decimal(text).scaleb(digits) == minor
    assert len(text.partition(".")[2]) == digits


@pytest.mark.rule("PLT-03")
def test_two_currencies_are_never_added() -> None:
    """A sum over two currencies is a bug, and stops there."""
    with pytest.raises(AssertionError, match="never added"):
        Money(1, "USD") + Money(1, "EUR")


@pytest.mark.rule("PLT-02")
@pytest.mark.parametrize(
    ("minor", "half_even", "half_up"), [(1, 0, 1), (3, 2, 2), (5, 2, 3), (-1, 0, -1), (-5, -2, -3), (4, 2, 2)]
)
def test_a_product_is_rounded_as_its_mode_says(minor: int, half_even: int, half_up: int) -> None:
    """Half-even goes to the even neighbour, half-up away from zero, on both sides of zero."""
    half = Decimal("0.5")
    assert Money(minor, "USD").times(half, Rounding.HALF_EVEN).minor == half_even
    assert Money(minor, "USD").times(half, Rounding.HALF_UP).minor == half_up


@pytest.mark.rule("PLT-02")
@given(MINOR, st.integers(1, 5).map(lambda digits: 10**digits), st.sampled_from(Rounding))
def test_a_quotient_is_rounded_as_a_product_is(numerator: int, denominator: int, rounding: Rounding) -> None:
    """Integers and decimals come to the same, ties on both sides of zero included."""
    expected = (Decimal(numerator) / denominator).quantize(Decimal(1), rounding=rounding.value)
    assert rounded(numerator, denominator, rounding) == expected


@pytest.mark.rule("PLT-02")
@given(MINOR, st.lists(st.integers(0, 1000), min_size=1, max_size=12).filter(any))
def test_a_split_sums_to_the_whole_and_is_fair_to_a_unit(minor: int, weights: list[int]) -> None:
    """No cent is lost or made by dividing, and no part is off by a whole minor unit."""
    parts = split(Money(minor, "USD"), tuple(weights))
    assert sum(part.minor for part in parts) == minor
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.minor * sum(weights) - minor * weight) < sum(weights)
