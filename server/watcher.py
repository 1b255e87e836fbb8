"""One look for all: whoever waits for something to change in this process shares one poller (PLT-21).

A watcher that waits holds a place in a table and a timer, no thread. The poller asks, in one query for each kind of
thing, which of those that are watched have changed, when it has reason to: of those of which a notification or a call
of this process has told, and of all after a change of the SQLite file, or by the safety net of time. With nobody
watching it does nothing.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import structlog
from sqlalchemy import Connection

from domain.kernel.errors import DomainError
from server.database.changes import FileChanges
from server.database.transaction import Database
from server.gate.errors import Draining
from server.notify import Listener
from server.telemetry.observe import trace

_SAFETY_NET_S = 5.0
"""How often to look although notifications are heard."""

_FAILED_PAUSE_S = 1.0

log = structlog.get_logger("watcher")


class Seen(Protocol):
    """Something as it stood."""

    @property
    def revision(self) -> int:
        """Grows with every change."""
        ...


S = TypeVar("S", bound=Seen)


@dataclass(frozen=True, slots=True)
class Subject(Generic[S]):
    """A kind of thing that can be watched.

    With `prefix` before its id, a thing has the name by which news of it are told. `changed` is handed the things that
    are watched, by id, as they were seen last; it gives those that stand otherwise now, or, for one of which there is
    no more to see, the error to raise, which takes the id.
    """

    prefix: str
    changed: Callable[[Connection, Mapping[str, S]], Mapping[str, S | type[Exception]]]


class Untellable(Exception):
    """What is watched has become something that this program cannot tell; the log says why."""


@dataclass(slots=True)
class Topic(Generic[S]):
    """One watched thing: who waits for it, what was seen of it last, or why there is no more to see."""

    subject: Subject[S]
    key: str
    watchers: int = 0
    seen: S | None = None
    lost: type[Exception] | None = None
    waiting: set[asyncio.Future[None]] = field(default_factory=set)

    def take(self, news: S | type[Exception]) -> None:
        """Note what was seen of it, unless something newer was; wake everybody who waits."""
        if isinstance(news, type):
            self.lost = news
        elif self.seen is None or self.seen.revision < news.revision:
            self.seen = news
        self.tell()

    def tell(self) -> None:
        """Wake everybody who waits."""
        waiting, self.waiting = self.waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)


class Following(Generic[S]):
    """One watcher's hold on a thing."""

    def __init__(self, watcher: Watcher, name: str, topic: Topic[S]) -> None:
        self._watcher = watcher
        self._name = name
        self._topic = topic

    def saw(self, seen: S) -> None:
        """Note what the watcher has read itself, after it began to follow; for who waits it may be news."""
        self._topic.take(seen)
        self._watcher.look_at(self._name)

    async def after(self, revision: int, *, timeout_s: float) -> S | None:
        """The thing once its revision is above `revision`; None when that takes longer than `timeout_s`.

        Raises: Draining; what the subject says of a thing that is gone; Untellable.
        """
        deadline = asyncio.get_running_loop().time() + timeout_s
        while True:
            self._watcher.check()
            seen = self._topic.seen
            if seen is not None and seen.revision > revision:
                return seen
            if self._topic.lost is not None:
                raise self._topic.lost(self._topic.key)
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
    """Looks at what somebody watches, and wakes who waits for it."""

    def __init__(self, *, poll_s: float) -> None:
        self._poll_s = poll_s
        self._topics: dict[str, Topic[Any]] = {}
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

    def look_at(self, name: str) -> None:
        """Have the poller look at a thing soon, if it is watched."""
        if name in self._topics:
            self._due.add(name)
            self._reason.set()

    def look_at_all(self) -> None:
        """Have the poller look at all that is watched soon."""
        self._all_due = True
        self._reason.set()

    @contextmanager
    def follow(self, subject: Subject[S], key: str) -> Iterator[Following[S]]:
        """Follow the thing with an id from now on: what changes after this is not missed."""
        name = subject.prefix + key
        topic: Topic[S] = self._topics.setdefault(name, Topic(subject, key))
        topic.watchers += 1
        if self._file is not None and self._next_look is None:
            self._look_at_file(self._file)
        try:
            yield Following(self, name, topic)
        finally:
            topic.watchers -= 1
            if not topic.watchers:
                self._topics.pop(name, None)

    def changed(self, name: str) -> None:
        """Say that something changed; from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.look_at, name)

    async def _run(self, database: Database) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wait_for_reason()
            due = self._take_due(loop.time())
            topics = [topic for name in due if (topic := self._topics.get(name)) and topic.seen]
            if not topics:
                continue
            try:
                found = await loop.run_in_executor(self._thread, _look, database, _known(topics))
            except Exception as error:  # noqa: BLE001 - watchers would hang if the poller ended
                _log_failure(error)
                self._due |= due
                await asyncio.sleep(_FAILED_PAUSE_S)
            else:
                for name, news in found.items():
                    if name in self._topics:
                        self._topics[name].take(news)

    def _look_at_file(self, file: FileChanges) -> None:
        """Look again and again whether the SQLite file has changed, while somebody watches."""
        self._next_look = None
        if self._topics:
            if file.changed():
                self.look_at_all()
            self._next_look = asyncio.get_running_loop().call_later(self._poll_s, self._look_at_file, file)

    def _take_due(self, now_s: float) -> set[str]:
        """What to look at: those that are due, or all when they are, or when that was long ago."""
        due, everything = self._due, self._all_due or now_s - self._looked_at_all_s >= _SAFETY_NET_S
        self._due, self._all_due = set(), False
        if not everything:
            return due
        self._looked_at_all_s = now_s
        return set(self._topics)

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


def _report(task: asyncio.Task[None]) -> None:
    """Tell of a task that ended by itself, which none of them should."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("no longer looking", **trace(error))


def _log_failure(error: Exception) -> None:
    if isinstance(error, DomainError):
        log.warning("cannot look at what is watched", reason=error.reason)
    else:
        log.error("cannot look at what is watched", **trace(error))


class _TooLate(Exception):
    """The time to wait is over."""


def _give_up(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_exception(_TooLate())


_Known = list[tuple[Subject[Any], dict[str, Any]]]
"""What was seen last of the things to look at, by id, for each kind of them."""


def _known(topics: list[Topic[Any]]) -> _Known:
    by_prefix: dict[str, list[Topic[Any]]] = defaultdict(list)
    for topic in topics:
        by_prefix[topic.subject.prefix].append(topic)
    return [(some[0].subject, {topic.key: topic.seen for topic in some}) for some in by_prefix.values()]


def _look(database: Database, known: _Known) -> dict[str, Any]:
    """The things that stand otherwise than known, by name, or why there is no more to see of them."""

    def look(tx: Connection) -> dict[str, Any]:
        found = ((subject.prefix, subject.changed(tx, things)) for subject, things in known)
        return {prefix + key: news for prefix, changed in found for key, news in changed.items()}

    return database.read(look)
