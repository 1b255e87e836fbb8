"""Recipients, one by one and by stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from countinghouse.invoicing.v1 import invoice_batch_service_pb2_grpc as grpc_service
from countinghouse.invoicing.v1 import recipients_pb2 as pb
from domain.invoicing.configuration import recipients
from domain.invoicing.configuration.recipients import Imported, Row
from domain.kernel.call import Call
from server.call import Calls, Context, Tx
from server.chunks import stored_in_turn
from server.gate.validation import validate
from server.mapping.invoicing import recipients as mapping
from server.servicers.pages import page_of


class RecipientsMethods(grpc_service.InvoiceBatchServiceServicer):
    """The methods on recipients."""

    _calls: Calls

    async def GetRecipient(self, request: pb.GetRecipientRequest, context: Context) -> pb.Recipient:
        """A recipient."""
        account = mapping.account_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, _call: mapping.recipient_to_proto(recipients.get(tx, account))
        )

    async def ListRecipients(self, request: pb.ListRecipientsRequest, context: Context) -> pb.ListRecipientsResponse:
        """A page of recipients."""
        read = page_of(
            self._calls,
            request,
            lambda tx, _call, page: recipients.list_page(tx, page),
            lambda recipient: recipient.account_id,
            lambda shown, token: pb.ListRecipientsResponse(
                recipients=map(mapping.recipient_to_proto, shown), next_page_token=token
            ),
        )
        return await self._calls.read(context, read)

    async def UpdateRecipient(self, request: pb.UpdateRecipientRequest, context: Context) -> pb.Recipient:
        """Change a recipient, or create it."""
        account, changes = mapping.recipient_change(request)
        etag, allow_missing = request.recipient.etag, request.allow_missing

        def write(tx: Tx, call: Call) -> pb.Recipient:
            return mapping.recipient_to_proto(
                recipients.update(tx, call, account, etag, changes, allow_missing=allow_missing)
            )

        return await self._calls.write(context, request, pb.Recipient, write)

    async def ImportRecipients(
        self, request_iterator: AsyncIterator[pb.ImportRecipientsRequest], context: Context
    ) -> pb.ImportRecipientsResponse:
        """Take in a stream of recipients, message by message."""
        tally = mapping.Tally()
        async for chunk in stored_in_turn(self._calls, context, request_iterator, _rows, _import):
            tally.add(chunk)
        return tally.to_proto()


def _rows(request: pb.ImportRecipientsRequest) -> list[Row]:
    """Each row by itself, as the gate checks a request."""
    return [mapping.row_from_proto(row, _validate) for row in request.recipients]


def _validate(row: pb.RecipientToImport) -> None:
    validate(row, row.SerializeToString())


def _import(rows: Sequence[Row], tx: Tx, call: Call) -> Imported:
    return recipients.import_rows(tx, call, rows)
