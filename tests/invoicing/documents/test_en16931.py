"""What we say breaks EN 16931 does, by the official rules, and the other way round."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.invoicing import codes
from domain.invoicing.configuration.model import Address, Party
from domain.invoicing.documents import ubl
from domain.invoicing.documents.model import DocumentLine, DocumentTax, InvoiceDocument, PaymentDetails, Preceding
from domain.invoicing.documents.soundness import RULES, breaches
from domain.invoicing.invoices.states import RATED, InvoiceKind, TaxCategory
from domain.kernel.money import Rounding, rounded
from tests.invoicing.documents.official import faults, known, listed
from tests.invoicing.documents.samples import BUYER, MIXED, SELLER, credit_note, document, line

C = TaxCategory
NOBODY = Party(name="", address=Address(country=""))


def _of(category: TaxCategory, ppm: int = 0) -> DocumentLine:
    return line(1, 1000, tax_category=category, tax_ppm=ppm)


def _taxed(given: InvoiceDocument, **changes: Any) -> InvoiceDocument:
    """The document with its one tax changed."""
    return replace(given, taxes=(replace(given.taxes[0], **changes),))


BROKEN: list[tuple[str, InvoiceDocument]] = [
    ("BR-02", document(number="")),
    ("BR-CL-04", document(currency="STN")),
    ("BR-06", document(seller=replace(SELLER, name=" "))),
    ("BR-07", document(buyer=NOBODY)),
    ("BR-09", document(seller=replace(SELLER, address=Address(country="")))),
    ("BR-11", document(buyer=NOBODY)),
    ("BR-CL-14", document(buyer=replace(BUYER, address=Address(country="XX")))),
    ("BR-16", document(lines=(), net_minor=0)),
    ("BR-25", document(line(1, 100, description=" "))),
    ("BR-29", document(start_day=20260331, end_day=20260301)),
    ("BR-30", document(line(1, 100, start_day=20260331, end_day=20260301))),
    ("BR-55", credit_note(preceding=Preceding("", 20260401))),
    ("BR-62", document(seller=replace(SELLER, electronic_scheme=""))),
    ("BR-63", document(buyer=replace(BUYER, electronic_scheme=""))),
    ("BR-CL-23", document(line(1, 100, quantity="1", price="1", unit_code="kWh"))),
    ("BR-CL-25", document(buyer=replace(BUYER, electronic_scheme="0001"))),
    ("BR-CO-09", document(buyer=replace(BUYER, vat_id="123456789"))),
    ("BR-CO-10", document(net_minor=1)),
    ("BR-CO-14", document(tax_minor=1)),
    ("BR-CO-17", _taxed(document(), tax_minor=10_000)),
    ("BR-CO-17", document(line(1, 100_000, tax_ppm=4_900))),
    ("BR-CO-18", document(taxes=(), tax_minor=0)),
    ("BR-CO-26", document(_of(C.OUTSIDE_SCOPE), seller=replace(SELLER, registration_id=""))),
    ("BR-DEC-12", document(line(1, 12_345), currency="KWD")),
    ("BR-DEC-19", document(line(1, 12_345), currency="KWD")),
    ("BR-DEC-20", document(line(1, 12_350), currency="KWD")),
    ("BR-DEC-23", document(line(1, 12_345), currency="KWD")),
    ("BR-O-11", document(_of(C.OUTSIDE_SCOPE), line(2, 5))),
    ("BR-IC-02", document(_of(C.INTRA_COMMUNITY), buyer=replace(BUYER, vat_id=""))),
    ("BR-IC-11", document(_of(C.INTRA_COMMUNITY), start_day=0, end_day=0)),
    ("BR-IC-12", document(_of(C.INTRA_COMMUNITY), buyer=replace(BUYER, address=Address(country="")))),
    ("BR-AE-02", document(_of(C.REVERSE_CHARGE), buyer=replace(BUYER, vat_id=""))),
    ("BR-E-10", _taxed(document(_of(C.EXEMPT)), reason="")),
    *(
        (f"BR-{RULES[each]}-02", document(_of(each, 190_000 * (each in RATED)), seller=replace(SELLER, vat_id="")))
        for each in sorted(set(C) - {C.OUTSIDE_SCOPE})
    ),
    *(
        (f"BR-{RULES[each]}-02", document(_of(each), seller=replace(SELLER, vat_id="", tax_number="181/815/08155")))
        for each in (C.INTRA_COMMUNITY, C.EXPORT)
    ),
    *((f"BR-{RULES[each]}-05", document(_of(each, 10_000))) for each in sorted(set(C) - RATED - {C.OUTSIDE_SCOPE})),
    ("BR-S-05", document(_of(C.STANDARD))),
    *(
        (f"BR-{RULES[each]}-01", document(_of(each), taxes=(DocumentTax(C.STANDARD, 190_000, 1000, 190),)))
        for each in sorted(set(C) - {C.STANDARD})
    ),
    ("BR-S-08", _taxed(document(), net_minor=99)),
    *((f"BR-{RULES[each]}-08", _taxed(document(_of(each)), net_minor=99)) for each in sorted(set(C) - {C.STANDARD})),
    *((f"BR-{RULES[each]}-09", _taxed(document(_of(each)), tax_minor=990)) for each in sorted(set(C) - RATED)),
]
STRICTER = {
    "BR-CO-25": document(due_day=0),  # of the standard, and not among the rules for this syntax
    "BR-DEC-13": document(line(1, 12_350), currency="KWD"),  # theirs looks in the wrong place; BR-DEC-20 is broken too
    "BR-03": document(issue_day=0),  # there is no day to render
    "BR-S-01": document(line(1, 100), line(2, 100, tax_ppm=70_000), taxes=(), tax_minor=0),  # each rate, once
    "BR-O-05": document(_of(C.OUTSIDE_SCOPE, 10_000)),  # rendered without a rate
    "BR-CO-17": _taxed(document(), tax_minor=2281),  # theirs lets a difference below 1 pass
    "BR-S-08": _taxed(document(), net_minor=12_001),  # the same
    "XML-1.0": document(note="\x01"),  # rendered as U+FFFD
}


@pytest.mark.rule("INV-15")
@pytest.mark.parametrize(("rule", "given"), BROKEN, ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(BROKEN)])
def test_what_we_say_breaks_a_rule_breaks_it_officially(rule: str, given: InvoiceDocument) -> None:
    """Export refuses with the reason that the receiver's own check would give."""
    assert rule in {breach.rule for breach in breaches(given)}
    found = faults(ubl.rendered(given))
    assert rule in found or any(fault.startswith("schema: ") for fault in found), found


@pytest.mark.rule("INV-15", "INV-16")
@pytest.mark.parametrize("rule", STRICTER)
def test_some_rules_are_held_more_strictly(rule: str) -> None:
    """To the cent, for one."""
    assert rule in {breach.rule for breach in breaches(STRICTER[rule])}


def test_every_rule_that_we_name_is_one_of_the_standard() -> None:
    """Whoever reads a reason finds it in the standard."""
    ours = {rule for rule, _ in BROKEN} | set(STRICTER)
    assert ours - known() == {"BR-CO-25", "XML-1.0"}


def test_a_breach_says_what_is_to_be_mended() -> None:
    """Rule, field and sentence in one line."""
    (breach,) = breaches(document(seller=replace(SELLER, vat_id="")))
    assert str(breach) == "BR-S-02: seller.vat_id or a tax number must be given with the tax category S"


def test_codes_are_those_of_the_official_rules() -> None:
    """When the lists grow, so do ours."""
    assert listed("BR-CL-23") == codes.UNITS
    assert listed("BR-CL-25") == codes.ELECTRONIC_SCHEMES
    assert listed("BR-CL-04") >= codes.CURRENCIES


def test_a_unit_that_is_not_shown_is_not_judged() -> None:
    """A line whose quantity does not multiply to its amount is shown as one piece."""
    assert breaches(document(line(1, 101, quantity="1", price="1", unit_code="kWh"))) == ()


@pytest.mark.rule("INV-15")
@pytest.mark.parametrize("category", sorted({*RATED, C.ZERO, C.EXEMPT, C.REVERSE_CHARGE, C.OUTSIDE_SCOPE}))
def test_a_seller_without_a_vat_id_has_a_tax_number(category: TaxCategory) -> None:
    """As small businesses have: BT-32, which the official rules take where they ask for a VAT id or one of these."""
    given = document(
        _of(category, 190_000 * (category in RATED)), seller=replace(SELLER, vat_id="", tax_number="181/815/08155")
    )
    assert breaches(given) == ()
    xml = ubl.rendered(given)
    assert faults(xml) == []
    assert b"<cbc:CompanyID>181/815/08155</cbc:CompanyID><cac:TaxScheme><cbc:ID>TAX</cbc:ID>" in xml


# Any document

_TEXT = st.text(max_size=40)
_ADDRESSES = st.builds(Address, country=st.sampled_from(["", "DE", "FR", "JP"]), street=_TEXT, city=_TEXT)
_PARTIES = st.builds(
    Party,
    name=st.one_of(st.just("A"), _TEXT),
    address=_ADDRESSES,
    vat_id=st.sampled_from(["", "DE123456789", "FR1", "12"]),
    tax_number=st.sampled_from(["", "181/815/08155"]),
    registration_id=st.sampled_from(["", "HRB 1"]),
    electronic_address=st.sampled_from(["", "a@b.example"]),
    electronic_scheme=st.sampled_from(["", "EM"]),
    contact_name=_TEXT,
)
_DECIMALS = st.one_of(st.just(""), st.decimals(-(10**6), 10**6, places=4).map(str))
_RATES = {C.STANDARD: [190_000, 70_000, 4_000], C.CANARY_ISLANDS: [0, 70_000], C.CEUTA_MELILLA: [0, 40_000]}
_CATEGORIES = st.one_of(
    st.lists(st.sampled_from(sorted(set(C) - {C.OUTSIDE_SCOPE})), min_size=1, max_size=4), st.just([C.OUTSIDE_SCOPE])
)


@st.composite
def _lines(draw: st.DrawFn) -> tuple[DocumentLine, ...]:
    lines = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        category = draw(st.sampled_from(draw(_CATEGORIES)))
        quantity, price = draw(_DECIMALS), draw(_DECIMALS)
        lines.append(
            line(
                number,
                draw(st.one_of(st.integers(-(10**12), 10**12), st.integers(-1000, 1000))),
                description=draw(st.one_of(st.just("x"), _TEXT)),
                tax_category=category,
                tax_ppm=draw(st.sampled_from(_RATES.get(category, [0]))),
                quantity=quantity,
                price=price,
                unit_code=draw(st.sampled_from(["", "KWH", "MON"])),
            )
        )
    return tuple(lines)


@st.composite
def _documents(draw: st.DrawFn) -> InvoiceDocument:
    """As they come from anywhere: sums and taxes are right, all else may be wrong."""
    kind = draw(st.sampled_from(InvoiceKind))
    return document(
        *draw(_lines()),
        kind=kind,
        preceding=Preceding("INV2026-1", 20260301) if kind is InvoiceKind.CREDIT_NOTE else None,
        currency=draw(st.sampled_from(["EUR", "JPY", "KWD", "USD"])),
        seller=draw(_PARTIES),
        buyer=draw(_PARTIES),
        payment=draw(st.sampled_from([PaymentDetails(), PaymentDetails(iban="DE89370400440532013000")])),
        due_day=draw(st.sampled_from([0, 20260501])),
        note=draw(_TEXT),
        start_day=draw(st.sampled_from([0, 20260301])),
    )


@pytest.mark.rule("INV-15", "INV-16")
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_documents())
def test_any_document_is_sound_if_and_only_if_it_conforms(given: InvoiceDocument) -> None:
    """Our word and the official one are the same, but for what only we ask for."""
    ours = {breach.rule for breach in breaches(given)} - {"BR-CO-25", "XML-1.0"}
    official = set(faults(ubl.rendered(given)))
    assert bool(ours) == bool(official), (ours, official)


@pytest.mark.rule("INV-16")
@settings(max_examples=200, deadline=None)
@given(_documents())
def test_sums_of_a_sound_document_agree(given: InvoiceDocument) -> None:
    """Net and tax are the total; lines are the tax bases; each tax is rounded once."""
    if {breach.rule for breach in breaches(given)} & {"BR-CO-10", "BR-CO-14", "BR-CO-17", "BR-S-08"}:
        return
    assert given.net_minor + given.tax_minor == given.total_minor
    assert sum(each.net_minor for each in given.lines) == sum(tax.net_minor for tax in given.taxes) == given.net_minor
    for tax in given.taxes:
        assert tax.tax_minor == rounded(tax.net_minor * tax.tax_ppm, 1_000_000, Rounding.HALF_UP)


@pytest.mark.rule("INV-17")
def test_a_credit_note_is_as_sound_as_its_invoice() -> None:
    """It has the same lines, taxes and parties."""
    assert credit_note(*MIXED).kind is InvoiceKind.CREDIT_NOTE
    assert breaches(credit_note(*MIXED)) == breaches(document(*MIXED)) == ()
