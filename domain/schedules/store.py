"""All SQL of schedules; one statement a function, by key or index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, and_, delete, func, insert, select, text, update

from domain.kernel.documents import from_text, to_text
from domain.kernel.scopes import within
from domain.schedules.model import (
    Cause,
    Due,
    MissedRuns,
    Outcome,
    Plan,
    RelativeDate,
    Run,
    Schedule,
    ScheduleState,
)
from domain.schedules.tables import schedule, schedule_run

_s, _r = schedule.c, schedule_run.c
_RUN = "run_"  # sets the columns of the last run apart

_CREATE = text(
    "INSERT INTO schedule (code, description, kind, request, relative_dates, cron, time_zone, missed, state, caller,"
    " scope_id, version, runs_made, next_us, created_us, updated_us)"
    " VALUES (:code, :description, :kind, :request, :relative_dates, :cron, :time_zone, :missed, :state, :caller,"
    " :scope_id, :version, :runs_made, :next_us, :created_us, :updated_us) ON CONFLICT DO NOTHING"
)


def create(tx: Connection, new: Schedule) -> bool:
    """Insert the schedule; False when its code is taken, also by somebody who commits just now."""
    return tx.execute(_CREATE, {"code": new.code, "created_us": new.created_us, **_values(new)}).rowcount == 1


def find(tx: Connection, code: str, seen: frozenset[int] | None) -> Schedule | None:
    """The schedule with its last run, if there is one whose scope is among those seen."""
    row = tx.execute(_with_last_run().where(_s.code == code, within(_s.scope_id, seen))).mappings().one_or_none()
    return None if row is None else _schedule_from_row(row)


def page(tx: Connection, seen: frozenset[int] | None, *, after: str, limit: int) -> list[Schedule]:
    """At most `limit` schedules by code, those behind the code `after`."""
    query = _with_last_run().where(_s.code > after, within(_s.scope_id, seen)).order_by(_s.code).limit(limit)
    return [_schedule_from_row(row) for row in tx.execute(query).mappings()]


def lock(tx: Connection, code: str) -> bool:
    """Keep the schedule as it is until the transaction ends (PostgreSQL; SQLite has one writer); False: none."""
    return tx.execute(select(_s.code).where(_s.code == code).with_for_update()).one_or_none() is not None


def lock_free(tx: Connection, due: Due) -> bool:
    """As `lock`, of one that still waits for this time; False when it does not, or while somebody else has it."""
    query = select(_s.code).where(_s.code == due.code, _s.next_us == due.next_us)
    return tx.execute(query.with_for_update(skip_locked=True)).one_or_none() is not None


def change(tx: Connection, changed: Schedule) -> None:
    """Put `changed` in place of the schedule; the caller holds its lock."""
    tx.execute(update(schedule).where(_s.code == changed.code).values(**_values(changed)))


def forget(tx: Connection, code: str) -> None:
    """Delete the schedule and its runs; the caller holds its lock. Two statements."""
    tx.execute(delete(schedule_run).where(_r.schedule_code == code))
    tx.execute(delete(schedule).where(_s.code == code))


def due(tx: Connection, until_us: int, limit: int) -> list[Due]:
    """At most `limit` schedules whose time has come, the longest waiting first."""
    query = select(_s.code, _s.next_us).where(_s.next_us > 0, _s.next_us <= until_us).order_by(_s.next_us).limit(limit)
    return [Due(row.code, row.next_us) for row in tx.execute(query)]


def waiting_since_us(tx: Connection, now_us: int) -> int:
    """The longest waiting time that has come, 0 when there is none. Cost: one statement, by index."""
    query = select(func.coalesce(func.min(_s.next_us), 0)).where(_s.next_us > 0, _s.next_us <= now_us)
    return int(tx.execute(query).scalar_one())


def advance(tx: Connection, code: str, *, from_us: int, to_us: int) -> bool:
    """Count a run and wait for another time; False when the time it waited for is not `from_us`."""
    counted = update(schedule).where(_s.code == code, _s.next_us == from_us)
    return tx.execute(counted.values(next_us=to_us, runs_made=_s.runs_made + 1)).rowcount == 1


def count_run(tx: Connection, code: str) -> None:
    """Count a run that changes no time; the caller holds the schedule's lock."""
    tx.execute(update(schedule).where(_s.code == code).values(runs_made=_s.runs_made + 1))


def add_run(tx: Connection, run: Run, *, kept: int) -> None:
    """Record a run, and forget those before the last `kept`. Two statements."""
    tx.execute(insert(schedule_run).values(**asdict(run)))
    tx.execute(delete(schedule_run).where(_r.schedule_code == run.schedule_code, _r.run_no <= run.run_no - kept))


def runs(tx: Connection, code: str, *, before_no: int | None, limit: int) -> list[Run]:
    """At most `limit` runs, newest first, those before the number `before_no`."""
    query = select(schedule_run).where(_r.schedule_code == code).order_by(_r.run_no.desc()).limit(limit)
    query = query if before_no is None else query.where(_r.run_no < before_no)
    return [_run_from_row(row) for row in tx.execute(query).mappings()]


def _with_last_run() -> Select[Any]:
    last = and_(_r.schedule_code == _s.code, _r.run_no == _s.runs_made)
    columns = [column.label(f"{_RUN}{column.name}") for column in schedule_run.c]
    return select(schedule, *columns).select_from(schedule.outerjoin(schedule_run, last))


def _values(of: Schedule) -> dict[str, Any]:
    plan = of.plan
    return {
        "description": plan.description,
        "kind": plan.kind,
        "request": to_text(plan.request),
        "relative_dates": to_text(dict(plan.relative_dates)),
        "cron": plan.cron,
        "time_zone": plan.time_zone,
        "missed": plan.missed.value,
        "state": of.state.value,
        "caller": of.caller,
        "scope_id": of.scope_id,
        "version": of.version,
        "runs_made": of.runs_made,
        "next_us": of.next_us,
        "updated_us": of.updated_us,
    }


def _schedule_from_row(row: RowMapping) -> Schedule:
    relative = {field: RelativeDate(name) for field, name in from_text(row["relative_dates"]).items()}
    last = {column.name: row[f"{_RUN}{column.name}"] for column in schedule_run.c}
    return Schedule(
        code=row["code"],
        plan=Plan(
            description=row["description"],
            kind=row["kind"],
            request=from_text(row["request"]),
            relative_dates=relative,
            cron=row["cron"],
            time_zone=row["time_zone"],
            missed=MissedRuns(row["missed"]),
        ),
        state=ScheduleState(row["state"]),
        caller=row["caller"],
        scope_id=row["scope_id"],
        version=row["version"],
        runs_made=row["runs_made"],
        next_us=row["next_us"],
        created_us=row["created_us"],
        updated_us=row["updated_us"],
        last_run=_run_from_row(last) if last["run_no"] else None,
    )


def _run_from_row(row: RowMapping | Mapping[str, Any]) -> Run:
    return Run(**{**row, "cause": Cause(row["cause"]), "outcome": Outcome(row["outcome"])})
