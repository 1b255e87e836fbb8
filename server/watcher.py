"""One look for all: whoever waits for operations to change in this process shares one poller (PLT-21).

A watcher that waits holds a place in a table and a timer, no thread. The poller asks in one query which of the watched
operations have changed, when it has reason to: of those of which a notification or a call of this process has told, and
of all after a change of the SQLite file, or by the safety net of time. With nobody watching it does nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog
from google.longrunning import operations_pb2

from domain.kernel.errors import DomainError
from domain.operations import service
from domain.operations.errors import OperationNotFound
from domain.operations.model import Operation
from server.database.changes import FileChanges
from server.database.transaction import Database
from server.gate.errors import Draining
from server.mapping import kinds
from server.notify import Listener
from server.telemetry.observe import trace

_SAFETY_NET_S = 5.0
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


class Untellable(Exception):
    """The operation has become something that this program cannot tell; the log says why."""


@dataclass(slots=True)
class Topic:
    """One watched operation: who waits for it, what was seen of it last, or why there is no more to see."""

    watchers: int = 0
    seen: Snapshot | None = None
    lost: type[Exception] | None = None
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

        Raises: Draining; OperationNotFound when it was deleted; Untellable.
        """
        deadline = asyncio.get_running_loop().time() + timeout_s
        while True:
            self._watcher.check()
            seen = self._topic.seen
            if seen is not None and seen.revision > revision:
                return seen
            if self._topic.lost is not None:
                raise self._topic.lost(self._operation_id)
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
        self._all_due = False
        self._looked_at_all_s = 0.0
        self._reason = asyncio.Event()
        self._draining = False
        self._tasks: list[asyncio.Task[None]] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="watch")
        self._listener: Listener | None = None
        self._file: FileChanges | None = None
        self._next_look: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self, database: Database) -> None:
        """Begin to look; to be called on the event loop."""
        self._loop = asyncio.get_running_loop()
        if database.dialect == "postgresql":
            self._listener = Listener(database.url, self.look_at, self.look_at_all)
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
        if self._next_look is not None:
            self._next_look.cancel()
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

    def look_at_all(self) -> None:
        """Have the poller look at every watched operation soon."""
        self._all_due = True
        self._reason.set()

    @contextmanager
    def follow(self, operation_id: str) -> Iterator[Following]:
        """Follow an operation from now on: what changes after this is not missed."""
        topic = self._topics.setdefault(operation_id, Topic())
        topic.watchers += 1
        if self._file is not None and self._next_look is None:
            self._look_at_file(self._file)
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

    def _look_at_file(self, file: FileChanges) -> None:
        """Look again and again whether the SQLite file has changed, while somebody watches."""
        self._next_look = None
        if self._topics:
            if file.changed():
                self.look_at_all()
            self._next_look = asyncio.get_running_loop().call_later(self._poll_s, self._look_at_file, file)

    def _take_due(self, now_s: float) -> set[str]:
        """The operations to look at: those that are due, or all when they are, or when that was long ago."""
        due, everything = self._due, self._all_due or now_s - self._looked_at_all_s >= _SAFETY_NET_S
        self._due, self._all_due = set(), False
        if not everything:
            return due
        self._looked_at_all_s = now_s
        return set(self._topics)

    def _seen(self, operation_id: str) -> Snapshot | None:
        topic = self._topics.get(operation_id)
        return topic.seen if topic else None

    async def _wait_for_reason(self) -> None:
        """Wait until there is reason to look at some or at all."""
        while not self._due and not self._all_due:
            self._reason.clear()
            told = self._file is not None or (self._listener is not None and self._listener.hears)
            try:
                async with asyncio.timeout(_SAFETY_NET_S if told or not self._topics else self._poll_s):
                    await self._reason.wait()
            except TimeoutError:
                self._all_due = self._file is None and bool(self._topics)

    def _tell(self, found: Mapping[str, Snapshot | type[Exception]]) -> None:
        for operation_id, news in found.items():
            topic = self._topics.get(operation_id)
            if topic is None:
                continue
            if not isinstance(news, Snapshot):
                topic.lost = news
            elif topic.seen is None or topic.seen.revision < news.revision:
                topic.seen = news
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


def _log_untellable(operation: Operation, error: Exception) -> None:
    log.error("cannot tell an operation", operation_id=operation.operation_id, **trace(error))


class _TooLate(Exception):
    """The time to wait is over."""


def _give_up(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_exception(_TooLate())


def _look(database: Database, known: Mapping[str, int]) -> dict[str, Snapshot | type[Exception]]:
    """The operations that have another revision than the one known, or why there is no more to see of them."""
    changed = database.read(lambda tx: service.changed(tx, known))
    return {name: _told(operation) if operation else OperationNotFound for name, operation in changed.items()}


def _told(operation: Operation) -> Snapshot | type[Exception]:
    try:
        return snapshot_of(operation)
    except Exception as error:  # noqa: BLE001 - nobody else's watch may suffer from it
        _log_untellable(operation, error)
        return Untellable
