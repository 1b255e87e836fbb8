"""UBL 2.1 of a document, as EN 16931-3-2 binds it: an Invoice (380) or a CreditNote (381).

Elements stand in the order of the schema. What the standard calls them (BT-…) is said where the name does not.
Source: EN 16931-1:2017, CEN/TS 16931-3-2, OASIS UBL 2.1.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, tostring

from domain.invoicing.configuration.model import Address, Party
from domain.invoicing.documents.figures import iso_day, last_day, percent, priced
from domain.invoicing.documents.labels import ENGLISH
from domain.invoicing.documents.model import DocumentLine, DocumentTax, InvoiceDocument
from domain.invoicing.invoices.states import REASONED, InvoiceKind, TaxCategory
from domain.kernel.characters import legible
from domain.kernel.money import decimal_text

EN_16931 = "urn:cen.eu:en16931:2017"

REASON_CODES = {
    TaxCategory.REVERSE_CHARGE: "VATEX-EU-AE",
    TaxCategory.INTRA_COMMUNITY: "VATEX-EU-IC",
    TaxCategory.EXPORT: "VATEX-EU-G",
    TaxCategory.OUTSIDE_SCOPE: "VATEX-EU-O",
}
"""Codes that say why no tax is due; an exemption has none of its own."""

_NAMESPACE = "urn:oasis:names:specification:ubl:schema:xsd:"
_TAX_OFFICE = "TAX"  # what tells a tax number (BT-32) from a VAT id
_SEPA, _TRANSFER = "58", "30"  # UNCL 4461
_DECIMALS_MAX = 2


def rendered(document: InvoiceDocument) -> bytes:
    """The document as XML in UTF-8; a sound one (`soundness`) conforms to EN 16931."""
    credit = document.kind is InvoiceKind.CREDIT_NOTE
    root = _root("CreditNote" if credit else "Invoice")
    _head(root, document, credit=credit)
    plain = tells_no_vat_ids(document)
    _party(_sub(root, "cac:AccountingSupplierParty"), document.seller, plain=plain, sells=True)
    _party(_sub(root, "cac:AccountingCustomerParty"), document.buyer, plain=plain, identifier=document.account_id)
    _delivery(root, document)
    _payment(root, document, credit=credit)
    _taxes(root, document)
    _totals(root, document)
    for line in document.lines:
        _line(root, line, document.currency, credit=credit)
    text: bytes = tostring(root, encoding="UTF-8", xml_declaration=True)
    return text


def tells_no_vat_ids(document: InvoiceDocument) -> bool:
    """Whether VAT ids are left out: where nothing is subject to VAT they must not be told (BR-O-02)."""
    return any(tax.tax_category is TaxCategory.OUTSIDE_SCOPE for tax in document.taxes)


def amount_text(minor: int, currency: str) -> str:
    """An amount in the at most two decimals that the standard has; more only where the amount needs them."""
    text = decimal_text(minor, currency)
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals[:2]}" if not decimals[_DECIMALS_MAX:].strip("0") and decimals else text


def _root(kind: str) -> Element:
    # The prefixes are written as they are: making them from names with namespaces takes twice the time.
    return Element(
        kind,
        {
            "xmlns": f"{_NAMESPACE}{kind}-2",
            "xmlns:cac": f"{_NAMESPACE}CommonAggregateComponents-2",
            "xmlns:cbc": f"{_NAMESPACE}CommonBasicComponents-2",
        },
    )


def _head(root: Element, document: InvoiceDocument, *, credit: bool) -> None:
    _text(root, "cbc:CustomizationID", EN_16931)
    _text(root, "cbc:ID", document.number)
    _text(root, "cbc:IssueDate", iso_day(document.issue_day))
    if document.due_day and not credit:
        _text(root, "cbc:DueDate", iso_day(document.due_day))
    _text(root, "cbc:CreditNoteTypeCode" if credit else "cbc:InvoiceTypeCode", "381" if credit else "380")
    _text(root, "cbc:Note", document.note)
    _text(root, "cbc:DocumentCurrencyCode", document.currency)
    _text(root, "cbc:BuyerReference", document.buyer_reference)
    _period(root, document.start_day, document.end_day)
    if document.preceding is not None:
        reference = _sub(_sub(root, "cac:BillingReference"), "cac:InvoiceDocumentReference")
        _text(reference, "cbc:ID", document.preceding.number)
        _text(reference, "cbc:IssueDate", iso_day(document.preceding.issue_day))


def _party(parent: Element, party: Party, *, plain: bool, sells: bool = False, identifier: str = "") -> None:
    """Seller (BG-4) or buyer (BG-7), who has an `identifier` (BT-46) and no tax number (BT-32)."""
    element = _sub(parent, "cac:Party")
    if party.electronic_address:
        scheme = {"schemeID": party.electronic_scheme} if party.electronic_scheme else {}
        _text(element, "cbc:EndpointID", party.electronic_address, scheme)
    if identifier:
        _text(_sub(element, "cac:PartyIdentification"), "cbc:ID", identifier)
    _address(_sub(element, "cac:PostalAddress"), party.address)
    if party.vat_id and not plain:
        tax_scheme = _sub(element, "cac:PartyTaxScheme")
        _text(tax_scheme, "cbc:CompanyID", party.vat_id)
        _vat(tax_scheme)
    if sells:
        _tax_number(element, party.tax_number)
    legal = _sub(element, "cac:PartyLegalEntity")
    _text(legal, "cbc:RegistrationName", party.name)
    _text(legal, "cbc:CompanyID", party.registration_id)
    if party.contact_name or party.contact_phone or party.contact_email:
        contact = _sub(element, "cac:Contact")
        _text(contact, "cbc:Name", party.contact_name)
        _text(contact, "cbc:Telephone", party.contact_phone)
        _text(contact, "cbc:ElectronicMail", party.contact_email)


def _tax_number(element: Element, number: str) -> None:
    if number and not number.isspace():
        tax_scheme = _sub(element, "cac:PartyTaxScheme")
        _text(tax_scheme, "cbc:CompanyID", number)
        _text(_sub(tax_scheme, "cac:TaxScheme"), "cbc:ID", _TAX_OFFICE)


def _address(element: Element, address: Address) -> None:
    _text(element, "cbc:StreetName", address.street)
    _text(element, "cbc:AdditionalStreetName", address.additional)
    _text(element, "cbc:CityName", address.city)
    _text(element, "cbc:PostalZone", address.postal_code)
    _text(element, "cbc:CountrySubentity", address.subdivision)
    if address.country:
        _text(_sub(element, "cac:Country"), "cbc:IdentificationCode", address.country)


def _delivery(root: Element, document: InvoiceDocument) -> None:
    """Where goods go within the Union, which the standard asks for (BR-IC-12): to the buyer."""
    if any(tax.tax_category is TaxCategory.INTRA_COMMUNITY for tax in document.taxes):
        address = _sub(_sub(_sub(root, "cac:Delivery"), "cac:DeliveryLocation"), "cac:Address")
        _text(_sub(address, "cac:Country"), "cbc:IdentificationCode", document.buyer.address.country)


def _payment(root: Element, document: InvoiceDocument, *, credit: bool) -> None:
    """How the seller is paid (BG-16); of a credit note, what it is set against."""
    if credit:
        number = document.preceding.number if document.preceding else ""
        _text(_sub(root, "cac:PaymentTerms"), "cbc:Note", ENGLISH.credited.format(number=number).strip())
        return
    payment = document.payment
    if not payment.account:
        return
    means = _sub(root, "cac:PaymentMeans")
    _text(means, "cbc:PaymentMeansCode", _SEPA if document.currency == "EUR" else _TRANSFER)
    _text(means, "cbc:PaymentID", document.number)
    account = _sub(means, "cac:PayeeFinancialAccount")
    _text(account, "cbc:ID", payment.account)
    _text(account, "cbc:Name", payment.account_name)
    if payment.bic:
        _text(_sub(account, "cac:FinancialInstitutionBranch"), "cbc:ID", payment.bic)


def _taxes(root: Element, document: InvoiceDocument) -> None:
    total = _sub(root, "cac:TaxTotal")
    _amount(total, "cbc:TaxAmount", document.tax_minor, document.currency)
    for tax in document.taxes:
        subtotal = _sub(total, "cac:TaxSubtotal")
        _amount(subtotal, "cbc:TaxableAmount", tax.net_minor, document.currency)
        _amount(subtotal, "cbc:TaxAmount", tax.tax_minor, document.currency)
        category = _category(subtotal, "cac:TaxCategory", tax)
        if tax.tax_category in REASONED:
            _text(category, "cbc:TaxExemptionReasonCode", REASON_CODES.get(tax.tax_category, ""))
            _text(category, "cbc:TaxExemptionReason", tax.reason)
        _vat(category)


def _category(parent: Element, tag: str, rated: DocumentTax | DocumentLine) -> Element:
    category = _sub(parent, tag)
    _text(category, "cbc:ID", rated.tax_category.value)
    if rated.tax_category is not TaxCategory.OUTSIDE_SCOPE:
        _text(category, "cbc:Percent", percent(rated.tax_ppm))
    return category


def _totals(root: Element, document: InvoiceDocument) -> None:
    totals = _sub(root, "cac:LegalMonetaryTotal")
    _amount(totals, "cbc:LineExtensionAmount", document.net_minor, document.currency)
    _amount(totals, "cbc:TaxExclusiveAmount", document.net_minor, document.currency)
    _amount(totals, "cbc:TaxInclusiveAmount", document.total_minor, document.currency)
    _amount(totals, "cbc:PayableAmount", document.total_minor, document.currency)


def _line(root: Element, line: DocumentLine, currency: str, *, credit: bool) -> None:
    element = _sub(root, "cac:CreditNoteLine" if credit else "cac:InvoiceLine")
    shown = priced(line, currency)
    _text(element, "cbc:ID", str(line.number))
    quantity = "cbc:CreditedQuantity" if credit else "cbc:InvoicedQuantity"
    _text(element, quantity, shown.quantity, {"unitCode": shown.unit_code})
    _amount(element, "cbc:LineExtensionAmount", line.net_minor, currency)
    _period(element, line.start_day, last_day(line.end_day) if line.end_day else 0)
    item = _sub(element, "cac:Item")
    _text(item, "cbc:Name", line.description)
    _vat(_category(item, "cac:ClassifiedTaxCategory", line))
    _text(_sub(element, "cac:Price"), "cbc:PriceAmount", shown.price, {"currencyID": currency})


def _period(parent: Element, start_day: int, end_day: int) -> None:
    if start_day or end_day:
        period = _sub(parent, "cac:InvoicePeriod")
        if start_day:
            _text(period, "cbc:StartDate", iso_day(start_day))
        if end_day:
            _text(period, "cbc:EndDate", iso_day(end_day))


def _vat(parent: Element) -> None:
    _text(_sub(parent, "cac:TaxScheme"), "cbc:ID", "VAT")


def _amount(parent: Element, tag: str, minor: int, currency: str) -> None:
    SubElement(parent, tag, {"currencyID": currency}).text = amount_text(minor, currency)


def _text(parent: Element, tag: str, text: str, attributes: dict[str, str] | None = None) -> None:
    """An element with text; none where there is no text, as the standard has no empty ones."""
    if text and not text.isspace():
        SubElement(parent, tag, attributes or {}).text = legible(text)


_sub = SubElement
