"""The words of a printed document, one table a language; whoever adds a language adds a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.invoicing.invoices.states import TaxCategory


@dataclass(frozen=True, slots=True)
class Labels:
    """All words of one language (ISO 639-1), with how it writes numbers and days."""

    language: str
    invoice: str
    credit_note: str
    number: str
    issued: str
    due: str
    period: str
    customer: str
    reference: str
    credits: str
    of_day: str
    vat_id: str
    tax_number: str
    registration_id: str
    line: str
    description: str
    quantity: str
    price: str
    net: str
    tax: str
    carried: str
    of_base: str
    payment_reference: str
    net_total: str
    tax_total: str
    total: str
    total_credited: str
    nothing_due: str
    payment: str
    pay_by: str
    pay: str
    account_name: str
    scan: str
    credited: str
    page: str
    categories: Mapping[TaxCategory, str]
    reasons: Mapping[TaxCategory, str]
    units: Mapping[str, str]
    decimal_point: str
    thousands: str
    day: str


ENGLISH = Labels(
    language="en",
    invoice="Invoice",
    credit_note="Credit note",
    number="Number",
    issued="Date",
    due="Due",
    period="Period",
    customer="Customer number",
    reference="Your reference",
    credits="Credits invoice",
    of_day="of {day}",
    vat_id="VAT ID",
    tax_number="Tax no.",
    registration_id="Reg. no.",
    line="No.",
    description="Description",
    quantity="Quantity",
    price="Price",
    net="Net",
    tax="VAT",
    carried="Carried forward",
    of_base="on {base}",
    payment_reference="Reference",
    net_total="Net total",
    tax_total="VAT total",
    total="Total due",
    total_credited="Total credited",
    nothing_due="Nothing is to be paid.",
    payment="Payment",
    pay_by="Please pay {total} by {day}.",
    pay="Please pay {total}.",
    account_name="Account holder",
    scan="Scan to pay",
    credited="Credited against invoice {number}",
    page="Page {page} of {pages}",
    categories={
        TaxCategory.STANDARD: "Standard rate",
        TaxCategory.ZERO: "Zero rated",
        TaxCategory.EXEMPT: "Exempt from VAT",
        TaxCategory.REVERSE_CHARGE: "Reverse charge",
        TaxCategory.INTRA_COMMUNITY: "Intra-Community supply",
        TaxCategory.EXPORT: "Export outside the EU",
        TaxCategory.OUTSIDE_SCOPE: "Not subject to VAT",
        TaxCategory.CANARY_ISLANDS: "IGIC, Canary Islands",
        TaxCategory.CEUTA_MELILLA: "IPSI, Ceuta and Melilla",
    },
    reasons={
        TaxCategory.REVERSE_CHARGE: "Reverse charge: the recipient owes the tax.",
        TaxCategory.INTRA_COMMUNITY: "Exempt as an intra-Community supply.",
        TaxCategory.EXPORT: "Exempt as an export outside the EU.",
        TaxCategory.OUTSIDE_SCOPE: "Not subject to VAT.",
    },
    units={
        "C62": "",
        "DAY": "d",
        "E34": "GB",
        "HUR": "h",
        "KWH": "kWh",
        "KWT": "kW",
        "LTR": "l",
        "MIN": "min",
        "MON": "mo.",
        "MTQ": "m³",
        "MWH": "MWh",
        "SEC": "s",
        "4L": "MB",
    },
    decimal_point=".",
    thousands=",",
    day="{year:04d}-{month:02d}-{day:02d}",
)

GERMAN = Labels(
    language="de",
    invoice="Rechnung",
    credit_note="Rechnungskorrektur",
    number="Nummer",
    issued="Datum",
    due="Fällig",
    period="Zeitraum",
    customer="Kundennummer",
    reference="Ihr Zeichen",
    credits="Zu Rechnung",
    of_day="vom {day}",
    vat_id="USt-IdNr.",
    tax_number="Steuernummer",
    registration_id="Reg.-Nr.",
    line="Pos.",
    description="Beschreibung",
    quantity="Menge",
    price="Preis",
    net="Netto",
    tax="USt.",
    carried="Übertrag",
    of_base="auf {base}",
    payment_reference="Verwendungszweck",
    net_total="Summe netto",
    tax_total="Umsatzsteuer",
    total="Zu zahlen",
    total_credited="Gutgeschrieben",
    nothing_due="Es ist nichts zu zahlen.",
    payment="Zahlung",
    pay_by="Bitte zahlen Sie {total} bis zum {day}.",
    pay="Bitte zahlen Sie {total}.",
    account_name="Kontoinhaber",
    scan="Mit der Bank-App scannen",
    credited="Gutgeschrieben auf Rechnung {number}",
    page="Seite {page} von {pages}",
    categories={
        TaxCategory.STANDARD: "Regelsatz",
        TaxCategory.ZERO: "Nullsatz",
        TaxCategory.EXEMPT: "Steuerbefreit",
        TaxCategory.REVERSE_CHARGE: "Steuerschuldnerschaft des Leistungsempfängers",
        TaxCategory.INTRA_COMMUNITY: "Innergemeinschaftliche Lieferung",
        TaxCategory.EXPORT: "Ausfuhr in ein Drittland",
        TaxCategory.OUTSIDE_SCOPE: "Nicht steuerbar",
        TaxCategory.CANARY_ISLANDS: "IGIC, Kanarische Inseln",
        TaxCategory.CEUTA_MELILLA: "IPSI, Ceuta und Melilla",
    },
    reasons={
        TaxCategory.REVERSE_CHARGE: "Steuerschuldnerschaft des Leistungsempfängers.",
        TaxCategory.INTRA_COMMUNITY: "Steuerfreie innergemeinschaftliche Lieferung.",
        TaxCategory.EXPORT: "Steuerfreie Ausfuhrlieferung.",
        TaxCategory.OUTSIDE_SCOPE: "Nicht steuerbar.",
    },
    units={
        "C62": "",
        "DAY": "d",
        "E34": "GB",
        "HUR": "h",
        "KWH": "kWh",
        "KWT": "kW",
        "LTR": "l",
        "MIN": "min",
        "MON": "Mon.",
        "MTQ": "m³",
        "MWH": "MWh",
        "SEC": "s",
        "4L": "MB",
    },
    decimal_point=",",
    thousands=".",
    day="{day:02d}.{month:02d}.{year:04d}",
)

LANGUAGES = {labels.language: labels for labels in (ENGLISH, GERMAN)}
"""By language (ISO 639-1), its words."""
