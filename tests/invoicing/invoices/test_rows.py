"""Lines as callers send them: what is read of a row, and what is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.invoicing.invoices.rows import GivenLine, line_of, prepare, violations

TEXTS = st.sampled_from(["", " ", "a", "a", "billing", "x" * 64, "x" * 65, "x" * 129, "y" * 513, "\x00", "ä"])
ROWS = st.builds(
    GivenLine,
    account=st.sampled_from(["accounts/A", "A", "accounts/", ""]),
    source=TEXTS,
    external_id=TEXTS,
    amount=st.sampled_from(
        [None, ("EUR", 1, 0), ("EUR", -1, -500_000_000), ("EUR", 0, 1), ("XYZ", 1, 0), ("JPY", 5, 0)]
    ),
    tax_category=st.sampled_from(["S", "E", "L", "Q", ""]),
    tax_percent=st.sampled_from(["", "0", "19", "7.7", "19.00001", "101", "x"]),
    description=TEXTS,
    quantity=st.sampled_from(["", "", "1"]),
    unit_code=st.sampled_from(["", "", "KWH"]),
    price=st.sampled_from(["", "", "1"]),
    start=st.sampled_from([None, None, (2026, 1, 1)]),
    end=st.sampled_from([None, None, (2026, 2, 1)]),
    distribution_code=TEXTS,
)


def row(**changes: Any) -> GivenLine:
    """A sound row."""
    sound = GivenLine("accounts/A", "shop", "1", ("EUR", 25, 500_000_000), "S", "19", "x", distribution_code="SALES")
    return sound._replace(**changes)


@pytest.mark.rule("INV-16", "PLT-01")
@given(rows=st.lists(ROWS, max_size=5))
def test_the_quick_way_reads_what_the_long_one_does(rows: list[GivenLine]) -> None:
    """A row is read exactly when nothing is wrong with it, whichever way."""
    found = prepare(rows)
    sound = [at for at, each in enumerate(rows) if not list(violations(each))]
    assert list(found.positions) == sound
    assert list(found.lines) == [line_of(rows[at]) for at in sound]
    assert [each.position for each in found.refusals] == [at for at in range(len(rows)) if at not in sound]


@pytest.mark.rule("INV-16")
@pytest.mark.parametrize(
    ("percent", "category", "ppm"), [("19", "S", 190_000), ("7.7", "S", 77_000), ("0.0001", "L", 1), ("", "Z", 0)]
)
def test_a_rate_is_read_exactly(percent: str, category: str, ppm: int) -> None:
    """In millionths."""
    (line,) = prepare([row(tax_percent=percent, tax_category=category)]).lines
    assert line.tax_ppm == ppm


@pytest.mark.rule("PLT-01", "PLT-02")
@pytest.mark.parametrize(
    ("quantity", "price", "amount"),
    [
        ("3", "0.335", ("EUR", 1, 10_000_000)),  # 1.005 is rounded up
        ("-3", "0.335", ("EUR", -1, -10_000_000)),  # and away from zero
        ("0.5", "7", ("JPY", 4, 0)),
        ("1e2", "0.12345", ("KWD", 12, 345_000_000)),
    ],
)
def test_quantity_times_price_is_the_amount(quantity: str, price: str, amount: tuple[str, int, int]) -> None:
    """Rounded half-up to the minor unit of the currency."""
    found = prepare([row(quantity=quantity, price=price, amount=amount)])
    assert not found.refusals
    units = (amount[0], amount[1] + 1, 0)
    (refused,) = prepare([row(quantity=quantity, price=price, amount=units)]).refusals
    assert [each.reason for each in refused.violations] == ["LINE_AMOUNT_DIFFERS"]
