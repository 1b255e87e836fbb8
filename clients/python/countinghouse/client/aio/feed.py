"""What happens to claims, watched across lost connections."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeVar

from google.protobuf.message import Message

from countinghouse.accounting.v1 import feed_pb2
from countinghouse.client.aio.calls import Caller, Stream
from countinghouse.client.cursor import CUT
from countinghouse.client.errors import CountinghouseError
from countinghouse.client.patience import OnRetry, Patience
from countinghouse.client.places import ClaimPlace, ClientPlace, Place

if TYPE_CHECKING:
    from countinghouse.accounting.v1.accounting_service_pb2_grpc import AccountingServiceAsyncStub

RequestT = TypeVar("RequestT", bound=Message)
MessageT = TypeVar("MessageT", bound=Message)


class Feed:
    """The watches of the AccountingService. A lost connection is taken up where it was cut: nothing is missed."""

    def __init__(self, caller: Caller, stub: "AccountingServiceAsyncStub") -> None:
        self._watch_events = caller.stream(stub.WatchAccountingEvents)
        self._watch_claim = caller.stream(stub.WatchClaim)

    def watch_events(
        self,
        parent: str,
        *,
        after_position: int | None = None,
        timeout_s: float | None = None,
        patience_s: float = 90.0,
        on_retry: OnRetry | None = None,
    ) -> AsyncIterator[feed_pb2.WatchAccountingEventsResponse]:
        """The events of a client (`clients/{client}`) behind a position, as they happen; without one, from now on.

        It ends after `timeout_s` seconds, or when `patience_s` pass without any sign of the server, not even a
        heartbeat.

        Raises:
            OutOfRange: There has not been an event at that position.
            CountinghouseError: What the server refused, or the last error when patience ran out.
        """
        place = ClientPlace(parent, after_position, timeout_s)
        return follow(self._watch_events, place, Patience(patience_s, on_retry=on_retry))

    def watch_claim(
        self,
        name: str,
        *,
        after_sequence: int = 0,
        timeout_s: float | None = None,
        patience_s: float = 90.0,
        on_retry: OnRetry | None = None,
    ) -> AsyncIterator[feed_pb2.WatchClaimResponse]:
        """A claim (`claims/{claim}`) as it is, then its events as they happen; behind a sequence the events alone.

        It ends, and raises, as `watch_events` does.
        """
        place = ClaimPlace(name, after_sequence, timeout_s)
        return follow(self._watch_claim, place, Patience(patience_s, on_retry=on_retry))


async def follow(
    stream: Stream[RequestT, MessageT], place: Place[RequestT, MessageT], patience: Patience
) -> AsyncIterator[MessageT]:
    """What is news on a stream, taken up where it was cut, until the watch is over."""
    while (leg_s := place.leg_s()) > 0:
        try:
            async with aclosing(stream(place.request(), timeout_s=leg_s)) as messages:
                async for message in messages:
                    patience.progressed()
                    if place.take(message):
                        yield message
            cut: CountinghouseError = place.ended()
        except CUT as error:
            cut = error
        if place.leg_s() > 0:
            await asyncio.sleep(patience.delay_s(cut))
