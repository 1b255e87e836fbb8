"""One way to drive both facades, so that a promise is tested on both."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Protocol

from countinghouse.client import aio, connect


class Drive(Protocol):
    """Calls `use` with a client and gives what it gives; iterators come back as lists."""

    def __call__(self, address: str, use: Callable[[Any], Any], **options: Any) -> Any: ...


def drive_sync(address: str, use: Callable[[Any], Any], **options: Any) -> Any:
    """Drive `countinghouse.client`."""
    with connect(address, **options) as client:
        result = use(client)
        return list(result) if isinstance(result, Iterator) else result


def drive_aio(address: str, use: Callable[[Any], Any], **options: Any) -> Any:
    """Drive `countinghouse.client.aio`."""

    async def run() -> Any:
        async with aio.connect(address, **options) as client:
            result = use(client)
            if isinstance(result, AsyncIterator):
                return [item async for item in result]
            return await result if isinstance(result, Awaitable) else result

    return asyncio.run(run())
