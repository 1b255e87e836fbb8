"""PDF of a document: A4, selectable text in an embedded font, the same bytes every time (INV-15)."""

from __future__ import annotations

from domain.invoicing.documents.labels import ENGLISH, Labels
from domain.invoicing.documents.model import InvoiceDocument
from domain.invoicing.documents.printing.closing import closing_blocks
from domain.invoicing.documents.printing.letterhead import draw_letterhead, footer_of, title_of
from domain.invoicing.documents.printing.letters import REGULAR
from domain.invoicing.documents.printing.pages import HEAD, Page, pages_of
from domain.invoicing.documents.printing.paper import HEIGHT, LEFT, RIGHT, Paper
from domain.invoicing.documents.printing.table import Table, table_of
from domain.invoicing.documents.printing.texts import Written, shown, wrapped

_FOOT = HEIGHT - 36
_PAGE_WIDTH = 80.0


def rendered(document: InvoiceDocument, labels: Labels = ENGLISH) -> bytes:
    """The document as PDF, in the language of `labels`."""
    title = f"{title_of(document, labels)} {shown(document.number)}"
    paper = Paper(title=title, author=shown(document.seller.name), language=labels.language, day=document.issue_day)
    written = Written(labels, document.currency)
    first_top = draw_letterhead(paper, document, written)
    table = table_of(document, written)
    pages = pages_of(table.rows, closing_blocks(document, written), first_top=first_top)
    for number, page in enumerate(pages, 1):
        if number > 1:
            paper.next_page()
            _running_head(paper, document, title)
        _draw(paper, page, table)
        _foot(paper, document, labels, number, len(pages))
    paper.next_page()
    return paper.finished()


def _draw(paper: Paper, page: Page, table: Table) -> None:
    if page.head:
        table.draw_head(paper, page.head)
    if page.carried_in is not None:
        table.draw_carried(paper, page.head + HEAD, page.carried_in)
    for y, block in page.placed:
        block.draw(paper, y)
    if page.carried_out is not None:
        table.draw_carried(paper, page.end, page.carried_out)


def _running_head(paper: Paper, document: InvoiceDocument, title: str) -> None:
    """What says on later pages of whom and what they are."""
    seller = wrapped(document.seller.name, REGULAR, 8, 300, lines_max=1)
    paper.text(LEFT, 50, seller[0] if seller else "", size=8, gray=0.35)
    name = wrapped(title, REGULAR, 8, 180, lines_max=1)
    paper.text_to(RIGHT, 50, name[0], size=8, gray=0.35)
    paper.rule(LEFT, 56, RIGHT)


def _foot(paper: Paper, document: InvoiceDocument, labels: Labels, number: int, count: int) -> None:
    paper.rule(LEFT, _FOOT - 12, RIGHT)
    told = wrapped(footer_of(document.seller, labels), REGULAR, 7, RIGHT - LEFT - _PAGE_WIDTH, lines_max=1)
    paper.text(LEFT, _FOOT, told[0] if told else "", size=7, gray=0.4)
    paper.text_to(RIGHT, _FOOT, labels.page.format(page=number, pages=count), size=7, gray=0.4)
