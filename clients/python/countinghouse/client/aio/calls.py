"""Calls on an asynchronous channel: bounded in flight, with request ids and token, errors typed."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import grpc
from google.protobuf.message import Message

from countinghouse.client.channel import Connection, Metadata
from countinghouse.client.errors import ResourceExhausted, client_closed, error_from_rpc, too_many_in_flight
from countinghouse.client.patience import Shedding
from countinghouse.client.requests import request_id_of, with_request_id

if TYPE_CHECKING:
    from grpc.aio import StreamUnaryMultiCallable, UnaryStreamMultiCallable, UnaryUnaryMultiCallable

RequestT = TypeVar("RequestT", bound=Message)
ResponseT = TypeVar("ResponseT", bound=Message)


class Caller:
    """What all calls of one channel share: the bounds on calls in flight and what goes along with each.

    Streams have a bound of their own, so that a thousand watchers do not keep a single read from being made.
    """

    def __init__(self, connection: Connection) -> None:
        self.bound_s = connection.bound_s
        self.metadata: Callable[[], Metadata] = connection.metadata
        self.attempts_max = connection.attempts_max
        self._calls = asyncio.BoundedSemaphore(connection.calls_max)
        self._streams = asyncio.BoundedSemaphore(connection.calls_max)
        self._closed = False

    def close(self) -> None:
        """Make no more calls; to be called before the channel is closed, which ends those in flight."""
        self._closed = True

    def unary(
        self, method: "UnaryUnaryMultiCallable[RequestT, ResponseT]", *, report: bool = False
    ) -> "Unary[RequestT, ResponseT]":
        """A method that takes one message and gives one; a `report` may read very much, and take its time."""
        return Unary(self, method, report)

    def stream(self, method: "UnaryStreamMultiCallable[RequestT, ResponseT]") -> "Stream[RequestT, ResponseT]":
        """A method that takes one message and streams its answer."""
        return Stream(self, method)

    def upload(self, method: "StreamUnaryMultiCallable[RequestT, ResponseT]") -> "Upload[RequestT, ResponseT]":
        """A method that takes a stream and gives one message."""
        return Upload(self, method)

    def call(self, timeout_s: float) -> AbstractAsyncContextManager[float]:
        """A unary call's place, waited for within its timeout; gives the seconds that remain."""
        return self._place(self._calls, timeout_s)

    def streaming(self, timeout_s: float) -> AbstractAsyncContextManager[float]:
        """A stream's place, waited for within its timeout; gives the seconds that remain."""
        return self._place(self._streams, timeout_s)

    @contextmanager
    def errors(self, *, request_id: str = "") -> Iterator[None]:
        """Raises what goes wrong with a call inside as an error of this client.

        A closing channel cancels whoever waits for its calls: that is told from a task that was itself canceled.
        """
        try:
            yield
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if not self._closed or task is None or task.cancelling():
                raise
            raise client_closed(request_id=request_id) from error
        except grpc.RpcError as error:
            if self._closed:
                raise client_closed(request_id=request_id) from error
            raise error_from_rpc(error, request_id=request_id) from error

    @asynccontextmanager
    async def _place(self, places: asyncio.BoundedSemaphore, timeout_s: float) -> AsyncIterator[float]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        if places.locked():  # otherwise there is no wait, and none to be bounded
            try:
                async with asyncio.timeout(timeout_s):  # wait_for may swallow a cancellation before Python 3.12
                    await places.acquire()
            except TimeoutError:
                raise too_many_in_flight() from None
        else:
            await places.acquire()
        try:
            if self._closed:
                raise client_closed()
            yield max(0.0, timeout_s - (loop.time() - began))
        finally:
            places.release()


@dataclass(frozen=True, slots=True)
class Unary(Generic[RequestT, ResponseT]):
    """A method that takes one message and gives one.

    Raises:
        CountinghouseError: Of the class that the status asks for.
    """

    caller: Caller
    method: "UnaryUnaryMultiCallable[RequestT, ResponseT]"
    report: bool = False

    async def __call__(self, request: RequestT, *, timeout_s: float | None = None) -> ResponseT:
        """Make the call; a request id is added when the request takes one and has none."""
        request = with_request_id(request)
        async with self.caller.call(timeout_s or self.caller.bound_s(request, report=self.report)) as remaining_s:
            shedding = Shedding(request, remaining_s, self.caller.attempts_max)
            while True:
                try:
                    with self.caller.errors(request_id=request_id_of(request)):
                        return await self.method(request, timeout=shedding.left_s(), metadata=self.caller.metadata())
                except ResourceExhausted as error:
                    await asyncio.sleep(shedding.delay_s(error))


@dataclass(frozen=True, slots=True)
class Stream(Generic[RequestT, ResponseT]):
    """A method that takes one message and streams its answer; closing the iterator ends the call."""

    caller: Caller
    method: "UnaryStreamMultiCallable[RequestT, ResponseT]"

    async def __call__(self, request: RequestT, *, timeout_s: float) -> AsyncGenerator[ResponseT, None]:
        """Make the call, bounded by `timeout_s` as a whole."""
        async with self.caller.streaming(timeout_s) as remaining_s:
            call = self.method(request, timeout=remaining_s, metadata=self.caller.metadata())
            try:
                with self.caller.errors():
                    async for response in call:
                        yield response
            finally:
                call.cancel()


@dataclass(frozen=True, slots=True)
class Upload(Generic[RequestT, ResponseT]):
    """A method that takes a stream and gives one message."""

    caller: Caller
    method: "StreamUnaryMultiCallable[RequestT, ResponseT]"

    async def __call__(self, requests: Iterable[RequestT], *, timeout_s: float) -> ResponseT:
        """Make the call, bounded by `timeout_s` as a whole."""
        async with self.caller.streaming(timeout_s) as remaining_s:
            with self.caller.errors():
                return await self.method(iter(requests), timeout=remaining_s, metadata=self.caller.metadata())
