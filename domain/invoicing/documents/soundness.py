"""What keeps a document from being an e-invoice of EN 16931: told before it is rendered, by the standard's own rules.

What rendering always does right (codes of types, order, the specification's name) is not asked for here; the official
rules are run over what is rendered in the tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from domain.invoicing.codes import CURRENCIES, ELECTRONIC_SCHEMES, UNITS
from domain.invoicing.configuration.model import Party
from domain.invoicing.configuration.parties import countries
from domain.invoicing.documents.figures import ONE, priced
from domain.invoicing.documents.model import DocumentLine, DocumentTax, InvoiceDocument
from domain.invoicing.documents.ubl import REASON_CODES, tells_no_vat_ids
from domain.invoicing.invoices.states import RATED, REASONED, InvoiceKind, TaxCategory
from domain.kernel.characters import character_fault
from domain.kernel.money import DIGITS, Rounding, digits_of, rounded

RULES = {
    TaxCategory.STANDARD: "S",
    TaxCategory.ZERO: "Z",
    TaxCategory.EXEMPT: "E",
    TaxCategory.REVERSE_CHARGE: "AE",
    TaxCategory.INTRA_COMMUNITY: "IC",
    TaxCategory.EXPORT: "G",
    TaxCategory.OUTSIDE_SCOPE: "O",
    TaxCategory.CANARY_ISLANDS: "AF",
    TaxCategory.CEUTA_MELILLA: "AG",
}
"""By category, the letters of its rules: BR-IC-02 is the second one of intra-Community supplies."""

_VAT_ID_ALONE = frozenset({TaxCategory.INTRA_COMMUNITY, TaxCategory.EXPORT})
"""Categories of which the seller has a VAT id: a tax number will not do."""

_GREECE, _NORTHERN_IRELAND = "EL", "XI"  # prefixes of VAT ids that are no codes of countries
_RATE_PPM_MIN = 5_000
_DECIMALS_MAX = 2


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule of EN 16931 that a document breaks: its id (BR-…), the field, and a sentence for a person."""

    rule: str
    field: str
    description: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.field} {self.description}"


def breaches(document: InvoiceDocument) -> tuple[Breach, ...]:
    """All rules that the document breaks; one without any is rendered as valid UBL.

    The amounts of PDF and JSON may have more decimals than EN 16931 allows; all else is sense in any format.
    """
    return (*_head(document), *_parties(document), *_lines(document), *_taxes(document), *_totals(document))


def _head(document: InvoiceDocument) -> Iterator[Breach]:
    if _blank(document.number):
        yield Breach("BR-02", "number", "must be given")
    if not document.issue_day:
        yield Breach("BR-03", "issue_day", "must be given")
    if document.currency not in CURRENCIES:
        yield Breach("BR-CL-04", "currency", "must be a currency of ISO 4217 that the standard lists")
    if document.start_day and document.end_day and document.end_day < document.start_day:
        yield Breach("BR-29", "end_day", "must not be before the period's first day")
    if document.preceding is not None and _blank(document.preceding.number):
        yield Breach("BR-55", "preceding.number", "must be given")
    if document.kind is InvoiceKind.INVOICE and document.total_minor > 0 and not document.due_day:
        yield Breach("BR-CO-25", "due_day", "must be given where something is due")
    for name, text in (("number", document.number), ("note", document.note), ("reference", document.buyer_reference)):
        yield from _characters(name, text)


# Parties


def _parties(document: InvoiceDocument) -> Iterator[Breach]:
    seller, buyer = document.seller, document.buyer
    if tells_no_vat_ids(document):
        seller, buyer = replace(seller, vat_id=""), replace(buyer, vat_id="")
    yield from _party("seller", seller, name="BR-06", country="BR-09", electronic="BR-62")
    yield from _party("buyer", buyer, name="BR-07", country="BR-11", electronic="BR-63")
    if _blank(seller.registration_id) and not seller.vat_id:
        yield Breach("BR-CO-26", "seller", "must have a VAT id or a registration id (without tax: the latter)")
    for category in sorted({line.tax_category for line in document.lines}):
        yield from _vat_ids(category, seller, buyer)


def _party(path: str, party: Party, *, name: str, country: str, electronic: str) -> Iterator[Breach]:
    if _blank(party.name):
        yield Breach(name, f"{path}.name", "must be given")
    if not party.address.country:
        yield Breach(country, f"{path}.address.country", "must be given")
    elif party.address.country not in countries():
        yield Breach("BR-CL-14", f"{path}.address.country", "must be a country's code of two letters (ISO 3166-1)")
    if party.electronic_address and not party.electronic_scheme:
        yield Breach(electronic, f"{path}.electronic_scheme", "must be given with the electronic address")
    elif party.electronic_address and party.electronic_scheme not in ELECTRONIC_SCHEMES:
        yield Breach("BR-CL-25", f"{path}.electronic_scheme", "must be a code of the list EAS")
    if party.vat_id and party.vat_id[:2] not in {*countries(), _GREECE, _NORTHERN_IRELAND}:
        yield Breach("BR-CO-09", f"{path}.vat_id", "must begin with a country's two letters")
    yield from _characters(f"{path}.name", party.name)


def _vat_ids(category: TaxCategory, seller: Party, buyer: Party) -> Iterator[Breach]:
    """Who must have a VAT id; nobody where nothing is subject to it (BR-O-02: rendering leaves them out)."""
    rule = f"BR-{RULES[category]}-02"
    if category in _VAT_ID_ALONE and not seller.vat_id:
        yield Breach(rule, "seller.vat_id", f"must be given with the tax category {category}")
    elif category is not TaxCategory.OUTSIDE_SCOPE and not seller.vat_id and _blank(seller.tax_number):
        yield Breach(rule, "seller.vat_id", f"or a tax number must be given with the tax category {category}")
    if category is TaxCategory.INTRA_COMMUNITY and not buyer.vat_id:
        yield Breach(rule, "buyer.vat_id", f"must be given with the tax category {category}")
    if category is TaxCategory.REVERSE_CHARGE and not buyer.vat_id and _blank(buyer.registration_id):
        yield Breach(rule, "buyer.vat_id", f"or a registration id must be given with the tax category {category}")


# Lines


def _lines(document: InvoiceDocument) -> Iterator[Breach]:
    if not document.lines:
        yield Breach("BR-16", "lines", "must have one at least")
    for line in document.lines:
        yield from _line(line, f"lines[{line.number}]", document)


def _line(line: DocumentLine, path: str, document: InvoiceDocument) -> Iterator[Breach]:
    if _blank(line.description):
        yield Breach("BR-25", f"{path}.description", "must be given")
    yield from _characters(f"{path}.description", line.description)
    if line.start_day and line.end_day and line.end_day <= line.start_day:
        yield Breach("BR-30", f"{path}.end_day", "must be after the line's first day")
    if line.unit_code not in {"", ONE} and line.unit_code not in UNITS:
        unit = priced(line, document.currency).unit_code if document.currency in DIGITS else line.unit_code
        if unit == line.unit_code:
            yield Breach("BR-CL-23", f"{path}.unit_code", "must be a code of UN/ECE recommendation 20")
    yield from _rate(line, path)
    yield from _decimals("BR-DEC-23", f"{path}.net_minor", line.net_minor, document.currency)


def _rate(line: DocumentLine, path: str) -> Iterator[Breach]:
    rule = f"BR-{RULES[line.tax_category]}-05"
    if line.tax_category not in RATED and line.tax_ppm:
        yield Breach(rule, f"{path}.tax_ppm", f"must be 0 with the tax category {line.tax_category}")
    if line.tax_ppm < 0 or (line.tax_category is TaxCategory.STANDARD and not line.tax_ppm):
        yield Breach(rule, f"{path}.tax_ppm", f"must be above 0 with the tax category {line.tax_category}")


# Taxes


def _taxes(document: InvoiceDocument) -> Iterator[Breach]:
    if not document.taxes:
        yield Breach("BR-CO-18", "taxes", "must have one at least")
    yield from _groups(document)
    for number, tax in enumerate(document.taxes):
        yield from _tax(tax, f"taxes[{number}]", document)
    if len(document.taxes) > 1 and tells_no_vat_ids(document):
        yield Breach("BR-O-11", "taxes", "must have no other category beside what is not subject to VAT")
    if any(tax.tax_category is TaxCategory.INTRA_COMMUNITY for tax in document.taxes):
        if not document.start_day and not document.end_day:
            yield Breach("BR-IC-11", "start_day", "must be given with an intra-Community supply")
        if not document.buyer.address.country:
            yield Breach("BR-IC-12", "buyer.address.country", "must be given with an intra-Community supply")


def _groups(document: InvoiceDocument) -> Iterator[Breach]:
    """The sum of each category and rate, once, and no other."""
    sums: dict[tuple[TaxCategory, int], int] = {}
    for line in document.lines:
        place = (line.tax_category, line.tax_ppm)
        sums[place] = sums.get(place, 0) + line.net_minor
    told = [(tax.tax_category, tax.tax_ppm) for tax in document.taxes]
    for category, ppm in dict.fromkeys([*sums, *told]):
        if told.count((category, ppm)) != 1:
            yield Breach(f"BR-{RULES[category]}-01", "taxes", f"must have {category} at {ppm} millionths once")
    for number, tax in enumerate(document.taxes):
        place = (tax.tax_category, tax.tax_ppm)
        if place not in sums or sums[place] != tax.net_minor:
            rule = f"BR-{RULES[tax.tax_category]}-08"
            yield Breach(rule, f"taxes[{number}].net_minor", "must be the sum of the lines of its category and rate")


def _tax(tax: DocumentTax, path: str, document: InvoiceDocument) -> Iterator[Breach]:
    exact = rounded(tax.net_minor * tax.tax_ppm, 1_000_000, Rounding.HALF_UP)
    if tax.tax_minor != exact:
        rule = "BR-CO-17" if tax.tax_category in RATED else f"BR-{RULES[tax.tax_category]}-09"
        yield Breach(rule, f"{path}.tax_minor", "must be its net amount times its rate, rounded once")
    elif tax.tax_ppm < _RATE_PPM_MIN and 2 * abs(tax.tax_minor) >= 10 ** (digits_of(document.currency) or 0):
        yield Breach("BR-CO-17", f"{path}.tax_ppm", "must be half a percent at least: the rule takes less for none")
    if tax.tax_category in REASONED and tax.tax_category not in REASON_CODES and _blank(tax.reason):
        yield Breach(f"BR-{RULES[tax.tax_category]}-10", f"{path}.reason", "must say why no tax is due")
    yield from _characters(f"{path}.reason", tax.reason)
    yield from _decimals("BR-DEC-19", f"{path}.net_minor", tax.net_minor, document.currency)
    yield from _decimals("BR-DEC-20", f"{path}.tax_minor", tax.tax_minor, document.currency)


# Totals


def _totals(document: InvoiceDocument) -> Iterator[Breach]:
    if document.net_minor != sum(line.net_minor for line in document.lines):
        yield Breach("BR-CO-10", "net_minor", "must be the sum of the lines")
    if document.tax_minor != sum(tax.tax_minor for tax in document.taxes):
        yield Breach("BR-CO-14", "tax_minor", "must be the sum of the taxes")
    yield from _decimals("BR-DEC-12", "net_minor", document.net_minor, document.currency)
    yield from _decimals("BR-DEC-13", "tax_minor", document.tax_minor, document.currency)


def _decimals(rule: str, path: str, minor: int, currency: str) -> Iterator[Breach]:
    digits = digits_of(currency) or 0
    if digits > _DECIMALS_MAX and minor % 10 ** (digits - _DECIMALS_MAX):
        yield Breach(rule, path, "must not have more than two decimals")


def _characters(path: str, text: str) -> Iterator[Breach]:
    """XML 1.0 has no place for them; what we store has none (`kernel.characters`)."""
    if fault := character_fault(text):
        yield Breach("XML-1.0", path, fault)


def _blank(text: str) -> bool:
    return not text or text.isspace()
