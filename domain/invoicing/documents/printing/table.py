"""The lines of a document as rows of a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from domain.invoicing.documents.figures import last_day
from domain.invoicing.documents.model import DocumentLine, InvoiceDocument
from domain.invoicing.documents.printing.letters import BOLD, REGULAR, Points, width_of
from domain.invoicing.documents.printing.pages import HEAD, Block
from domain.invoicing.documents.printing.paper import LEFT, RIGHT, Paper, Shade
from domain.invoicing.documents.printing.texts import DASH, Written, fitting, shown, wrapped
from domain.invoicing.invoices.states import TaxCategory

_SIZE, _SMALL, _LEADING = 8.5, 7.0, 11.5
_GAP = 10.0
_PAD = 4.0
_PIECE_LINES = 8  # a description is as long as it likes: it goes on in the next block
_HEAD_SIZE = 7.5


@dataclass(frozen=True, slots=True)
class Column:
    """A column of figures, which end at `right`; `width` is what the widest of them takes, within bounds."""

    right: Points
    width: Points


@dataclass(frozen=True, slots=True)
class Table:
    """The rows, with where their columns stand: number, description, then figures."""

    written: Written
    description: Points
    description_width: Points
    columns: tuple[Column, ...]
    rows: tuple[Block, ...]

    def draw_head(self, paper: Paper, y: Points) -> None:
        """The names of the columns on a band."""
        labels, base = self.written.labels, y + 12
        paper.band(LEFT - 4, y, RIGHT - LEFT + 8, HEAD - 2)
        paper.text(LEFT, base, labels.line, size=_HEAD_SIZE, bold=True)
        paper.text(self.description, base, labels.description, size=_HEAD_SIZE, bold=True)
        for column, name in zip(self.columns, _names(self.written), strict=True):
            size = fitting(name, BOLD, _HEAD_SIZE, column.width)
            paper.text_to(column.right, base, name, size=size, bold=True)

    def draw_carried(self, paper: Paper, y: Points, minor: int) -> None:
        """What the rows before come to."""
        paper.text(self.description, y + 11, self.written.labels.carried, size=_SIZE, gray=0.35)
        paper.text_to(RIGHT, y + 11, self.written.amount(minor), size=_SIZE, gray=0.35)


def table_of(document: InvoiceDocument, written: Written) -> Table:
    """The document's lines; figures take what they need, descriptions the rest."""
    cells = [_cells(line, written) for line in document.lines]
    columns = _columns(cells, written)
    numbers = max((width_of(str(line.number), REGULAR, _SIZE) for line in document.lines), default=0)
    number_width = max(numbers, width_of(written.labels.line, BOLD, _HEAD_SIZE))
    description = LEFT + number_width + _GAP
    width = columns[0].right - columns[0].width - _GAP - description
    rows: list[Block] = []
    total = 0
    for line, texts in zip(document.lines, cells, strict=True):
        total += line.net_minor
        rows += _row(line, texts, columns, written, description, width, total)
    return Table(written, description, width, columns, tuple(rows))


def _names(written: Written) -> tuple[str, ...]:
    labels = written.labels
    return (labels.quantity, labels.price, labels.tax, f"{labels.net} {written.currency}")


def _cells(line: DocumentLine, written: Written) -> tuple[str, ...]:
    """Quantity with its unit, price, rate and net amount."""
    unit = written.labels.units.get(line.unit_code, line.unit_code)
    quantity = f"{written.number(line.quantity)} {shown(unit)}".strip() if line.quantity else ""
    taxed = line.tax_category is not TaxCategory.OUTSIDE_SCOPE
    return (
        quantity,
        written.number(line.price) if line.price else "",
        written.rate(line.tax_ppm) if taxed else DASH,
        written.amount(line.net_minor),
    )


_WIDTHS = ((48.0, 96.0), (44.0, 80.0), (32.0, 44.0), (58.0, 112.0))
"""Of quantity, price, rate and net amount: the least and the most points that they take."""


def _columns(cells: Sequence[tuple[str, ...]], written: Written) -> tuple[Column, ...]:
    widths = []
    for place, ((least, most), name) in enumerate(zip(_WIDTHS, _names(written), strict=True)):
        widest = max((width_of(texts[place], REGULAR, _SIZE) for texts in cells), default=0.0)
        widths.append(min(max(widest, least, width_of(name, BOLD, _HEAD_SIZE)), most))
    right, columns = RIGHT, list[Column]()
    for width in reversed(widths):
        columns.insert(0, Column(right, width))
        right -= width + _GAP
    return tuple(columns)


def _row(  # noqa: PLR0917 - what a row is made of
    line: DocumentLine,
    texts: tuple[str, ...],
    columns: tuple[Column, ...],
    written: Written,
    description: Points,
    width: Points,
    total: int,
) -> Iterator[Block]:
    """One block, or more where the description is long; the figures stand in the first."""
    words = [(text, _SIZE, 0.0) for text in wrapped(line.description, REGULAR, _SIZE, width)] or [("", _SIZE, 0.0)]
    if line.start_day or line.end_day:
        days = written.days(line.start_day, last_day(line.end_day) if line.end_day else 0)
        words += [(text, _SMALL, 0.4) for text in wrapped(days, REGULAR, _SMALL, width)]
    for first in range(0, len(words), _PIECE_LINES):
        piece, last = words[first : first + _PIECE_LINES], first + _PIECE_LINES >= len(words)

        def draw(
            paper: Paper,
            y: Points,
            *,
            piece: Sequence[tuple[str, Points, Shade]] = piece,
            opens: bool = not first,
            closes: bool = last,
        ) -> None:
            base = y + 8 + _PAD * opens
            if opens:
                paper.text(LEFT, base, str(line.number), size=_SIZE)
                _figures(paper, base, texts, columns)
            for place, (text, size, gray) in enumerate(piece):
                paper.text(description, base + place * _LEADING, text, size=size, gray=gray)
            if closes:
                paper.rule(LEFT, base - 8 + len(piece) * _LEADING + _PAD, RIGHT, gray=0.85, width=0.4)

        yield Block(len(piece) * _LEADING + _PAD * (not first) + _PAD * last, draw, total)


def _figures(paper: Paper, base: Points, texts: tuple[str, ...], columns: tuple[Column, ...]) -> None:
    for text, column in zip(texts, columns, strict=True):
        if text:
            paper.text_to(column.right, base, text, size=fitting(text, REGULAR, _SIZE, column.width))
