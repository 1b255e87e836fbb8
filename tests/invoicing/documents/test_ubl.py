"""UBL 2.1 of documents, judged by the official schemas and rules."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lxml import etree

from domain.invoicing.configuration.model import Address, Party
from domain.invoicing.documents import ubl
from domain.invoicing.documents.figures import Priced, percent, priced
from domain.invoicing.documents.model import PaymentDetails
from domain.invoicing.documents.soundness import breaches
from domain.invoicing.invoices.states import TaxCategory
from tests.invoicing.documents.official import faults
from tests.invoicing.documents.samples import BUYER, MIXED, PAYMENT, SELLER, USUAL, credit_note, document, line

NS = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}
C = TaxCategory
BARE = Party(name="A", address=Address(country="FR"), vat_id="FR12345678901")

UNTAXED = sorted(set(TaxCategory) - {C.STANDARD})

SOUND = {
    "one line": document(),
    "many rates": document(*MIXED),
    "credit note": credit_note(*MIXED),
    "credit note of nothing known": credit_note(preceding=None),
    "nothing due": document(line(1, 0), due_day=0),
    "more given back than due": document(line(1, -500), due_day=0),
    "yen": document(line(1, 1234), currency="JPY"),
    "dinars in two decimals": document(line(1, 12_340), line(2, -340), currency="KWD"),
    "no period, reference, note": document(start_day=0, end_day=0, buyer_reference="", note=""),
    "least parties": document(seller=BARE, buyer=replace(BARE, vat_id="")),
    "Greek": document(seller=replace(BARE, vat_id="EL123456789", address=Address(country="GR"))),
    "no account": document(payment=PaymentDetails()),
    "account of another currency": document(
        currency="CHF", payment=replace(PAYMENT, iban="CH93 0076 2011 6238 5295 7")
    ),
    **{f"category {category}": document(line(1, 1000, tax_category=category, tax_ppm=0)) for category in UNTAXED},
    "reverse charge, no VAT id": document(
        line(1, 1000, tax_category=C.REVERSE_CHARGE, tax_ppm=0), buyer=replace(BUYER, vat_id="", registration_id="X 1")
    ),
    "Ceuta": document(line(1, 1000, tax_category=C.CEUTA_MELILLA, tax_ppm=40_000)),
    "hostile text": document(line(1, 100, description="</cbc:Name><x a='\"'>&amp; ]]> \t\n ok")),
}


@pytest.mark.rule("INV-15", "INV-16")
@pytest.mark.parametrize("name", SOUND)
def test_a_sound_document_conforms_to_the_schema_and_the_official_rules(name: str) -> None:
    """Without even a warning, and what we call sound the standard does."""
    assert breaches(SOUND[name]) == ()
    assert faults(ubl.rendered(SOUND[name])) == []


@pytest.mark.rule("INV-15")
def test_the_same_document_gives_the_same_bytes() -> None:
    """Whoever exports again sends the same file."""
    assert ubl.rendered(document(*MIXED)) == ubl.rendered(document(*MIXED))


@pytest.mark.rule("INV-16")
def test_amounts_are_those_of_the_document() -> None:
    """Lines, taxes by category and rate, and totals stand in it to the cent."""
    root = etree.fromstring(ubl.rendered(document(*MIXED)))
    assert _texts(root, "cac:InvoiceLine/cbc:LineExtensionAmount") == ["120.00", "10.00", "20.00", "-3.45", "5.00"]
    assert _texts(root, "cac:TaxTotal/cac:TaxSubtotal/cbc:TaxableAmount") == ["5.00", "20.00", "126.55"]
    assert _texts(root, "cac:TaxTotal/cac:TaxSubtotal/cbc:TaxAmount") == ["0.00", "1.40", "24.04"]
    assert _texts(root, "cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory/cbc:Percent") == ["0", "7", "19"]
    assert _texts(root, "cac:TaxTotal/cbc:TaxAmount") == ["25.44"]
    assert _texts(root, "cac:LegalMonetaryTotal/*") == ["151.55", "151.55", "176.99", "176.99"]


@pytest.mark.rule("INV-15", "INV-17")
def test_a_credit_note_names_the_invoice_that_it_corrects() -> None:
    """It is a CreditNote of type 381, with positive amounts, and asks for no payment."""
    root = etree.fromstring(ubl.rendered(credit_note()))
    assert etree.QName(root).localname == "CreditNote"
    assert _texts(root, "cbc:CreditNoteTypeCode") == ["381"]
    reference = "cac:BillingReference/cac:InvoiceDocumentReference"
    assert _texts(root, f"{reference}/cbc:ID") == ["INV2026-00000001"]
    assert _texts(root, f"{reference}/cbc:IssueDate") == ["2026-04-01"]
    assert _texts(root, "cac:CreditNoteLine/cbc:CreditedQuantity") == ["400"]
    assert _texts(root, "cac:PaymentMeans") == []
    assert _texts(root, "cac:PaymentTerms/cbc:Note") == ["Credited against invoice INV2026-00000001"]


@pytest.mark.rule("INV-15")
def test_payment_and_period_are_told() -> None:
    """Whom to pay, by when, under which reference; the days of document and lines, the last one included."""
    root = etree.fromstring(ubl.rendered(document(payment=replace(PAYMENT, iban="DE89 3704 0044 0532 0130 00"))))
    assert _texts(root, "cbc:DueDate") == ["2026-04-15"]
    assert _texts(root, "cac:PaymentMeans/cbc:PaymentMeansCode") == ["58"]
    assert _texts(root, "cac:PaymentMeans/cbc:PaymentID") == ["INV2026-00000001"]
    assert _texts(root, "cac:PaymentMeans/cac:PayeeFinancialAccount/cbc:ID") == ["DE89370400440532013000"]
    assert _texts(root, "cac:InvoicePeriod/*") == ["2026-03-01", "2026-03-31"]
    assert _texts(root, "cac:InvoiceLine/cac:InvoicePeriod/*") == ["2026-03-01", "2026-03-31"]


def test_a_currency_other_than_euro_is_paid_by_credit_transfer() -> None:
    """Code 58 is for SEPA alone."""
    root = etree.fromstring(ubl.rendered(document(currency="CHF")))
    assert _texts(root, "cac:PaymentMeans/cbc:PaymentMeansCode") == ["30"]


def test_text_comes_back_as_it_was_given() -> None:
    """Whatever it holds is text, never a part of the document; what XML has no place for is replaced."""
    root = etree.fromstring(ubl.rendered(document(line(1, 1, description="<a>&\"'\x0b ]]> é 😀"))))
    assert _texts(root, "cac:InvoiceLine/cac:Item/cbc:Name") == ["<a>&\"'\ufffd ]]> é 😀"]


def test_nobody_has_a_vat_id_where_nothing_is_subject_to_vat() -> None:
    """BR-O-02 forbids them; the seller is known by its registration."""
    xml = ubl.rendered(document(line(1, 1000, tax_category=C.OUTSIDE_SCOPE, tax_ppm=0)))
    assert SELLER.vat_id.encode() not in xml
    assert BUYER.vat_id.encode() not in xml
    assert b"HRB 4711" in xml


@pytest.mark.parametrize(
    ("net_minor", "quantity", "price", "expected"),
    [
        (12_000, "400", "0.30", Priced("400", "KWH", "0.30")),
        (33, "1", "0.3333", Priced("1", "KWH", "0.3333")),
        (1, "0.5", "0.01", Priced("0.5", "KWH", "0.01")),  # half a cent rounds up
        (-1, "-0.5", "0.01", Priced("-0.5", "KWH", "0.01")),  # away from zero
        (-12_000, "400", "-0.30", Priced("-400", "KWH", "0.30")),
        (12_000, "-400", "-0.30", Priced("400", "KWH", "0.30")),
        (12_001, "400", "0.30", Priced("1", "C62", "120.01")),
        (-345, "", "", Priced("-1", "C62", "3.45")),
        (0, "", "", Priced("1", "C62", "0.00")),
        (0, "-0", "5", Priced("0", "KWH", "5")),
        (0, "5", "-0", Priced("5", "KWH", "0")),
        (100, "1E2", "1E-2", Priced("100", "KWH", "0.01")),
        (500, "5", "", Priced("1", "C62", "5.00")),
    ],
)
def test_quantity_times_price_is_the_net_amount(net_minor: int, quantity: str, price: str, expected: Priced) -> None:
    """What is told is shown where it rounds to the net amount; no price is below zero (BR-27)."""
    assert priced(line(1, net_minor, quantity=quantity, price=price, unit_code="KWH"), "EUR") == expected


def test_a_line_without_a_unit_counts_pieces() -> None:
    """The standard asks for a unit with every quantity (BR-23)."""
    assert priced(line(1, 1000, quantity="2", price="5"), "EUR").unit_code == "C62"


@pytest.mark.parametrize(
    ("ppm", "text"), [(190_000, "19"), (77_000, "7.7"), (0, "0"), (50, "0.005"), (1, "0.0001"), (1_000_000, "100")]
)
def test_rates_have_no_more_digits_than_they_need(ppm: int, text: str) -> None:
    """Millionths are percent with at most four digits."""
    assert percent(ppm) == text


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (150, "JPY", "150"),
        (12_340, "KWD", "12.34"),
        (12_345, "KWD", "12.345"),
        (-5, "EUR", "-0.05"),
        (0, "EUR", "0.00"),
    ],
)
def test_amounts_have_two_decimals_at_most(minor: int, currency: str, text: str) -> None:
    """As far as the amount allows it; one that does not is no sound document."""
    assert ubl.amount_text(minor, currency) == text


def test_samples_are_of_the_usual_line() -> None:
    """The line that most samples are made of tells a quantity that multiplies."""
    assert priced(USUAL, "EUR").quantity == "400"


def _texts(root: etree._Element, path: str) -> list[str]:
    return [str(element.text) for element in root.findall(path, NS)]
