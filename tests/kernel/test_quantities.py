"""Quantities as callers write them: exact to 18 decimals, or refused."""

from __future__ import annotations

import csv
import gzip
from decimal import Context, Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.kernel.quantities import (
    ATTOS,
    TEXT_MAX,
    UNITS_MAX,
    Quantity,
    attos_of,
    columns_of,
    joined,
    quantity_fault,
    quantity_text,
    split,
)
from tests.house.tree import ROOT

EXACT = Context(prec=200)
METERS = ROOT.parent / "shared" / "data" / "meters"
QUANTITIES = st.integers(-UNITS_MAX * ATTOS, UNITS_MAX * ATTOS) | st.integers(-3 * ATTOS, 3 * ATTOS)
PLAIN = st.from_regex(r"-?[0-9]{1,15}(\.[0-9]{1,18})?", fullmatch=True)
WRITTEN = st.from_regex(r"[+-]?([0-9]{1,20}\.?|[0-9]{0,20}\.[0-9]{1,22})([eE][+-]?[0-9]{1,3})?", fullmatch=True)


def _reason(text: str) -> str | None:
    fault = quantity_fault(text)
    return fault[0] if fault else None


def _value(attos: int) -> Decimal:
    return Decimal(attos).scaleb(-18, EXACT)


@given(PLAIN)
@example("-0.000000000000000001")
@example("999999999999999.999999999999999999")
def test_text_with_up_to_18_decimals_is_exact(text: str) -> None:
    """What is written in plain decimals is kept and told as the same number, whatever its size or sign."""
    attos = attos_of(text)
    assert attos is not None
    assert _value(attos) == Decimal(text)
    assert Decimal(quantity_text(attos)) == Decimal(text)


@pytest.mark.rule("BIL-24")
@given(PLAIN | WRITTEN | st.text(max_size=5))
@example("-0.000000001000000001")
@example("-1.000000001")
def test_the_columns_of_a_text_are_those_of_its_quantity(text: str) -> None:
    """The quick way for many and the slow one for any give the same, or nothing."""
    attos = attos_of(text)
    assert columns_of(text) == (None if attos is None else split(attos))


@given(QUANTITIES)
def test_a_quantity_survives_the_way_out_and_back(attos: int) -> None:
    """The text is canonical: plain, without an exponent, and without zeros that say nothing."""
    text = quantity_text(attos)
    assert attos_of(text) == attos
    assert "e" not in text.lower()
    assert not ("." in text and text.endswith(("0", ".")))
    assert text.lstrip("-") == text.removeprefix("-")
    assert len(text) <= TEXT_MAX


@given(WRITTEN)
@example("1e999")
@example("0e-999")
@example("1.50000000000000000000")
def test_text_is_taken_exactly_when_it_is_whole_attos_within_bounds(text: str) -> None:
    """Exponents and zeros are no matter: the number decides, and it is refused, never rounded."""
    attos = Fraction(Decimal(text)) * ATTOS
    too_large = "QUANTITY_TOO_LARGE" if abs(attos) > UNITS_MAX * ATTOS else None
    expected = "QUANTITY_FINER_THAN_18" if attos.denominator > 1 else too_large
    assert _reason(text) == expected
    assert attos_of(text) == (None if expected else attos)


@given(st.text(max_size=8) | st.text("0123456789+-.eE_, ", max_size=8))
def test_nothing_else_is_taken(text: str) -> None:
    """A text is refused or read as the number that it says; both ways of asking agree."""
    attos = attos_of(text)
    assert (attos is None) == (quantity_fault(text) is not None)
    assert attos is None or _value(attos) == Decimal(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *((text, "QUANTITY_MALFORMED") for text in ("", " ", ".", "-", "e5", "1e", "1.2.3", "--1", "1_000", "1,5")),
        *(
            (text, "QUANTITY_MALFORMED")
            for text in (" 1", "1\n", "NaN", "Infinity", "0x10", "\u0661", "1" * (TEXT_MAX + 1))
        ),
        ("0.0000000000000000001", "QUANTITY_FINER_THAN_18"),
        ("1e-19", "QUANTITY_FINER_THAN_18"),
        ("5e-999999999999", "QUANTITY_FINER_THAN_18"),
        ("1000000000000000.000000000000000001", "QUANTITY_TOO_LARGE"),
        ("-1e16", "QUANTITY_TOO_LARGE"),
        ("1e999999999999", "QUANTITY_TOO_LARGE"),
    ],
)
def test_what_is_refused_says_why(text: str, reason: str) -> None:
    """Each way of being wrong has a reason of its own, and costs nothing, however large its exponent."""
    assert _reason(text) == reason
    assert attos_of(text) is None


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("1.50", "1.5"),
        ("+2", "2"),
        (".5", "0.5"),
        ("5.", "5"),
        ("-0.0", "0"),
        ("1.5E3", "1500"),
        ("15e-1", "1.5"),
        ("0e999999999999", "0"),
        ("1e15", "1000000000000000"),
        ("1000000000000000000e-18", "1"),
    ],
)
def test_what_is_written_in_another_way_is_told_in_one(text: str, plain: str) -> None:
    """One number has one text."""
    attos = attos_of(text)
    assert attos is not None
    assert quantity_text(attos) == plain


@given(st.lists(QUANTITIES, max_size=30))
def test_sums_are_exact_as_integers_and_column_by_column(quantities: list[int]) -> None:
    """Whether added up as integers or each column for itself, as a database does, the sum is that of the decimals."""
    assert _value(sum(quantities)) == _added(quantities)
    units, nanos, finest = (sum(column) for column in zip(*map(split, [0, *quantities]), strict=True))
    assert joined(units, nanos, finest) == sum(quantities)


def _added(quantities: list[int]) -> Decimal:
    total = Decimal(0)
    for each in quantities:
        total = EXACT.add(total, _value(each))
    return total


@given(QUANTITIES, QUANTITIES)
def test_columns_keep_sign_and_order(one: int, other: int) -> None:
    """Rows sort by their columns as the quantities do; no column has the other sign, and each fits its 64 bits."""
    columns = split(one)
    assert joined(*columns) == one
    assert all(each * one >= 0 for each in columns)
    assert abs(columns[0]) <= UNITS_MAX
    assert max(abs(columns[1]), abs(columns[2])) < 10**9
    assert (columns < split(other)) == (one < other)


def test_units_of_measure_are_never_mixed() -> None:
    """Adding kWh to therms is a bug, not a number."""
    total = Quantity(ATTOS, "kWh") + -Quantity(ATTOS // 2, "kWh")
    assert str(total) == "0.5 kWh"
    with pytest.raises(AssertionError, match="never added"):
        _ = total + Quantity(ATTOS, "therm")


def test_what_real_meters_have_sent_is_kept_to_the_last_decimal() -> None:
    """Values of real meters, some with 18 decimals, are read, told and summed without a change."""
    files = sorted(METERS.glob("*.csv.gz"))
    if not files:
        pytest.skip(f"real meter data are not beside the project: {METERS.name} has no *.csv.gz")
    for path in files:
        texts = _values(path)
        attos = [_taken(text) for text in texts]
        assert [Decimal(quantity_text(each)) for each in attos] == [Decimal(text) for text in texts]
        assert _value(sum(attos)) == _added(attos)
        assert len(attos) > 10_000


def _values(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        return [row["value"] for row in csv.DictReader(lines)]


def _taken(text: str) -> int:
    attos = attos_of(text)
    assert attos is not None, text
    return attos
