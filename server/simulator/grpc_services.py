"""The simulated system over gRPC: the contract, and its switches."""

from __future__ import annotations

import asyncio
from typing import NoReturn

import grpc
import grpc.aio
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.type.money_pb2 import Money

from countinghouse.connector.v1 import (
    simulator_pb2,
    simulator_pb2_grpc,
    system_of_record_pb2,
    system_of_record_pb2_grpc,
)
from domain.kernel.amounts import amount_of
from server.simulator.book_keeping import BookKeeping, Hangs, Refusal
from server.simulator.faults import Faults
from server.simulator.ledger import Posted
from server.simulator.listening import Context, refuse

DOMAIN = "simulator.countinghouse"
HANG_MAX_S = 600
_PAGE = 50
_FAULTS = tuple(field.name for field in simulator_pb2.Faults.DESCRIPTOR.fields)


class SystemOfRecord(system_of_record_pb2_grpc.SystemOfRecordServiceServicer):
    """The contract."""

    def __init__(self, books: BookKeeping) -> None:
        self._books = books

    async def Post(
        self, request: system_of_record_pb2.PostRequest, context: Context
    ) -> system_of_record_pb2.PostResponse:
        """Post once for each key."""
        try:
            answer = await self._books.post(request)
        except Hangs:
            await asyncio.sleep(HANG_MAX_S)  # the caller's deadline ends it
            answer = Refusal("SIMULATED_FAULT", "hung for long")
        if isinstance(answer, Refusal):
            await _abort(context, answer)
        return system_of_record_pb2.PostResponse(posting=_posting(answer))

    async def Lookup(
        self, request: system_of_record_pb2.LookupRequest, context: Context
    ) -> system_of_record_pb2.LookupResponse:
        """What became of a key."""
        found = await self._books.lookup(request)
        if isinstance(found, Refusal):
            await _abort(context, found)
        if found is None:
            return system_of_record_pb2.LookupResponse(state=system_of_record_pb2.POSTING_STATE_NOT_POSTED)
        return system_of_record_pb2.LookupResponse(
            state=system_of_record_pb2.POSTING_STATE_POSTED, posting=_posting(found)
        )


class Simulator(simulator_pb2_grpc.SimulatorServiceServicer):
    """The switches."""

    def __init__(self, books: BookKeeping) -> None:
        self._books = books

    async def ConfigureFaults(
        self, request: simulator_pb2.ConfigureFaultsRequest, context: Context
    ) -> simulator_pb2.Faults:
        """Fail so from now on."""
        given = {name: getattr(request.faults, name) for name in _FAULTS}
        if min(given.values()) < 0:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "faults: must not be negative")
        self._books.configure(request.client, Faults(**given))
        return request.faults

    async def ListPostings(
        self, request: simulator_pb2.ListPostingsRequest, context: Context
    ) -> simulator_pb2.ListPostingsResponse:
        """A page of what was posted."""
        size = min(request.page_size or _PAGE, 1_000)
        if size < 0 or (request.page_token and not request.page_token.isdecimal()):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "page_size or page_token: is no answer's")
        found = self._books.ledger.page(after=int(request.page_token or 0), limit=size + 1, client=request.client)
        return simulator_pb2.ListPostingsResponse(
            postings=[
                simulator_pb2.PostedAdjustment(
                    request=system_of_record_pb2.PostRequest.FromString(each.request), posting=_posting(each)
                )
                for each in found[:size]
            ],
            next_page_token=str(found[size - 1].number) if len(found) > size else "",
        )

    async def GetTotals(self, request: simulator_pb2.GetTotalsRequest, context: Context) -> simulator_pb2.Totals:
        """What was posted, by currency, and what was asked."""
        del context
        totals = self._books.totals()
        for currency, count, minor in self._books.ledger.totals(request.client):
            _, units, nanos = amount_of(minor, currency)
            amount = Money(currency_code=currency, units=units, nanos=nanos)
            totals.currencies.add(currency_code=currency, count=count, amount=amount)
        return totals


def _posting(posted: Posted) -> system_of_record_pb2.Posting:
    post_time = Timestamp()
    post_time.FromMicroseconds(posted.posted_us)
    return system_of_record_pb2.Posting(external_reference=posted.external_reference, post_time=post_time)


async def _abort(context: Context, refusal: Refusal) -> NoReturn:
    code = grpc.StatusCode.FAILED_PRECONDITION if refusal.for_good else grpc.StatusCode.UNAVAILABLE
    details: list[Message] = [ErrorInfo(reason=refusal.reason, domain=DOMAIN)]
    if refusal.retry_after_ms:
        seconds, ms = divmod(refusal.retry_after_ms, 1_000)
        details.append(RetryInfo(retry_delay=Duration(seconds=seconds, nanos=ms * 1_000_000)))
    await refuse(context, code, refusal.message, *details)
