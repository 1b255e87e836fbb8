"""Aggregation: sums by tax category and rate, tax rounded once each, against exact decimals."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from domain.invoicing.batches import aggregating, explaining
from domain.invoicing.batches.counting import Span
from domain.invoicing.batches.states import BatchState
from domain.invoicing.invoices.taking import take_one_off
from domain.invoicing.tables import invoice_line
from domain.kernel.money import AMOUNT_MINOR_MAX
from domain.kernel.scopes import EVERYTHING
from tests.invoicing.batches.house import IN_APRIL, House
from tests.invoicing.invoices.office import line, tax

MARCH = "2026-03-01"
LATE = {
    "account_id": "A",
    "line_no": 2,
    "source": "shop",
    "external_id": "late",
    "net_minor": 100,
    "tax_category": "S",
    "tax_ppm": 190_000,
    "distribution_code": "SALES",
    "created_us": 1,
}
RATES = (("S", 190_000), ("S", 70_000), ("S", 75_500), ("L", 1_000_000), ("Z", 0))


def exact(net: int, ppm: int) -> int:
    """The tax by decimals: half a minor unit away from zero."""
    return int((Decimal(net) * ppm / 1_000_000).quantize(Decimal(1), ROUND_HALF_UP))


@given(net=st.integers(-(10**18), 10**18), ppm=st.integers(0, 1_000_000))
def test_tax_is_rounded_half_away_from_zero(net: int, ppm: int) -> None:
    """As exact decimals are."""
    assert aggregating.tax_of(net, ppm) == exact(net, ppm)


@pytest.mark.rule("INV-16")
def test_lines_are_added_up_by_category_and_rate_and_tax_is_rounded_once(house: House) -> None:
    """Three lines of 0.03 at 19 % come to 0.02 of tax, not to 0.03; what a bill reckoned stands beside."""
    house.put_cycle(minimum_usage={"EUR": 1}, taxes={"S": "VAT"})
    house.charge({"A": 3})
    lines = [line(f"x{n}", 3, "A") for n in range(2)]
    reduced = [line("y", 50, "A", tax_ppm=70_000), line("z", 1_000, "A", tax_category="Z", tax_ppm=0)]
    house.add(*lines, *reduced, call=house.call, taxes=[tax("b/1", 5, "A"), tax("b/2", 4, "A", tax_ppm=160_000)])
    house.now_us = IN_APRIL
    batch = house.close()
    house.engine()
    assert house.aggregate(batch.batch_id).counts == {"aggregated": 1}
    assert house.sums() == {
        ("A", "S", 190_000): (9, 2, 5),
        ("A", "S", 70_000): (50, 4, 0),
        ("A", "S", 160_000): (0, 0, 4),
        ("A", "Z", 0): (1_000, 0, 0),
    }
    assert house.only("A").tax_minor == 6


@pytest.mark.rule("INV-16")
def test_sums_beyond_64_bits_of_a_product_are_exact(house: House) -> None:
    """The largest amounts there are, at every rate, on both sides of zero and at the edge of the fast way."""
    house.put_cycle(minimum_usage={}, taxes={"S": "VAT", "L": "VAT"})
    amounts = (AMOUNT_MINOR_MAX // 2, -AMOUNT_MINOR_MAX // 2 + 1, 4 * 10**12, 4 * 10**12 + 1, -(4 * 10**12) - 3, 5, -5)
    wanted = {}
    for number, net in enumerate(amounts):
        for category, ppm in RATES:
            account = f"A{number}-{category}{ppm}"
            added = house.add(line("1", net, account, tax_category=category, tax_ppm=ppm), call=house.call)
            assert not added.refused
            wanted[account, category, ppm] = (net, exact(net, ppm), 0)
    house.now_us = IN_APRIL
    house.close()
    house.engine()
    house.aggregate()
    assert house.sums() == wanted


@pytest.mark.rule("INV-04", "INV-12")
def test_a_line_that_comes_while_aggregating_holds_the_batch(house: House) -> None:
    """Its invoice is not aggregated any more, and the engine waits; once it is again, the line is on it."""
    house.charge({"A": 5_000, "B": 5_000})
    house.now_us = IN_APRIL
    batch = house.close()
    house.engine()
    house.aggregate()
    found = house.only("A")
    house.put(found, net_minor=5_100, line_count=2, aggregated=0, last_line_no=2)
    house.do(lambda tx: tx.execute(insert(invoice_line).values(**{**LATE, "invoice_id": found.invoice_id})))
    assert house.engine().counts == {"held": 1}
    present = house.batch(batch.batch_id)
    assert (present.state, present.locked_us) == (BatchState.AGGREGATING, 0)
    assert present.held is not None
    assert present.held.reason == "INVOICE_BATCH_NOT_AGGREGATED"
    assert house.aggregate().counts == {"aggregated": 1}
    house.engine()
    assert house.batch(batch.batch_id).counts["totals"] == {"EUR": {"net": 10_100, "tax": 1_919}}


@pytest.mark.rule("INV-04")
def test_aggregation_comes_to_the_same_however_often_it_is_done(house: House) -> None:
    """Also of an invoice that is aggregated anew."""
    house.charge({"A": 5_000})
    house.now_us = IN_APRIL
    batch = house.close()
    house.engine()
    house.aggregate()
    once = house.sums()
    house.put(house.only("A"), aggregated=0)
    span = Span(MARCH, "A", "A", 1, 1)
    present = house.batch(batch.batch_id)
    assert house.do(lambda tx: aggregating.aggregate(tx, present, span, 1)) == (1, ())
    assert house.do(lambda tx: aggregating.aggregate(tx, present, span, 1)) == (0, ())
    assert house.sums() == once


@pytest.mark.rule("INV-16", "INV-04", "INV-15")
def test_what_is_not_subject_to_vat_stands_alone_or_the_batch_is_held(house: House) -> None:
    """An invoice that mixes it has no document (BR-O-11): it gets no number until the lines are taken off."""
    house.put_cycle(minimum_usage={}, taxes={"S": "VAT"})
    deposit = [line(f"deposit-{account}", 500, account, tax_category="O", tax_ppm=0) for account in "AC"]
    house.add(line("fee", 1_000, "A"), line("b", 1_000, "B"), *deposit, call=house.call)
    house.now_us = IN_APRIL
    batch = house.close()
    house.engine()
    assert house.aggregate().counts == {"aggregated": 2, "mixed": 1}
    house.engine()
    held = house.batch(batch.batch_id)
    assert (held.state, held.locked_us) == (BatchState.AGGREGATING, 0)
    assert held.held is not None
    assert held.held.reason == "INVOICE_BATCH_TAX_CATEGORIES_MIXED"
    assert house.only("A").name in held.held.message
    told = house.database.read(lambda tx: explaining.explain(tx, EVERYTHING, batch.batch_id, house.now_us))
    assert told.reason == "INVOICE_BATCH_TAX_CATEGORIES_MIXED"
    house.do(lambda tx: take_one_off(tx, house.call, "A", "shop", "deposit-A"))
    assert house.aggregate().counts == {"aggregated": 1}
    house.engine()
    assert house.batch(batch.batch_id).locked_us
