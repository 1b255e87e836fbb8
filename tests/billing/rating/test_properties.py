"""What holds of every calculation, whatever the rate and the usage."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.rating.calculation import calculate, parts_of, planned
from domain.billing.rating.model import Component, Kind, Rate, Step, Stepped, Version
from domain.billing.rating.proration import portion
from domain.billing.rating.segments import Calculation, Line, Register, Segment
from domain.kernel.money import Rounding, digits_of
from domain.kernel.quantities import ATTOS, quantity_text
from domain.kernel.time import date_of, day_of
from tests.billing.rating.rates import changing, discount, fixed, minimum, percentage, tax

BEFORE = 20200101
CURRENCIES = st.sampled_from(["JPY", "USD", "KWD"])
DAYS = st.dates(date_of(20260101), date_of(20260331)).map(day_of)
PRICES = st.decimals("-20", "20", places=6)
QUANTITIES = st.integers(-(10**4) * ATTOS, 10**4 * ATTOS)
USED = st.integers(0, 10**4 * ATTOS)
ALL = ("FIXED", "ENERGY")


@st.composite
def energies(draw: st.DrawFn, rounding: Rounding = Rounding.HALF_EVEN) -> Stepped:
    """Steps whose limits grow."""
    limits = sorted(draw(st.sets(st.decimals("0.001", "9000", places=3), max_size=4)))
    steps = tuple(Step(draw(PRICES), limit) for limit in (*limits, None))
    return Stepped(code="ENERGY", distribution_code="E", usage="ENERGY", unit="kWh", steps=steps, rounding=rounding)


@st.composite
def versions(draw: st.DrawFn) -> tuple[Component, ...]:
    """All components that need no usage by parts."""
    standing = fixed(str(draw(PRICES)), distribution_code="F")
    return (
        standing,
        draw(energies(draw(st.sampled_from(Rounding)))),
        minimum(str(draw(st.decimals("0", "50", places=3))), *ALL),
        percentage(str(draw(st.decimals("0", "30", places=4))), "ENERGY"),
        discount(str(draw(st.decimals("0", "100", places=2))), *ALL, "LEVY"),
        tax(str(draw(st.decimals("0", "30", places=2))), *ALL, "MINIMUM", "LEVY", "DISCOUNT"),
    )


@st.composite
def rates(draw: st.DrawFn) -> Rate:
    """Rates that change up to four times in a quarter."""
    days = (BEFORE, *draw(st.sets(DAYS, max_size=4)))
    return changing(*((day, draw(versions())) for day in days), currency=draw(CURRENCIES))


@st.composite
def segments(draw: st.DrawFn, of: Rate, quantities: st.SearchStrategy[int] = QUANTITIES) -> Segment:
    """A period of some days of the quarter, and what was used in it."""
    start = draw(DAYS)
    end = day_of(date_of(start) + timedelta(days=draw(st.integers(1, 95))))
    usage = {"ENERGY": Register("kWh", {"": draw(quantities)})}
    full_days = draw(st.integers(1, 95))
    return Segment(start=start, end=end, full_days=full_days, currency=of.currency, usage=usage)


CASES = rates().flatmap(lambda rate: st.tuples(st.just(rate), segments(rate)))


@pytest.mark.rule("BIL-20")
@given(CASES)
def test_parts_tile_the_period(case: tuple[Rate, Segment]) -> None:
    """No day is left out and none is there twice, and each part has the version of its days."""
    rate, segment = case
    parts = parts_of(planned(rate), segment.start, segment.end)
    assert (parts[0].start, parts[-1].end) == (segment.start, segment.end)
    assert all(before.end == after.start and before.last == after.first for before, after in pairwise(parts))
    for part in parts:
        assert part.days == (date_of(part.end) - date_of(part.start)).days > 0
        assert part.first == (date_of(part.start) - date_of(segment.start)).days
    by_start = {line.start: line.version for line in calculate(planned(rate), segment).lines}
    effective = [version.effective_day for version in rate.versions]
    assert by_start == {part.start: max(day for day in effective if day <= part.start) for part in parts}
    assert all(not any(part.start < day < part.end for day in effective) for part in parts)


@pytest.mark.rule("BIL-20")
@given(QUANTITIES, st.lists(st.integers(1, 40), min_size=1, max_size=8), st.integers(1, 400))
def test_portions_sum_to_the_whole(whole: int, lengths: list[int], period: int) -> None:
    """However the days are cut, no atto is lost; each portion is the exact one to less than an atto."""
    ends = [sum(lengths[: place + 1]) for place in range(len(lengths))]
    cuts = list(pairwise((0, *ends)))
    portions = [portion(whole, first, last, ends[-1]) for first, last in cuts]
    assert sum(portions) == whole
    for part, (first, last) in zip(portions, cuts, strict=True):
        assert abs(part * ends[-1] - whole * (last - first)) < ends[-1]
    of_period = sum(portion(whole, first, last, period) for first, last in cuts)
    assert of_period == portion(whole, 0, ends[-1], period)


@pytest.mark.rule("BIL-20", "PLT-02")
@given(CASES)
def test_lines_sum_to_the_amount(case: tuple[Rate, Segment]) -> None:
    """In all, by distribution code, and of the tax."""
    rate, segment = case
    found = calculate(planned(rate), segment)
    assert sum(line.amount.minor for line in found.lines) == found.amount.minor
    assert sum(money.minor for money in found.by_distribution().values()) == found.amount.minor
    assert sum(line.amount.minor for line in found.lines if line.component == "TAX") == found.tax.minor
    assert {line.amount.currency for line in found.lines} == {rate.currency}


@pytest.mark.rule("BIL-20")
@given(CASES)
def test_register_usage_is_charged_whole_over_all_parts_and_steps(case: tuple[Rate, Segment]) -> None:
    """What the steps of all parts hold is what was used."""
    rate, segment = case
    lines = calculate(planned(rate), segment).lines
    given_usage = segment.usage["ENERGY"]
    assert isinstance(given_usage, Register)
    assert sum(line.quantity.attos for line in lines if line.quantity) == given_usage.quantities[""]


@pytest.mark.rule("BIL-05", "PLT-02")
@given(CASES)
def test_each_amount_follows_from_what_its_line_tells(case: tuple[Rate, Segment]) -> None:
    """Reckoned again in fractions from the lines alone: each is right to a minor unit, and each component in all."""
    rate, segment = case
    digits = digits_of(rate.currency)
    assert digits is not None
    exact: dict[str, Fraction] = defaultdict(Fraction)
    billed: dict[str, int] = defaultdict(int)
    modes: dict[str, Rounding] = {}
    for line in calculate(planned(rate), segment).lines:
        minor = _again(line) * 10**digits
        assert abs(minor - line.amount.minor) <= 1
        exact[line.component] += minor
        billed[line.component] += line.amount.minor
        modes[line.component] = line.rounding
    assert billed == {code: _whole(total, modes[code]) for code, total in exact.items()}


def _again(line: Line) -> Fraction:
    """The amount that a line explains, in whole units of currency."""
    due = Fraction(line.rate) * line.days / line.full_days
    if line.quantity is not None:
        return due * Fraction(quantity_text(line.quantity.attos))
    if line.base is None:
        return due
    base = Fraction(line.base.decimal())
    if line.kind is Kind.MINIMUM:
        return max(Fraction(0), due - base)
    return base * due / (-100 if line.kind is Kind.DISCOUNT else 100)


def _whole(number: Fraction, rounding: Rounding) -> int:
    if rounding is Rounding.HALF_EVEN:
        return round(number)
    size = int(abs(number) + Fraction(1, 2))
    return -size if number < 0 else size


@pytest.mark.rule("BIL-20")
@given(CASES)
def test_the_order_of_versions_and_of_calls_changes_nothing(case: tuple[Rate, Segment]) -> None:
    """Lines stand by part and then as the components do; a plan may be used again and again."""
    rate, segment = case
    plan = planned(rate)
    first = calculate(plan, segment)
    turned = replace(rate, versions=rate.versions[::-1])
    assert calculate(plan, segment) == first == calculate(planned(turned), segment)
    codes = [component.code for component in rate.versions[0].components]
    order = [(line.start, codes.index(line.component), line.step) for line in first.lines]
    assert order == sorted(order)


@pytest.mark.rule("BIL-20")
@given(CASES)
def test_a_version_that_changes_nothing_changes_no_total(case: tuple[Rate, Segment]) -> None:
    """Of a fixed charge: a split at the same price bills what the unsplit period does."""
    rate, segment = case
    plain = Rate("R", rate.currency, (Version(BEFORE, rate.currency, (rate.versions[0].components[0],)),))
    days = sorted({version.effective_day for version in rate.versions})
    cut = Rate("R", rate.currency, tuple(replace(plain.versions[0], effective_day=day) for day in days))
    assert calculate(planned(cut), segment).amount == calculate(planned(plain), segment).amount


@pytest.mark.rule("BIL-20")
@given(energies(), USED, CURRENCIES)
def test_a_credit_is_what_the_same_usage_costs(component: Stepped, attos: int, currency: str) -> None:
    """Usage below zero goes through the same steps, and comes to the same with the other sign."""
    charged, credited = (_of_usage(component, signed, currency) for signed in (attos, -attos))
    assert credited.amount == -charged.amount
    assert [line.amount for line in credited.lines] == [-line.amount for line in charged.lines]


@pytest.mark.rule("BIL-20")
@given(energies(), USED, CURRENCIES, st.integers(1, 30))
def test_days_and_usage_scale_together(component: Stepped, attos: int, currency: str, times: int) -> None:
    """A full period many times over, with as much more usage, has the same lines many times over before rounding."""
    once = _of_usage(component, attos, currency)
    more = _of_usage(component, attos * times, currency, days=times)
    quantities = [(line.step, line.quantity.attos * times) for line in once.lines if line.quantity]
    assert quantities == [(line.step, line.quantity.attos) for line in more.lines if line.quantity]
    assert abs(more.amount.minor - once.amount.minor * times) <= times


def _of_usage(component: Stepped, attos: int, currency: str, days: int = 1) -> Calculation:
    start = 20260101
    end = day_of(date_of(start) + timedelta(days=days))
    rate = changing((BEFORE, (component,)), currency=currency)
    usage = {"ENERGY": Register("kWh", {"": attos})}
    return calculate(planned(rate), Segment(start=start, end=end, full_days=1, currency=currency, usage=usage))
