"""Where keys come from: a URL, or a file that may change."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Protocol

import httpx

BYTES_MAX = 256 << 10
"""The largest set of keys that is read."""

_FETCH_S = 5.0


class SourceFailed(Exception):
    """The source gave nothing; the message says why, for operators."""


class Source(Protocol):
    """Something that gives a set of keys."""

    name: str

    async def read(self) -> bytes:
        """The content. Raises: SourceFailed."""
        ...


class Url:
    """A JWK Set at a URL; every read is bounded in size, and in time as a whole."""

    def __init__(self, url: str) -> None:
        self.name = url
        self._trusted = httpx.create_ssl_context()  # reading the system's authorities takes tens of milliseconds

    async def read(self) -> bytes:
        """Fetch the set. Raises: SourceFailed."""
        try:
            async with (
                asyncio.timeout(_FETCH_S),
                httpx.AsyncClient(verify=self._trusted, timeout=_FETCH_S) as client,
                client.stream("GET", self.name, headers={"accept": "application/json"}) as answer,
            ):
                if answer.status_code != httpx.codes.OK:
                    raise SourceFailed(f"answers with status {answer.status_code}")
                content = bytearray()
                async for piece in answer.aiter_bytes():
                    content += piece
                    if len(content) > BYTES_MAX:
                        raise SourceFailed(f"gives more than {BYTES_MAX:,} bytes")
        except TimeoutError:
            raise SourceFailed(f"does not answer within {_FETCH_S:g} s") from None
        except httpx.HTTPError as error:
            raise SourceFailed(f"cannot be read: {str(error) or type(error).__name__}") from None
        return bytes(content)


class File:
    """A file of keys."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path

    async def read(self) -> bytes:
        """The file's content. Raises: SourceFailed."""
        return await asyncio.to_thread(self.content)

    def content(self) -> bytes:
        """As `read`; blocks."""
        try:
            with self._path.open("rb") as file:
                content = file.read(BYTES_MAX + 1)
        except OSError as error:
            raise SourceFailed(f"cannot be read: {error.strerror}") from None
        if len(content) > BYTES_MAX:
            raise SourceFailed(f"is larger than {BYTES_MAX:,} bytes")
        return content
