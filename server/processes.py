"""Processes that a server starts, and starts again when they die; they end with the one that started them."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType

import structlog

from server.settings import Settings, environment

_PAUSE_MIN_S, _PAUSE_MAX_S = 0.5, 30.0
_STABLE_S = 60.0  # who has lived so long starts again at once
_KILL_AFTER_S = 5.0  # beyond the grace time

log = structlog.get_logger("processes")


class Supervised:
    """A process of this program that is meant to run as long as this one does.

    One with `admission` may begin, but is to wait for a line on its stdin: it gets one once that event is set.
    """

    def __init__(
        self,
        command: str,
        settings: Settings,
        variables: Mapping[str, str] = MappingProxyType({}),
        *,
        admission: asyncio.Event | None = None,
    ) -> None:
        # -P: a folder named `server` where the user happens to stand is not this program.
        self._arguments = [sys.executable, "-P", "-m", "server", command, "--parent", str(os.getpid())]
        self._command = command
        self._environment = {**os.environ, **environment(settings), **variables}
        self._admission = admission
        self._process: asyncio.subprocess.Process | None = None
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.ready = asyncio.Event()
        """Set once the process has said so."""

    def start(self) -> None:
        """Start the process, and again whenever it ends by itself."""
        self._task = asyncio.create_task(self._run())

    async def stop(self, grace_s: float) -> None:
        """Ask the process to end, and see to it that it does."""
        self._stop.set()
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
        if self._task is None:
            return
        try:
            async with asyncio.timeout(grace_s + _KILL_AFTER_S):
                await asyncio.shield(self._task)
        except TimeoutError:
            log.warning("killed, as it did not end in time", process=self._command)
            if self._process is not None and self._process.returncode is None:
                self._process.kill()
            await self._task

    async def _run(self) -> None:
        pause_s = _PAUSE_MIN_S
        while not self._stop.is_set():
            began = time.monotonic()
            status = await self._live()
            if self._stop.is_set():
                return
            lived_s = time.monotonic() - began
            pause_s = _PAUSE_MIN_S if lived_s > _STABLE_S else min(pause_s * 2, _PAUSE_MAX_S)
            log.error("process ended; it is started again", process=self._command, status=status, pause_s=pause_s)
            await self._rest(pause_s)

    async def _rest(self, pause_s: float) -> None:
        """Wait so long, or until the process is no longer wanted."""
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._stop.wait()

    async def _live(self) -> int | None:
        """Run the process once; gives its exit status, None when it could not be started."""
        try:
            process = self._process = await asyncio.create_subprocess_exec(
                *self._arguments,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL if self._admission is None else asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        except OSError as error:  # the machine has no room for it just now
            log.warning("process not started", process=self._command, error=error.strerror)
            return None
        if self._stop.is_set():
            process.terminate()
        admitting = asyncio.create_task(self._admit(process))
        try:
            assert process.stdout is not None
            while await process.stdout.readline():
                self.ready.set()
            return await process.wait()
        finally:
            admitting.cancel()

    async def _admit(self, process: asyncio.subprocess.Process) -> None:
        """Give the process its line when it is time."""
        if self._admission is None or process.stdin is None:
            return
        await self._admission.wait()
        with suppress(ConnectionError):  # it has died meanwhile, and its successor gets a line of its own
            process.stdin.write(b"begin\n")
            await process.stdin.drain()


async def admitted() -> bool:
    """Wait for the line that the process that started this one gives; False when that one is gone without it."""
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    try:
        return bool(await reader.readline())
    finally:
        transport.close()


def parent_lives(pid: int) -> Callable[[], bool]:
    """Whether the process that started this one is still there; 0 for one that nobody supervises."""
    return lambda: pid in {0, os.getppid()}
