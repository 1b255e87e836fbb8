"""What schedules do by themselves: each time that comes is run by one of all who look (PLT-26).

The run is counted, the next time is set and the operation is started in one transaction, and only by who finds the time
still waiting: whatever dies meanwhile, an operation is started exactly once.
"""

from __future__ import annotations

from sqlalchemy import Connection

from domain.kernel import scopes
from domain.kernel.call import Call
from domain.schedules import rules, service, store
from domain.schedules.model import Due, Outcome, Registry, Run, Schedule
from domain.schedules.rules import Firing

_METHOD = "countinghouse.operations.v1.SchedulesService/RunSchedule"


def due(tx: Connection, now_us: int, limit: int) -> list[Due]:
    """At most `limit` schedules whose time has come, the longest waiting first. Cost: one statement, by index."""
    return store.due(tx, now_us, limit)


def fire(tx: Connection, registry: Registry, waiting: Due, now_us: int) -> Run | None:
    """Run a schedule whose time has come; None when somebody else does, or it waits for another time now.

    Raises: KindUnknown; and what the kind refuses with. Then nothing was done: `refuse` records it.
    """
    taken = _take(tx, registry, waiting, now_us)
    if taken is None:
        return None
    schedule, found, run = taken
    if found.outcome is Outcome.SKIPPED:
        return service.record(tx, _call(tx, schedule, now_us), schedule, run)
    return service.start(tx, _call(tx, schedule, now_us), registry, schedule, run)


def refuse(tx: Connection, registry: Registry, waiting: Due, now_us: int, *, reason: str, message: str) -> Run | None:
    """Record that the run of a time was refused; the schedule waits for its next one. None as in `fire`."""
    taken = _take(tx, registry, waiting, now_us, reason=reason, message=message)
    if taken is None:
        return None
    schedule, _, run = taken
    return service.record(tx, _call(tx, schedule, now_us), schedule, run)


def _take(
    tx: Connection, registry: Registry, waiting: Due, now_us: int, *, reason: str = "", message: str = ""
) -> tuple[Schedule, Firing, Run] | None:
    """Count the run of a time and have the schedule wait for the next one, if nobody else has done so."""
    schedule = store.find(tx, waiting.code, None) if store.lock_free(tx, waiting) else None
    if schedule is None:
        return None
    plan = schedule.plan
    zone = rules.zone_of(plan.time_zone, registry.zone)
    found = rules.firing(plan.cron, zone, plan.missed, due_us=waiting.next_us, now_us=now_us)
    if not store.advance(tx, waiting.code, from_us=waiting.next_us, to_us=found.next_us):
        return None
    run = Run(
        schedule_code=waiting.code,
        run_no=schedule.runs_made + 1,
        cause=found.cause,
        outcome=Outcome.REFUSED if reason else found.outcome,
        scheduled_us=found.scheduled_us,
        missed_since_us=found.missed_since_us,
        at_us=now_us,
        caller=schedule.caller,
        reason=reason,
        message=message,
    )
    return schedule, found, run


def _call(tx: Connection, schedule: Schedule, now_us: int) -> Call:
    """The call that a run stands for: nobody's request, in the name of who made the schedule."""
    return Call(schedule.caller, _METHOD, "", now_us, scope=scopes.load(tx, schedule.scope_id))
