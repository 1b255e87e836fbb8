"""What of a document no font has letters for: told before it is drawn, as boxes are nothing that one could send."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import fields
from typing import NamedTuple

from domain.invoicing.configuration.model import Address, Party
from domain.invoicing.documents.model import InvoiceDocument
from domain.invoicing.documents.printing.letters import lacking
from domain.invoicing.documents.printing.texts import shown


class Lacking(NamedTuple):
    """A letter that no font has, and the field of the document that has it."""

    field: str
    letter: str

    def __str__(self) -> str:
        name = unicodedata.name(self.letter, "a letter without a name")
        return f"{self.field} has {self.letter!r} (U+{ord(self.letter):04X}, {name}), for which there is no font"


def undrawable(document: InvoiceDocument) -> list[Lacking]:
    """The first letter of each field that cannot be drawn."""
    return [Lacking(field, letter) for field, text in _texts(document) if (letter := lacking(shown(text)))]


def _texts(document: InvoiceDocument) -> Iterator[tuple[str, str]]:
    """All that is printed as it was given."""
    yield "number", document.number
    yield from _party("seller", document.seller)
    yield from _party("buyer", document.buyer)
    yield "payment.account_name", document.payment.account_name
    yield "buyer_reference", document.buyer_reference
    yield "note", document.note
    if document.preceding is not None:
        yield "preceding.number", document.preceding.number
    for place, line in enumerate(document.lines):
        yield f"lines[{place}].description", line.description
        yield f"lines[{place}].unit_code", line.unit_code
    for place, tax in enumerate(document.taxes):
        yield f"taxes[{place}].reason", tax.reason


def _party(field: str, party: Party) -> Iterator[tuple[str, str]]:
    for each in (party, party.address):
        path = f"{field}.address" if isinstance(each, Address) else field
        for name in fields(each):
            if isinstance(text := getattr(each, name.name), str):
                yield f"{path}.{name.name}", text
