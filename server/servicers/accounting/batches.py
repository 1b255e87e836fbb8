"""Batches: write what waits, write one again, look, and what receivers say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from itertools import islice

from google.longrunning import operations_pb2 as longrunning_pb2

from countinghouse.accounting.v1 import accounting_service_pb2_grpc as grpc_service
from countinghouse.accounting.v1 import batches_pb2 as pb
from domain.accounting.batches import service as batches
from domain.accounting.batches.layouts.returns import Return, ReturnFault, parse
from domain.accounting.batches.returning import Heard, Returns
from domain.accounting.configuration.model import FileFormat
from domain.accounting.configuration.registers import CLIENTS
from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.performing.booking import Books
from domain.kernel.call import Call
from domain.kernel.errors import Invalid, Violation
from domain.kernel.registers import service as configuration
from server.call import Calls, Context, Tx
from server.mapping import kinds
from server.mapping.accounting import batches as mapping
from server.mapping.listing import listing_key
from server.mapping.operations import id_from_name

RETURN_BYTES_MAX = 64 << 20
"""How large a return file may be: it is kept in memory until it has come whole."""

_ROWS_PER_CHUNK = 500
_REFUSALS_MAX = 10_000


class BatchesMethods(grpc_service.AccountingServiceServicer):
    """The methods on batches."""

    _calls: Calls
    _configurations: Configurations
    _books: Books

    async def GenerateAccountingFiles(
        self, request: pb.GenerateAccountingFilesRequest, context: Context
    ) -> longrunning_pb2.Operation:
        """Begin to write what waits."""
        asked = mapping.request_from_proto(request)
        answer = await self._calls.write(
            context,
            request,
            longrunning_pb2.Operation,
            lambda tx, call: kinds.to_proto(batches.generate(tx, call, asked)),
        )
        self._calls.announce(context, id_from_name(answer.name))
        return answer

    async def RegenerateAccountingBatch(
        self, request: pb.RegenerateAccountingBatchRequest, context: Context
    ) -> longrunning_pb2.Operation:
        """Begin to write a batch again."""
        key = mapping.batch_key_from_name(request.name)
        answer = await self._calls.write(
            context,
            request,
            longrunning_pb2.Operation,
            lambda tx, call: kinds.to_proto(batches.regenerate(tx, call, *key, description=request.description)),
        )
        self._calls.announce(context, id_from_name(answer.name))
        return answer

    async def GetAccountingBatch(self, request: pb.GetAccountingBatchRequest, context: Context) -> pb.AccountingBatch:
        """A batch."""
        key = mapping.batch_key_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.batch_to_proto(batches.get(tx, *key, call.scope))
        )

    async def ListAccountingBatches(
        self, request: pb.ListAccountingBatchesRequest, context: Context
    ) -> pb.ListAccountingBatchesResponse:
        """A page of a client's batches."""
        code, state = mapping.client_code_from_name(request.parent), mapping.state_from_proto(request)
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, call: Call) -> pb.ListAccountingBatchesResponse:
            found = batches.list_page(tx, call, code, state, page)
            shown = found[: page.size]
            return pb.ListAccountingBatchesResponse(
                accounting_batches=map(mapping.batch_to_proto, shown),
                next_page_token=tokens.token([shown[-1].batch_no], query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def ListAccountingBatchFiles(
        self, request: pb.ListAccountingBatchFilesRequest, context: Context
    ) -> pb.ListAccountingBatchFilesResponse:
        """A page of a batch's files."""
        key = mapping.batch_key_from_name(request.parent)
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, call: Call) -> pb.ListAccountingBatchFilesResponse:
            found = batches.list_files(tx, call, *key, page)
            shown = found[: page.size]
            return pb.ListAccountingBatchFilesResponse(
                accounting_batch_files=map(mapping.file_to_proto, shown),
                next_page_token=tokens.token([shown[-1].rerun_no], query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def ListAccountingBatchRecords(
        self, request: pb.ListAccountingBatchRecordsRequest, context: Context
    ) -> pb.ListAccountingBatchRecordsResponse:
        """A page of a batch's operations."""
        key = mapping.batch_key_from_name(request.parent)
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, call: Call) -> pb.ListAccountingBatchRecordsResponse:
            found = batches.list_records(tx, call, *key, page)
            shown = found[: page.size]
            return pb.ListAccountingBatchRecordsResponse(
                accounting_batch_records=map(mapping.record_to_proto, shown),
                next_page_token=tokens.token(shown[-1].key, query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def AcceptAccountingBatchRecords(
        self, request: pb.AcceptAccountingBatchRecordsRequest, context: Context
    ) -> pb.AcceptAccountingBatchRecordsResponse:
        """Operations were taken."""
        key, said = mapping.batch_key_from_name(request.name), mapping.accepted_from_proto(request)
        return await self._calls.write(
            context,
            request,
            pb.AcceptAccountingBatchRecordsResponse,
            lambda tx, call: mapping.accepted_to_proto(*self._returns.receive_all(tx, call, key, said)),
        )

    async def RejectAccountingBatchRecords(
        self, request: pb.RejectAccountingBatchRecordsRequest, context: Context
    ) -> pb.RejectAccountingBatchRecordsResponse:
        """Operations were not taken."""
        key, said = mapping.batch_key_from_name(request.name), mapping.rejected_from_proto(request)
        return await self._calls.write(
            context,
            request,
            pb.RejectAccountingBatchRecordsResponse,
            lambda tx, call: mapping.rejected_to_proto(*self._returns.receive_all(tx, call, key, said)),
        )

    async def IngestAccountingBatchReturn(
        self, request_iterator: AsyncIterator[pb.IngestAccountingBatchReturnRequest], context: Context
    ) -> pb.IngestAccountingBatchReturnResponse:
        """Take in a return file, chunk by chunk of its rows, each in a transaction of its own."""
        client_code, file_format, content = await _whole(request_iterator)
        await self._calls.read(context, lambda tx, call: configuration.get(tx, CLIENTS, client_code, call.scope))
        rows = parse(file_format, content)
        answer = pb.IngestAccountingBatchReturnResponse()
        while chunk := await self._calls.work(context, partial(_next, rows), for_write=True):
            heard = await self._calls.write_chunk(context, partial(self._hear, client_code, chunk))
            _add(answer, heard)
        return answer

    def _hear(self, client_code: str, chunk: Sequence[Return | ReturnFault], tx: Tx, call: Call) -> Heard:
        return self._returns.hear(tx, call, client_code, chunk)

    @property
    def _returns(self) -> Returns:
        return Returns(self._configurations, self._books)


async def _whole(
    requests: AsyncIterator[pb.IngestAccountingBatchReturnRequest],
) -> tuple[str, FileFormat, list[bytes]]:
    """Client, format and content of a stream. Raises: Invalid."""
    head, content, size = None, list[bytes](), 0
    async for request in requests:
        head = head or mapping.return_head_from_proto(request)
        size += len(request.content)
        if size > RETURN_BYTES_MAX:
            text = f"a return file has at most {RETURN_BYTES_MAX >> 20} MiB: send it in parts"
            raise Invalid(Violation("content", "TOO_MANY_ITEMS", text))
        content.append(request.content)
    if head is None:
        head = mapping.return_head_from_proto(pb.IngestAccountingBatchReturnRequest())
    return (*head, content)


def _next(rows: Iterator[Return | ReturnFault]) -> list[Return | ReturnFault]:
    return list(islice(rows, _ROWS_PER_CHUNK))


def _add(answer: pb.IngestAccountingBatchReturnResponse, heard: Heard) -> None:
    """Add what became of the next chunk."""
    answer.received_count += heard.received
    answer.accepted_count += heard.accepted
    answer.rejected_count += heard.rejected
    answer.unchanged_count += heard.unchanged
    answer.refused_count += heard.refused
    room = _REFUSALS_MAX - len(answer.refused_returns)
    answer.refused_returns.extend(map(mapping.refused_to_proto, heard.faults[:room]))
