"""Long-running work and what is to go outside: who carries it out, and what does not get on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, case, func, select

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
    """Operations that do not get on, and those that failed and wait for somebody."""

    def look(tx: Connection) -> tuple[Sequence[str], int, Sequence[str], int, int]:
        o, still = operation.c, now_us(tx) - _STUCK_US
        resting = select(chunk.c.operation_id).where(chunk.c.not_before_us > still + _STUCK_US)
        stuck = (o.ended_us == 0, o.updated_us < still, o.operation_id.not_in(resting))
        failed = (o.state == State.FAILED,)
        broken = select(func.count()).where(chunk.c.state == ChunkState.FAILED)
        return (
            tx.execute(select(o.operation_id).where(*stuck).order_by(o.updated_us).limit(_NAMED)).scalars().all(),
            tx.execute(select(func.count()).where(*stuck)).scalar_one(),
            tx.execute(select(o.operation_id).where(*failed).order_by(o.operation_id).limit(_NAMED)).scalars().all(),
            tx.execute(select(func.count()).where(*failed)).scalar_one(),
            tx.execute(broken).scalar_one(),
        )

    stuck, stuck_count, failed, failed_count, chunks = database.read(look)
    if stuck_count:
        yield warn(
            f"{stuck_count} have not moved for {ago(_STUCK_US / 1_000_000)}: {', '.join(stuck)}",
            "see whether a worker runs, and what its log says",
        )
    if failed_count:
        yield warn(
            f"{failed_count} failed and are half done ({chunks} chunks set apart): {', '.join(failed)}",
            "mend the cause, then countinghouse ops recover, or cancel",
        )
    if not stuck_count and not failed_count:
        yield ok("none is stuck, none has failed")


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
