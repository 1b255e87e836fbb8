"""What happened to claims: listed, and watched (ACC-56)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from functools import partial
from typing import Protocol, TypeVar

from google.protobuf.message import Message

from countinghouse.accounting.v1 import accounting_service_pb2_grpc as grpc_service
from countinghouse.accounting.v1 import feed_pb2 as pb
from domain.accounting.feed import service
from domain.kernel.call import Call
from domain.kernel.paging import Key
from server.call import Calls, Context, Tx
from server.mapping.accounting import feed as mapping
from server.mapping.listing import listing_key
from server.servicers.accounting.subjects import CLAIMS, FEEDS, Tail
from server.watcher import Following, Watcher

_READ_MAX = 500  # events of one read of a watch that has fallen behind

M = TypeVar("M", bound=Message)
Read_co = TypeVar("Read_co", bound=Message, covariant=True)


class _Read(Protocol[Read_co]):
    def __call__(self, tx: Tx, call: Call, /, *, after: int) -> Sequence[Read_co]:
        """Some of the messages behind one."""
        ...


class FeedMethods(grpc_service.AccountingServiceServicer):
    """The methods on events."""

    _calls: Calls
    _watcher: Watcher
    _heartbeat_s: float

    async def ListAccountingEvents(
        self, request: pb.ListAccountingEventsRequest, context: Context
    ) -> pb.ListAccountingEventsResponse:
        """A page of the events of a client or of a claim."""
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)
        collection, _, key = request.parent.partition("/")
        of_client, after = collection == "clients", int(page.after[0]) if page.after else 0
        list_events = service.of_client if of_client else service.of_claim

        def read(tx: Tx, call: Call) -> pb.ListAccountingEventsResponse:
            found = list_events(tx, key, after=after, limit=page.size + 1, scope=call.scope)
            shown = found[: page.size]
            places: Key = [event.position if of_client else event.sequence for event in shown]
            return pb.ListAccountingEventsResponse(
                accounting_events=map(mapping.event_to_proto, shown),
                next_page_token=tokens.token(places[-1:], query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def WatchAccountingEvents(
        self, request: pb.WatchAccountingEventsRequest, context: Context
    ) -> AsyncIterator[pb.WatchAccountingEventsResponse]:
        """Every event of a client behind the position that the caller has seen, as it happens."""
        code = request.parent.rpartition("/")[2]

        def read(tx: Tx, _: Call, *, after: int) -> list[pb.WatchAccountingEventsResponse]:
            found = service.behind_client(tx, code, after=after, limit=_READ_MAX)
            return [mapping.event_of_client(event) for event in found]

        self._watcher.check()
        with self._watcher.follow(FEEDS, code) as following:
            newest = await self._calls.look(context, lambda tx, call: service.client_now(tx, code, call.scope))
            following.saw(Tail(newest))
            seen = request.after_position if request.HasField("after_position") else newest
            service.refuse_ahead(seen, newest)
            if not request.HasField("after_position"):
                yield mapping.heartbeat_of_client(newest)
            async with aclosing(self._behind(context, following, seen, read)) as messages:
                async for message in messages:
                    seen = seen if message is None else message.position
                    yield message or mapping.heartbeat_of_client(seen)

    async def WatchClaim(self, request: pb.WatchClaimRequest, context: Context) -> AsyncIterator[pb.WatchClaimResponse]:
        """The claim now, unless the caller has seen it, then every event of it, as it happens."""
        claim_id = request.name.rpartition("/")[2]

        def read(tx: Tx, _: Call, *, after: int) -> list[pb.WatchClaimResponse]:
            found = service.behind_claim(tx, claim_id, after=after, limit=_READ_MAX)
            return [mapping.event_of_claim(event) for event in found]

        self._watcher.check()
        with self._watcher.follow(CLAIMS, claim_id) as following:
            claim = await self._calls.look(context, lambda tx, call: service.claim_now(tx, claim_id, call.scope))
            following.saw(Tail(claim.events_made))
            service.refuse_ahead(request.after_sequence, claim.events_made)
            seen = request.after_sequence or claim.events_made
            if not request.after_sequence:
                yield mapping.claim_as_seen(claim)
            async with aclosing(self._behind(context, following, seen, read)) as messages:
                async for message in messages:
                    seen = seen if message is None else message.sequence
                    yield message or mapping.heartbeat_of_claim(seen)

    async def _behind(
        self, context: Context, following: Following[Tail[M]], seen: int, read: _Read[M]
    ) -> AsyncGenerator[M | None, None]:
        """Every message behind the `seen`-th, without end; None whenever none came for a while.

        Raises: what `Following.after` and `read` raise.
        """
        while True:
            tail = await following.after(seen, timeout_s=self._heartbeat_s)
            messages: Sequence[M] | None = () if tail is None else tail.after(seen)
            if messages is None:  # they are not at hand any more
                messages = await self._calls.look(context, partial(read, after=seen))
            for message in messages:
                yield message
            seen += len(messages)
            if tail is None:
                yield None
