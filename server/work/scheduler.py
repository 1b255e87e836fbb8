"""The scheduler: a loop of the worker process that runs the schedules whose time has come (PLT-26).

Any number of workers may look; who finds a time still waiting runs it, all others find nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

import structlog

from domain.gl_extraction.extraction import service as extraction
from domain.kernel.errors import DomainError, Unavailable
from domain.kernel.time import BusinessZone
from domain.kinds import registry
from domain.schedules import firing
from domain.schedules.model import Due, Registry, Run
from server.call import now_us
from server.database.failures import DatabaseFault
from server.database.transaction import Database
from server.gate.errors import Unexpected, reason_of
from server.opening import cutting
from server.settings import Settings
from server.telemetry import figures
from server.telemetry.observe import trace
from server.work.loops import Loop

_LOOK_S = 1.0  # between two looks for times that have come
_AT_ONCE = 100  # schedules of one look

log = structlog.get_logger("scheduler")


def schedulable(settings: Settings) -> Registry:
    """What can be started by schedule, under these settings."""
    zone = BusinessZone(settings.business_time_zone)
    return registry(extraction.Settings(zone, cutting(settings)))


def scheduling(settings: Settings, *, clock_us: Callable[[], int] = now_us) -> Loop:
    """The loop that runs schedules."""
    scheduler = Scheduler(schedulable(settings), clock_us=clock_us)
    return Loop("schedules", scheduler.run)


class Scheduler:
    """Runs schedules by a clock, in microseconds UTC."""

    def __init__(self, known: Registry, *, clock_us: Callable[[], int] = now_us) -> None:
        self._known = known
        self._clock_us = clock_us

    def run(self, database: Database, stopping: Event) -> None:
        """Look until `stopping` is set. Raises: Unavailable."""
        while not stopping.is_set():
            if not self.look(database, stopping):
                stopping.wait(_LOOK_S)

    def look(self, database: Database, stopping: Event) -> int:
        """Run what is due now, a transaction each; gives how many were found due. Raises: Unavailable."""
        now = self._clock_us()
        waiting = database.read(lambda tx: firing.due(tx, now, _AT_ONCE))
        for due in waiting:
            if stopping.is_set():
                break
            run = self._fire(database, due)
            if run is not None:
                _tell(run)
        return len(waiting)

    def _fire(self, database: Database, due: Due) -> Run | None:
        """Run one schedule, or record why it could not be; None when somebody else does. Raises: Unavailable."""
        now = self._clock_us()
        try:
            return database.write(lambda tx: firing.fire(tx, self._known, due, now))
        except Unavailable:
            raise  # nothing was done, and the time still waits
        except Exception as error:  # noqa: BLE001 - one schedule must not hold up the others
            refused = _refusal(due, error)
        reason, message = reason_of(refused), refused.message
        return database.write(lambda tx: firing.refuse(tx, self._known, due, now, reason=reason, message=message))


def _refusal(due: Due, error: Exception) -> DomainError:
    """What is recorded of an error: what callers would be told."""
    if isinstance(error, DomainError) and not isinstance(error, DatabaseFault):
        return error
    log.error("unexpected, the run is refused", schedule=due.code, **trace(error))
    return Unexpected()


def _tell(run: Run) -> None:
    figures.SCHEDULE_RUNS.labels(run.cause, run.outcome).inc()
    log.info(
        "schedule ran",
        schedule=run.schedule_code,
        run=run.run_no,
        cause=run.cause,
        outcome=run.outcome,
        **({"operation_id": run.operation_id} if run.operation_id else {}),
        **({"reason": run.reason} if run.reason else {}),
    )
