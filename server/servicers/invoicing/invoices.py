"""Invoices: looked at, listed, explained, said to be final; what is published, for readers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from google.protobuf.message import Message

from countinghouse.invoicing.v1 import invoice_batch_service_pb2_grpc as grpc_service
from countinghouse.invoicing.v1 import invoices_pb2 as pb
from domain.invoicing.invoices import changes, explaining, listing
from domain.invoicing.invoices.model import Shown, ShownState
from domain.invoicing.invoices.store.reading import Filter, key_of
from domain.kernel.call import Call
from server.call import Calls, Context, Tx
from server.mapping.invoicing import invoices as mapping
from server.mapping.listing import listing_key

A = TypeVar("A", bound=Message)


class InvoicesMethods(grpc_service.InvoiceBatchServiceServicer):
    """The methods on invoices."""

    _calls: Calls

    async def GetInvoice(self, request: pb.GetInvoiceRequest, context: Context) -> pb.Invoice:
        """An invoice."""
        ids = mapping.ids_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.invoice_to_proto(listing.get(tx, *ids, call.scope))
        )

    async def GetPublishedInvoice(self, request: pb.GetPublishedInvoiceRequest, context: Context) -> pb.Invoice:
        """An invoice that is published."""
        ids = mapping.ids_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.invoice_to_proto(listing.get_published(tx, *ids, call.scope))
        )

    async def ListInvoices(self, request: pb.ListInvoicesRequest, context: Context) -> pb.ListInvoicesResponse:
        """A page of invoices."""
        wanted = mapping.filter_from_proto(request.filter)
        return await self._calls.read(context, self._invoices_page(request, wanted, pb.ListInvoicesResponse))

    async def ListPublishedInvoices(
        self, request: pb.ListPublishedInvoicesRequest, context: Context
    ) -> pb.ListPublishedInvoicesResponse:
        """A page of invoices that are published."""
        wanted = mapping.filter_from_proto(request.filter, {ShownState.PUBLISHED})
        return await self._calls.read(context, self._invoices_page(request, wanted, pb.ListPublishedInvoicesResponse))

    async def UpdateInvoice(self, request: pb.UpdateInvoiceRequest, context: Context) -> pb.Invoice:
        """Say whether an invoice is final."""
        account, invoice = mapping.ids_from_name(request.invoice.name)
        final, etag = mapping.final_from_proto(request), request.invoice.etag

        def write(tx: Tx, call: Call) -> pb.Invoice:
            return mapping.invoice_to_proto(changes.set_final(tx, call, account, invoice, final=final, etag=etag))

        return await self._calls.write(context, request, pb.Invoice, write)

    async def ExplainInvoice(self, request: pb.ExplainInvoiceRequest, context: Context) -> pb.ExplainInvoiceResponse:
        """Why an invoice stands where it stands."""
        ids = mapping.ids_from_name(request.name)

        def read(tx: Tx, call: Call) -> pb.ExplainInvoiceResponse:
            return mapping.explanation_to_proto(explaining.explain(tx, *ids, call.scope, call.now_us))

        return await self._calls.read(context, read)

    def _invoices_page(
        self,
        request: pb.ListInvoicesRequest | pb.ListPublishedInvoicesRequest,
        wanted: Filter,
        answer: Callable[..., A],
    ) -> Callable[[Tx, Call], A]:
        """What reads the page that is asked for."""
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)
        readers = isinstance(request, pb.ListPublishedInvoicesRequest)

        def token_of(last: Shown) -> str:
            return tokens.token(key_of(wanted, last.invoice), query)

        def read(tx: Tx, call: Call) -> A:
            found = listing.list_page(tx, wanted, request.filter.number, page, call.scope, readers=readers)
            told = found[: page.size]
            token = token_of(told[-1]) if len(found) > page.size else ""
            return answer(invoices=map(mapping.invoice_to_proto, told), next_page_token=token)

        return read
