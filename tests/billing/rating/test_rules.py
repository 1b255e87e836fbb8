"""What is refused of a rate when it is configured."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from domain.billing.rating.model import Component, Rate, Stepped, Version
from domain.billing.rating.rules import violations
from tests.billing.rating.rates import (
    changing,
    demand,
    discount,
    fixed,
    minimum,
    percentage,
    rate,
    stepped,
    tax,
    time_of_use,
)

BUCKETS = frozenset({"PEAK", "DAY"})
C = "versions[0].components"


def found(wrong: Rate) -> list[tuple[str, str]]:
    return [(each.field, each.reason) for each in violations(wrong, buckets=BUCKETS)]


@pytest.mark.rule("BIL-20")
def test_a_sound_rate_has_no_violation() -> None:
    """Nor do the edges: steps of an atto, prices below zero, a discount of all, versions in any order."""
    components = (
        fixed("-1000000000000000"),
        stepped(("-0.10", "0.000000000000000001"), ("0", "1E+3"), ("0.2000000000000000000000000", None)),
        time_of_use(PEAK="0.3", DAY="0"),
        demand("9.85"),
        minimum("0", "FIXED"),
        percentage("0", "FIXED", "ENERGY"),
        discount("100", "TIMES"),
        tax("19", "DEMAND", "LEVY", "MINIMUM", "DISCOUNT"),
    )
    assert found(changing((20260301, components), (20250101, components))) == []


@pytest.mark.rule("BIL-20")
@pytest.mark.parametrize(
    ("components", "field", "reason"),
    [
        ((), "", "RATE_VERSION_EMPTY"),
        ((fixed("1", ""),), "[0].code", "FIELD_REQUIRED"),
        ((fixed("1", distribution_code=" "),), "[0].distribution_code", "FIELD_REQUIRED"),
        ((fixed("1"), fixed("2")), "[1].code", "RATE_COMPONENT_TWICE"),
        ((fixed("NaN"),), "[0].price", "RATE_NUMBER_MALFORMED"),
        ((fixed("-Infinity"),), "[0].price", "RATE_NUMBER_TOO_LARGE"),
        ((fixed("1000000000000000.000000000000000001"),), "[0].price", "RATE_NUMBER_TOO_LARGE"),
        ((fixed("0.0000000000000000001"),), "[0].price", "RATE_NUMBER_TOO_FINE"),
        ((stepped(("1", None), usage=""),), "[0].usage", "FIELD_REQUIRED"),
        ((replace(demand("1"), unit=""),), "[0].unit", "FIELD_REQUIRED"),
        ((demand("1E+16"),), "[0].price", "RATE_NUMBER_TOO_LARGE"),
        ((stepped(),), "[0].steps", "FIELD_REQUIRED"),
        ((stepped(("1", "9"), ("2", "9"), ("3", None)),), "[0].steps[1].limit", "RATE_STEPS_NOT_GROWING"),
        ((stepped(("1", "9"), ("2", "8.9"), ("3", None)),), "[0].steps[1].limit", "RATE_STEPS_NOT_GROWING"),
        ((stepped(("1", "0"), ("2", None)),), "[0].steps[0].limit", "RATE_STEPS_NOT_GROWING"),
        ((stepped(("1", "-5"), ("2", None)),), "[0].steps[0].limit", "RATE_STEPS_NOT_GROWING"),
        ((stepped(("1", "NaN"), ("2", None)),), "[0].steps[0].limit", "RATE_NUMBER_MALFORMED"),
        ((stepped(("1e-19", None)),), "[0].steps[0].price", "RATE_NUMBER_TOO_FINE"),
        ((stepped(("1", "9"), ("2", "10")),), "[0].steps[1].limit", "RATE_STEP_LIMIT_MISPLACED"),
        ((stepped(("1", None), ("2", None)),), "[0].steps[0].limit", "RATE_STEP_LIMIT_MISPLACED"),
        ((time_of_use(),), "[0].prices", "FIELD_REQUIRED"),
        ((time_of_use(NIGHT="1"),), "[0].prices[0].bucket", "RATE_BUCKET_UNKNOWN"),
        ((demand("1", "NIGHT"),), "[0].bucket", "RATE_BUCKET_UNKNOWN"),
        ((replace(time_of_use(), prices=(("DAY", Decimal(1)),) * 2),), "[0].prices[1].bucket", "RATE_BUCKET_TWICE"),
        ((time_of_use(DAY="Infinity"),), "[0].prices[0].price", "RATE_NUMBER_TOO_LARGE"),
        ((fixed("1"), minimum("-1", "FIXED")), "[1].amount", "RATE_NUMBER_NEGATIVE"),
        ((fixed("1"), tax("-1", "FIXED")), "[1].percent", "RATE_NUMBER_NEGATIVE"),
        ((fixed("1"), tax("NaN", "FIXED")), "[1].percent", "RATE_NUMBER_MALFORMED"),
        ((fixed("1"), discount("100.01", "FIXED")), "[1].percent", "RATE_DISCOUNT_ABOVE_ALL"),
        ((fixed("1"), tax("1")), "[1].of", "FIELD_REQUIRED"),
        ((fixed("1"), tax("1", "FIXD")), "[1].of[0]", "RATE_REFERENCE_UNKNOWN"),
        ((fixed("1"), tax("1", "FIXED", "TAX")), "[1].of[1]", "RATE_REFERENCE_NOT_EARLIER"),
        ((tax("1", "FIXED"), fixed("1")), "[0].of[0]", "RATE_REFERENCE_NOT_EARLIER"),
        ((minimum("1", "FIXED"), fixed("1")), "[0].of[0]", "RATE_REFERENCE_NOT_EARLIER"),
        ((fixed("1"), tax("1", "FIXED", "FIXED")), "[1].of[1]", "RATE_REFERENCE_TWICE"),
    ],
)
def test_a_component_that_cannot_be_is_refused(components: tuple[Component, ...], field: str, reason: str) -> None:
    """With the field that it stands in, and nothing else with it."""
    assert found(rate(*components)) == [(C + field, reason)]


@pytest.mark.rule("BIL-20")
@pytest.mark.parametrize(
    ("wrong", "violation"),
    [
        (replace(rate(fixed("1")), code=""), ("code", "FIELD_REQUIRED")),
        (rate(fixed("1"), currency="XAU"), ("currency", "CURRENCY_UNKNOWN")),
        (Rate("R", "USD", ()), ("versions", "RATE_WITHOUT_VERSION")),
        (changing((20260230, (fixed("1"),))), ("versions[0].effective_day", "DATE_INVALID")),
        (changing((-20260101, (fixed("1"),))), ("versions[0].effective_day", "DATE_INVALID")),
        (changing(*((20260101, (fixed("1"),)),) * 2), ("versions[1].effective_day", "RATE_VERSION_TWICE")),
        (
            Rate("R", "USD", (Version(20260101, "EUR", (fixed("1"),)),)),
            ("versions[0].currency", "RATE_CURRENCY_DIFFERS"),
        ),
    ],
)
def test_versions_that_cannot_be_are_refused(wrong: Rate, violation: tuple[str, str]) -> None:
    """Of one day there is one version, all in the rate's currency."""
    assert found(wrong) == [violation]


@pytest.mark.rule("BIL-20", "PLT-07")
def test_all_that_is_wrong_is_told_at_once() -> None:
    """In the order in which it stands."""
    wrong = Stepped(code="", distribution_code="", usage="", unit="", steps=())
    assert found(changing((20260101, (wrong, tax("-1", "NONE"))), (20260101, ()))) == [
        (f"{C}[0].code", "FIELD_REQUIRED"),
        (f"{C}[0].distribution_code", "FIELD_REQUIRED"),
        (f"{C}[0].usage", "FIELD_REQUIRED"),
        (f"{C}[0].unit", "FIELD_REQUIRED"),
        (f"{C}[0].steps", "FIELD_REQUIRED"),
        (f"{C}[1].percent", "RATE_NUMBER_NEGATIVE"),
        (f"{C}[1].of[0]", "RATE_REFERENCE_UNKNOWN"),
        ("versions[1].effective_day", "RATE_VERSION_TWICE"),
        ("versions[1].components", "RATE_VERSION_EMPTY"),
    ]
