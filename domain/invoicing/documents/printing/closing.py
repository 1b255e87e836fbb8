"""What stands below the lines: sums and taxes, why no tax is due, how to pay, notes."""

from __future__ import annotations

from collections.abc import Iterator

from domain.invoicing.documents.model import DocumentTax, InvoiceDocument
from domain.invoicing.documents.printing.letters import BOLD, REGULAR, Points, width_of
from domain.invoicing.documents.printing.pages import Block
from domain.invoicing.documents.printing.paper import LEFT, RIGHT, Paper
from domain.invoicing.documents.printing.payment_code import payment_code
from domain.invoicing.documents.printing.texts import Written, fitting, wrapped
from domain.invoicing.invoices.states import REASONED, InvoiceKind, TaxCategory

_SIZE, _LEADING = 9.0, 13.0
_SUMS_LEFT = 270.0
_SUMS_GAP = 12.0
_CODE_SIDE = 84.0


def closing_blocks(document: InvoiceDocument, written: Written) -> Iterator[Block]:
    """The blocks, in their order."""
    yield _sums(document, written)
    yield from _reasons(document, written)
    yield _payment(document, written)
    yield from _paragraph(document.note, gap=10.0)


def _sums(document: InvoiceDocument, written: Written) -> Block:
    """Net total, each tax, and the total: one piece."""
    labels = written.labels
    credit = document.kind is InvoiceKind.CREDIT_NOTE
    lines = [(labels.net_total, written.amount(document.net_minor))]
    lines += [(_tax_label(tax, written), written.amount(tax.tax_minor)) for tax in document.taxes]
    if len(document.taxes) > 1:
        lines.append((labels.tax_total, written.amount(document.tax_minor)))
    widest = max(width_of(amount, REGULAR, _SIZE) for _, amount in lines)
    width = RIGHT - _SUMS_LEFT - widest - _SUMS_GAP
    texts = [(wrapped(label, REGULAR, _SIZE, width), amount) for label, amount in lines]
    name = labels.total_credited if credit else labels.total
    total = written.money(document.total_minor)
    height = 8 + sum(len(label) for label, _ in texts) * _LEADING + 26

    def draw(paper: Paper, y: Points) -> None:
        base = y + 8 + 9
        for label, amount in texts:
            paper.text_to(RIGHT, base, amount, size=_SIZE)
            for part in label:
                paper.text(_SUMS_LEFT, base, part, size=_SIZE)
                base += _LEADING
        paper.rule(_SUMS_LEFT, base - 7, RIGHT, gray=0.2, width=0.8)
        paper.text(_SUMS_LEFT, base + 8, name, size=11, bold=True)
        room = RIGHT - _SUMS_LEFT - width_of(name, BOLD, 11) - _SUMS_GAP
        paper.text_to(RIGHT, base + 8, total, size=fitting(total, BOLD, 11, room), bold=True)

    return Block(height, draw)


def _tax_label(tax: DocumentTax, written: Written) -> str:
    labels = written.labels
    name = labels.categories[tax.tax_category]
    rate = "" if tax.tax_category is TaxCategory.OUTSIDE_SCOPE else f" {written.rate(tax.tax_ppm)}"
    return f"{labels.tax} {name}{rate} {labels.of_base.format(base=written.amount(tax.net_minor))}"


def _reasons(document: InvoiceDocument, written: Written) -> Iterator[Block]:
    for tax in document.taxes:
        if tax.tax_category in REASONED:
            name = written.labels.categories[tax.tax_category]
            reason = tax.reason or written.labels.reasons.get(tax.tax_category, "")
            yield from _paragraph(f"{name}: {reason}" if tax.reason else reason, gap=4.0)


def _payment(document: InvoiceDocument, written: Written) -> Block:
    """What is to be paid, by when and whereto, with a code for banking apps where there can be one."""
    labels, code = written.labels, payment_code(document)
    side = _CODE_SIDE + 14 if code else 0.0
    lines: list[tuple[str, str]] = []
    if document.kind is InvoiceKind.INVOICE and document.total_minor > 0 and document.payment.account:
        payment = document.payment
        named = (
            (labels.account_name, payment.account_name or document.seller.name),
            ("IBAN", _grouped(payment.account)),
            ("BIC", payment.bic),
            (labels.payment_reference, document.number),
        )
        lines = [(label, text) for label, text in named if text]
    indent = max((width_of(label, REGULAR, _SIZE) for label, _ in lines), default=0.0) + _SUMS_GAP
    width = RIGHT - LEFT - side
    sentences = wrapped(_sentence(document, written), REGULAR, _SIZE, width)
    texts = [(label, wrapped(text, REGULAR, _SIZE, width - indent)) for label, text in lines]
    count = len(sentences) + sum(len(parts) for _, parts in texts)
    height = 16 + max(_LEADING + count * _LEADING + 4, side)

    def draw(paper: Paper, y: Points) -> None:
        base = y + 16 + 9
        paper.text(LEFT, base, labels.payment, size=_SIZE, bold=True)
        for sentence in sentences:
            base += _LEADING
            paper.text(LEFT, base, sentence, size=_SIZE)
        base += 4 if texts else 0
        for label, parts in texts:
            paper.text(LEFT, base + _LEADING, label, size=_SIZE, gray=0.35)
            for part in parts:
                base += _LEADING
                paper.text(LEFT + indent, base, part, size=_SIZE)
        if code:
            _draw_code(paper, y + 16, code, labels.scan)

    return Block(height, draw)


def _sentence(document: InvoiceDocument, written: Written) -> str:
    labels = written.labels
    if document.kind is InvoiceKind.CREDIT_NOTE:
        number = document.preceding.number if document.preceding else ""
        return labels.credited.format(number=number).strip() + "."
    if document.total_minor <= 0:
        return labels.nothing_due
    total = written.money(document.total_minor)
    if not document.due_day:
        return labels.pay.format(total=total)
    return labels.pay_by.format(total=total, day=written.day(document.due_day))


def _draw_code(paper: Paper, y: Points, code: tuple[bytearray, ...], caption: str) -> None:
    """The square at the right edge, with its name below; dark modules that stand side by side are one box."""
    module = _CODE_SIDE / len(code)
    left = RIGHT - _CODE_SIDE
    boxes = []
    for down, row in enumerate(code):
        start = None
        for across, dark in enumerate([*row, 0]):
            if dark and start is None:
                start = across
            elif not dark and start is not None:
                boxes.append((left + start * module, y + down * module, (across - start) * module, module))
                start = None
    paper.boxes(boxes)
    size = fitting(caption, REGULAR, 7, _CODE_SIDE)
    paper.text(left + (_CODE_SIDE - width_of(caption, REGULAR, size)) / 2, y + _CODE_SIDE + 9, caption, size=size)


def _paragraph(text: str, *, gap: Points) -> Iterator[Block]:
    """A block a line, so that long text goes on where there is room."""
    for number, line in enumerate(wrapped(text, REGULAR, _SIZE, RIGHT - LEFT)):
        above = 0.0 if number else gap

        def draw(paper: Paper, y: Points, *, line: str = line, above: Points = above) -> None:
            paper.text(LEFT, y + above + 9, line, size=_SIZE)

        yield Block(above + _LEADING, draw)


def _grouped(iban: str) -> str:
    return " ".join(iban[at : at + 4] for at in range(0, len(iban), 4))
