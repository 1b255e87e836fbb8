"""Credit notes as the contract asks for them."""

from __future__ import annotations

from collections.abc import Iterator

from countinghouse.invoicing.v1 import credit_notes_pb2 as pb
from domain.flows.crediting import Wanted
from domain.invoicing.crediting.choosing import Part
from domain.kernel.amounts import amount_fault, minor_of
from domain.kernel.errors import Invalid, Violation
from domain.kernel.quantities import quantity_fault
from server.mapping.invoicing.invoice_lines import place_from_name
from server.mapping.invoicing.invoices import ids_from_name


def wanted_from_proto(request: pb.CreateCreditNoteRequest) -> Wanted:
    """What is to be given back.

    Raises: Invalid for lines of another invoice than is named, a line that is named twice, and what is no amount or
    quantity.
    """
    ids = ids_from_name(request.invoice)
    found = [*_misplaced(request, ids), *_malformed(request)]
    if found:
        raise Invalid(*found)
    lines = frozenset(place_from_name(each)[1].line_no for each in request.lines)
    parts = {place_from_name(each.line)[1].line_no: _part(each) for each in request.parts}
    currencies = frozenset(each.net_amount.currency_code for each in request.parts if each.HasField("net_amount"))
    return Wanted(*ids, lines, request.reason, parts, currencies)


def _part(given: pb.LineToCredit) -> Part:
    if given.HasField("quantity"):
        return Part(quantity=given.quantity.value)
    amount = given.net_amount
    return Part(minor_of((amount.currency_code, amount.units, amount.nanos)))


def _misplaced(request: pb.CreateCreditNoteRequest, ids: tuple[str, str]) -> Iterator[Violation]:
    named = {f"lines[{at}]": name for at, name in enumerate(request.lines)}
    named |= {f"parts[{at}].line": part.line for at, part in enumerate(request.parts)}
    seen = set()
    for field, name in named.items():
        account, place = place_from_name(name)
        if (account, place.invoice_id) != ids:
            yield Violation(field, "LINE_OF_OTHER_INVOICE", "must be a line of the invoice that is named")
        if name in seen:
            yield Violation(field, "LINE_NAMED_TWICE", "is named before: a line is given back once by a credit note")
        seen.add(name)


def _malformed(request: pb.CreateCreditNoteRequest) -> Iterator[Violation]:
    for at, part in enumerate(request.parts):
        amount = part.net_amount
        if part.HasField("quantity"):
            if fault := quantity_fault(part.quantity.value):
                yield Violation(f"parts[{at}].quantity", *fault)
        elif fault := amount_fault((amount.currency_code, amount.units, amount.nanos)):
            yield Violation(f"parts[{at}].net_amount", *fault)
