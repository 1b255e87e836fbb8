"""Accounts of another system, with all that belongs to them, by stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from countinghouse.billing.v1 import account_import_pb2 as pb
from countinghouse.billing.v1 import billing_service_pb2_grpc as grpc_service
from domain.billing.accounts import importing
from domain.billing.accounts.importing import Imported, Row
from domain.billing.configuration.snapshot import Configurations
from domain.kernel.call import Call
from server.call import Calls, Context, Tx
from server.chunks import stored_in_turn
from server.gate.validation import validate
from server.mapping.billing import account_import as mapping


class AccountImportMethods(grpc_service.BillingServiceServicer):
    """The method by which accounts come in bulk."""

    _calls: Calls
    _configurations: Configurations

    async def ImportAccounts(
        self, request_iterator: AsyncIterator[pb.ImportAccountsRequest], context: Context
    ) -> pb.ImportAccountsResponse:
        """Take in a stream of accounts, message by message."""
        tally = mapping.Tally()
        async for chunk in stored_in_turn(self._calls, context, request_iterator, _rows, self._import):
            tally.add(chunk)
        return tally.to_proto()

    def _import(self, rows: Sequence[Row], tx: Tx, call: Call) -> Imported:
        return importing.import_rows(tx, call, self._configurations, rows)


def _rows(request: pb.ImportAccountsRequest) -> list[Row]:
    """Each row by itself, as the gate checks a request."""
    return [mapping.row_from_proto(row, _validate) for row in request.accounts]


def _validate(row: pb.AccountToImport) -> None:
    validate(row, row.SerializeToString())
