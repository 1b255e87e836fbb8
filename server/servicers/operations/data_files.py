"""Data file sets and files: list, get, lock, unlock, download, transmit (PLT-30 to PLT-32)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator
from functools import partial

from countinghouse.operations.v1 import data_files_pb2 as pb
from countinghouse.operations.v1 import data_files_pb2_grpc as grpc_service
from domain.data_files import service as data_files
from domain.data_files import transmissions
from domain.data_files.storage import FileStore, checked_pieces
from domain.data_files.transmissions import Routes
from domain.kernel.call import Call
from server.call import Calls, Context, Tx
from server.mapping import data_files as mapping
from server.mapping.listing import listing_key


class DataFilesServicer(grpc_service.DataFilesServiceServicer):
    """Lists, locks and downloads what the services have written."""

    def __init__(self, calls: Calls, files: FileStore, routes: Routes = ()) -> None:
        self._calls = calls
        self._files = files
        self._routes = routes

    async def ListDataFileSets(
        self, request: pb.ListDataFileSetsRequest, context: Context
    ) -> pb.ListDataFileSetsResponse:
        """A page of sets, newest first."""
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, call: Call) -> pb.ListDataFileSetsResponse:
            found = data_files.list_sets(tx, page, call.scope)
            shown = found[: page.size]
            more = len(found) > page.size
            return pb.ListDataFileSetsResponse(
                data_file_sets=map(mapping.set_to_proto, shown),
                next_page_token=tokens.token([shown[-1].created_us, shown[-1].code], query) if more else "",
            )

        return await self._calls.read(context, read)

    async def GetDataFileSet(self, request: pb.GetDataFileSetRequest, context: Context) -> pb.DataFileSet:
        """A set."""
        code = mapping.code_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.set_to_proto(data_files.get_set(tx, code, call.scope))
        )

    async def LockDataFileSet(self, request: pb.LockDataFileSetRequest, context: Context) -> pb.DataFileSet:
        """Lock a set."""
        code = mapping.code_from_name(request.name)

        def lock(tx: Tx, call: Call) -> pb.DataFileSet:
            return mapping.set_to_proto(data_files.lock(tx, call, code, request.etag))

        return await self._calls.write(context, request, pb.DataFileSet, lock)

    async def UnlockDataFileSet(self, request: pb.UnlockDataFileSetRequest, context: Context) -> pb.DataFileSet:
        """Unlock a set."""
        code = mapping.code_from_name(request.name)

        def unlock(tx: Tx, call: Call) -> pb.DataFileSet:
            return mapping.set_to_proto(data_files.unlock(tx, call, code, request.etag))

        return await self._calls.write(context, request, pb.DataFileSet, unlock)

    async def ListDataFiles(self, request: pb.ListDataFilesRequest, context: Context) -> pb.ListDataFilesResponse:
        """A page of a set's files, in the order in which they were written."""
        code, operation_id = mapping.code_from_name(request.parent), mapping.operation_id_from_proto(request)
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, call: Call) -> pb.ListDataFilesResponse:
            found = data_files.list_files(tx, code, operation_id, page, call.scope)
            shown = found[: page.size]
            more = len(found) > page.size
            last = shown[-1] if more else None
            sent = transmissions.of_files(tx, shown)
            return pb.ListDataFilesResponse(
                data_files=(mapping.file_to_proto(file, sent.get(file.name, ())) for file in shown),
                next_page_token=tokens.token([last.visible_us, last.operation_id, last.position], query)
                if last
                else "",
            )

        return await self._calls.read(context, read)

    async def GetDataFile(self, request: pb.GetDataFileRequest, context: Context) -> pb.DataFile:
        """A file's facts."""
        code, name = mapping.file_key_from_name(request.name)

        def read(tx: Tx, call: Call) -> pb.DataFile:
            file = data_files.get_file(tx, code, name, call.scope)
            return mapping.file_to_proto(file, transmissions.of_files(tx, [file]).get(file.name, ()))

        return await self._calls.read(context, read)

    async def TransmitDataFiles(
        self, request: pb.TransmitDataFilesRequest, context: Context
    ) -> pb.TransmitDataFilesResponse:
        """Have a set's files sent."""
        code, operation_id = mapping.code_from_name(request.name), mapping.operation_id_from_proto(request)

        def send(tx: Tx, call: Call) -> pb.TransmitDataFilesResponse:
            begun = transmissions.send_set(
                tx,
                call,
                self._routes,
                data_files.get_set(tx, code, call.scope),
                destination=request.destination,
                operation_id=operation_id,
                again=request.again,
            )
            return pb.TransmitDataFilesResponse(begun_count=begun.begun, under_way_count=begun.under_way)

        return await self._calls.write(context, request, pb.TransmitDataFilesResponse, send)

    async def DownloadDataFile(
        self, request: pb.DownloadDataFileRequest, context: Context
    ) -> AsyncIterator[pb.DownloadDataFileResponse]:
        """A file's bytes from an offset, one piece read ahead; the last one only once the whole was checked."""
        code, name = mapping.file_key_from_name(request.name)
        offset = request.offset
        file = await self._calls.read(
            context, lambda tx, call: data_files.file_from(tx, code, name, offset, call.scope)
        )
        facts = mapping.file_to_proto(file)
        told = False
        async for piece in self._read_ahead(context, checked_pieces(self._files, file, offset)):
            yield pb.DownloadDataFileResponse(data_file=None if told else facts, offset=offset, content=piece)
            told = True
            offset += len(piece)
        if not told:  # nothing is left behind the offset
            yield pb.DownloadDataFileResponse(data_file=facts, offset=offset)

    async def _read_ahead(self, context: Context, pieces: Generator[bytes]) -> AsyncIterator[bytes]:
        """The pieces, the next being read while one is sent: a slow receiver holds no thread and two pieces."""
        reading = asyncio.ensure_future(self._calls.work(context, partial(next, pieces, None)))
        try:
            while (piece := await asyncio.shield(reading)) is not None:
                reading = asyncio.ensure_future(self._calls.work(context, partial(next, pieces, None)))
                yield piece
        finally:
            reading.add_done_callback(partial(_close, pieces))


def _close(pieces: Generator[bytes], reading: asyncio.Future[bytes | None]) -> None:
    """Close the file, once nobody reads it; a failure that nobody waited for has nobody to be told to."""
    if not reading.cancelled():
        reading.exception()
    pieces.close()
