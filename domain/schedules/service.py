"""What callers do with schedules (PLT-26); what they do by themselves is in `firing`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Connection

from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.documents import Document
from domain.kernel.errors import EtagMissing, EtagStale, Invalid, Violation
from domain.kernel.paging import Page
from domain.schedules import rules, store
from domain.schedules.errors import KindUnknown, ScheduleExists, ScheduleNotFound, ScheduleStateKept
from domain.schedules.model import (
    SCHEDULE_TYPE,
    Cause,
    Outcome,
    Plan,
    Registry,
    RelativeDate,
    Run,
    Schedule,
    ScheduleState,
)

RUNS_KEPT = 1_000
"""How many runs of a schedule are remembered."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be of the schedule that was seen with this etag; `changes` are fields of its plan."""

    code: str
    etag: str
    changes: Mapping[str, Any]


def create(tx: Connection, call: Call, registry: Registry, code: str, plan: Plan) -> Schedule:
    """Add a schedule, active. Raises: Invalid with every violation; ScheduleExists."""
    _require_sound(tx, call, registry, plan)
    plan = _in_its_zone(tx, registry, plan)
    schedule = Schedule(
        code=code,
        plan=plan,
        state=ScheduleState.ACTIVE,
        caller=call.caller,
        scope_id=scopes.intern(tx, call.scope),
        version=1,
        runs_made=0,
        next_us=_next_us(registry, plan, call.now_us),
        created_us=call.now_us,
        updated_us=call.now_us,
    )
    if not store.create(tx, schedule):
        raise ScheduleExists(code)
    events.append(tx, call, schedule.name, "schedule.created", {"from": None, "to": _told(plan)})
    return schedule


def get(tx: Connection, call: Call, code: str) -> Schedule:
    """The schedule. Raises: ScheduleNotFound, also for one outside the caller's scope."""
    schedule = store.find(tx, code, scopes.visible(tx, call.scope))
    if schedule is None:
        raise ScheduleNotFound(code)
    return schedule


def list_page(tx: Connection, call: Call, page: Page) -> list[Schedule]:
    """One schedule more than the page holds, if there is one, by code; the key is the code."""
    after = str(page.after[0]) if page.after else ""
    return store.page(tx, scopes.visible(tx, call.scope), after=after, limit=page.size + 1)


def update(tx: Connection, call: Call, registry: Registry, change: Change) -> Schedule:
    """Change the schedule that still has the etag; from then on it runs as the caller.

    Its scope stays what it was. Its next time is looked for anew if what it depends on was changed.

    Raises: EtagMissing; ScheduleNotFound; EtagStale; Invalid with every violation.
    """
    if not change.etag:
        raise EtagMissing("schedule.etag")
    old = _locked(tx, call, change.code)
    if old.etag != change.etag:
        raise EtagStale(SCHEDULE_TYPE, old.name, etag=change.etag)
    plan = replace(old.plan, **change.changes)
    _require_sound(tx, call, registry, plan)
    plan = _in_its_zone(tx, registry, plan)
    new = replace(
        old,
        plan=plan,
        caller=call.caller,
        next_us=_next_of(registry, old, plan, call.now_us),
    )
    return _changed(tx, call, new, "schedule.changed", {"from": _told(old.plan), "to": _told(plan)})


def delete(tx: Connection, call: Call, code: str, etag: str) -> None:
    """Delete the schedule and its runs. Raises: ScheduleNotFound; EtagStale when an etag is given and is not its."""
    old = _locked(tx, call, code)
    if etag and old.etag != etag:
        raise EtagStale(SCHEDULE_TYPE, old.name, etag=etag)
    store.forget(tx, code)
    payload = {"from": _told(old.plan), "to": None}
    events.append(tx, call, old.name, "schedule.deleted", payload, scope_id=old.scope_id)


def pause(tx: Connection, call: Call, code: str) -> Schedule:
    """Have the schedule start nothing. Raises: ScheduleNotFound; ScheduleStateKept."""
    return _moved(tx, call, _locked(tx, call, code), ScheduleState.PAUSED, next_us=0)


def resume(tx: Connection, call: Call, registry: Registry, code: str) -> Schedule:
    """Have the schedule start again, from its next time on. Raises: ScheduleNotFound; ScheduleStateKept."""
    old = _locked(tx, call, code)
    return _moved(tx, call, old, ScheduleState.ACTIVE, next_us=_next_us(registry, old.plan, call.now_us))


def run_now(tx: Connection, call: Call, registry: Registry, code: str) -> Run:
    """Start what the schedule starts, now, as the caller and within the schedule's scope.

    Raises: ScheduleNotFound; KindUnknown; and what the kind refuses with.
    """
    schedule = _locked(tx, call, code)
    store.count_run(tx, code)
    run = Run(
        schedule_code=code,
        run_no=schedule.runs_made + 1,
        cause=Cause.CALL,
        outcome=Outcome.STARTED,
        scheduled_us=call.now_us,
        missed_since_us=0,
        at_us=call.now_us,
        caller=call.caller,
    )
    return start(tx, call, registry, schedule, run)


def list_runs(tx: Connection, call: Call, code: str, page: Page) -> list[Run]:
    """One run more than the page holds, if there is one, newest first; the key is the number.

    Raises: ScheduleNotFound.
    """
    get(tx, call, code)
    before_no = int(page.after[0]) if page.after else None
    return store.runs(tx, code, before_no=before_no, limit=page.size + 1)


def start(tx: Connection, call: Call, registry: Registry, schedule: Schedule, run: Run) -> Run:
    """Start the operation of a run that was counted, as `run.caller`, and record it.

    The operation is told as one of the kind's method; its request id names the run.

    Raises: KindUnknown; and what the kind refuses with.
    """
    kind = registry.find(schedule.plan.kind)
    if kind is None:
        raise KindUnknown(schedule.code, schedule.plan.kind)
    caused = replace(
        call,
        caller=run.caller,
        method=kind.method,
        request_id=f"schedules:{schedule.code}:{run.run_no}",
        scope=scopes.load(tx, schedule.scope_id),
    )
    operation = kind.start(tx, caused, _filled(registry, schedule.plan, run.scheduled_us))
    return record(tx, call, schedule, replace(run, operation_id=operation.operation_id))


def record(tx: Connection, call: Call, schedule: Schedule, run: Run) -> Run:
    """Record a run that was counted."""
    store.add_run(tx, run, kept=RUNS_KEPT)
    payload = {key: value for key, value in asdict(run).items() if value and key not in {"schedule_code", "message"}}
    within = replace(call, operation_id=run.operation_id)
    kind = f"schedule.run_{run.outcome.lower()}"
    events.append(tx, within, schedule.name, kind, payload, scope_id=schedule.scope_id)
    return run


def _locked(tx: Connection, call: Call, code: str) -> Schedule:
    store.lock(tx, code)
    return get(tx, call, code)


def _moved(tx: Connection, call: Call, old: Schedule, state: ScheduleState, *, next_us: int) -> Schedule:
    if old.state is state:
        raise ScheduleStateKept(old.name, state=old.state, wanted=state)
    payload = {"from": {"state": old.state.value}, "to": {"state": state.value}}
    return _changed(tx, call, replace(old, state=state, next_us=next_us), f"schedule.{state.lower()}", payload)


def _changed(tx: Connection, call: Call, new: Schedule, kind: str, payload: Document) -> Schedule:
    new = replace(new, version=new.version + 1, updated_us=call.now_us)
    store.change(tx, new)
    events.append(tx, call, new.name, kind, payload, scope_id=new.scope_id)
    return new


def _require_sound(tx: Connection, call: Call, registry: Registry, plan: Plan) -> None:
    """Refuse a plan that cannot work. Raises: Invalid with every violation."""
    faults = [*_text_faults(plan), *rules.timing_faults(plan.cron, plan.time_zone, call.now_us)]
    faults += _request_faults(tx, call, registry, plan)
    if faults:
        raise Invalid(*faults)


def _text_faults(plan: Plan) -> Iterable[Violation]:
    try:
        require_storable(**{"schedule.description": plan.description, "schedule.cron": plan.cron})
    except Invalid as refused:
        return refused.violations
    return ()


def _request_faults(tx: Connection, call: Call, registry: Registry, plan: Plan) -> Iterable[Violation]:
    """What is wrong with the template, as it would be filled in now."""
    kind = registry.find(plan.kind)
    if kind is None:
        names = ", ".join(each.method.rpartition("/")[2] for each in registry.kinds)
        return (Violation("schedule.request", "SCHEDULED_REQUEST_UNKNOWN", f"must be a request of {names}"),)
    faults = [_relative_fault(field, plan, kind.dates) for field in plan.relative_dates]
    if found := [fault for fault in faults if fault]:
        return found
    try:
        kind.check(tx, call, _filled(registry, plan, call.now_us))
    except Invalid as refused:
        return [replace(each, field=f"schedule.request.{each.field}") for each in refused.violations]
    return ()


def _relative_fault(field: str, plan: Plan, dates: frozenset[str]) -> Violation | None:
    path = f'schedule.relative_dates["{field}"]'
    if field not in dates:
        return Violation(path, "RELATIVE_DATE_INVALID", f"must be one of {', '.join(sorted(dates))}")
    if plan.request.get(field):
        text = "is a fixed date in the request; give one or the other"
        return Violation(path, "RELATIVE_DATE_INVALID", text)
    return None


def _filled(registry: Registry, plan: Plan, at_us: int) -> Document:
    """The request, with its relative dates as they are for a run at an instant."""
    today = rules.business_day(registry.zone, at_us)
    days = {field: rules.resolved(relative, today) for field, relative in plan.relative_dates.items()}
    return {**plan.request, **{field: [day.year, day.month, day.day] for field, day in days.items()}}


def _in_its_zone(tx: Connection, registry: Registry, plan: Plan) -> Plan:
    """The plan, which is sound, with the time zone of what it is about unless it names another."""
    kind = registry.find(plan.kind)
    assert kind is not None, "the plan is sound"
    return plan if plan.time_zone else replace(plan, time_zone=kind.zone(tx, plan.request))


def _next_us(registry: Registry, plan: Plan, after_us: int) -> int:
    return rules.next_after(plan.cron, rules.zone_of(plan.time_zone, registry.zone), after_us)


def _next_of(registry: Registry, old: Schedule, plan: Plan, now_us: int) -> int:
    """The next time of a changed schedule: as it was, unless what it depends on was changed."""
    same = (plan.cron, plan.time_zone) == (old.plan.cron, old.plan.time_zone)
    if same or old.state is ScheduleState.PAUSED:
        return old.next_us
    return _next_us(registry, plan, now_us)


def _told(plan: Plan) -> Document:
    """The plan, for the audit trail."""
    return {
        **asdict(plan),
        "relative_dates": {key: RelativeDate(day).value for key, day in plan.relative_dates.items()},
    }
