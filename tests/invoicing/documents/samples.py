"""Documents that tests are about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from domain.invoicing.configuration.model import Address, Party
from domain.invoicing.documents.model import (
    DocumentLine,
    DocumentTax,
    InvoiceDocument,
    PaymentDetails,
    Preceding,
)
from domain.invoicing.invoices.states import InvoiceKind, TaxCategory
from domain.kernel.money import Rounding, rounded

SELLER = Party(
    name="Stadtwerke Musterstadt GmbH",
    address=Address(country="DE", street="Werkstraße 1", city="Musterstadt", postal_code="12345", subdivision="NW"),
    vat_id="DE123456789",
    registration_id="HRB 4711",
    electronic_address="rechnung@stadtwerke.example",
    electronic_scheme="EM",
    contact_name="Kundenservice",
    contact_phone="+49 2345 6789",
    contact_email="service@stadtwerke.example",
)
BUYER = Party(
    name="Bäckerei Brösel & Söhne <OHG>",
    address=Address(
        country="DE", street="Marktplatz 7", additional="Hinterhaus", city="Musterstadt", postal_code="12345"
    ),
    vat_id="DE987654321",
    electronic_address="0204:991-1234512345-06",
    electronic_scheme="0204",
)
PAYMENT = PaymentDetails(iban="DE89370400440532013000", bic="COBADEFFXXX", account_name="Stadtwerke Musterstadt GmbH")
REASON = {TaxCategory.EXEMPT: "Exempt under section 4 no. 12 of the act on turnover tax"}


def line(number: int, net_minor: int, **given: Any) -> DocumentLine:
    """A line of electricity, taxed at 19 %, or as `given`."""
    filled = {"description": "Electricity", "tax_category": TaxCategory.STANDARD, "tax_ppm": 190_000, **given}
    return DocumentLine(number=number, net_minor=net_minor, **filled)


def taxes_of(lines: tuple[DocumentLine, ...]) -> tuple[DocumentTax, ...]:
    """What aggregation comes to: sums by category and rate, the tax of each rounded once."""
    sums: dict[tuple[TaxCategory, int], int] = {}
    for each in lines:
        place = (each.tax_category, each.tax_ppm)
        sums[place] = sums.get(place, 0) + each.net_minor
    return tuple(
        DocumentTax(category, ppm, net, rounded(net * ppm, 1_000_000, Rounding.HALF_UP), REASON.get(category, ""))
        for (category, ppm), net in sorted(sums.items())
    )


def document(*lines: DocumentLine, **given: Any) -> InvoiceDocument:
    """A sound invoice of the lines (or of a usual one), or as `given`."""
    lines = lines or (USUAL,)
    taxes = taxes_of(lines)
    usual = InvoiceDocument(
        kind=InvoiceKind.INVOICE,
        number="INV2026-00000001",
        account_id="A-1",
        issue_day=20260401,
        due_day=20260415,
        currency="EUR",
        seller=SELLER,
        buyer=BUYER,
        payment=PAYMENT,
        lines=lines,
        taxes=taxes,
        net_minor=sum(each.net_minor for each in lines),
        tax_minor=sum(each.tax_minor for each in taxes),
        start_day=20260301,
        end_day=20260331,
        buyer_reference="PO-2026-17",
        note="Thank you for your business.",
    )
    return replace(usual, **given)


def credit_note(*lines: DocumentLine, **given: Any) -> InvoiceDocument:
    """A sound credit note."""
    head = {"kind": InvoiceKind.CREDIT_NOTE, "number": "CN2026-00000001", "due_day": 0}
    return document(*lines, **{**head, "preceding": Preceding("INV2026-00000001", 20260401), **given})


USUAL = line(
    1, 12_000, quantity="400", unit_code="KWH", price="0.30", start_day=20260301, end_day=20260401, description="Energy"
)
MIXED = (
    USUAL,
    line(2, 1_000, description="Standing charge", quantity="1", unit_code="MON", price="10.00"),
    line(3, 2_000, description="Water", tax_ppm=70_000, quantity="10", unit_code="MTQ", price="2"),
    line(4, -345, description="Correction of February"),
    line(5, 500, description="Rent of a room", tax_category=TaxCategory.EXEMPT, tax_ppm=0),
)
