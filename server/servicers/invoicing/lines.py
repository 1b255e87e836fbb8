"""Invoice lines: taken in by stream or one by one, taken off, listed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from countinghouse.invoicing.v1 import invoice_batch_service_pb2_grpc as grpc_service
from countinghouse.invoicing.v1 import invoice_lines_pb2 as pb
from domain.invoicing.invoices import changes, ingest, listing
from domain.invoicing.invoices.ingest import Ingested
from domain.invoicing.invoices.model import Invoice, InvoiceLine
from domain.invoicing.invoices.rows import Prepared, prepare
from domain.kernel.call import Call
from domain.kernel.errors import Invalid, Violation
from domain.kernel.paging import Page
from domain.kernel.scopes import Scope
from server.call import Calls, Context, Tx
from server.chunks import stored_in_turn
from server.mapping.entries import code_from_name
from server.mapping.invoicing import invoice_lines as mapping
from server.mapping.invoicing.invoices import ids_from_name
from server.mapping.listing import listing_key
from server.servicers.distribution import known_codes

A = TypeVar("A", bound=Message)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A message, read."""

    cycle: str
    prepared: Prepared


class LinesMethods(grpc_service.InvoiceBatchServiceServicer):
    """The methods on invoice lines."""

    _calls: Calls

    async def IngestInvoiceLines(
        self, request_iterator: AsyncIterator[pb.IngestInvoiceLinesRequest], context: Context
    ) -> pb.IngestInvoiceLinesResponse:
        """Take in a stream of lines, message by message, each whole or not at all."""
        tally, reader = mapping.Tally(), _Reader()
        async for chunk in stored_in_turn(self._calls, context, request_iterator, reader.read, _store):
            tally.add(chunk)
        return tally.to_proto()

    async def CreateInvoiceLine(self, request: pb.CreateInvoiceLineRequest, context: Context) -> pb.InvoiceLine:
        """Put a line on an invoice, or on the running one of an account."""
        account, _, invoice = request.parent.partition("/invoices/")
        _refuse_mixed(request, invoice)
        row, cycle = mapping.line_from_proto(request.invoice_line, account), code_from_name(request.billing_cycle)

        def write(tx: Tx, call: Call) -> pb.InvoiceLine:
            known = known_codes(call)
            if invoice:
                made = changes.add_to(tx, call, invoice, row, known)
            else:
                made = changes.add_for_account(tx, call, cycle, row, known)
            return mapping.line_to_proto(made, request.invoice_line.net_amount.currency_code)

        return await self._calls.write(context, request, pb.InvoiceLine, write)

    async def DeleteInvoiceLine(self, request: pb.DeleteInvoiceLineRequest, context: Context) -> Empty:
        """Take a line off its invoice."""
        account, place = mapping.place_from_name(request.name)

        def write(tx: Tx, call: Call) -> Empty:
            changes.take_line_off(tx, call, account, place)
            return Empty()

        return await self._calls.write(context, request, Empty, write)

    async def ListInvoiceLines(
        self, request: pb.ListInvoiceLinesRequest, context: Context
    ) -> pb.ListInvoiceLinesResponse:
        """A page of the lines of an invoice."""
        read = self._lines_page(request, listing.row, pb.ListInvoiceLinesResponse)
        return await self._calls.read(context, read)

    async def ListPublishedInvoiceLines(
        self, request: pb.ListPublishedInvoiceLinesRequest, context: Context
    ) -> pb.ListPublishedInvoiceLinesResponse:
        """A page of the lines of an invoice that is published."""

        def published(tx: Tx, account: str, invoice: str, scope: Scope) -> Invoice:
            return listing.get_published(tx, account, invoice, scope).invoice

        read = self._lines_page(request, published, pb.ListPublishedInvoiceLinesResponse)
        return await self._calls.read(context, read)

    def _lines_page(
        self,
        request: pb.ListInvoiceLinesRequest | pb.ListPublishedInvoiceLinesRequest,
        find: Callable[[Tx, str, str, Scope], Invoice],
        answer: Callable[..., A],
    ) -> Callable[[Tx, Call], A]:
        """What reads the page that is asked for, of the invoice that `find` gives."""
        tokens, query = self._calls.page_tokens, listing_key(request)
        page: Page = tokens.page(size=request.page_size, token=request.page_token, query=query)
        ids = ids_from_name(request.parent)

        def read(tx: Tx, call: Call) -> A:
            of = find(tx, *ids, call.scope)
            found: list[InvoiceLine] = listing.lines_page(tx, of, page)
            told = found[: page.size]
            return answer(
                invoice_lines=[mapping.line_to_proto(each, of.currency) for each in told],
                next_page_token=tokens.token([told[-1].line_no], query) if len(found) > page.size else "",
            )

        return read


class _Reader:
    """Reads the messages of a stream, one after the other; the first names the billing cycle."""

    def __init__(self) -> None:
        self._cycle = ""

    def read(self, request: pb.IngestInvoiceLinesRequest) -> _Chunk:
        """A message. Raises: Invalid for a billing cycle that is missing, or named again."""
        if self._cycle and request.billing_cycle:
            text = "may be given in the first message of the stream alone"
            raise Invalid(Violation("billing_cycle", "BILLING_CYCLE_TWICE", text))
        self._cycle = self._cycle or code_from_name(request.billing_cycle)
        if not self._cycle:
            raise Invalid(Violation("billing_cycle", "FIELD_REQUIRED", "must be given in the first message"))
        return _Chunk(self._cycle, prepare([mapping.line_from_proto(row) for row in request.invoice_lines]))


def _store(chunk: _Chunk, tx: Tx, call: Call) -> Ingested:
    return ingest.ingest_chunk(tx, call, chunk.cycle, chunk.prepared, known_codes(call))


def _refuse_mixed(request: pb.CreateInvoiceLineRequest, invoice: str) -> None:
    """Raises: Invalid for a billing cycle beside an invoice, or an account without one."""
    if invoice and request.billing_cycle:
        text = "is that of the invoice: it is given for an account alone"
        raise Invalid(Violation("billing_cycle", "BILLING_CYCLE_OF_INVOICE", text))
    if not invoice and not request.billing_cycle:
        text = "must be given for an account: it says which running invoice is meant"
        raise Invalid(Violation("billing_cycle", "FIELD_REQUIRED", text))
    if request.invoice_line.account not in {"", request.parent.partition("/invoices/")[0]}:
        raise Invalid(Violation("invoice_line.account", "FIELD_IMMUTABLE", "must be that of the parent, if given"))
