"""What a bill puts on an invoice: net lines with how they are taxed, and the tax that it has reckoned beside them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import Connection, text

from domain.billing.accounts import store as accounts
from domain.billing.bills import correcting, crediting
from domain.billing.bills.completing import Key
from domain.billing.bills.correcting import Correction
from domain.billing.bills.errors import BillNotInvoiceable
from domain.billing.bills.invoicing import Invoiced, invoiced
from domain.billing.bills.store import live_since
from domain.billing.bills.taxing import Taxed
from domain.billing.bills.wording import described, told_apart
from domain.billing.rating.model import Component, Fixed, Step, Stepped, Tax, TimeOfUse, Version
from domain.billing.segments.store import bills
from domain.flows.invoices import BillingCycleMissing
from domain.invoicing.invoices.errors import InvoiceLocked
from domain.kernel.taxes import TaxCategory
from server.database.transaction import Database
from tests.billing.bills.office import (
    Office,
    bench_of,
    complete,
    everything,
    generate,
    on_bill,
    open_office,
    read_again,
)
from tests.billing.configured import put_version
from tests.billing.segments.utility import agree, head_office, open_account
from tests.billing.shop import Shop, open_shop

STANDARD, ZERO = Taxed(TaxCategory.STANDARD, Decimal(19)), Taxed(TaxCategory.ZERO, Decimal(0))


@pytest.fixture
def office(database: Database) -> Office:
    """A head office and its sites, billed for January, on either database."""
    return open_office(database)


TIMES = TimeOfUse(
    code="ENERGY",
    distribution_code="REVENUE",
    description="Electricity",
    usage="ENERGY",
    unit="kWh",
    prices=(("PEAK", Decimal("0.4")), ("NIGHT", Decimal("0.2"))),
    descriptions=(("PEAK", "peak hours"),),
)
STEPS = Stepped(
    code="ENERGY",
    distribution_code="REVENUE",
    description="Electricity",
    usage="ENERGY",
    unit="kWh",
    steps=(Step(Decimal(1), Decimal(100), "up to 100 kWh"), Step(Decimal(2))),
)


def _invoiced(shop: Shop, office: Office, apart: Collection[str] = ()) -> Invoiced:
    def read(tx: Connection) -> Invoiced:
        bill = bills.find(tx, office.billed.account_id, office.billed.bill_id)
        assert bill is not None
        snapshot = shop.configurations.current(tx)
        return invoiced("MONTHLY", bill, live_since(tx, "A", 0), (), snapshot, apart)

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
    ids = [each.external_id for each in found.lines] + [each.external_id for each in found.taxes]
    assert len(set(ids)) == len(ids)
    energy = next(each for each in found.lines if "ENERGY" in each.description and each.net.minor == 12_000)
    assert (energy.quantity, energy.unit, energy.price) == ("400", "kWh", "0.30")
    assert Decimal(energy.quantity) * Decimal(energy.price) * 100 == energy.net.minor
    standing = next(each for each in found.lines if "STANDING" in each.description)
    assert (standing.quantity, standing.price, standing.start_day, standing.end_day) == ("", "", 20260101, 20260201)


@pytest.mark.rule("BIL-13")
def test_what_a_bill_takes_back_goes_on_the_invoice_below_zero(office: Office) -> None:
    """Quantities too: a price is never below zero."""

    def read(tx: Connection) -> Invoiced:
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
    shop.database.write(open_account)
    shop.database.write(lambda tx: agree(tx, "F", "AT-1"))
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


@pytest.mark.rule("BIL-20", "INV-15")
def test_customers_read_what_the_rate_says_and_codes_where_it_says_nothing(database: Database) -> None:
    """A description of the rate's version; the agreement beside it only where two would read alike."""
    fee = Fixed(code="FEE", distribution_code="REVENUE", price=Decimal(100), description="Standing charge")
    plain = Fixed(code="METER", distribution_code="REVENUE", price=Decimal(3))
    shop, office = _billed(database, fee, plain)
    assert [each.description for each in _invoiced(shop, office).lines] == ["Standing charge", "F METER"]
    shop.database.write(
        lambda tx: put_version(tx, "STANDING", 3, Version(20250102, "EUR", (replace(fee, description="Anew"), plain)))
    )
    assert _invoiced(shop, office).lines[0].description == "Standing charge", "as the version that it was made with"
    named = _invoiced(shop, office, apart={"F"})
    assert [each.description for each in named.lines] == ["Standing charge (F)", "F METER"]


@pytest.mark.rule("BIL-20")
def test_agreements_of_one_type_are_told_apart(database: Database) -> None:
    """Two sites read alike; their head office does not."""
    open_shop(database)
    database.write(lambda tx: head_office(tx, "400", "350", "250"))
    found = database.read(lambda tx: told_apart(accounts.agreements_of(tx, ["A"])["A"]))
    assert found == {"S1", "S2", "S3"}


@pytest.mark.rule("BIL-20")
@pytest.mark.parametrize(
    ("component", "line", "told"),
    [
        (TIMES, ("PEAK", 0), "Electricity, peak hours"),
        (TIMES, ("NIGHT", 0), "Electricity, NIGHT"),
        (STEPS, ("", 1), "Electricity, up to 100 kWh"),
        (STEPS, ("", 2), "Electricity"),
    ],
)
def test_a_bucket_or_a_step_is_told_behind_its_component(
    component: Component, line: tuple[str, int], told: str
) -> None:
    """What the rate says of it; of a bucket without a description its name."""
    assert described(component, *line) == told


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


def _on_invoices(shop: Shop) -> list[tuple[str, int, int, int]]:
    """State, number of lines, net and reckoned tax of the account's invoices, by age."""
    query = text(
        "SELECT i.state, i.line_count, i.net_minor, (SELECT coalesce(sum(t.tax_minor), 0) FROM invoice_reckoned_tax t"
        " WHERE t.account_id = i.account_id AND t.invoice_id = i.invoice_id) FROM invoice i"
        " WHERE i.account_id = 'A' ORDER BY i.invoice_id"
    )
    found = shop.database.read(lambda tx: tx.execute(query).all())
    return [(row[0], row[1], row[2], int(row[3])) for row in found]


def _invoiced_office(database: Database) -> Office:
    open_shop(database)
    office = Office(database)
    database.write(lambda tx: head_office(tx, "400", "350", "250"))
    statement = text("UPDATE billing_account SET invoice_cycle_code = 'MONTHLY'")
    database.write(lambda tx: tx.execute(statement))
    office.billed = generate(office)
    return office


@pytest.mark.rule("BIL-12", "INV-11", "INV-16")
def test_a_completed_bill_is_on_the_running_invoice_and_a_reopened_one_is_not(database: Database) -> None:
    """To the cent: net lines and the tax beside them; completed again it is there once."""
    office = _invoiced_office(database)
    assert _on_invoices(office) == [], "nothing before it is complete"
    for _ in range(2):
        bill = complete(office, office.billed)
        assert _on_invoices(office) == [("RUNNING", 7, 35_600, 6_384)]
        assert bill.amount_minor == 35_600 + 6_384
        office.write(crediting.reopen, bench_of(office), office.billed, "wrong")
        assert _on_invoices(office) == [("RUNNING", 0, 0, 0)]


@pytest.mark.rule("BIL-13", "INV-12")
def test_a_bill_whose_invoice_is_locked_is_not_reopened(database: Database) -> None:
    """Its lines stay, and it stays complete."""
    office = _invoiced_office(database)
    complete(office, office.billed)
    database.write(lambda tx: tx.execute(text("UPDATE invoice SET state = 'LOCKED'")))
    before = everything(office)
    with pytest.raises(InvoiceLocked):
        office.write(crediting.reopen, bench_of(office), office.billed, "wrong")
    assert everything(office) == before
    assert _on_invoices(office) == [("LOCKED", 7, 35_600, 6_384)]


@pytest.mark.rule("BIL-13", "INV-11")
def test_a_corrected_bill_puts_the_difference_on_the_running_invoice(database: Database) -> None:
    """A site is read again: its lines come back below zero and anew, with the head office that was charged on it."""
    office = _invoiced_office(database)
    complete(office, office.billed)
    before = _on_invoices(office)
    read_again(office, "S1", "500")
    site = next(each for each in on_bill(office, office.billed) if each.agreement_id == "S1")
    done = office.write(correcting.rebill, bench_of(office), Correction("A", site.segment_id, "read again"))
    corrected = complete(office, Key("A", done.bill.bill_id))
    ((_, _, net, tax),) = _on_invoices(office)
    assert (net, tax) == (before[0][2] + 3_000 + 200, before[0][3] + 570), "100 kWh at 0.30 and 0.02, and 19 %"
    assert corrected.amount_minor == 3_000 + 200 + 570


@pytest.mark.rule("PLT-07")
def test_an_account_on_no_billing_cycle_that_there_is_has_its_bill_refused(database: Database) -> None:
    """Nothing is half done."""
    office = _invoiced_office(database)
    database.write(lambda tx: tx.execute(text("UPDATE billing_account SET invoice_cycle_code = 'GONE'")))
    before = everything(office)
    with pytest.raises(BillingCycleMissing, match="billingCycles/GONE"):
        complete(office, office.billed)
    assert everything(office) == before
