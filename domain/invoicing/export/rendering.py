"""What an invoice is exported as: the formats of its cycle, each a file of its own (INV-15)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from domain.invoicing.configuration.model import Format
from domain.invoicing.documents import json_text, soundness, ubl
from domain.invoicing.documents.model import InvoiceDocument


@dataclass(frozen=True, slots=True)
class Form:
    """How a format is written; `place` orders the files of one invoice."""

    place: int
    suffix: str
    media_type: str
    render: Callable[[InvoiceDocument], bytes]


def _as_pdf(document: InvoiceDocument) -> bytes:
    """Whoever only answers calls is spared what draws: it takes long to import."""
    from domain.invoicing.documents import pdf  # noqa: PLC0415

    return pdf.rendered(document)


def _undrawable(document: InvoiceDocument) -> Sequence[object]:
    """What PDF has no letters for."""
    from domain.invoicing.documents.printing import checking  # noqa: PLC0415 - as above

    return checking.undrawable(document)


FORMS: Mapping[Format, Form] = {
    Format.PDF: Form(0, "pdf", "application/pdf", _as_pdf),
    Format.UBL: Form(1, "xml", "application/xml", ubl.rendered),
    Format.JSON: Form(2, "json", "application/json", json_text.rendered),
}


_DECIMALS = "BR-DEC"
"""Rules that UBL alone keeps: currencies may have more decimals than EN 16931 allows."""

_TOLD_MAX = 5

LETTER_WITHOUT_FONT = "LETTER_WITHOUT_FONT"
"""The reason for which a document is not printed."""


class Unsound(Exception):
    """The document breaks rules of EN 16931, or cannot be printed: the first rule, or reason, and what they say."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule, self.message = rule, message


def rendered(document: InvoiceDocument, formats: Sequence[Format]) -> dict[Format, bytes]:
    """The files of an invoice by format, all or none.

    Raises: Unsound: what makes no sense in one format makes none in another.
    """
    found = [
        each for each in soundness.breaches(document) if Format.UBL in formats or not each.rule.startswith(_DECIMALS)
    ]
    if found:
        raise Unsound(found[0].rule, "; ".join(map(str, found[:_TOLD_MAX])))
    if Format.PDF in formats and (boxes := _undrawable(document)):
        raise Unsound(LETTER_WITHOUT_FONT, "; ".join(map(str, boxes[:_TOLD_MAX])))
    return {each: FORMS[each].render(document) for each in formats}
