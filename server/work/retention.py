"""Forgets what was kept long enough, and is no part of the books (PLT-06, PLT-11, PLT-20).

One worker process at a time does it, in small transactions with pauses between them, so that calls do not notice. What
is forgotten is an explicit tuple (`KINDS`); details, batches, stamps, elements, files and periods are never among it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection

from domain.accounting.feed import service as feed
from domain.approvals import service as approvals
from domain.deliveries import service as deliveries
from domain.kernel import duties, events, idempotency
from domain.kernel.call import Call
from domain.kernel.clock import now_us
from domain.kernel.documents import Document
from domain.kernel.errors import Unavailable
from domain.kernel.ids import new_id
from domain.operations import service as operations
from server.database.transaction import Database
from server.settings import Settings
from server.telemetry import figures
from server.telemetry.observe import trace
from server.work.loops import Loop

DUTY = "retention"
"""Under this name stands who forgets, when it was done last, and how much was forgotten then."""

DAY_US = 86_400_000_000

_SYSTEM = "countinghouse"  # the caller, as the audit trail names it
_EVERY_US = 3_600_000_000
_LOOK_S = 30.0  # between two looks at whether it is due
_LEASE_US = 60_000_000
_REST = 4  # so a fifth of the time at most is taken
_REST_MIN_S, _REST_MAX_S = 0.01, 2.0

log = structlog.get_logger("retention")


@dataclass(frozen=True, slots=True)
class Piece:
    """What one transaction is to forget: at most `limit` rows older than `before_us`, from behind `after` on."""

    tx: Connection
    call: Call
    before_us: int
    after: str
    limit: int


@dataclass(frozen=True, slots=True)
class Kind:
    """Something that is forgotten. `forget` gives how many rows went, and where to go on: empty at the end.

    `days` is the setting that says how long it is kept; `limit` how many rows are looked at in one transaction;
    `audited` whether the trail tells of it.
    """

    name: str
    days: str
    forget: Callable[[Piece], tuple[int, str]]
    limit: int = 200
    audited: bool = True


class LostDuty(Exception):
    """Another process forgets by now: this one was silent for too long."""


def _answers(piece: Piece) -> tuple[int, str]:
    return _until_few(idempotency.forget_before(piece.tx, piece.before_us, piece.limit), piece)


def _deliveries(piece: Piece) -> tuple[int, str]:
    return _until_few(deliveries.forget_before(piece.tx, piece.before_us, piece.limit), piece)


def _approvals(piece: Piece) -> tuple[int, str]:
    return _until_few(approvals.forget_before(piece.tx, piece.before_us, piece.limit), piece)


def _accounting_events(piece: Piece) -> tuple[int, str]:
    return _until_few(feed.forget_before(piece.tx, piece.before_us, piece.limit), piece)


def _operations(piece: Piece) -> tuple[int, str]:
    return operations.forget_before(piece.tx, piece.call, piece.before_us, after_id=piece.after, limit=piece.limit)


def _audit(piece: Piece) -> tuple[int, str]:
    return events.forget_before(
        piece.tx, piece.before_us, after_id=piece.after, limit=piece.limit, last_words=(operations.LAST_WORD,)
    )


def _until_few(count: int, piece: Piece) -> tuple[int, str]:
    """For what is forgotten oldest first, whatever it is: there are more as long as a piece is full."""
    return count, "more" if count == piece.limit else ""


KINDS = (
    Kind("idempotency", "idempotency_days", _answers, audited=False),
    Kind("deliveries", "deliveries_days", _deliveries),
    Kind("approvals", "approvals_days", _approvals),
    Kind("accounting_events", "accounting_events_days", _accounting_events, limit=1_000),
    Kind("operations", "operations_days", _operations, limit=50, audited=False),  # each has its own entry
    Kind("audit", "audit_days", _audit),
)
"""What is forgotten, in this order; one line a kind."""


def retention(settings: Settings) -> Loop:
    """The loop that forgets, for the worker process."""
    days = {kind.name: int(getattr(settings, kind.days)) for kind in KINDS}
    return Loop("retention", Retention(days).run)


class Retention:
    """Forgets what is older than `days` says by kind, whenever that is due and nobody else does it.

    After each transaction it rests `rest` times as long as that took.
    """

    def __init__(
        self, days: dict[str, int], *, every_us: int = _EVERY_US, look_s: float = _LOOK_S, rest: int = _REST
    ) -> None:
        self._days = days
        self._rest = rest
        self._every_us = every_us
        self._look_s = look_s

    def run(self, database: Database, stopping: threading.Event) -> None:
        """Look, and forget, until told to stop. Raises: Unavailable."""
        holder = new_id(database.clock_us())
        while not stopping.is_set():
            if database.read(lambda tx: duties.is_due(tx, DUTY, every_us=self._every_us)) and self._taken(
                database, holder
            ):
                self._sweep(database, holder, stopping)
            stopping.wait(self._look_s)

    def _taken(self, database: Database, holder: str) -> bool:
        return database.write(lambda tx: duties.take(tx, DUTY, holder, every_us=self._every_us, lease_us=_LEASE_US))

    def _sweep(self, database: Database, holder: str, stopping: threading.Event) -> None:
        forgotten: dict[str, int] = {}
        failed: list[str] = []
        for kind in KINDS:
            try:
                forgotten[kind.name] = self._forget(database, holder, kind, stopping)
            except LostDuty:
                log.warning("taken over by another process")
                return
            except Exception as error:  # noqa: BLE001 - one kind must not keep the others from being forgotten
                failed.append(kind.name)
                _log_failure(kind, error)
        if stopping.is_set():
            database.write(lambda tx: duties.leave(tx, DUTY, holder))
            return
        outcome: Document = {"forgotten": forgotten, "failed": failed}
        database.write(lambda tx: duties.finish(tx, DUTY, holder, outcome))
        figures.FORGETTING_DONE.set_to_current_time()
        log.info("forgot", failed=failed, **forgotten)

    def _forget(self, database: Database, holder: str, kind: Kind, stopping: threading.Event) -> int:
        """Forget all of a kind that is old enough; gives how many rows. Raises: LostDuty; Unavailable."""
        total, after = 0, ""
        while not stopping.is_set():
            began = time.monotonic()
            count, after = database.write(lambda tx: self._piece(tx, holder, kind, after))  # noqa: B023 - run at once
            total += count
            figures.FORGOTTEN.labels(kind.name).inc(count)
            if not after:
                break
            stopping.wait(min(max((time.monotonic() - began) * self._rest, _REST_MIN_S), _REST_MAX_S))
        return total

    def _piece(self, tx: Connection, holder: str, kind: Kind, after: str) -> tuple[int, str]:
        if not duties.keep(tx, DUTY, holder, lease_us=_LEASE_US):
            raise LostDuty
        at_us = now_us(tx)
        before_us = at_us - self._days[kind.name] * DAY_US
        call = Call(_SYSTEM, DUTY, "", at_us)
        count, following = kind.forget(Piece(tx, call, before_us, after, kind.limit))
        if count and kind.audited:
            events.append(
                tx, call, f"retention/{kind.name}", "retention.forgotten", {"before_us": before_us, "count": count}
            )
        return count, following


def _log_failure(kind: Kind, error: Exception) -> None:
    if isinstance(error, Unavailable):
        log.warning("put off", kind=kind.name, reason=error.reason)
    else:
        log.error("put off", kind=kind.name, **trace(error))
