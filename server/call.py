"""From an RPC to a transaction and back: bounded queues, threads, deadlines, idempotency (PLT-06).

Servicers run on the event loop, the domain in threads of ours, as many as there are database connections. What would
have to wait too long is refused at once, so that what is taken is answered in time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from math import inf
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol, TypedDict, TypeVar

import grpc.aio
import structlog
from google.protobuf.message import Message
from sqlalchemy import Connection

from domain.kernel import idempotency
from domain.kernel.call import Call
from domain.kernel.errors import DomainError, Unavailable
from domain.kernel.idempotency import RequestIdReused
from domain.kernel.scopes import EVERYTHING, Scope, id_of
from server.database.failures import OutcomeUnknown
from server.database.transaction import Abandon
from server.gate.errors import DeadlineExceeded, NotReady, Overloaded
from server.gate.guards import NO_GUARDS, Guards, Unapproved
from server.telemetry.observe import trace

if TYPE_CHECKING:
    from domain.kernel.paging import PageTokens
    from server.database.transaction import Database

T = TypeVar("T")
A = TypeVar("A", bound=Message)
Context = grpc.aio.ServicerContext[Any, Any]
Tx = Connection
"""A connection inside a transaction, as servicers hand it on to the domain; they run no SQL on it."""


REPORTS = 2
"""Threads, and database connections, of reports: calls that may read millions of rows."""

_REPORTS_WAITING = 8
_CALM_S = 1.0
_PATIENCE = 10
_FEW = 4  # one part in so many of what may wait
_LATELY = 16  # pieces of work, about


class Transact(Protocol):
    """One transaction: `Database.write` or `Database.read`."""

    def __call__(self, fn: Callable[[Connection], T], *, timeout_s: float | None = None) -> T:
        """Run `fn` in it and commit."""
        ...


log = structlog.get_logger("call")


@dataclass(slots=True)
class Rpc:
    """One running call as the gate knows it; what they learn of it they note here.

    `method` is the full method name without the leading slash. `deadline` is an instant of `time.monotonic`, in
    seconds, and so is `expires`, when the identity of a call that lasts ends. `operation_id` and `reason`, that of a
    refusal, are noted for the log by who learns of them. `cut_off` is set when the server ends the call as it stops.
    """

    method: str
    caller: str
    request_id: str
    deadline: float
    operation_id: str = ""
    reason: str = ""
    scope: Scope = EVERYTHING
    permissions: frozenset[str] = frozenset()
    traceparent: str = ""
    expires: float = inf
    cut_off: bool = False


Running = dict[Context, Rpc]
"""The calls that are running, by their gRPC context; the gate enters them and takes them out."""


def now_us() -> int:
    """The server's clock, in microseconds UTC: the one place where "now" comes from (PLT-04)."""
    return time.time_ns() // 1_000


class Lane:
    """Threads with a bounded queue before them.

    Bursts are taken as long as there is room for `waiting_max`. Once there was none the lane is pressed: work is taken
    only while what waits makes it wait for less than `wait_s`, by what work took lately, and what has waited ten times
    as long is sent back unbegun. It is calm again when few were refused for a second.
    """

    def __init__(
        self,
        name: str,
        *,
        threads: int,
        waiting_max: int,
        wait_s: float = inf,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._lock = Lock()
        self._threads = threads
        self._waiting_max = waiting_max
        self._wait_s = wait_s
        self._inside = 0
        self._takes_s = 0.0
        self._pressed = False
        self._refused = 0
        self._looked_at = 0.0

    def admits(self) -> bool:
        """Whether work would be taken now; if not, that counts as a refusal."""
        waiting = self._inside - self._threads
        if waiting < 0:
            return True
        now = self._now()
        if self._pressed and now - self._looked_at > _CALM_S:
            many = self._refused > self._waiting_max // _FEW
            self._pressed = many and now - self._looked_at < 2 * _CALM_S  # not if that was long ago
            self._refused, self._looked_at = 0, now
        if waiting >= self._waiting_max:
            if not self._pressed:
                self._pressed, self._refused, self._looked_at = True, 0, now
        elif not self._pressed or waiting * self._takes_s < self._wait_s * self._threads:
            return True
        self._refused += 1
        return False

    def submit(self, work: Callable[[], T], *, seated: bool = False) -> Future[T]:
        """Queue the work; on the event loop alone.

        What belongs to a stream is always taken (`seated`): streams have a bound of their own, and have begun.

        Raises: Overloaded when it would have to wait too long; in the future, when it has.
        """
        if not seated and not self.admits():
            raise Overloaded
        held, came = [work], self._now()

        def carry_out() -> T:
            began = self._now()
            if self._pressed and not seated and began - came > _PATIENCE * self._wait_s:
                raise Overloaded
            try:
                return held.pop()()
            finally:
                self._takes_s += (self._now() - began - self._takes_s) / _LATELY

        with self._lock:
            self._inside += 1
        try:
            future = self._executor.submit(carry_out)
        except BaseException:
            self._leave()
            raise
        future.add_done_callback(partial(self._done, held))
        return future

    def close(self) -> None:
        """Drop what waits, and wait for what runs."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _done(self, held: list[Callable[[], T]], _: Future[T]) -> None:
        held.clear()  # what was dropped keeps a place with the executor until its turn: that must not hold its request
        self._leave()

    def _leave(self) -> None:
        with self._lock:
            self._inside -= 1


class Queue(TypedDict):
    """How much may wait before a lane."""

    waiting_max: int
    wait_s: float


class Calls:
    """Runs the transactions of calls; one for each server.

    SQLite has one writer at a time, so its writes get one thread, and waiting for the writer's turn takes no thread
    from the reads. The first looks of watches have a lane of their own, with room for `watches_max`: when thousands
    come back at once, other calls do not notice; so have reports, which read very much. `statement_timeout_s` bounds
    every transaction but theirs beside the call's own deadline.
    """

    def __init__(
        self,
        *,
        threads: int,
        waiting_max: int,
        wait_s: float,
        watches_max: int,
        statement_timeout_s: float,
        running: Running,
        clock_us: Callable[[], int] = now_us,
        announce: Callable[[str], None] = lambda _operation_id: None,
        guards: Guards = NO_GUARDS,
    ) -> None:
        self._guards = guards
        self._running = running
        self._threads = threads
        self._queue: Queue = {"waiting_max": waiting_max, "wait_s": wait_s}
        self._watches_max = watches_max
        self._statement_timeout_s = statement_timeout_s
        self._clock_us = clock_us
        self._announce = announce
        self._database: Database | None = None
        self._page_tokens: PageTokens | None = None

    def open(self, database: Database, page_tokens: PageTokens) -> None:
        """Begin to take calls, on a database that has this version's schema."""
        self._database, self._page_tokens = database, page_tokens
        self._looks = Lane("look", threads=1, waiting_max=self._watches_max)
        self._reports = Lane("report", threads=REPORTS, waiting_max=_REPORTS_WAITING)
        if database.dialect == "sqlite":
            self._writes = Lane("write", threads=1, **self._queue)
            self._reads = Lane("read", threads=max(1, self._threads - 1), **self._queue)
        else:
            self._writes = self._reads = Lane("call", threads=self._threads, **self._queue)

    def close(self) -> None:
        """Wait for the transactions that run; drop the ones that wait. Blocks."""
        if self._database is not None:
            for lane in (self._writes, self._reads, self._looks, self._reports):
                lane.close()

    def admits(self, *, writes: bool) -> bool:
        """Whether a call would be taken now: asked before anything is done for it."""
        return self._database is None or (self._writes if writes else self._reads).admits()

    @property
    def page_tokens(self) -> PageTokens:
        """What makes and reads page tokens."""
        if self._page_tokens is None:
            raise NotReady
        return self._page_tokens

    def about(self, context: Context, operation_id: str) -> None:
        """Note, for the log, which operation the call is about."""
        self._running[context].operation_id = operation_id

    def announce(self, context: Context, operation_id: str) -> None:
        """Tell workers and watchers, here and elsewhere, that the operation changed; to be called after the commit."""
        self.about(context, operation_id)
        self._announce(operation_id)

    def announce_delivery(self, delivery_id: str) -> None:
        """Tell those who send deliveries, here and elsewhere, to look; to be called after the commit."""
        self._announce(delivery_id)

    def announce_change(self, name: str) -> None:
        """Tell those who watch a claim, and who place what happened to it, here and elsewhere; after the commit."""
        self._announce(name)

    def permissions(self, context: Context) -> frozenset[str]:
        """The permissions that the caller holds."""
        return self._running[context].permissions

    def deadline(self, context: Context) -> float:
        """When the call must be over: an instant of `time.monotonic`, in seconds."""
        return self._running[context].deadline

    async def write(
        self, context: Context, request: Message, answer_type: type[A], fn: Callable[[Connection, Call], A]
    ) -> A:
        """Run `fn` in one write transaction and answer with what it gives.

        A request id is honoured inside the transaction: the first answer is given again, and `fn` is not run. With
        `validate_only` the transaction is rolled back and nothing is remembered. `fn` may be run more than once.

        Where the method is guarded, a call that nobody has agreed to is rolled back, and kept to be agreed to.

        Raises: what `fn` raises; RequestIdReused; ApprovalNeeded; Overloaded; Unavailable; DeadlineExceeded.
        """
        rpc = self._running[context]
        work = partial(self._write, rpc, self._call(rpc), request, answer_type, fn)
        return await self._run(self._writes_lane(), rpc, work)

    async def write_chunk(self, context: Context, fn: Callable[[Connection, Call], T]) -> T:
        """Run `fn` in one write transaction: a piece of a stream, whose idempotency is by external id."""
        rpc = self._running[context]
        database, call = self._opened(), self._call(rpc)
        work = partial(self._timed, rpc, database.write, lambda tx: fn(tx, call))
        return await self._run(self._writes_lane(), rpc, work, seated=True)

    async def read(self, context: Context, fn: Callable[[Connection, Call], T]) -> T:
        """Run `fn` in one read-only transaction."""
        return await self._read(context, fn, watching=False)

    async def look(self, context: Context, fn: Callable[[Connection, Call], T]) -> T:
        """As `read`, for a call that goes on to watch what it has read."""
        return await self._read(context, fn, watching=True)

    async def report(self, context: Context, fn: Callable[[Connection, Call], T]) -> T:
        """As `read`, for what may read millions of rows: beside other calls, and for as long as the call may take."""
        rpc = self._running[context]
        database, call, abandon = self._opened(), self._call(rpc), Abandon()

        def work() -> T:
            left_s = rpc.deadline - time.monotonic()
            if left_s <= 0:
                raise DeadlineExceeded
            return database.report(lambda tx: fn(tx, call), timeout_s=left_s, abandon=abandon)

        try:
            return await self._run(self._reports, rpc, work)
        except asyncio.CancelledError:
            asyncio.get_running_loop().run_in_executor(None, abandon.ask)
            raise

    async def work(self, context: Context, fn: Callable[[], T], *, for_write: bool = False) -> T:
        """Run `fn` in a thread, without a transaction: reading a file, for example.

        `for_write` takes a thread of the writes. On SQLite that is the one which writes: its driver takes Python's lock
        anew for every row, and another thread at work in Python would make it wait each time.
        """
        self._opened()
        return await self._run(self._writes if for_write else self._reads, self._running[context], fn, seated=True)

    async def _read(self, context: Context, fn: Callable[[Connection, Call], T], *, watching: bool) -> T:
        rpc = self._running[context]
        database, call = self._opened(), self._call(rpc)
        work = partial(self._timed, rpc, database.read, lambda tx: fn(tx, call))
        return await self._run(self._looks if watching else self._reads, rpc, work)

    def _opened(self) -> Database:
        if self._database is None:
            raise NotReady
        return self._database

    def _writes_lane(self) -> Lane:
        self._opened()
        return self._writes

    def _call(self, rpc: Rpc) -> Call:
        return Call(
            rpc.caller,
            rpc.method,
            rpc.request_id,
            self._clock_us(),
            scope=rpc.scope,
            traceparent=rpc.traceparent,
        )

    def _timed(self, rpc: Rpc, transact: Transact, fn: Callable[[Connection], T]) -> T:
        """Run `fn` with the time that the call still has."""
        left_s = min(rpc.deadline - time.monotonic(), self._statement_timeout_s)
        if left_s <= 0:
            raise DeadlineExceeded
        return transact(fn, timeout_s=left_s)

    def _write(
        self, rpc: Rpc, call: Call, request: Message, answer_type: type[A], fn: Callable[[Connection, Call], A]
    ) -> A:
        database = self._opened()
        if getattr(request, "validate_only", False):
            return self._rehearse(rpc, database, lambda tx: fn(tx, call))
        digest = _digest(request, call.scope)
        carry_out = self._guards.guarded(call, digest, fn)
        try:
            if getattr(request, "request_id", ""):
                return self._write_once(rpc, call, request, answer_type, carry_out, digest=digest)
            return self._timed(rpc, database.write, lambda tx: carry_out(tx, call))
        except Unapproved:
            needed = self._timed(rpc, database.write, lambda tx: self._guards.ask(tx, call, digest, request))
            raise needed from None

    def _write_once(
        self,
        rpc: Rpc,
        call: Call,
        request: Message,
        answer_type: type[A],
        fn: Callable[[Connection, Call], A],
        *,
        digest: bytes,
    ) -> A:
        """Run `fn`, or give the answer that it gave before under the same request id."""
        database = self._opened()
        request_id: str = getattr(request, "request_id", "")

        def kept(tx: Connection) -> A | None:
            answer = idempotency.recall(tx, call.caller, call.method, request_id, digest)
            return None if answer is None else answer_type.FromString(answer)

        def once(tx: Connection) -> A:
            first = kept(tx)
            if first is not None:
                return first
            answer = fn(tx, call)
            idempotency.remember(
                tx,
                call.caller,
                call.method,
                request_id,
                digest=digest,
                answer=answer.SerializeToString(),
                now_us=call.now_us,
            )
            return answer

        try:
            return self._timed(rpc, database.write, once)
        except (DomainError, Unapproved) as refused:
            first = self._meanwhile(rpc, database, refused, kept)
            if first is None:
                raise
            return first

    def _meanwhile(
        self, rpc: Rpc, database: Database, refused: Exception, kept: Callable[[Connection], A | None]
    ) -> A | None:
        """The answer that the same call was given while this one ran: what it did is then what stood in our way.

        Raises: RequestIdReused when the other call had other content.
        """
        if isinstance(refused, Unavailable) and not isinstance(refused, OutcomeUnknown):
            return None
        try:
            return self._timed(rpc, database.read, kept)
        except RequestIdReused:
            raise
        except DomainError:
            return None  # the first refusal is the one to tell

    def _rehearse(self, rpc: Rpc, database: Database, fn: Callable[[Connection], A]) -> A:
        """Run `fn` and take back what it did."""

        def undone(tx: Connection) -> None:
            raise _RolledBack(fn(tx))

        try:
            self._timed(rpc, database.write, undone)
        except _RolledBack as rehearsed:
            answer: A = rehearsed.answer
            return answer
        raise AssertionError("a rehearsal ends by rolling back")

    async def _run(self, lane: Lane, rpc: Rpc, work: Callable[[], T], *, seated: bool = False) -> T:
        """Wait for the work. If the caller goes, what waits is dropped, and what has begun runs to its end."""
        future = lane.submit(work, seated=seated)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            future.add_done_callback(partial(_log_unseen, rpc))
            raise


class _RolledBack(Exception):
    """Carries an answer out of a transaction that is rolled back."""

    def __init__(self, answer: Any) -> None:  # noqa: ANN401
        super().__init__()
        self.answer = answer


def _digest(request: Message, scope: Scope) -> bytes:
    """SHA-256 of the deterministic request less its request id, and of the scope if it is limited (PLT-14).

    The answer that was given with one scope is not given again with another.
    """
    content = type(request)()
    content.CopyFrom(request)
    if "request_id" in content.DESCRIPTOR.fields_by_name:  # the standard methods have none
        content.ClearField("request_id")
    limits = id_of(scope).to_bytes(8) if scope.limited else b""
    return sha256(content.SerializeToString(deterministic=True) + limits).digest()


def _log_unseen(rpc: Rpc, future: Future[Any]) -> None:
    """Log the failure of work whose caller has gone: nobody else will see it."""
    if future.cancelled():
        return
    error = future.exception()
    if error is not None and not isinstance(error, DomainError):
        log.error("failed after the caller had gone", method=rpc.method, request_id=rpc.request_id, **trace(error))
