"""Client streams whose messages are chunks: each is stored whole, in the order in which they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import TypeVar

from domain.kernel.call import Call
from server.call import Calls, Context, Tx

R = TypeVar("R")
P = TypeVar("P")
A = TypeVar("A")


async def stored_in_turn(
    calls: Calls,
    context: Context,
    messages: AsyncIterator[R],
    read: Callable[[R], P],
    store: Callable[[P, Tx, Call], A],
) -> AsyncIterator[A]:
    """What `store` gives for each message, which `read` has made ready outside of any transaction.

    Two are in flight at most, one being made ready while the one before it is stored; the stream is read no faster
    than that. `store` runs in a transaction of its own, and more than once if the database wants it.
    """
    storing: asyncio.Task[A] | None = None
    try:
        async for message in messages:
            prepared = await calls.work(context, partial(read, message), for_write=True)
            if storing is not None:
                yield await storing
            storing = asyncio.create_task(calls.write_chunk(context, partial(store, prepared)))
        if storing is not None:
            yield await storing
    finally:
        if storing is not None and storing.cancel():
            await asyncio.wait((storing,))
