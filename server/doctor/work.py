"""Long-running work and what is to go outside: who carries it out, and what does not get on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, case, func, select

from domain.deliveries.tables import delivery, delivery_target
from domain.kernel.clock import now_us
from domain.operations.model import ChunkState, State
from domain.operations.tables import chunk, operation, worker
from server.database.transaction import Database
from server.doctor.model import Finding, Patient, ago, fail, ok, warn

_STUCK_US = 15 * 60_000_000
_OUTBOX_LATE_US = 5 * 60_000_000
_NAMED = 3


def workers(_patient: Patient, database: Database) -> Iterator[Finding]:
    """Who carries out long-running work."""

    def count(tx: Connection) -> tuple[int, int, int]:
        at_us = now_us(tx)
        alive = func.sum(case((worker.c.lease_until_us >= at_us, 1), else_=0))
        all_of_them, living = tx.execute(select(func.count(), func.coalesce(alive, 0)).select_from(worker)).one()
        waiting = tx.execute(select(func.count()).where(operation.c.ended_us == 0)).scalar_one()
        return int(living), int(all_of_them) - int(living), int(waiting)

    living, dead, waiting = database.read(count)
    said = f"{living} at work, {waiting} operations under way"
    if not living and waiting:
        yield fail(said, "start countinghouse work, or serve without --no-jobs")
    elif not living:
        yield warn(said, "long-running operations would wait: start countinghouse work, or serve without --no-jobs")
    else:
        yield ok(said)
    if dead and not living:
        yield warn(f"{dead} died without handing over", "the next worker process takes over what they left")


def operations(_patient: Patient, database: Database) -> Iterator[Finding]:
    """Operations that do not get on, and those that failed or were paused and wait for somebody."""

    def look(tx: Connection) -> tuple[_Some, _Some, _Some, int]:
        o, still = operation.c, now_us(tx) - _STUCK_US
        resting = select(chunk.c.operation_id).where(chunk.c.not_before_us > still + _STUCK_US)
        unmoved = and_(o.ended_us == 0, o.updated_us < still)
        return (
            _some(tx, unmoved, o.state != State.PAUSED, o.operation_id.not_in(resting)),
            _some(tx, unmoved, o.state == State.PAUSED),
            _some(tx, o.state == State.FAILED),
            tx.execute(select(func.count()).where(chunk.c.state == ChunkState.FAILED)).scalar_one(),
        )

    stuck, paused, failed, chunks = database.read(look)
    if stuck.count:
        yield warn(
            f"{stuck.count} have not moved for {ago(_STUCK_US / 1_000_000)}: {stuck.names}",
            "see whether a worker runs, and what its log says",
        )
    if paused.count:
        yield warn(
            f"{paused.count} have been paused for {ago(_STUCK_US / 1_000_000)}: {paused.names}",
            "countinghouse ops resume, or cancel",
        )
    if failed.count:
        yield warn(
            f"{failed.count} failed and are half done ({chunks} chunks set apart): {failed.names}",
            "mend the cause, then countinghouse ops recover, or cancel",
        )
    if not (stuck.count or paused.count or failed.count):
        yield ok("none is stuck, none has failed")


@dataclass(frozen=True, slots=True)
class _Some:
    """How many operations, and the first of them by name."""

    count: int
    names: str


def _some(tx: Connection, *conditions: ColumnElement[bool]) -> _Some:
    o = operation.c
    first = select(o.operation_id).where(*conditions).order_by(o.updated_us, o.operation_id).limit(_NAMED)
    count = tx.execute(select(func.count()).select_from(operation).where(*conditions)).scalar_one()
    return _Some(count, ", ".join(tx.execute(first).scalars()))


def outbox(_patient: Patient, database: Database) -> Iterator[Finding]:
    """Deliveries that wait, those given up, and targets in trouble."""

    def look(tx: Connection) -> tuple[int, int, int, int, int]:
        d = delivery.c
        waits = select(func.count(), func.coalesce(func.min(d.since_us), 0)).where(d.state == "PENDING")
        count, oldest_us = tx.execute(waits).one()
        given_up = tx.execute(select(func.count()).where(d.state == "GIVEN_UP")).scalar_one()
        troubled = tx.execute(select(func.count()).where(delivery_target.c.failures > 0)).scalar_one()
        return int(count), int(oldest_us), int(given_up), int(troubled), now_us(tx)

    count, oldest_us, given_up, troubled, at_us = database.read(look)
    if count and at_us - oldest_us > _OUTBOX_LATE_US:
        yield warn(
            f"{count:,} wait, the oldest for {ago((at_us - oldest_us) / 1_000_000)}",
            "see whether a worker process runs, and what the targets answer",
        )
    else:
        yield ok(f"{count:,} wait")
    if troubled:
        yield warn(
            f"targets that failed at their last attempt: {troubled:,}", "list the deliveries: each tells its reason"
        )
    if given_up:
        yield warn(f"given up: {given_up:,}", "mend the target, then have them sent again")
