"""A rate that changes within the period: what each part is charged, and that the parts are the whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.billing.rating.calculation import parts_of, planned
from domain.billing.rating.segments import Register
from domain.kernel.money import Rounding
from domain.kernel.quantities import Quantity
from tests.billing.rating.rates import (
    APRIL,
    MARCH,
    amounts,
    attos,
    changing,
    demand,
    discount,
    fixed,
    intervals,
    minimum,
    of,
    rated,
    register,
    stepped,
    tax,
    time_of_use,
)

MIDDLE = 20260316  # 15 days before it, 16 from it on
BEFORE = 20250101


@pytest.mark.rule("BIL-20")
def test_a_change_of_the_rate_splits_the_period_at_its_day() -> None:
    """The day itself belongs to the new version; changes on the edges split nothing."""
    days = (APRIL, MIDDLE, BEFORE, MARCH, 20260331)  # in no order
    found = parts_of(planned(changing(*((day, (fixed("1"),)) for day in days))), MARCH, APRIL)
    assert [(part.start, part.end, part.days) for part in found] == [
        (MARCH, MIDDLE, 15),
        (MIDDLE, 20260331, 15),
        (20260331, APRIL, 1),
    ]


@pytest.mark.rule("BIL-20")
def test_a_fixed_charge_is_due_for_each_part_s_days() -> None:
    """15 / 31 of 31.00 and 16 / 31 of 46.50."""
    tariff = changing((BEFORE, (fixed("31"),)), (MIDDLE, (fixed("46.50"),)))
    assert amounts(rated(tariff)) == ["FIXED 15.00", "FIXED 24.00"]


@pytest.mark.rule("BIL-20")
def test_a_full_period_bills_the_whole_fixed_charge_whatever_its_parts() -> None:
    """Twice 5.005 rounded apart would be a cent less than 10.01, or a cent more."""
    tariff = changing((BEFORE, (fixed("10.01"),)), (MIDDLE, (fixed("10.01"), fixed("0", "NEW"))))
    found = of(rated(tariff, end=20260331, full_days=30), "FIXED")
    assert sum(line.amount.minor for line in found) == 1001
    assert sorted(line.amount.minor for line in found) == [500, 501]


@pytest.mark.rule("BIL-20")
def test_less_than_a_period_bills_its_days() -> None:
    """10 of 31 days of 12.50 are 4.032…; 40 days of a period of 31 are more than one charge."""
    tariff = changing((BEFORE, (fixed("12.50"),)))
    assert rated(tariff, end=20260311).amount.minor == 403
    assert rated(tariff, end=20260410).amount.minor == 1613


@pytest.mark.rule("BIL-20")
def test_register_usage_splits_by_days_and_its_parts_are_the_whole() -> None:
    """310 kWh over 31 days are 150 and 160; steps of 155 are 75 and 80."""
    steps = stepped(("0.10", "155"), ("0.20", None))
    tariff = changing((BEFORE, (steps,)), (MIDDLE, (stepped(("0.30", "155"), ("0.40", None)),)))
    lines = rated(tariff, energy=register("310")).lines
    assert [line.quantity for line in lines] == [Quantity(attos(text), "kWh") for text in ("75", "75", "80", "80")]
    assert [line.amount.minor for line in lines] == [750, 1500, 2400, 3200]
    assert [line.start for line in lines] == [MARCH, MARCH, MIDDLE, MIDDLE]


@pytest.mark.rule("BIL-20")
def test_register_usage_that_days_do_not_divide_loses_nothing() -> None:
    """A hundred over 31 days has no end in decimals; the two parts are a hundred."""
    flat = (stepped(("0.10", None)),)
    for sign in ("", "-"):
        lines = rated(changing((BEFORE, flat), (MIDDLE, flat)), energy=register(f"{sign}100")).lines
        quantities = [line.quantity for line in lines if line.quantity]
        assert quantities[0] + quantities[1] == Quantity(attos(f"{sign}100"), "kWh")
        assert quantities[0] == Quantity(attos(f"{sign}48.387096774193548387"), "kWh")
        assert sum(line.amount.minor for line in lines) == int(f"{sign}1000")


@pytest.mark.rule("BIL-20")
def test_registers_by_bucket_split_by_days_too() -> None:
    """Each bucket for itself."""
    prices = (time_of_use(DAY="1", NIGHT="0.5"),)
    usage = Register("kWh", {"DAY": attos("31"), "NIGHT": attos("62")})
    found = rated(changing((BEFORE, prices), (MIDDLE, prices)), times=usage)
    assert [(line.bucket, line.amount.decimal()) for line in found.lines] == [
        ("DAY", "15.00"),
        ("NIGHT", "15.00"),
        ("DAY", "16.00"),
        ("NIGHT", "16.00"),
    ]


@pytest.mark.rule("BIL-20")
def test_interval_usage_belongs_to_the_part_of_its_instant() -> None:
    """All of it was used in the last days: none of it is charged at the old price."""
    tariff = changing((BEFORE, (stepped(("0.10", None)),)), (MIDDLE, (stepped(("0.30", None)),)))
    assert amounts(rated(tariff, energy=intervals({"": "0"}, {"": "310"}))) == ["ENERGY 0.00", "ENERGY 93.00"]


@pytest.mark.rule("BIL-20")
def test_demand_takes_each_part_s_own_maximum() -> None:
    """20 kW for 15 of 31 days, 31 kW for 16 of 31: 96.774… and 160.00."""
    prices = (demand("10"),)
    tariff = changing((BEFORE, prices), (MIDDLE, prices))
    found = rated(tariff, demand=intervals({"": "20"}, {"": "31"}, unit="kW"))
    assert amounts(found) == ["DEMAND 96.77", "DEMAND 160.00"]
    of_register = rated(tariff, demand=register("31", "kW"))
    assert amounts(of_register) == ["DEMAND 150.00", "DEMAND 160.00"]


@pytest.mark.rule("BIL-20")
def test_a_minimum_holds_for_each_part_by_its_days() -> None:
    """31.00 are 15.00 and 16.00: what the first part has above is no help to the second."""
    components = (stepped(("1", None)), minimum("31", "ENERGY"))
    found = rated(changing((BEFORE, components), (MIDDLE, components)), energy=intervals({"": "20"}, {"": "10"}))
    assert amounts(found) == ["ENERGY 20.00", "MINIMUM 0.00", "ENERGY 10.00", "MINIMUM 6.00"]


@pytest.mark.rule("BIL-20", "PLT-02")
def test_percentages_count_on_their_own_part_and_are_rounded_once() -> None:
    """7 % of 15.05 and 9 % of 16.05, half-up: 1.0535 and 1.4445 are 2.498, so 2.50 in all."""
    first, second = ((fixed(price), tax(percent, "FIXED")) for price, percent in (("31.10", "7"), ("31.10", "9")))
    found = rated(changing((BEFORE, first), (MIDDLE, second)))
    assert amounts(found) == ["FIXED 15.05", "TAX 1.05", "FIXED 16.05", "TAX 1.45"]
    assert str(found.tax) == "2.50 USD"


@pytest.mark.rule("BIL-20")
def test_a_component_that_becomes_another_begins_anew() -> None:
    """What an old kind left over is not carried into the new one: 0.1548… is billed as 0.15, then 1 % of 16.00."""
    old, new = fixed("0.32", "CHANGES"), replace(discount("1", "FIXED"), code="CHANGES")
    found = rated(changing((BEFORE, (fixed("31"), old)), (MIDDLE, (fixed("31"), new))))
    assert amounts(found) == ["FIXED 15.00", "CHANGES 0.15", "FIXED 16.00", "CHANGES -0.16"]


@pytest.mark.rule("BIL-20", "PLT-02")
def test_a_change_of_rounding_alone_keeps_the_whole_fixed_charge() -> None:
    """Twice 0.155, the second by the new mode: 0.31 in all, where each by itself would make 0.32 of it."""
    old = fixed("0.31")
    tariff = changing((BEFORE, (old,)), (MIDDLE, (replace(old, rounding=Rounding.HALF_UP),)))
    found = rated(tariff, end=20260331, full_days=30)
    assert amounts(found) == ["FIXED 0.16", "FIXED 0.15"]
    assert [line.rounding for line in found.lines] == [Rounding.HALF_EVEN, Rounding.HALF_UP]


@pytest.mark.rule("BIL-20")
def test_steps_that_nearly_meet_charge_nothing_twice() -> None:
    """Of limits of 2 and 3 attos one day in the middle has 1 and 0: the second step begins where the first ends."""
    steps = (stepped(("1", "0.000000000000000002"), ("2", "0.000000000000000003"), ("3", None)),)
    tariff = changing((BEFORE, steps), (MIDDLE, steps), (20260317, steps))
    found = rated(tariff, energy=intervals({}, {"": "0.00000000000000001"}, {}))
    in_the_middle = [(line.step, line.quantity.attos) for line in found.lines if line.quantity and line.quantity.attos]
    assert in_the_middle == [(1, 1), (3, 9)]
