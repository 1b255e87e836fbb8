"""JSON of a document: amounts as decimal text, keys always in one order, empty fields left out.

The schema stands in docs/reference/schemas/invoice-document.schema.json.
"""

from __future__ import annotations

from typing import Any

import orjson

from domain.invoicing.configuration.model import Address, Party
from domain.invoicing.documents.figures import iso_day, last_day, percent
from domain.invoicing.documents.model import DocumentLine, DocumentTax, InvoiceDocument
from domain.kernel.characters import legible
from domain.kernel.money import decimal_text

SCHEMA = "urn:countinghouse:schema:invoice-document:1"


def rendered(document: InvoiceDocument) -> bytes:
    """The document as one line of JSON in UTF-8, with a line feed at its end."""
    currency, payment = document.currency, document.payment
    fields = {
        "schema": SCHEMA,
        "kind": document.kind.value,
        "number": document.number,
        "accountId": document.account_id,
        "issueDate": iso_day(document.issue_day),
        "dueDate": _day(document.due_day),
        "startDate": _day(document.start_day),
        "endDate": _day(document.end_day),
        "currencyCode": currency,
        "buyerReference": document.buyer_reference,
        "note": document.note,
        "preceding": _preceding(document),
        "seller": _party(document.seller),
        "buyer": _party(document.buyer),
        "payment": _filled({"iban": payment.account, "bic": payment.bic, "accountName": payment.account_name}),
        "lines": [_line(line, currency) for line in document.lines],
        "taxes": [_tax(tax, currency) for tax in document.taxes],
        "netAmount": decimal_text(document.net_minor, currency),
        "taxAmount": decimal_text(document.tax_minor, currency),
        "totalAmount": decimal_text(document.total_minor, currency),
    }
    return orjson.dumps(_filled(fields), option=orjson.OPT_APPEND_NEWLINE)


def _preceding(document: InvoiceDocument) -> dict[str, Any]:
    preceding = document.preceding
    if preceding is None:
        return {}
    return _filled({"number": preceding.number, "issueDate": _day(preceding.issue_day)})


def _party(party: Party) -> dict[str, Any]:
    return _filled(
        {
            "name": party.name,
            "address": _address(party.address),
            "vatId": party.vat_id,
            "taxNumber": party.tax_number,
            "registrationId": party.registration_id,
            "electronicAddress": party.electronic_address,
            "electronicScheme": party.electronic_scheme,
            "contactName": party.contact_name,
            "contactPhone": party.contact_phone,
            "contactEmail": party.contact_email,
        }
    )


def _address(address: Address) -> dict[str, Any]:
    return _filled(
        {
            "street": address.street,
            "additional": address.additional,
            "postalCode": address.postal_code,
            "city": address.city,
            "subdivision": address.subdivision,
            "country": address.country,
        }
    )


def _line(line: DocumentLine, currency: str) -> dict[str, Any]:
    fields = {
        "description": line.description,
        "quantity": line.quantity,
        "unitCode": line.unit_code,
        "price": line.price,
        "startDate": _day(line.start_day),
        "endDate": _day(last_day(line.end_day)) if line.end_day else "",
        "taxCategory": line.tax_category.value,
        "taxPercent": percent(line.tax_ppm),
        "netAmount": decimal_text(line.net_minor, currency),
    }
    return {"number": line.number, **_filled(fields)}


def _tax(tax: DocumentTax, currency: str) -> dict[str, Any]:
    return _filled(
        {
            "taxCategory": tax.tax_category.value,
            "taxPercent": percent(tax.tax_ppm),
            "netAmount": decimal_text(tax.net_minor, currency),
            "taxAmount": decimal_text(tax.tax_minor, currency),
            "reason": tax.reason,
        }
    )


def _day(yyyymmdd: int) -> str:
    return iso_day(yyyymmdd) if yyyymmdd else ""


def _filled(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        key: legible(value) if isinstance(value, str) else value
        for key, value in fields.items()
        if value or value == []
    }
