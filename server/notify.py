"""News between processes: PostgreSQL's NOTIFY, sent after the commit, gathered, from one connection.

It tells what changed: operations and deliveries by their id, claims and clients by their name.

It only makes watchers and workers faster. A poll is the truth: a lost notification costs a moment, nothing else. On
SQLite there is no such thing; there, who waits looks whether the file has changed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from threading import Condition, Thread
from typing import Any

import psycopg2
import structlog
from psycopg2.extensions import connection as PostgresConnection  # noqa: N812 - a class, whatever its name

from server.database.urls import SIGNS_OF_LIFE, driver_arguments

CHANNEL = "countinghouse_operation"

_NAMES_MAX = 100  # of at most 72 characters each: a payload holds 8,000 bytes
_PAUSE_S = 0.002  # so long, news gather before they are sent
_RETRY_S = 2.0
_CONNECT_TIMEOUT_S = 5

log = structlog.get_logger("notify")


class Notifier:
    """Tells other processes what changed; from any thread, after the commit, without waiting."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._news: set[str] = set()
        self._changed = Condition()
        self._closing = False
        self._thread = Thread(target=self._run, name="notify", daemon=True)

    @classmethod
    def for_database(cls, url: str) -> Notifier | None:
        """A running notifier for a normalized URL; None on SQLite."""
        if not url.startswith("postgresql"):
            return None
        notifier = cls(url)
        notifier._thread.start()
        return notifier

    def tell(self, name: str) -> None:
        """Say that something changed."""
        with self._changed:
            self._news.add(name)
            self._changed.notify()

    def close(self) -> None:
        """Send what waits, and end."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout=_CONNECT_TIMEOUT_S)

    def _run(self) -> None:
        connection: PostgresConnection | None = None
        while True:
            with self._changed:
                while not self._news and not self._closing:
                    self._changed.wait()
                closing, news = self._closing, sorted(self._news)
                self._news.clear()
            try:
                if news:
                    connection = connection or connect(self._url)
                    _send(connection, news)
            except psycopg2.Error as error:
                log.warning("news not sent", error=type(error).__name__)
                connection = None
                if not closing:
                    self._keep(news)
                    time.sleep(_RETRY_S)
            if closing:
                return
            time.sleep(_PAUSE_S)

    def _keep(self, news: list[str]) -> None:
        """Keep what could not be sent for the next time; of more than a few, polls will have told by then."""
        with self._changed:
            if len(self._news) < _NAMES_MAX:
                self._news.update(news)


class Listener:
    """Hears on the event loop what changed; connects again by itself, and says whether it hears.

    `heard` is told the name of each; `missed` is called whenever it hears from now on: something may have been missed.
    """

    def __init__(self, url: str, heard: Callable[[str], None], missed: Callable[[], None]) -> None:
        self._url = url
        self._heard = heard
        self._missed = missed
        self.hears = False

    async def run(self) -> None:
        """Listen until canceled."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection = await loop.run_in_executor(None, _listening, self._url)
            except psycopg2.Error as error:
                log.warning("cannot listen", error=type(error).__name__)
            else:
                await self._listen(loop, connection)
            await asyncio.sleep(_RETRY_S)

    async def _listen(self, loop: asyncio.AbstractEventLoop, connection: PostgresConnection) -> None:
        """Hear until the connection breaks."""
        broken, descriptor = loop.create_future(), connection.fileno()  # a broken connection knows its own no more
        loop.add_reader(descriptor, self._hear, connection, broken)
        self.hears = True
        self._missed()
        try:
            await broken
        finally:
            self.hears = False
            loop.remove_reader(descriptor)
            connection.close()

    def _hear(self, connection: PostgresConnection, broken: asyncio.Future[None]) -> None:
        try:
            connection.poll()
        except psycopg2.Error as error:
            log.warning("no longer listening", error=type(error).__name__)
            if not broken.done():
                broken.set_result(None)
            return
        for note in connection.notifies:
            for name in note.payload.split(","):
                self._heard(name)
        connection.notifies.clear()


def connect(url: str) -> PostgresConnection:
    """A connection of its own, each statement a transaction. `url` is a normalized one."""
    ours = {
        "application_name": "countinghouse news",
        "connect_timeout": _CONNECT_TIMEOUT_S,
        **SIGNS_OF_LIFE,
    }
    connection: Any = psycopg2.connect(**{**ours, **driver_arguments(url)})
    connection.autocommit = True
    return connection  # type: ignore[no-any-return]


def _send(connection: PostgresConnection, news: list[str]) -> None:
    with connection.cursor() as cursor:
        for start in range(0, len(news), _NAMES_MAX):
            cursor.execute("SELECT pg_notify(%s, %s)", (CHANNEL, ",".join(news[start : start + _NAMES_MAX])))


def _listening(url: str) -> PostgresConnection:
    connection = connect(url)
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {CHANNEL}")
    return connection
