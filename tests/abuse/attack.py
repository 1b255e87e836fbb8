"""Calls of every method that is served, made of hostile requests: the same for the same seed."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast
from zlib import crc32

import grpc
import grpc.aio
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from tests.abuse import wire
from tests.abuse.judge import DETAILS_KEY, Answer
from tests.abuse.values import Maker, Pool
from tests.support.methods import full_name

AT_ONCE = 12
PATIENCE_S = 20.0
"""So long may a call take; whoever waits for an operation asks for less."""

READING = re.compile("Get|List|Watch|Wait|Download|Reconcile|Check|Server")
WILDNESS = (0.0, 0.0, 0.03, 0.1, 0.3, 0.8)
NOISE: tuple[tuple[str, str | bytes], ...] = (
    ("x-request-id", "'; --"),
    ("x-request-id", "a" * 200),
    ("x-noise", "%s%n" * 300),
    ("x-noise-bin", b"\x00\xff" * 700),
    ("traceparent", "00-zz"),
    ("accept-language", "tlh"),
    ("x-forwarded-for", "127.0.0.1"),
    ("authorization", "Basic cm9vdDpyb290"),
)
TOKENS = ("", "Bearer", "Bearer ", "Bearer wrong", "Bearer e30.e30.", "Bearer eyJhbGciOiJub25lIn0.e30.", "bearer  x")


@dataclass(frozen=True, slots=True)
class Shot:
    """A call to make. `marked` is the request id by which the audit trail would know it."""

    number: int
    method: MethodDescriptor
    contents: tuple[bytes, ...]
    metadata: tuple[tuple[str, str | bytes], ...]
    timeout_s: float
    marked: str

    @property
    def impatient(self) -> bool:
        return self.timeout_s < PATIENCE_S


@dataclass(frozen=True, slots=True)
class Hit:
    """A call that was made, and how it ended."""

    shot: Shot
    answer: Answer

    @property
    def may_have_changed(self) -> bool:
        """Whether it is a change, and was not refused by the server: done, or nobody waited for its end."""
        refused = self.answer.code is not grpc.StatusCode.OK and self.answer.details is not None
        return not refused and not READING.match(self.shot.method.name)


class Arsenal:
    """Makes shots at methods, each as often as the others."""

    def __init__(self, seed: int, methods: Sequence[MethodDescriptor], pool: Pool, token: str) -> None:
        self._seed = seed
        self._methods = methods
        self._pool = pool
        self._authorization = ("authorization", f"Bearer {token}")

    def shots(self, first: int, count: int) -> Iterable[Shot]:
        """The shots `first`, `first` + 1, …; each depends on the seed and its number alone."""
        return (self._shot(number) for number in range(first, first + count))

    def _shot(self, number: int) -> Shot:
        chance = random.Random(f"{self._seed}-{number}")
        method = self._methods[number % len(self._methods)]
        mark = f"abuse-{self._seed}-{number}"
        marked = f"{mark}-{crc32(mark.encode()):08x}"  # a shot that is broken in one place never bears another's
        messages = chance.choice((0, 1, 1, 2, 4)) if method.client_streaming else 1
        contents = tuple(self._content(chance, method, marked) for _ in range(messages))
        timeout_s = PATIENCE_S
        if chance.random() < 0.02:
            timeout_s = chance.choice((0.001, 0.01, 0.1))
        elif full_name(method).endswith("/WaitOperation"):
            timeout_s = 0.2
        return Shot(number, method, contents, self._metadata(chance, marked), timeout_s, marked)

    def _content(self, chance: random.Random, method: MethodDescriptor, marked: str) -> bytes:
        request = self._request(chance, method, marked)
        content = request.SerializeToString()
        how = chance.random()
        if how < 0.25:
            return wire.broken(chance, content)
        if how < 0.30:  # two requests in one: of a oneof both members, the last one wins
            return content + self._request(chance, method, marked).SerializeToString()
        if how < 0.3005:
            return content + wire.field(19_999, bytes(wire.OVERSIZE))
        return content

    def _request(self, chance: random.Random, method: MethodDescriptor, marked: str) -> Message:
        request: Any = GetMessageClass(method.input_type)()
        wildness = chance.choice(WILDNESS)
        Maker(chance, self._pool).fill(request, wildness)
        if "request_id" in request.DESCRIPTOR.fields_by_name and chance.random() > wildness:
            request.request_id = marked
        return cast("Message", request)

    def _metadata(self, chance: random.Random, marked: str) -> tuple[tuple[str, str | bytes], ...]:
        noise = tuple(chance.choice(NOISE) for _ in range(chance.choice((0,) * 8 + (1, 3))))
        if chance.random() < 0.04:
            return (("authorization", chance.choice(TOKENS)), *noise)
        return (self._authorization, ("x-request-id", marked), *noise)


async def fire(target: str, shots: Iterable[Shot]) -> list[Hit]:
    """Make the calls, a dozen at once; gives how each ended."""
    hits: list[Hit] = []
    waiting = iter(shots)
    options = [("grpc.max_send_message_length", -1), ("grpc.enable_retries", 0)]
    async with grpc.aio.insecure_channel(target, options) as channel:

        async def gunner() -> list[Hit]:
            return [Hit(shot, await _call(channel, shot)) for shot in waiting]

        for taken in await asyncio.gather(*(gunner() for _ in range(AT_ONCE))):
            hits += taken
    return sorted(hits, key=lambda hit: hit.shot.number)


async def _call(channel: grpc.aio.Channel, shot: Shot) -> Answer:
    name = full_name(shot.method)
    try:
        await asyncio.wait_for(_first_answer(channel, shot, f"/{name}"), PATIENCE_S + 5)
    except asyncio.CancelledError:  # what the client's library makes of a stream that ends while it still sends
        if cast("asyncio.Task[None]", asyncio.current_task()).cancelling():
            raise
        return Answer(name, grpc.StatusCode.CANCELLED, "", None, impatient=True)
    except grpc.aio.AioRpcError as error:
        details = dict(error.trailing_metadata() or ()).get(DETAILS_KEY)
        told = details if isinstance(details, bytes) else None
        return Answer(name, error.code(), error.details() or "", told, shot.impatient)
    return Answer(name, grpc.StatusCode.OK, "", None, shot.impatient)


async def _first_answer(channel: grpc.aio.Channel, shot: Shot, path: str) -> None:
    options: dict[str, Any] = {"timeout": shot.timeout_s, "metadata": shot.metadata}
    make: Any = channel
    if not shot.method.server_streaming:
        if shot.method.client_streaming:
            await make.stream_unary(path)(_each(shot.contents), **options)
        else:
            await make.unary_unary(path)(shot.contents[0], **options)
        return
    if shot.method.client_streaming:
        call = make.stream_stream(path)(_each(shot.contents), **options)
    else:
        call = make.unary_stream(path)(shot.contents[0], **options)
    async for _ in call:
        break
    call.cancel()


async def _each(contents: Sequence[bytes]) -> AsyncIterator[bytes]:
    for content in contents:
        yield content
