"""Takes the figures of what stands in the database, for Prometheus: a loop of the worker process (PLT-42)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

from sqlalchemy import Connection

from domain.accounting.execution import passing
from domain.deliveries import census as deliveries
from domain.gl_extraction.extraction.store import census as details
from domain.gl_extraction.receipts import service as receipts
from domain.gl_extraction.receipts.model import Awaited
from domain.invoicing.batches import census as invoicing
from domain.kernel.clock import now_us as database_now_us
from domain.operations.store import census as operations
from domain.schedules import store as schedules
from server.call import now_us
from server.database.transaction import Database
from server.telemetry import figures
from server.work.loops import Loop

_EVERY_S = 10.0
_FIRST_S = 0.5
_WITHIN_S = 5.0
_SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Figures:
    """What stands in the database at an instant."""

    at_us: int
    operations: operations.Census
    deliveries: deliveries.Census
    pending: int
    pending_oldest_us: int
    schedules_waiting_us: int
    awaited: Awaited
    accounting: passing.Census
    invoicing: invoicing.Census


def taking_census(*, every_s: float = _EVERY_S, clock_us: Callable[[], int] = now_us) -> Loop:
    """The loop that takes the figures now and then; oftener at first, while a worker that has just begun settles."""

    def run(database: Database, stopping: Event) -> None:
        pause_s = min(_FIRST_S, every_s)
        while not stopping.is_set():
            show(database.read(lambda tx: take(tx, clock_us()), timeout_s=_WITHIN_S))
            stopping.wait(pause_s)
            pause_s = min(2 * pause_s, every_s)

    return Loop("census", run)


def take(tx: Connection, clock_us: int) -> Figures:
    """The figures, by the database's clock; schedules and assignments by the server's, which runs them.

    Cost: a dozen statements by index; no more on ten million details than on ten thousand.
    """
    at_us = database_now_us(tx)
    return Figures(
        at_us=at_us,
        operations=operations.census(tx, at_us),
        deliveries=deliveries.census(tx),
        pending=details.pending(tx),
        pending_oldest_us=details.oldest_us(tx),
        schedules_waiting_us=at_us + (schedules.waiting_since_us(tx, clock_us) or clock_us) - clock_us,
        awaited=receipts.awaited(tx),
        accounting=passing.census(tx, clock_us),
        invoicing=invoicing.census(tx),
    )


def show(taken: Figures) -> None:
    """Hand the figures to Prometheus."""

    def age_s(since_us: int) -> float:
        return max(0, taken.at_us - since_us) / _SECOND_US if since_us else 0.0

    for state, count in taken.operations.operations.items():
        figures.OPERATIONS.labels(state).set(count)
        figures.OPERATIONS_OLDEST.labels(state).set(age_s(taken.operations.oldest_us[state]))
        figures.OPERATIONS_UNMOVED.labels(state).set(age_s(taken.operations.unmoved_us[state]))
    for chunk_state, count in taken.operations.chunks.items():
        figures.CHUNKS.labels(chunk_state).set(count)
    figures.WORKERS.set(taken.operations.workers)
    for kind, count in taken.deliveries.pending.items():
        figures.DELIVERIES.labels(kind, "PENDING").set(count)
        figures.DELIVERIES.labels(kind, "GIVEN_UP").set(taken.deliveries.given_up[kind])
        figures.DELIVERIES_OLDEST.labels(kind).set(age_s(taken.deliveries.oldest_us[kind]))
    figures.PENDING.set(taken.pending)
    figures.PENDING_OLDEST.set(age_s(taken.pending_oldest_us))
    figures.RECEIPTS_AWAITED.set(taken.awaited.messages)
    figures.BATCHES_AWAITED.set(taken.awaited.batches)
    figures.BATCHES_AWAITED_OLDEST.set(age_s(taken.awaited.oldest_us))
    figures.ASSIGNMENTS_OVERDUE.set(taken.accounting.overdue)
    for queue, count in taken.accounting.tasks.items():
        figures.TASKS.labels(queue).set(count)
    for batch_state, count in taken.invoicing.batches.items():
        figures.INVOICE_BATCHES.labels(batch_state).set(count)
    figures.INVOICE_BATCHES_HELD.set(age_s(taken.invoicing.held_since_us))
    figures.SCHEDULES_LATE.set(age_s(taken.schedules_waiting_us))
    figures.TAKEN.set(taken.at_us / _SECOND_US)
