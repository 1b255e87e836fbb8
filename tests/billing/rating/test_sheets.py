"""Segments that are rated together come to what each would alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.rating import sheets
from domain.billing.rating.calculation import calculate, parts_of, planned, rated
from domain.billing.rating.model import Component, Rate
from domain.billing.rating.segments import Calculation, Intervals, Register, Segment, Usage
from domain.billing.rating.sheets import Sheet
from domain.kernel.conditions.expressions import compile_condition
from domain.kernel.conditions.shapes import Kind, Shape
from domain.kernel.errors import DomainError
from domain.kernel.money import AMOUNT_MINOR_MAX, Rounding, all_rounded, rounded
from domain.kernel.quantities import ATTOS
from domain.kernel.time import date_of, day_of
from tests.billing.rating.rates import changing, demand, time_of_use
from tests.billing.rating.test_properties import BEFORE, DAYS, versions

CONDITION = compile_condition("account.code != '1'", Shape({"account": {"code": Kind.TEXT}}), path="condition")
LARGE = AMOUNT_MINOR_MAX * ATTOS
QUANTITIES = st.integers(-(10**4) * ATTOS, 10**4 * ATTOS) | st.sampled_from((0, 0, LARGE, -LARGE))
BUCKETS = ("PEAK", "NIGHT", "FREE")


@st.composite
def components(draw: st.DrawFn) -> tuple[Component, ...]:
    """All there are, some of which apply to some alone."""
    found = [*draw(versions()), time_of_use(PEAK="0.4", NIGHT="0.123456"), demand("2.5")]
    return tuple(replace(each, condition=CONDITION) if draw(st.booleans()) else each for each in found)


@st.composite
def alike(draw: st.DrawFn) -> tuple[Rate, list[Segment]]:
    """A rate that may change, and segments of the same days with usage of their own."""
    rate = changing(*((day, draw(components())) for day in (BEFORE, *draw(st.sets(DAYS, max_size=3)))), currency="USD")
    start = draw(DAYS)
    end = day_of(date_of(start) + timedelta(days=draw(st.integers(1, 95))))
    full_days = draw(st.integers(1, 95))
    parts = len(parts_of(planned(rate), start, end))

    def usage() -> dict[str, Usage]:
        of_parts = [tuple({each: draw(QUANTITIES) for each in some} for _ in range(parts)) for some in (BUCKETS, ("",))]
        return {
            "ENERGY": Register("kWh", {"": draw(QUANTITIES)}),
            "TIMES": Intervals("kWh", of_parts[0]),
            "DEMAND": Intervals("kW", of_parts[1]),
        }

    return rate, [
        Segment(
            start=start,
            end=end,
            full_days=full_days,
            currency="USD",
            usage=usage(),
            values={"account": {"code": str(row)}},
        )
        for row in range(draw(st.integers(1, 4)))
    ]


@pytest.mark.rule("BIL-20", "BIL-32")
@given(alike())
def test_a_sheet_rates_each_row_as_if_it_were_alone(case: tuple[Rate, list[Segment]]) -> None:
    """To the last line, and to the reason for which one cannot be rated."""
    rate, segments = case
    plan, first = planned(rate), segments[0]
    usage = {name: sheets.used([each.usage[name] for each in segments]) for name in first.usage}
    sheet = Sheet(
        start=first.start,
        end=first.end,
        full_days=first.full_days,
        currency=first.currency,
        rows=len(segments),
        usage={name: each for name, each in usage.items() if each},
        values=[each.values for each in segments],
    )
    together = rated(plan, sheet)
    for row, segment in enumerate(segments):
        alone = _told(partial(calculate, plan, segment))
        assert _told(partial(sheets.calculation, together, row, segment.usage)) == alone


@pytest.mark.rule("PLT-02")
@given(st.lists(st.integers(-(10**6), 10**6)), st.integers(1, 10**3), st.sampled_from(Rounding))
def test_many_quotients_are_rounded_as_each_is(numerators: list[int], denominator: int, rounding: Rounding) -> None:
    """In both modes, on both sides of zero, halves too."""
    assert all_rounded(numerators, denominator, rounding) == [rounded(n, denominator, rounding) for n in numerators]


def test_usage_is_in_columns_only_where_all_is_alike() -> None:
    """A bucket that one has and another has not is no zero: a highest of less than nothing would rise."""
    of = Intervals("kW", ({"": 1},))
    assert sheets.used([of, replace(of, parts=({"": 2},))]) is not None
    assert sheets.used([of, replace(of, parts=({"PEAK": 2},))]) is None
    assert sheets.used([of, replace(of, unit="kvar")]) is None
    assert sheets.used([of, Register("kW", {"": 1})]) is None


def _told(calculation: Callable[[], Calculation]) -> object:
    try:
        return calculation()
    except DomainError as error:
        return error.reason, error.message, error.details
