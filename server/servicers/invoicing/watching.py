"""Batches of invoices, watched: one to its end, or all that there are (INV-18, PLT-21)."""

from __future__ import annotations

from collections.abc import AsyncIterator

from countinghouse.invoicing.v1 import invoice_batch_service_pb2_grpc as grpc_service
from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb
from domain.invoicing.batches import service, watching
from domain.invoicing.batches.states import OVER
from domain.invoicing.batches.working import ALL
from server.call import Calls, Context
from server.mapping.entries import code_from_name
from server.mapping.invoicing import invoice_batches as mapping
from server.servicers.invoicing.subjects import BATCHES, Version
from server.watcher import Watcher


class WatchingMethods(grpc_service.InvoiceBatchServiceServicer):
    """The methods that stream batches."""

    _calls: Calls
    _watcher: Watcher
    _heartbeat_s: float

    async def WatchInvoiceBatch(
        self, request: pb.WatchInvoiceBatchRequest, context: Context
    ) -> AsyncIterator[pb.WatchInvoiceBatchResponse]:
        """The batch now if the caller has not seen that, or it is over, then after each change, until it is over."""
        batch_id, after = code_from_name(request.name), request.after_sequence
        self._watcher.check()
        with self._watcher.follow(BATCHES, batch_id) as following:
            seen = await self._calls.look(context, lambda tx, call: watching.begin(tx, call.scope, batch_id, after))
            following.saw(Version(seen.batch.version))
            if after < seen.batch.version or seen.batch.state in OVER:
                yield mapping.event_to_proto(seen)
            while not (seen.is_all and seen.batch.state in OVER):
                version = seen.batch.version
                if seen.is_all and await following.after(version, timeout_s=self._heartbeat_s) is None:
                    yield mapping.heartbeat_to_proto(sequence=version, at_us=seen.batch.updated_us)
                    continue
                seen = await self._look(context, batch_id, seen.told)
                yield mapping.event_to_proto(seen)

    async def WatchInvoiceBatches(
        self, request: pb.WatchInvoiceBatchesRequest, context: Context
    ) -> AsyncIterator[pb.WatchInvoiceBatchesResponse]:
        """All batches that are not over, then those that change, without end."""
        cycle = code_from_name(request.billing_cycle) if request.billing_cycle else ""
        self._watcher.check()
        with self._watcher.follow(BATCHES, ALL) as following:
            everything, board, at_us = await self._calls.look(
                context,
                lambda tx, call: (
                    watching.sequence_of_all(tx),
                    watching.board(tx, service.among(tx, call.scope, cycle)),
                    call.now_us,
                ),
            )
            watching.refuse_ahead(request.after_sequence, board.sequence)
            following.saw(Version(everything))
            if request.after_sequence < board.sequence or not board.sequence:
                yield mapping.board_to_proto(board.batches, sequence=board.sequence, at_us=at_us, is_whole=True)
            while True:
                fresh = await following.after(everything, timeout_s=self._heartbeat_s)
                if fresh is None:
                    yield mapping.board_to_proto(None, sequence=board.sequence, at_us=at_us, is_whole=False)
                    continue
                everything, known = fresh.revision, board.versions
                board, changed, at_us = await self._calls.look(
                    context,
                    lambda tx, call, known=known: (  # type: ignore[misc]
                        *watching.news(tx, service.among(tx, call.scope, cycle), known),
                        call.now_us,
                    ),
                )
                if changed:
                    yield mapping.board_to_proto(changed, sequence=board.sequence, at_us=at_us, is_whole=False)

    async def _look(self, context: Context, batch_id: str, told: int) -> watching.Seen:
        return await self._calls.look(
            context, lambda tx, call: watching.look(tx, call.scope, batch_id, after_transition=told)
        )
