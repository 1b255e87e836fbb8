"""The keys in force: kept fresh without making callers wait, and kept when their source fails."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog

from server.auth.errors import KeysUnavailable
from server.auth.key_sources import Source, SourceFailed
from server.auth.keys import Key, KeysUnreadable, find, keys_from

_WITHOUT_KEYS_S = 1.0
"""How long between tries as long as there are no keys at all."""

log = structlog.get_logger("auth")


class KeyRing:
    """The keys of one source.

    A set that has grown old (`refresh_s`) is read again while it goes on being used. A key that is not known may be a
    new one: the set is read at once, but at most once in `retry_s`, so that nobody makes us flood the source. When
    reading fails the old set stays in force. `generation` grows with every set that differs from the one before.
    """

    def __init__(
        self, source: Source, *, refresh_s: float, retry_s: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._source = source
        self._refresh_s = refresh_s
        self._retry_s = retry_s
        self._now = now
        self._content = b""
        self._keys: tuple[Key, ...] = ()
        self._tried = float("-inf")
        self._due = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._said = ""
        self.generation = 0

    async def open(self) -> None:
        """Read the set for the first time. A source that fails is told of in the log: it may come back."""
        await self._read_once()

    def look(self) -> None:
        """Begin to read the set again if it has grown old; returns at once."""
        if self._now() >= self._due:
            self._begin()

    async def find(self, kid: str, algorithm: str) -> Key | None:
        """The key of a token. Raises: KeysUnavailable when no set could be read yet."""
        found = find(self._keys, kid, algorithm)
        if found is None and self._now() >= self._tried + (self._retry_s if self._keys else _WITHOUT_KEYS_S):
            await self._read_once()
            found = find(self._keys, kid, algorithm)
        elif found is None and self._reading is not None:
            await asyncio.shield(self._reading)
            found = find(self._keys, kid, algorithm)
        if not self._keys:
            raise KeysUnavailable
        return found

    def take(self, content: bytes) -> None:
        """Put a set into force. Raises: KeysUnreadable."""
        if content == self._content:
            return
        self._keys = keys_from(content)
        self._content = content
        self.generation += 1

    async def _read_once(self) -> None:
        """Read, together with everybody else who waits for it."""
        await asyncio.shield(self._begin())

    def _begin(self) -> asyncio.Task[None]:
        if self._reading is None:
            self._tried = self._now()
            self._due = self._tried + self._refresh_s
            self._reading = asyncio.create_task(self._read())
        return self._reading

    async def _read(self) -> None:
        try:
            self.take(await self._source.read())
        except (SourceFailed, KeysUnreadable) as error:
            self._due = self._now() + min(self._retry_s, self._refresh_s)
            self._say(str(error))
        else:
            self._say("")
        finally:
            self._reading = None

    def _say(self, why: str) -> None:
        """Tell once that the source fails, and once that it is well again."""
        if why and why != self._said:
            log.warning("keys of tokens cannot be read", source=self._source.name, error=why, kept=len(self._keys))
        elif self._said and not why:
            log.info("keys of tokens are read again", source=self._source.name, keys=len(self._keys))
        self._said = why
