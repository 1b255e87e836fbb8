"""Forgets what was kept long enough: answers to request ids (PLT-06)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog

from domain.kernel import idempotency
from domain.kernel.errors import Unavailable
from server.database.transaction import Database
from server.observe import trace

_EVERY_S = 3_600
_PIECE = 1_000  # answers forgotten in one transaction
_DAY_US = 86_400_000_000

log = structlog.get_logger("retention")


class Retention:
    """Looks now and every hour for answers older than `days`; whatever goes wrong, it looks again the next hour."""

    def __init__(self, *, days: int, clock_us: Callable[[], int]) -> None:
        self._days = days
        self._clock_us = clock_us
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def open(self, database: Database) -> None:
        """Begin; to be called on the event loop."""
        self._task = asyncio.create_task(self._run(database))

    async def close(self) -> None:
        """End, once the transaction that runs is over."""
        self._closing.set()
        if self._task is not None:
            await self._task

    async def _run(self, database: Database) -> None:
        while not self._closing.is_set():
            try:
                await self._forget(database)
            except Exception as error:  # noqa: BLE001 - the next hour must come
                _log_failure(error)
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_S):
                    await self._closing.wait()

    async def _forget(self, database: Database) -> None:
        before_us = self._clock_us() - self._days * _DAY_US
        while not self._closing.is_set() and await asyncio.to_thread(_forget_piece, database, before_us) == _PIECE:
            pass


def _forget_piece(database: Database, before_us: int) -> int:
    return database.write(lambda tx: idempotency.forget_before(tx, before_us, _PIECE))


def _log_failure(error: Exception) -> None:
    if isinstance(error, Unavailable):
        log.warning("put off", reason=error.reason)
    else:
        log.error("put off", **trace(error))
