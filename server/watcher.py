"""One look for all: whoever waits for operations to change in this process shares one poller (PLT-21).

A watcher that waits holds a place in a table and a timer, no thread. The poller asks for the revisions of watched
operations in one query, when it has reason to: of those of which a notification or a call of this process has told, and
of all after a change of the SQLite file, or by the safety net of time. With nobody watching it does nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import structlog
from google.longrunning import operations_pb2
from sqlalchemy import Connection

from domain.kernel.errors import DomainError
from domain.operations import service
from domain.operations.errors import OperationNotFound
from domain.operations.model import Operation
from server.database.changes import FileChanges
from server.database.transaction import Database
from server.errors import Draining
from server.mapping import kinds
from server.notify import Listener
from server.observe import trace

_SAFETY_NET_S = 2.0
"""How often to look although notifications are heard."""

_FAILED_PAUSE_S = 1.0

log = structlog.get_logger("watcher")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An operation as it stood; the message is shared by all who are sent it."""

    revision: int
    updated_us: int
    proto: operations_pb2.Operation


def snapshot_of(operation: Operation) -> Snapshot:
    """The operation as watchers are told it."""
    return Snapshot(operation.revision, operation.updated_us, kinds.to_proto(operation))


@dataclass(slots=True)
class Topic:
    """One watched operation: who waits for it, and what was seen of it last."""

    watchers: int = 0
    seen: Snapshot | None = None
    gone: bool = False
    waiting: set[asyncio.Future[None]] = field(default_factory=set)

    def tell(self) -> None:
        """Wake everybody who waits."""
        waiting, self.waiting = self.waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)


class Following:
    """One watcher's hold on an operation."""

    def __init__(self, watcher: Watcher, operation_id: str, topic: Topic) -> None:
        self._watcher = watcher
        self._operation_id = operation_id
        self._topic = topic

    def saw(self, snapshot: Snapshot) -> None:
        """Note what the watcher has read itself, after it began to follow: the poller need not read it again."""
        if self._topic.seen is None or self._topic.seen.revision < snapshot.revision:
            self._topic.seen = snapshot
        self._watcher.look_at(self._operation_id)

    async def after(self, revision: int, *, timeout_s: float) -> Snapshot | None:
        """The operation once its revision is above `revision`; None when that takes longer than `timeout_s`.

        Raises: Draining; OperationNotFound when it was deleted.
        """
        deadline = asyncio.get_running_loop().time() + timeout_s
        while True:
            self._watcher.check()
            if self._topic.gone:
                raise OperationNotFound(self._operation_id)
            seen = self._topic.seen
            if seen is not None and seen.revision > revision:
                return seen
            if not await self._told(deadline):
                return None

    async def _told(self, deadline: float) -> bool:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._topic.waiting.add(future)
        timer = loop.call_at(deadline, _give_up, future)
        try:
            await future
        except _TooLate:
            return False
        finally:
            timer.cancel()
            self._topic.waiting.discard(future)
        return True


class Watcher:
    """Looks at the operations that somebody watches, and wakes who waits for them."""

    def __init__(self, *, poll_s: float) -> None:
        self._poll_s = poll_s
        self._topics: dict[str, Topic] = {}
        self._due: set[str] = set()
        self._looked_at_all_s = 0.0
        self._reason = asyncio.Event()
        self._draining = False
        self._tasks: list[asyncio.Task[None]] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="watch")
        self._listener: Listener | None = None
        self._file: FileChanges | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self, database: Database) -> None:
        """Begin to look; to be called on the event loop."""
        self._loop = asyncio.get_running_loop()
        if database.dialect == "postgresql":
            self._listener = Listener(database.url, self.look_at)
            self._tasks.append(self._loop.create_task(self._listener.run()))
        else:
            self._file = FileChanges(database.url)
        self._tasks.append(self._loop.create_task(self._run(database)))
        for task in self._tasks:
            task.add_done_callback(_report)

    async def close(self) -> None:
        """Look no more."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._thread.shutdown()
        if self._file is not None:
            self._file.close()

    def drain(self) -> None:
        """Tell everybody who waits to come back, elsewhere or later."""
        self._draining = True
        for topic in self._topics.values():
            topic.tell()

    def check(self) -> None:
        """Raises: Draining."""
        if self._draining:
            raise Draining

    def look_at(self, operation_id: str) -> None:
        """Have the poller look at a watched operation soon."""
        if operation_id in self._topics:
            self._due.add(operation_id)
            self._reason.set()

    @contextmanager
    def follow(self, operation_id: str) -> Iterator[Following]:
        """Follow an operation from now on: what changes after this is not missed."""
        topic = self._topics.setdefault(operation_id, Topic())
        topic.watchers += 1
        try:
            yield Following(self, operation_id, topic)
        finally:
            topic.watchers -= 1
            if not topic.watchers:
                self._topics.pop(operation_id, None)

    def changed(self, operation_id: str) -> None:
        """Say that an operation changed; from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.look_at, operation_id)

    async def _run(self, database: Database) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wait_for_reason()
            due = self._take_due(loop.time())
            known = {name: seen.revision for name in due if (seen := self._seen(name))}
            if not known:
                continue
            try:
                found = await loop.run_in_executor(self._thread, _look, database, known)
            except Exception as error:  # noqa: BLE001 - watchers would hang if the poller ended
                _log_failure(error)
                self._due |= due
                await asyncio.sleep(_FAILED_PAUSE_S)
            else:
                self._tell(found)

    def _take_due(self, now_s: float) -> set[str]:
        """The operations to look at: those that are due, or all when none is, or when that was long ago."""
        due, self._due = self._due, set()
        if due and now_s - self._looked_at_all_s < _SAFETY_NET_S:
            return due
        self._looked_at_all_s = now_s
        return set(self._topics)

    def _seen(self, operation_id: str) -> Snapshot | None:
        topic = self._topics.get(operation_id)
        return topic.seen if topic else None

    async def _wait_for_reason(self) -> None:
        """Wait until there is reason to look: at those that are due, or at all when none is."""
        while not self._topics:
            self._reason.clear()
            await self._reason.wait()
        while not self._due:
            self._reason.clear()
            pause_s = _SAFETY_NET_S if self._listener is not None and self._listener.hears else self._poll_s
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._reason.wait()
            if not self._due and (self._file is None or self._file.changed()):
                return

    def _tell(self, found: Mapping[str, Snapshot | None]) -> None:
        for operation_id, snapshot in found.items():
            topic = self._topics.get(operation_id)
            if topic is None:
                continue
            topic.gone = snapshot is None
            if snapshot is not None and (topic.seen is None or topic.seen.revision < snapshot.revision):
                topic.seen = snapshot
            topic.tell()


def _report(task: asyncio.Task[None]) -> None:
    """Tell of a task that ended by itself, which none of them should."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("no longer looking at operations", **trace(error))


def _log_failure(error: Exception) -> None:
    if isinstance(error, DomainError):
        log.warning("cannot look at operations", reason=error.reason)
    else:
        log.error("cannot look at operations", **trace(error))


class _TooLate(Exception):
    """The time to wait is over."""


def _give_up(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_exception(_TooLate())


def _look(database: Database, known: Mapping[str, int]) -> dict[str, Snapshot | None]:
    """The operations whose revision is not the one known; None for those that are gone."""

    def changed(tx: Connection) -> dict[str, Operation | None]:
        present = service.revisions(tx, known)
        gone: dict[str, Operation | None] = dict.fromkeys(known.keys() - present.keys())
        return gone | {name: service.get(tx, name) for name, revision in present.items() if revision != known[name]}

    found = database.read(changed)
    return {name: snapshot_of(operation) if operation else None for name, operation in found.items()}
