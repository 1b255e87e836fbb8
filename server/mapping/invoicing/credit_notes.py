"""Credit notes as the contract asks for them."""

from __future__ import annotations

from collections.abc import Iterator

from countinghouse.invoicing.v1 import credit_notes_pb2 as pb
from domain.flows.crediting import Wanted
from domain.kernel.errors import Invalid, Violation
from server.mapping.invoicing.invoice_lines import place_from_name
from server.mapping.invoicing.invoices import ids_from_name


def wanted_from_proto(request: pb.CreateCreditNoteRequest) -> Wanted:
    """What is to be given back. Raises: Invalid for lines of another invoice than is named."""
    ids = ids_from_name(request.invoice)
    if found := tuple(_foreign(request, ids)):
        raise Invalid(*found)
    lines = frozenset(place_from_name(each)[1].line_no for each in request.lines)
    return Wanted(*ids, lines, request.reason)


def _foreign(request: pb.CreateCreditNoteRequest, ids: tuple[str, str]) -> Iterator[Violation]:
    for at, name in enumerate(request.lines):
        account, place = place_from_name(name)
        if (account, place.invoice_id) != ids:
            yield Violation(f"lines[{at}]", "LINE_OF_OTHER_INVOICE", "must be a line of the invoice that is named")
