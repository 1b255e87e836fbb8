"""The head of the first page: seller, address of the buyer where a window shows it, and what the document is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from domain.invoicing.configuration.model import Address, Party
from domain.invoicing.documents.labels import Labels
from domain.invoicing.documents.model import InvoiceDocument
from domain.invoicing.documents.printing.letters import BOLD, REGULAR, Points, width_of
from domain.invoicing.documents.printing.paper import LEFT, RIGHT, Paper, Shade
from domain.invoicing.documents.printing.texts import Written, wrapped
from domain.invoicing.invoices.states import InvoiceKind

_SELLER_LEFT, _FACTS_LEFT = 352.0, 352.0
_BUYER_WIDTH = 255.0
_WINDOW_TOP = 136.0  # where the window of an envelope begins (DIN 5008, form B)
_LOGO = (190.0, 56.0)
_NAME_LINES, _PART_LINES = 5, 3
_LEADING_SMALL, _LEADING = 10.0, 13.0


def draw_letterhead(paper: Paper, document: InvoiceDocument, written: Written) -> Points:
    """Draw it; gives where the table can begin."""
    y = _seller(paper, document, written.labels)
    y = max(y + 16, _WINDOW_TOP)
    y = max(_buyer(paper, document, written.labels, y), _facts(paper, document, written, y))
    paper.text(LEFT, y + 30, title_of(document, written.labels), size=16, bold=True)
    return y + 44


def title_of(document: InvoiceDocument, labels: Labels) -> str:
    """What it is called: Invoice, or Credit note."""
    return labels.credit_note if document.kind is InvoiceKind.CREDIT_NOTE else labels.invoice


def _seller(paper: Paper, document: InvoiceDocument, labels: Labels) -> Points:
    seller, end = document.seller, 0.0
    if document.logo:
        paper.logo(document.logo, LEFT, 42, *_LOGO)
        end = 42 + _LOGO[1]
    else:
        end = _lines(paper, LEFT, 42, wrapped(seller.name, BOLD, 14, 280, lines_max=3), size=14, leading=18, bold=True)
    width = RIGHT - _SELLER_LEFT
    names = wrapped(seller.name, BOLD, 8, width, lines_max=_NAME_LINES)
    y = _lines(paper, _SELLER_LEFT, 42, names, size=8, leading=_LEADING_SMALL, bold=True)
    numbers = (
        (labels.vat_id, seller.vat_id),
        (labels.tax_number, seller.tax_number),
        (labels.registration_id, seller.registration_id),
    )
    others = [f"{label} {number}" for label, number in numbers if number]
    contact = (seller.contact_name, seller.contact_phone, seller.contact_email)
    for text in (*address_lines(seller.address), *contact, *others):
        parts = wrapped(text, REGULAR, 8, width, lines_max=_PART_LINES)
        y = _lines(paper, _SELLER_LEFT, y, parts, size=8, leading=_LEADING_SMALL, gray=0.25)
    return max(y, end)


def _buyer(paper: Paper, document: InvoiceDocument, labels: Labels, y: Points) -> Points:
    buyer, seller = document.buyer, document.seller
    sender = wrapped(" · ".join((seller.name, *address_lines(seller.address))), REGULAR, 6.5, _BUYER_WIDTH, lines_max=1)
    y = _lines(paper, LEFT, y, sender, size=6.5, leading=9, gray=0.4)
    paper.rule(LEFT, y + 1, LEFT + _BUYER_WIDTH, gray=0.7, width=0.4)
    y += 7
    for text in wrapped(buyer.name, REGULAR, 10, _BUYER_WIDTH, lines_max=_NAME_LINES):
        y = _lines(paper, LEFT, y, [text], size=10, leading=_LEADING)
    for text in address_lines(buyer.address, apart_from=seller.address.country):
        parts = wrapped(text, REGULAR, 10, _BUYER_WIDTH, lines_max=_PART_LINES)
        y = _lines(paper, LEFT, y, parts, size=10, leading=_LEADING)
    if buyer.vat_id:
        y = _lines(paper, LEFT, y + 4, [f"{labels.vat_id} {buyer.vat_id}"], size=8, leading=_LEADING_SMALL, gray=0.25)
    return y


def _facts(paper: Paper, document: InvoiceDocument, written: Written, y: Points) -> Points:
    facts = tuple(_told(document, written))
    indent = max(width_of(label, REGULAR, 8.5) for label, _ in facts) + 8
    for label, text in facts:
        paper.text(_FACTS_LEFT, y + 8, label, size=8.5, gray=0.35)
        parts = wrapped(text, BOLD, 8.5, RIGHT - _FACTS_LEFT - indent, lines_max=_PART_LINES)
        y = _lines(paper, _FACTS_LEFT + indent, y, parts, size=8.5, leading=_LEADING, bold=True)
    return y


def _told(document: InvoiceDocument, written: Written) -> Iterator[tuple[str, str]]:
    labels = written.labels
    yield labels.number, document.number
    yield labels.issued, written.day(document.issue_day)
    if document.due_day and document.kind is InvoiceKind.INVOICE:
        yield labels.due, written.day(document.due_day)
    if document.start_day or document.end_day:
        yield labels.period, written.days(document.start_day, document.end_day)
    yield labels.customer, document.account_id
    if document.buyer_reference:
        yield labels.reference, document.buyer_reference
    if document.preceding is not None:
        yield labels.credits, document.preceding.number
        yield "", labels.of_day.format(day=written.day(document.preceding.issue_day))


def address_lines(address: Address, *, apart_from: str = "") -> Iterator[str]:
    """The lines of an address; the country's code, unless it is the one `apart_from`."""
    place = " ".join(part for part in (address.postal_code, address.city) if part)
    country = "" if address.country == apart_from else address.country
    for text in (address.street, address.additional, place, ", ".join(filter(None, (address.subdivision, country)))):
        if text:
            yield text


def footer_of(seller: Party, labels: Labels) -> str:
    """What every page says of the seller."""
    number = f"{labels.vat_id} {seller.vat_id}" if seller.vat_id else ""
    if not number and seller.tax_number:
        number = f"{labels.tax_number} {seller.tax_number}"
    told = (seller.name, number, seller.registration_id)
    return " · ".join(text for text in told if text)


def _lines(
    paper: Paper,
    x: Points,
    y: Points,
    texts: Sequence[str],
    *,
    size: Points,
    leading: Points,
    bold: bool = False,
    gray: Shade = 0.0,
) -> Points:
    """Lines one below the other, the first one's upper edge at `y`; gives where the next one's is."""
    for text in texts:
        paper.text(x, y + size * 0.95, text, size=size, bold=bold, gray=gray)
        y += leading
    return y
