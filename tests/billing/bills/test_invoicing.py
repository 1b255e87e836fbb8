"""What a bill puts on an invoice: net lines with how they are taxed, and the tax that it has reckoned beside them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from domain.billing.bills.errors import BillNotInvoiceable
from domain.billing.bills.invoicing import Invoiced, Taxed, invoiced
from domain.billing.bills.store import live_since
from domain.billing.rating.model import Component, Fixed, Tax, Version
from domain.billing.segments.store import bills
from domain.kernel.taxes import TaxCategory
from server.database.transaction import Database
from tests.billing.bills.office import Office, complete, generate, on_bill, open_office
from tests.billing.configured import put_version
from tests.billing.segments.utility import agree, open_account
from tests.billing.shop import Shop, open_shop

STANDARD, ZERO = Taxed(TaxCategory.STANDARD, Decimal(19)), Taxed(TaxCategory.ZERO, Decimal(0))


@pytest.fixture
def office(database: Database) -> Office:
    """A head office and its sites, billed for January, on either database."""
    return open_office(database)


def _invoiced(shop: Shop, office: Office) -> Invoiced:
    def read(tx):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        bill = bills.find(tx, office.billed.account_id, office.billed.bill_id)
        assert bill is not None
        snapshot = shop.configurations.current(tx)
        return invoiced("MONTHLY", bill, live_since(tx, "A", 0), (), snapshot)

    return shop.database.read(read)


@pytest.mark.rule("INV-16", "BIL-20")
def test_lines_are_net_and_the_tax_of_a_bill_goes_beside_them(office: Office) -> None:
    """Sites are taxed at the standard rate; the head office, whose rate has no tax, at zero rate."""
    found = _invoiced(office, office)
    by_tax: dict[Taxed, int] = {}
    for line in found.lines:
        by_tax[line.taxed] = by_tax.get(line.taxed, 0) + line.net.minor
    assert by_tax == {STANDARD: 33_600, ZERO: 2_000}, "1,000 kWh at 0.30 and three standing charges; 1,000 at 0.02"
    assert {each.taxed for each in found.taxes} == {STANDARD}
    assert sum(each.amount.minor for each in found.taxes) == 6_384
    assert sum(each.net.minor for each in found.lines) + 6_384 == 41_984, "what the bill comes to"
    assert {each.distribution_code for each in found.lines} == {"REVENUE"}
    assert {each.distribution_code for each in found.taxes} == {"TAXES"}
    ids = [each.external_id for each in (*found.lines, *found.taxes)]
    assert len(set(ids)) == len(ids)
    energy = next(each for each in found.lines if "ENERGY" in each.description and each.net.minor == 12_000)
    assert (energy.quantity, energy.unit, energy.price) == ("400", "kWh", "0.30")
    assert Decimal(energy.quantity) * Decimal(energy.price) * 100 == energy.net.minor
    standing = next(each for each in found.lines if "STANDING" in each.description)
    assert (standing.quantity, standing.price, standing.start_day, standing.end_day) == ("", "", 20260101, 20260201)


@pytest.mark.rule("BIL-13")
def test_what_a_bill_takes_back_goes_on_the_invoice_below_zero(office: Office) -> None:
    """Quantities too: a price is never below zero."""

    def read(tx):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        bill = bills.find(tx, office.billed.account_id, office.billed.bill_id)
        assert bill is not None
        return invoiced("MONTHLY", bill, (), on_bill(office, office.billed), office.configurations.current(tx))

    charged, back = _invoiced(office, office), office.database.read(read)
    assert sorted(-each.net.minor for each in back.lines) == sorted(each.net.minor for each in charged.lines)
    assert sorted(-each.amount.minor for each in back.taxes) == sorted(each.amount.minor for each in charged.taxes)
    assert all(each.quantity.startswith("-") for each in back.lines if each.quantity)
    assert not any(each.price.startswith("-") for each in back.lines)


def _fees(*taxes: Tax) -> tuple[Component, ...]:
    return (Fixed(code="FEE", distribution_code="REVENUE", price=Decimal(100)), *taxes)


def _tax(code: str, percent: str, *of: str, category: TaxCategory | None = None) -> Tax:
    return Tax(code=code, distribution_code="TAXES", percent=Decimal(percent), of=of, tax_category=category)


def _billed(database: Database, *components: Component) -> tuple[Shop, Office]:
    shop = open_shop(database)
    shop.database.write(lambda tx: put_version(tx, "STANDING", 2, Version(20250102, "EUR", components)))
    shop.database.write(lambda tx: (open_account(tx), agree(tx, "F", "AT-1")))
    office = Office(shop.database, shop.configurations)
    office.billed = generate(shop)
    complete(shop, office.billed)
    return shop, office


@pytest.mark.rule("INV-16")
def test_a_tax_that_is_taxed_is_a_charge_to_the_invoice(database: Database) -> None:
    """A levy of 10 % with the value-added tax on both: two net lines and one tax, told by its own category."""
    levy, vat = _tax("LEVY", "10", "FEE"), _tax("VAT", "7", "FEE", "LEVY", category=TaxCategory.CANARY_ISLANDS)
    found = _invoiced(*_billed(database, *_fees(levy, vat)))
    assert [(each.description, each.net.minor) for each in found.lines] == [("F FEE", 10_000), ("F LEVY", 1_000)]
    assert {each.taxed for each in found.lines} == {Taxed(TaxCategory.CANARY_ISLANDS, Decimal(7))}
    assert [each.amount.minor for each in found.taxes] == [770]


@pytest.mark.rule("INV-16")
@pytest.mark.parametrize(
    ("taxes", "why"),
    [
        ((_tax("ONE", "7", "FEE"), _tax("TWO", "3", "FEE")), "FEE is taxed twice, by ONE and TWO"),
        ((_tax("FINE", "7.12345", "FEE"),), "the percentage of FINE has more than 4 decimals"),
    ],
)
def test_what_an_invoice_cannot_tell_is_refused_with_its_segment(
    database: Database, taxes: tuple[Tax, ...], why: str
) -> None:
    """A line has one tax, of at most four decimals."""
    shop, office = _billed(database, *_fees(*taxes))
    with pytest.raises(BillNotInvoiceable, match=why) as refused:
        _invoiced(shop, office)
    assert refused.value.details["resource_name"].startswith("accounts/A/billSegments/")
