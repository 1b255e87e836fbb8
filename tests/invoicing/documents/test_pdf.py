"""PDF of documents, read back from the file."""

from __future__ import annotations

import re
from dataclasses import replace
from io import BytesIO
from itertools import pairwise

import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from domain.invoicing.configuration.model import Address, Party
from domain.invoicing.documents import pdf
from domain.invoicing.documents.labels import ENGLISH, GERMAN, LANGUAGES, Labels
from domain.invoicing.documents.model import InvoiceDocument, PaymentDetails
from domain.invoicing.documents.printing.paper import LEFT, RIGHT
from domain.invoicing.documents.printing.payment_code import payment_code
from domain.invoicing.documents.printing.texts import Written
from domain.invoicing.invoices.states import TaxCategory
from tests.invoicing.documents.printed import A4, Word, opened, texts, words
from tests.invoicing.documents.samples import BUYER, MIXED, PAYMENT, SELLER, credit_note, document, line

LONG = "Gesellschaft für außerordentlich lange Firmennamen und deren ordnungsgemäße Darstellung mbH & Co. KGaA " * 3
MANY = tuple(line(n, 12_345 * n, description="Consumption " * (1 + n % 40), quantity="1") for n in range(1, 201))
PAGES = {
    "one line": document(),
    "many rates": document(*MIXED),
    "credit note": credit_note(*MIXED),
    "200 lines": document(*MANY),
    "long texts": document(
        line(1, 100, description="Lorem ipsum dolor sit amet " * 300),
        line(2, -(10**14) + 1, description="x" * 400, quantity="123456789012345.123456789", price="0.000000123456"),
        note="A note that is long. " * 400,
        seller=replace(SELLER, name=LONG, contact_email="x" * 100),
        buyer=replace(BUYER, name="B" * 300, address=replace(BUYER.address, street="Straße " * 60)),
        buyer_reference="R" * 200,
    ),
    "nothing due": document(line(1, 0), due_day=0),
    "nobody": document(buyer=Party(name="", address=Address(country="")), payment=PaymentDetails()),
    "untaxed": document(line(1, 100, tax_category=TaxCategory.OUTSIDE_SCOPE, tax_ppm=0)),
}


@pytest.mark.rule("INV-15")
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("labels", LANGUAGES.values(), ids=LANGUAGES)
def test_nothing_leaves_its_page_or_overlaps(name: str, labels: Labels) -> None:
    """Every word stands between the margins, and on no other word."""
    for page in words(pdf.rendered(PAGES[name], labels)):
        assert [word for word in page if word.left < LEFT - 1 or word.right > RIGHT + 1] == []
        assert [word for word in page if word.bottom < 20 or word.top > A4[1] - 20] == []
        assert list(_overlapping(page)) == []


def _overlapping(page: list[Word]) -> list[tuple[Word, Word]]:
    ordered = sorted(page, key=lambda word: word.left)
    return [
        (word, other)
        for place, word in enumerate(ordered)
        for other in ordered[place + 1 :]
        if other.left < word.right and word.overlaps(other)
    ]


@pytest.mark.rule("INV-15", "INV-16")
def test_all_figures_can_be_read() -> None:
    """Whoever it is for finds each amount, rate, day and number in the text."""
    (page,) = texts(pdf.rendered(document(*MIXED)))
    for line_of_text in (
        "Number INV2026-00000001",
        "Date 2026-04-01",
        "Due 2026-04-15",
        "Period 2026-03-01 \N{EN DASH} 2026-03-31",
        "Customer number A-1",
        "Your reference PO-2026-17",
        "Bäckerei Brösel & Söhne <OHG>",
        "VAT ID DE987654321",
        "1 Energy 400 kWh 0.30 19 % 120.00",
        "2026-03-01 \N{EN DASH} 2026-03-31",
        "2 Standing charge 1 mo. 10.00 19 % 10.00",
        "3 Water 10 m³ 2 7 % 20.00",
        "4 Correction of February 19 % -3.45",
        "5 Rent of a room 0 % 5.00",
        "Net total 151.55",
        "VAT Exempt from VAT 0 % on 5.00 0.00",
        "VAT Standard rate 7 % on 20.00 1.40",
        "VAT Standard rate 19 % on 126.55 24.04",
        "VAT total 25.44",
        "Total due 176.99 EUR",
        "Exempt from VAT: Exempt under section 4 no. 12 of the act on turnover tax",
        "Please pay 176.99 EUR by 2026-04-15.",
        "IBAN DE89 3704 0044 0532 0130 00",
        "BIC COBADEFFXXX",
        "Reference INV2026-00000001",
        "Thank you for your business.",
        "Stadtwerke Musterstadt GmbH · VAT ID DE123456789 · HRB 4711 Page 1 of 1",
    ):
        assert line_of_text in page.split("\n")


@pytest.mark.rule("INV-15")
def test_sums_are_carried_from_page_to_page() -> None:
    """Each page of lines ends with what its lines and those before come to, and the next one begins with it."""
    pages = texts(pdf.rendered(document(*MANY)))
    total, ends, begins = 0, [], []
    for number, page in enumerate(pages, 1):
        assert f"Page {number} of {len(pages)}" in page
        carried = re.findall(r"^Carried forward ([\d,.]+)$", page, re.MULTILINE)
        on_page = [int(each) for each in re.findall(r"^(\d+) Consumption", page, re.MULTILINE)]
        if on_page:
            assert "No. Description Quantity Price VAT Net EUR" in page
            begins.append(carried[0] if number > 1 else "")
            total += sum(12_345 * each for each in on_page)
            ends.append(Written(ENGLISH, "EUR").amount(total))
            assert carried[-1:] == ([ends[-1]] if on_page[-1] < 200 else carried[:1])
    assert len(begins) > 5
    assert begins[1:] == ends[:-1]
    assert total == sum(each.net_minor for each in MANY)


@pytest.mark.rule("INV-15", "INV-17")
def test_a_credit_note_says_what_it_credits() -> None:
    """It has a name of its own, names the invoice, and asks for no money."""
    (page,) = texts(pdf.rendered(credit_note(*MIXED)))
    found = page.split("\n")
    assert {"Credit note", "Credits invoice INV2026-00000001", "of 2026-04-01"} <= set(found)
    assert {"Total credited 176.99 EUR", "Credited against invoice INV2026-00000001."} <= set(found)
    assert "IBAN" not in page
    assert "Due" not in page


@pytest.mark.rule("INV-15")
def test_the_same_document_gives_the_same_bytes() -> None:
    """No clock, no random id: what is exported again is the same file."""
    first = pdf.rendered(document(*MIXED, logo=_logo()))
    assert pdf.rendered(document(*MIXED, logo=_logo())) == first
    with opened(first) as read:
        told = read.get_metadata_dict()
    assert told["CreationDate"] == told["ModDate"] == "D:20260401000000Z"
    assert told["Title"] == "Invoice INV2026-00000001"
    assert told["Author"] == SELLER.name
    assert b"/Lang (en)" in first


def test_fonts_are_embedded() -> None:
    """It looks the same everywhere; no font is left to the reader's program."""
    fonts = set(re.findall(rb"/BaseFont /(\S+)", pdf.rendered(document())))
    assert fonts == {b"AAAAAA+NotoSans-Regular", b"AAAAAA+NotoSans-Bold"}


@pytest.mark.parametrize(
    ("currency", "minor", "english", "german"),
    [
        ("EUR", 123_456_789, "1,234,567.89 EUR", "1.234.567,89 EUR"),
        ("JPY", 1_234, "1,234 JPY", "1.234 JPY"),
        ("KWD", -1_234_567, "-1,234.567 KWD", "-1.234,567 KWD"),
        ("USD", 5, "0.05 USD", "0,05 USD"),
    ],
)
def test_amounts_are_written_as_the_language_does(currency: str, minor: int, english: str, german: str) -> None:
    """With the currency's digits, in groups of three."""
    assert Written(ENGLISH, currency).money(minor) == english
    assert Written(GERMAN, currency).money(minor) == german


def test_german_is_german_throughout() -> None:
    """Words, days and numbers."""
    (page,) = texts(pdf.rendered(document(*MIXED), GERMAN))
    for text in ("Rechnung", "Fällig 15.04.2026", "1 Energy 400 kWh 0,30 19 % 120,00", "Zu zahlen 176,99 EUR"):
        assert text in page.split("\n")
    with opened(pdf.rendered(credit_note(), GERMAN)) as read:
        assert read.get_metadata_dict()["Title"] == "Rechnungskorrektur CN2026-00000001"


def test_latin_greek_and_cyrillic_are_shown() -> None:
    """Letters are composed, and what would turn its neighbours around is dropped; other scripts become boxes."""
    name = "Ελληνικά Кирилиця cafe\u0301 a\u202eb čžšđł שלום"
    (page,) = texts(pdf.rendered(document(line(1, 100, description=name))))
    assert "1 Ελληνικά Кирилиця café ab čžšđł" in page


def test_a_logo_takes_the_place_of_the_name() -> None:
    """It is drawn within its box, whatever its shape, with its transparency."""
    for size in ((420, 120), (2000, 10), (10, 2000)):
        with opened(pdf.rendered(document(logo=_logo(size)))) as read:
            (picture,) = [each for each in read[0].get_objects() if type(each).__name__ == "PdfImage"]
            left, bottom, right, top = picture.get_bounds()
        assert right - left <= 190.5
        assert top - bottom <= 56.5
        assert left >= LEFT - 0.5
    (page,) = texts(pdf.rendered(document(logo=_logo())))
    assert page.count("Stadtwerke Musterstadt GmbH\n") < texts(pdf.rendered(document()))[0].count(SELLER.name)


def _logo(size: tuple[int, int] = (420, 120)) -> bytes:
    content = BytesIO()
    Image.new("RGBA", size, (0, 110, 90, 128)).save(content, "PNG")
    return content.getvalue()


@pytest.mark.rule("INV-15")
def test_the_payment_code_says_what_the_page_says() -> None:
    """Version 002 of the European Payments Council's code: whom, whereto, how much, under which number."""
    payload = "BCD\n002\n1\nSCT\nCOBADEFFXXX\nStadtwerke Musterstadt GmbH\nDE89370400440532013000\nEUR142.8\n\n\n"
    payload += "INV2026-00000001"
    expected = segno.make_qr(payload.encode(), error="m", boost_error=False)
    assert payment_code(document()) == tuple(expected.matrix)


@pytest.mark.parametrize(
    "without",
    [
        credit_note(),
        document(currency="CHF"),
        document(line(1, 0)),
        document(line(1, -100)),
        document(line(1, 10**14)),
        document(payment=PaymentDetails()),
        document(payment=replace(PAYMENT, bic="SHORT")),
        document(seller=replace(SELLER, name=""), payment=replace(PAYMENT, account_name="")),
    ],
)
def test_there_is_no_code_where_there_is_no_such_payment(without: InvoiceDocument) -> None:
    """Only euro, only upward, only to an IBAN."""
    assert payment_code(without) == ()
    assert "Scan to pay" not in texts(pdf.rendered(without))[0]


def test_pages_break_nowhere_else_than_between_lines() -> None:
    """A table's page is full before the next begins: no page of many lines is left half empty."""
    pages = words(pdf.rendered(document(*(line(n, 100) for n in range(1, 101)))))
    heights = [min(word.bottom for word in page if word.text == "Electricity") for page in pages[:-1]]
    assert max(heights) < 110
    assert [len(a) > 0 and len(b) > 0 for a, b in pairwise(pages)] == [True] * (len(pages) - 1)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_text_can_be_printed(data: st.DataObject) -> None:
    """Nothing that a field can hold stops a document or leaves its page."""
    text = st.text(max_size=200)
    given_document = document(
        line(1, data.draw(st.integers(-(10**15), 10**15)), description=data.draw(text), quantity="1", unit_code="X"),
        number=data.draw(text),
        note=data.draw(text),
        buyer_reference=data.draw(text),
        seller=replace(SELLER, name=data.draw(text)),
        buyer=replace(BUYER, name=data.draw(text), address=Address(country="DE", city=data.draw(text))),
    )
    for page in words(pdf.rendered(given_document)):
        assert [word for word in page if word.left < LEFT - 5 or word.right > RIGHT + 5] == []
