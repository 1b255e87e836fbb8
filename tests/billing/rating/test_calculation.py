"""What each component charges, by examples whose cents are reckoned by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from domain.billing.rating import errors
from domain.billing.rating.calculation import calculate, planned
from domain.billing.rating.model import Kind, Rate
from domain.billing.rating.segments import Calculation, Register, Segment
from domain.kernel.conditions.errors import ConditionFailed
from domain.kernel.conditions.expressions import compile_condition
from domain.kernel.conditions.shapes import Kind as ValueKind
from domain.kernel.conditions.shapes import Shape
from domain.kernel.errors import DomainError
from domain.kernel.money import Money, Rounding
from domain.kernel.quantities import Quantity
from tests.billing.rating.rates import (
    APRIL,
    MARCH,
    amounts,
    attos,
    demand,
    discount,
    fixed,
    intervals,
    minimum,
    of,
    percentage,
    rate,
    rated,
    register,
    stepped,
    tax,
    time_of_use,
)


@pytest.mark.rule("BIL-20")
def test_a_household_is_charged_by_its_standing_charge_its_steps_and_its_tax() -> None:
    """412 kWh: 100 at 0.0812, 200 at 0.1034, 112 at 0.1521; tax on what is billed, not on what was reckoned."""
    tariff = rate(
        fixed("12.50"), stepped(("0.0812", "100"), ("0.1034", "300"), ("0.1521", None)), tax("8.25", "FIXED", "ENERGY")
    )
    found = rated(tariff, energy=register("412"))
    # 8.12 + 20.68 + 17.0352 = 45.8352; net 58.34 (of 58.3352); 8.25 % of that is 4.81305
    assert amounts(found) == ["FIXED 12.50", "ENERGY 8.12", "ENERGY 20.68", "ENERGY 17.04", "TAX 4.81"]
    assert (str(found.amount), str(found.tax)) == ("63.15 USD", "4.81 USD")
    assert {code: money.minor for code, money in found.by_distribution().items()} == {"REVENUE": 5834, "TAXES": 481}


@pytest.mark.rule("BIL-05")
def test_a_line_tells_all_that_it_came_of() -> None:
    """Version, step, quantity, price, days, reads, and whether one was estimated."""
    tariff = rate(fixed("10"), stepped(("0.1", "100"), ("0.2", None)), tax("20", "FIXED", "ENERGY"))
    usage = replace(register("150.5"), estimated=True)
    standing, _, second, vat = rated(tariff, start=20260302, full_days=30, energy=usage).lines
    assert (standing.kind, standing.rate, standing.days, standing.full_days) == (Kind.FIXED, Decimal(10), 30, 30)
    assert (standing.start, standing.end, standing.version) == (20260302, APRIL, 20250101)
    assert (standing.quantity, standing.base, standing.sources, standing.estimated) == (None, None, (), False)
    assert (second.kind, second.step, second.usage) == (Kind.STEP, 2, "ENERGY")
    assert (second.quantity, second.rate) == (Quantity(attos("50.5"), "kWh"), Decimal("0.2"))
    assert (second.sources, second.estimated) == (("read/1", "read/2"), True)
    assert (vat.kind, vat.base, vat.rate) == (Kind.TAX, Money(3010, "USD"), Decimal(20))
    assert (vat.rounding, vat.distribution_code) == (Rounding.HALF_UP, "TAXES")


@pytest.mark.rule("BIL-20")
@pytest.mark.parametrize(
    ("usage", "quantities"),
    [
        ("0", ["0"]),
        ("99.999999999999999999", ["99.999999999999999999"]),
        ("100", ["100"]),
        ("100.000000000000000001", ["100", "0.000000000000000001"]),
        ("300", ["100", "200"]),
        ("1000000", ["100", "200", "999700"]),
        ("-120", ["-100", "-20"]),
    ],
)
def test_each_unit_falls_into_its_step(usage: str, quantities: list[str]) -> None:
    """A limit belongs to the step below; what is credited goes through the same steps; nothing used is one line."""
    tariff = rate(stepped(("0.1", "100"), ("0.2", "300"), ("0.3", None)))
    lines = rated(tariff, energy=register(usage)).lines
    assert [line.quantity for line in lines] == [Quantity(attos(text), "kWh") for text in quantities]
    assert [line.step for line in lines] == list(range(1, len(quantities) + 1))


@pytest.mark.rule("BIL-20")
def test_usage_by_time_of_use_has_a_price_for_each_bucket() -> None:
    """In the order of the prices; a bucket without usage has no line and needs no price."""
    tariff = rate(time_of_use(PEAK="0.31", DAY="0.2", NIGHT="0.095"))
    found = rated(tariff, times=intervals({"NIGHT": "33.3", "PEAK": "10.7"}))
    assert [(line.bucket, line.amount.minor) for line in found.lines] == [("PEAK", 332), ("NIGHT", 316)]
    # 3.317 + 3.1635 = 6.4805
    assert found.amount.minor == 648
    nothing = rated(tariff, times=intervals({"NIGHT": "0", "HOLIDAY": "0"})).lines
    assert [(line.bucket, line.amount.minor) for line in nothing] == [("PEAK", 0)]


@pytest.mark.rule("BIL-20")
def test_demand_is_charged_by_its_maximum_and_the_days_served() -> None:
    """18.4 kW at 9.85 is 181.24; of 15 days out of 31 it is 87.6967…."""
    assert rated(rate(demand("9.85")), demand=intervals({"": "18.4"}, unit="kW")).amount.minor == 18124
    part = rated(rate(demand("9.85")), end=20260316, demand=intervals({"": "18.4"}, unit="kW"))
    assert part.amount.minor == 8770


@pytest.mark.rule("BIL-20")
def test_on_peak_demand_is_charged_by_the_maximum_within_its_bucket() -> None:
    """Each bucket at its own price, or free where no component names it; one that the usage lacks is an error."""
    tariff = rate(demand("10", "PEAK"), demand("2", "NIGHT", "NIGHTLY"))
    found = rated(tariff, demand=intervals({"PEAK": "18.4", "NIGHT": "30", "DAY": "99"}, unit="kW"))
    assert [(line.component, line.bucket, line.amount.minor) for line in found.lines] == [
        ("DEMAND", "PEAK", 18_400),
        ("NIGHTLY", "NIGHT", 6_000),
    ]
    for usage in (intervals({"NIGHT": "30"}, unit="kW"), register("18.4", "kW")):
        with pytest.raises(errors.RateBucketMissing) as missing:
            rated(tariff, demand=usage)
        assert missing.value.details["bucket"] == "PEAK"
    with pytest.raises(errors.RateBucketMissing):
        rated(rate(demand("10")), demand=intervals({"PEAK": "18.4", "NIGHT": "30"}, unit="kW"))


@pytest.mark.rule("BIL-20")
@pytest.mark.parametrize(("usage", "lifted"), [("10", 1400), ("149.9", 1), ("150", 0), ("151", 0), ("-10", 1600)])
def test_a_minimum_lifts_what_is_below_it(usage: str, lifted: int) -> None:
    """To the amount, not by it; also what is credited."""
    found = rated(rate(stepped(("0.1", None)), minimum("15", "ENERGY")), energy=register(usage))
    assert of(found, "MINIMUM")[0].amount.minor == lifted


@pytest.mark.rule("BIL-20")
def test_percentages_count_on_what_they_name_and_nothing_else() -> None:
    """A levy on energy alone, a discount on both, a tax on all of it, the discount taken off."""
    tariff = rate(
        fixed("10"),
        stepped(("0.25", None)),
        percentage("4", "ENERGY"),
        discount("10", "FIXED", "ENERGY"),
        tax("19", "FIXED", "ENERGY", "LEVY", "DISCOUNT"),
    )
    found = rated(tariff, energy=register("200"))
    assert amounts(found) == ["FIXED 10.00", "ENERGY 50.00", "LEVY 2.00", "DISCOUNT -6.00", "TAX 10.64"]


@pytest.mark.rule("PLT-02")
def test_each_component_rounds_as_it_says() -> None:
    """Half a cent: to the even neighbour for rates, away from zero for tax, and otherwise where it is configured."""
    half = rate(fixed("0.50"), percentage("1", "FIXED"), tax("1", "FIXED"))
    assert amounts(rated(half)) == ["FIXED 0.50", "LEVY 0.00", "TAX 0.01"]
    other = rate(
        fixed("0.50"),
        replace(percentage("1", "FIXED"), rounding=Rounding.HALF_UP),
        replace(tax("1", "FIXED"), rounding=Rounding.HALF_EVEN),
    )
    assert amounts(rated(other)) == ["FIXED 0.50", "LEVY 0.01", "TAX 0.00"]
    credit = rate(fixed("-0.50"), percentage("1", "FIXED"), tax("1", "FIXED"))
    assert amounts(rated(credit)) == ["FIXED -0.50", "LEVY 0.00", "TAX -0.01"]


@pytest.mark.rule("PLT-02")
def test_a_component_is_rounded_once_whatever_its_lines() -> None:
    """Three thirds of a cent are a cent: line by line rounded, they would be none."""
    tariff = rate(stepped(("0.0033", "1"), ("0.0034", "2"), ("0.0033", None)))
    assert [line.amount.minor for line in rated(tariff, energy=register("3")).lines] == [0, 1, 0]


@pytest.mark.rule("PLT-01")
@pytest.mark.parametrize(("currency", "energy", "vat"), [("JPY", "11111", "1111"), ("KWD", "11110.989", "1111.099")])
def test_amounts_are_in_the_minor_unit_of_their_currency(currency: str, energy: str, vat: str) -> None:
    """Yen have no digits, dinars three: 333.33 kWh at 33.3333 are 11110.988889."""
    tariff = rate(stepped(("33.3333", None)), tax("10", "ENERGY"), currency=currency)
    found = rated(tariff, energy=register("333.33"))
    assert amounts(found) == [f"ENERGY {energy}", f"TAX {vat}"]


@pytest.mark.rule("BIL-20")
def test_quantities_and_prices_count_to_their_last_decimal() -> None:
    """An atto more or less decides where it is on the edge of half a cent."""
    tariff = rate(stepped(("0.005", None)))
    edge = ["0.999999999999999999", "1", "1.000000000000000001", "2.999999999999999999", "3"]
    assert [rated(tariff, energy=register(text)).amount.minor for text in edge] == [0, 0, 1, 1, 2]
    fine = rate(stepped(("0.000000000000000001", None)))
    assert rated(fine, energy=register("1000000000000000")).amount.minor == 0  # a tenth of a cent
    dear = rate(stepped(("10000000000000.000000000000000001", None)))
    assert rated(dear, energy=register("0.000000000000000001")).amount.minor == 0
    assert rated(dear, energy=register("1")).amount.minor == 10**15


SHAPE = Shape({"account": {"class": ValueKind.TEXT}})


def _for_class(of_class: str, values: dict[str, str]) -> Calculation:
    condition = compile_condition(f"account.class == '{of_class}'", SHAPE, path="condition")
    tariff = rate(fixed("10"), replace(fixed("5", "EXTRA"), condition=condition), tax("10", "FIXED", "EXTRA"))
    segment = Segment(start=MARCH, end=APRIL, full_days=31, currency="USD", values={"account": values})
    return calculate(planned(tariff), segment)


@pytest.mark.rule("BIL-20")
def test_a_component_applies_where_its_condition_holds() -> None:
    """Otherwise it has no line, and counts nothing where others count on it."""
    assert amounts(_for_class("SHOP", {"class": "SHOP"})) == ["FIXED 10.00", "EXTRA 5.00", "TAX 1.50"]
    assert amounts(_for_class("SHOP", {"class": "HOME"})) == ["FIXED 10.00", "TAX 1.00"]
    with pytest.raises(ConditionFailed):
        _for_class("SHOP", {})


HUGE = Register("kWh", {"": 10**15 * 10**18})


@pytest.mark.rule("BIL-20")
@pytest.mark.parametrize(
    ("tariff", "usage", "start", "currency", "refusal"),
    [
        (rate(stepped(("1", None))), {}, MARCH, "USD", errors.RateUsageMissing),
        (rate(stepped(("1", None))), {"ENERGY": register("1", "m3")}, MARCH, "USD", errors.RateUsageUnitDiffers),
        (rate(time_of_use(DAY="1")), {"TIMES": register("1")}, MARCH, "USD", errors.RateUsageUnpriced),
        (rate(fixed("1")), {}, 20241231, "USD", errors.RateNotEffective),
        (rate(fixed("1")), {}, MARCH, "EUR", errors.RateOfAnotherCurrency),
        (rate(stepped(("1000", None))), {"ENERGY": HUGE}, MARCH, "USD", errors.RateAmountTooLarge),
        (rate(fixed("9e12"), fixed("9e12", "MORE")), {}, MARCH, "USD", errors.RateAmountTooLarge),
    ],
)
def test_what_cannot_be_rated_is_refused(
    tariff: Rate, usage: dict[str, Register], start: int, currency: str, refusal: type[DomainError]
) -> None:
    """Nothing unknown is taken for zero, and nothing is billed too low without a word."""
    segment = Segment(start=start, end=APRIL, full_days=31, currency=currency, usage=usage)
    with pytest.raises(refusal):
        calculate(planned(tariff), segment)
