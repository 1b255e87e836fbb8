"""Sends what is due to go outside: a loop in the worker process, whose hands send at the same time (PLT-25, PLT-32).

One thread claims and records, many send: no transaction is open while anything is sent. What a process held when it
died is due again when its lease is over, and another sends it, with the same key.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from typing import Protocol

import structlog
from sqlalchemy import Connection

from domain.deliveries import rules, service
from domain.deliveries.model import Claimed, Delivery, Kind, Outcome, Patience, State, failed, unanswered
from domain.kernel.errors import Unavailable
from domain.operations import service as operations
from server.database.changes import FileChanges
from server.database.transaction import Database
from server.telemetry import tracing
from server.telemetry.observe import trace

_KEEPS_PER_LEASE = 3
_PAUSE_S = 1.0  # after something went wrong
_GATHER_S = 0.05  # so long, attempts that end are gathered to be recorded in one transaction
_LOOK_S = 0.1  # between two looks at what else is due while some is being sent
_TICK_S = 0.25  # between two looks at whether to stop, and at whether the SQLite file has changed
_SECOND_US = 1_000_000

BROKE_OFF = "DELIVERY_BROKE_OFF"
"""Reason of an attempt that ended in nobody's plan."""

log = structlog.get_logger("dispatch")


class Handler(Protocol):
    """How one kind of delivery is sent."""

    @property
    def kind(self) -> Kind:
        """The kind."""

    def send(self, database: Database, delivery: Delivery, stopping: threading.Event) -> Outcome | None:
        """Send it, within bounded time, outside of any transaction; from several threads at once.

        None when it broke off because the process stops: then it counts as not tried. What a handler raises counts as
        a failed attempt, of which nobody knows whether it arrived.
        """

    def lost(self, delivery: Delivery) -> Outcome:
        """What to record of a delivery whose attempts are used up and ended with their senders; it is final."""

    def record(self, tx: Connection, pairs: Sequence[tuple[Delivery, Outcome]]) -> None:
        """Change what else depends on outcomes, in the transaction that records them: deliveries as they stand then."""

    def rest(self) -> None:
        """Let go of what is kept from one sending for the next: nothing is being sent."""


@dataclass(frozen=True, slots=True)
class DispatchSettings:
    """How deliveries are sent; times in seconds.

    `hands` send at once, `per_target_max` of them to one target. A process that is silent for `lease_s` loses what it
    is sending. `poll_s` is how often it looks for what is due when nobody has told.
    """

    hands: int = 32
    per_target_max: int = 16
    lease_s: float = 30
    poll_s: float = 2
    patience: Patience = field(default_factory=Patience)

    @property
    def claims_max(self) -> int:
        """How many deliveries are claimed at once: those that are being sent, and some that wait for a hand."""
        return self.hands * rules.AHEAD

    @property
    def claims_per_target_max(self) -> int:
        """How many of them to one target."""
        return self.per_target_max * rules.AHEAD

    @property
    def connections(self) -> int:
        """How many database connections it uses: one to claim and record, and two for short looks of all hands."""
        return 3


_Attempt = tuple[Delivery, Outcome | None]
_NOTHING = Claimed([], {})


class Dispatch:
    """Hands that send, and one that gives them what is due. `wake` has it look now."""

    def __init__(self, handlers: Sequence[Handler], settings: DispatchSettings) -> None:
        self._handlers: Mapping[Kind, Handler] = {handler.kind: handler for handler in handlers}
        self._settings = settings
        self._woken = threading.Event()
        self._ended: SimpleQueue[_Attempt | None] = SimpleQueue()  # None: somebody rang

    def wake(self) -> None:
        """Look for what is due now: something was recorded."""
        if not self._woken.is_set():
            self._woken.set()
            self._ended.put(None)

    def run(self, database: Database, stopping: threading.Event) -> None:
        """Send until told to stop; then what is being sent is finished and recorded, and nothing more is begun."""
        todo: SimpleQueue[Delivery | None] = SimpleQueue()
        ended = self._ended = SimpleQueue()  # what hands of an earlier run still send is heard by nobody
        self._woken.clear()
        for number in range(self._settings.hands):
            args = (database, todo, ended, stopping)
            threading.Thread(target=self._send_all, args=args, name=f"hand-{number}", daemon=True).start()
        file = FileChanges(database.url) if database.dialect == "sqlite" else None
        try:
            _Round(database, self._settings, self._handlers, todo, file).until(stopping, ended, self._woken)
        finally:
            if file is not None:
                file.close()
            for handler in self._handlers.values():
                handler.rest()
            for _ in range(self._settings.hands):
                todo.put(None)

    def _send_all(
        self,
        database: Database,
        todo: SimpleQueue[Delivery | None],
        ended: SimpleQueue[_Attempt | None],
        stopping: threading.Event,
    ) -> None:
        while (delivery := todo.get()) is not None:
            ended.put((delivery, self._send(database, delivery, stopping)))

    def _send(self, database: Database, delivery: Delivery, stopping: threading.Event) -> Outcome | None:
        handler = self._handlers[delivery.kind]
        try:
            if service.lost(delivery, self._settings.patience):
                return handler.lost(delivery)
            with tracing.work(f"delivery {delivery.kind}", _traceparent(database, delivery), _names(delivery)):
                outcome = handler.send(database, delivery, stopping)
                if outcome is not None and outcome.reason:
                    tracing.failed(outcome.reason)
                return outcome
        except Unavailable as error:
            return failed(error.reason, error.message)
        except Exception as error:  # noqa: BLE001 - it is told, and the others must go on
            _log_broken("delivery broke off", delivery, error)
            return unanswered(BROKE_OFF, "an unexpected error, which the server's log describes")


class _Round:
    """What one run of the loop holds: claimed deliveries, those in hands among them, and attempts to be recorded."""

    def __init__(
        self,
        database: Database,
        settings: DispatchSettings,
        handlers: Mapping[Kind, Handler],
        todo: SimpleQueue[Delivery | None],
        file: FileChanges | None,
    ) -> None:
        self._database = database
        self._settings = settings
        self._handlers = handlers
        self._kinds = tuple(handlers)
        self._todo = todo
        self._file = file
        self._held: dict[str, Delivery] = {}
        self._waiting: dict[str, deque[Delivery]] = {}  # held and in nobody's hands, by target
        self._sending: Counter[str] = Counter()  # by target
        self._at_once: dict[str, int] = {}  # by target with a limit of its own, what it leaves to us
        self._ended: list[_Attempt] = []
        self._kept_s = time.monotonic()  # a lease of all that is held began then, or later
        self._due_s = 0.0  # when the next look is worth it

    def until(self, stopping: threading.Event, ended: SimpleQueue[_Attempt | None], woken: threading.Event) -> None:
        """Go on until told to stop and nothing is held any more."""
        while self._held or not stopping.is_set():
            try:
                self._turn(stopping)
            except Unavailable as error:
                log.warning("put off", reason=error.reason)
                self._due_s = time.monotonic() + _PAUSE_S
                time.sleep(_PAUSE_S)
            self._deal()
            if not self._held:
                for handler in self._handlers.values():
                    handler.rest()
            self._hear(ended, woken, self._wait_s(stopping))

    def _turn(self, stopping: threading.Event) -> None:
        """Record what has ended, claim what is due, keep what is held."""
        self._let_go_of_what_is_late()
        if stopping.is_set():
            self._ended += [(delivery, None) for queue in self._waiting.values() for delivery in queue]
            self._waiting.clear()
        free = 0 if stopping.is_set() else self._settings.claims_max - len(self._held) + len(self._ended)
        if self._ended or (free and self._is_due()):
            self._record_and_claim(free)
        if self._held and time.monotonic() - self._kept_s > self._settings.lease_s / _KEEPS_PER_LEASE:
            held, now_s = list(self._held.values()), time.monotonic()
            self._database.write(lambda tx: service.keep(tx, held, lease_us=self._lease_us))
            self._kept_s = now_s

    def _let_go_of_what_is_late(self) -> None:
        """What waits for a hand when its lease may be over is another's to send by now."""
        if time.monotonic() - self._kept_s < self._settings.lease_s:
            return
        for queue in self._waiting.values():
            for delivery in queue:
                del self._held[delivery.delivery_id]
        self._waiting.clear()

    def _record_and_claim(self, free: int) -> None:
        now_s = time.monotonic()
        try:
            recorded, claimed = self._database.write(lambda tx: self._one_transaction(tx, self._ended, free))
        except Unavailable:
            raise
        except Exception:
            if not self._ended:
                raise
            recorded, claimed = self._record_apart(), _NOTHING
        for delivery, _ in self._ended:
            self._held.pop(delivery.delivery_id, None)
        self._ended.clear()
        if not self._held:
            self._kept_s = now_s
        self._at_once |= claimed.at_once
        for delivery in claimed.deliveries:
            self._held[delivery.delivery_id] = delivery
            self._waiting.setdefault(delivery.target, deque()).append(delivery)
        self._due_s = time.monotonic() + _LOOK_S if claimed.deliveries else 0.0
        for delivery in recorded:
            _log(delivery)

    def _record_apart(self) -> list[Delivery]:
        """Record each attempt by itself, as one cannot be recorded: that is due again when its lease ends."""
        recorded: list[Delivery] = []
        for attempt in self._ended:
            try:
                recorded += self._database.write(partial(self._one_transaction, ended=[attempt], free=0))[0]
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001 - it is told, and the others must go on
                _log_broken("outcome not recorded", attempt[0], error)
        return recorded

    def _one_transaction(self, tx: Connection, ended: Sequence[_Attempt], free: int) -> tuple[list[Delivery], Claimed]:
        service.hand_back(tx, [delivery for delivery, outcome in ended if outcome is None])
        tried = [(delivery, outcome) for delivery, outcome in ended if outcome is not None]
        outcomes = {delivery.delivery_id: outcome for delivery, outcome in tried}
        recorded = service.record(tx, tried, self._settings.patience, _chance)
        for kind, handler in self._handlers.items():
            pairs = [(after, outcomes[after.delivery_id]) for after in recorded if after.kind is kind]
            if pairs:
                handler.record(tx, pairs)
        if not free:
            return recorded, _NOTHING
        most, held = self._settings.claims_per_target_max, self._held_without(ended)
        claimed = service.claim(tx, self._kinds, free=free, per_target_max=most, lease_us=self._lease_us, held=held)
        return recorded, claimed

    def _held_without(self, ended: Sequence[_Attempt]) -> Counter[str]:
        """How many are held, by target, once those that ended are not any more."""
        held = Counter(each.target for each in self._held.values())
        held.subtract(delivery.target for delivery, _ in ended)
        return held

    def _is_due(self) -> bool:
        """Whether there is something to claim; asked when it may have become so, without a lock."""
        if time.monotonic() < self._due_s:
            return False
        most = self._settings.claims_per_target_max
        held = self._held_without(self._ended)
        pause_us = self._database.read(lambda tx: service.pause_us(tx, self._kinds, per_target_max=most, held=held))
        pause_s = self._settings.poll_s if pause_us is None else min(self._settings.poll_s, pause_us / _SECOND_US)
        self._due_s = time.monotonic() + pause_s
        return pause_us == 0

    def _deal(self) -> None:
        """Give free hands what is claimed, to each target in turn, as far as it may have more at once."""
        self._let_go_of_what_is_late()
        free = self._settings.hands - self._sending.total()
        while free > 0:
            able = [each for each in self._waiting if self._sending[each] < self._most_at_once(each)]
            if not able:
                return
            target = min(able, key=lambda each: self._sending[each])
            delivery = self._waiting[target].popleft()
            if not self._waiting[target]:
                del self._waiting[target]
            self._sending[target] += 1
            self._todo.put(delivery)
            free -= 1

    def _most_at_once(self, target: str) -> int:
        return min(self._settings.per_target_max, self._at_once.get(target, self._settings.per_target_max))

    def _wait_s(self, stopping: threading.Event) -> float:
        """How long nothing need be done but to hear."""
        if self._ended or (stopping.is_set() and not self._held):
            return 0.0
        if stopping.is_set() or len(self._held) >= self._settings.claims_max:
            return _TICK_S
        return max(0.0, min(self._due_s - time.monotonic(), _TICK_S))

    def _hear(self, ended: SimpleQueue[_Attempt | None], woken: threading.Event, wait_s: float) -> None:
        """Wait for an attempt to end or for a ring; gather for a moment what else ends, to be recorded together."""
        try:
            heard = ended.get(timeout=wait_s) if wait_s else ended.get_nowait()
            until_s = time.monotonic() + _GATHER_S
            while True:
                if heard is None:
                    woken.clear()
                    self._due_s = 0.0
                else:
                    self._take(heard)
                left_s = until_s - time.monotonic()
                heard = ended.get(timeout=left_s) if left_s > 0 and self._gathers() else ended.get_nowait()
        except Empty:
            pass
        self._sending += Counter()  # forgets targets to which nothing is sent
        if not self._held:
            self._at_once.clear()
        if self._file is not None and self._file.changed():
            self._due_s = 0.0

    def _gathers(self) -> bool:
        """Whether to wait for more to be recorded with what has ended: not while hands wait for that to be recorded.

        What is claimed of a target with a limit of its own is no more than may be sent at once.
        """
        sending = self._sending.total()
        return sending > 0 and (bool(self._waiting) or len(self._ended) < sending)

    def _take(self, attempt: _Attempt) -> None:
        """An attempt has ended. If its lease was over, and the delivery is claimed anew, the new claim counts."""
        delivery, _ = attempt
        self._sending[delivery.target] -= 1
        if self._held.get(delivery.delivery_id) is delivery:
            self._ended.append(attempt)
        self._deal()

    @property
    def _lease_us(self) -> int:
        return round(self._settings.lease_s * _SECOND_US)


def _chance() -> int:
    return random.randint(0, rules.CHANCE_MAX)  # noqa: S311 - it spreads attempts over time, and is no secret


def _traceparent(database: Database, delivery: Delivery) -> str:
    """The trace of the operation that a delivery tells of; empty while nothing is traced. Raises: Unavailable."""
    operation_id = delivery.subject.removeprefix(operations.name_of(""))
    if not tracing.is_on() or operation_id == delivery.subject:
        return ""
    return database.read(lambda tx: operations.traceparent(tx, operation_id))


def _names(delivery: Delivery) -> dict[str, str | int]:
    return {
        "delivery_id": delivery.delivery_id,
        "kind": delivery.kind,
        "target": delivery.target,
        "subject": delivery.subject,
        "attempt": delivery.attempts,
    }


def _log_broken(what: str, delivery: Delivery, error: Exception) -> None:
    log.error(what, delivery_id=delivery.delivery_id, **trace(error))


def _log(delivery: Delivery) -> None:
    names: dict[str, object] = {**_names(delivery)}
    if delivery.state is State.DELIVERED:
        log.info("delivered", **names)
    elif delivery.state is State.GIVEN_UP:
        log.error("delivery given up", reason=delivery.reason, **names)
    else:
        log.warning("delivery failed", reason=delivery.reason, **names)
