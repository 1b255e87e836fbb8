"""What schedules start by themselves, and that each time is run by one of all who look."""

from __future__ import annotations

import multiprocessing
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event
from typing import Literal

import pytest
from sqlalchemy import text

from domain.gl_extraction.extraction import service as extraction
from domain.gl_extraction.extraction.model import Request, request_to_document
from domain.kernel import events, scopes
from domain.kernel.events import AuditFilter
from domain.kernel.paging import Page
from domain.schedules import firing, service
from domain.schedules.errors import ScheduleNotFound
from domain.schedules.model import Cause, Due, MissedRuns, Outcome, Registry, RelativeDate, Run
from server.database.transaction import Database
from server.work import scheduler
from server.work.scheduler import Scheduler
from tests.operations.processes import Crash, Plan
from tests.schedules.samples import CALL, DAY_US, KNOWN, MINUTE_US, NOW_US, created, plan, runs, started
from tests.support.logs import heard

DUE_US = NOW_US + 160_000_000  # 20:30:00


def look(database: Database, now_us: int, known: Registry = KNOWN) -> None:
    """One look of a scheduler whose clock shows so much."""
    Scheduler(known, clock_us=lambda: now_us).look(database, Event())


@pytest.mark.rule("PLT-26", "PLT-04")
def test_a_time_that_has_come_starts_the_operation_that_a_call_would_start(database: Database) -> None:
    """It is told as the method's, runs as who made the schedule, names its run, and takes the day before."""
    assert created(database, "nightly").next_us == DUE_US
    look(database, DUE_US - 1)
    assert not started(database)
    look(database, DUE_US)
    (operation,) = started(database)
    (run,) = runs(database, "nightly")
    assert (operation.caller, operation.request_id) == ("erin", "schedules:nightly:1")
    assert operation.method == "countinghouse.gl_extraction.v1.GLExtractionService/GenerateAccountingMessage"
    batch = database.read(lambda tx: extraction.get(tx, 1, CALL.scope))
    assert batch.request.created_date_to == (2026, 5, 27)
    assert run == Run(
        schedule_code="nightly",
        run_no=1,
        cause=Cause.TIME,
        outcome=Outcome.STARTED,
        scheduled_us=DUE_US,
        missed_since_us=0,
        at_us=DUE_US,
        caller="erin",
        operation_id=operation.operation_id,
    )
    schedule = database.read(lambda tx: service.get(tx, CALL, "nightly"))
    assert (schedule.next_us, schedule.last_run) == (DUE_US + DAY_US, run)
    look(database, DUE_US + MINUTE_US)
    assert len(started(database)) == 1


@pytest.mark.rule("PLT-26")
@pytest.mark.parametrize("missed", MissedRuns)
def test_after_downtime_it_runs_once_or_not_at_all(database: Database, missed: MissedRuns) -> None:
    """A week without a worker comes to one run, for its last day; or to a record of what was skipped."""
    created(database, "nightly", plan(missed=missed))
    back_us = DUE_US + 6 * DAY_US + 60 * MINUTE_US
    look(database, back_us)
    look(database, back_us + MINUTE_US)
    (run,) = runs(database, "nightly")
    assert (run.cause, run.scheduled_us, run.missed_since_us) == (Cause.MISSED, DUE_US + 6 * DAY_US, DUE_US)
    assert len(started(database)) == (1 if missed is MissedRuns.ONCE else 0)
    assert run.outcome is (Outcome.STARTED if missed is MissedRuns.ONCE else Outcome.SKIPPED)
    assert database.read(lambda tx: service.get(tx, CALL, "nightly")).next_us == DUE_US + 7 * DAY_US


@pytest.mark.rule("PLT-26")
def test_a_start_that_is_refused_is_recorded_and_does_not_stop_the_schedule(database: Database) -> None:
    """While another run stamps anew a second one is refused: it says so, and comes again the next day."""
    anew = plan(request=request_to_document(Request(incremental=False)))
    created(database, "first", anew)
    created(database, "second", anew)
    look(database, DUE_US)
    found = {code: runs(database, code)[0] for code in ("first", "second")}
    assert sorted(run.outcome for run in found.values()) == [Outcome.REFUSED, Outcome.STARTED]
    code, refused = next((code, run) for code, run in found.items() if run.outcome is Outcome.REFUSED)
    assert refused.reason == "EXTRACTION_RESTAMP_RUNNING"
    assert "one such run goes at a time" in refused.message
    assert refused.operation_id == ""
    assert len(started(database)) == 1
    look(database, DUE_US + DAY_US)
    assert [run.run_no for run in runs(database, code)] == [2, 1]


@pytest.mark.rule("PLT-26")
def test_a_bug_in_one_kind_holds_up_no_other(database: Database) -> None:
    """What nobody planned for is told as callers are told, and the other schedules run."""

    def broken(*_: object) -> None:
        raise RuntimeError("an amount of 12345.67")

    created(database, "broken")
    faulty = replace(KNOWN, kinds=tuple(replace(kind, start=broken) for kind in KNOWN.kinds))  # type: ignore[arg-type]
    with heard(scheduler) as logs:
        look(database, DUE_US, faulty)
    assert "12345.67" not in str(logs)
    (run,) = runs(database, "broken")
    assert (run.outcome, run.reason) == (Outcome.REFUSED, "INTERNAL")
    assert "12345.67" not in run.message
    created(database, "sound", now_us=DUE_US)
    look(database, DUE_US + DAY_US)
    assert runs(database, "sound")[0].outcome is Outcome.STARTED


def test_a_kind_that_this_version_does_not_know_is_refused_by_name(database: Database) -> None:
    """After a step back to an older version, schedules of newer kinds say why they do not run."""
    created(database, "nightly")
    look(database, DUE_US, replace(KNOWN, kinds=()))
    assert runs(database, "nightly")[0].reason == "SCHEDULE_KIND_UNKNOWN"


@pytest.mark.rule("PLT-26", "PLT-23")
def test_of_many_who_look_one_starts_each(database: Database) -> None:
    """Eight schedulers, one instant, a dozen schedules: a dozen operations."""
    codes = [f"s{number}" for number in range(12)]
    for code in codes:
        created(database, code)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: look(database, DUE_US), range(8)))
    assert sorted(operation.request_id for operation in started(database)) == sorted(
        f"schedules:{code}:1" for code in codes
    )
    assert all(len(runs(database, code)) == 1 for code in codes)


@pytest.mark.rule("PLT-26")
def test_who_comes_late_finds_another_time_waiting(database: Database) -> None:
    """A time that somebody else has run is not run again, nor recorded as refused."""
    created(database, "nightly")
    look(database, DUE_US)
    stale = Due("nightly", DUE_US)
    assert database.write(lambda tx: firing.fire(tx, KNOWN, stale, DUE_US)) is None
    assert database.write(lambda tx: firing.refuse(tx, KNOWN, stale, DUE_US, reason="X", message="")) is None
    assert len(runs(database, "nightly")) == 1


def _look_and_die(url: str, commit: int, when: Literal["before", "after"]) -> None:
    look(Plan(url, crash=Crash(commit, when)).open(), DUE_US)


@pytest.mark.crash
@pytest.mark.rule("PLT-26", "PLT-22")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_scheduler_that_dies_at_its_commit_leaves_one_run_for_each_time(
    database: Database, migrated_url: str, when: Literal["before", "after"]
) -> None:
    """Killed just before or just after it commits, each of three schedules is run exactly once in the end."""
    for code in ("a", "b", "c"):
        created(database, code)
    process = multiprocessing.get_context("spawn").Process(target=_look_and_die, args=(migrated_url, 2, when))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert len(started(database)) == (1 if when == "before" else 2)
    look(database, DUE_US + 30 * MINUTE_US)
    assert sorted(operation.request_id for operation in started(database)) == [
        "schedules:a:1",
        "schedules:b:1",
        "schedules:c:1",
    ]


@pytest.mark.rule("PLT-11")
def test_every_run_is_in_the_audit_trail(database: Database) -> None:
    """Who looks what a schedule did finds it by the schedule's name, with the operation."""
    created(database, "nightly", plan(relative={"created_date_to": RelativeDate.TODAY}))
    look(database, DUE_US)
    wanted = AuditFilter(resource="schedules/nightly")
    ran, made = database.read(lambda tx: events.list_audit(tx, wanted, before_id="", limit=10))
    assert (made.type, ran.type) == ("schedule.created", "schedule.run_started")
    assert ran.operation_id == started(database)[0].operation_id
    assert ran.caller == "erin"


def test_runs_are_kept_up_to_a_number(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A minutely schedule of years does not grow without bound."""
    monkeypatch.setattr(service, "RUNS_KEPT", 3)
    created(database, "often", plan(cron="* * * * *"))
    for minute in range(5):
        look(database, DUE_US + minute * MINUTE_US)
    assert [run.run_no for run in runs(database, "often")] == [5, 4, 3]
    count = database.read(lambda tx: tx.execute(text("SELECT count(*) FROM schedule_run")).scalar_one())
    assert count == 3


def test_a_run_is_told_in_the_log_by_names_alone(database: Database) -> None:
    """The log says which schedule ran, why, and which operation it started."""
    created(database, "nightly")
    with heard(scheduler) as logs:
        look(database, DUE_US)
    (told,) = logs
    assert (told["schedule"], told["run"], told["outcome"]) == ("nightly", 1, "STARTED")
    assert told["operation_id"] == started(database)[0].operation_id


@pytest.mark.rule("PLT-14")
def test_what_a_limited_caller_schedules_is_seen_and_done_within_its_limits(database: Database) -> None:
    """Callers of other ledgers see nothing of it; what it starts concerns its ledgers, also when another runs it."""
    mine, others = scopes.of_ledgers(["MAIN"]), scopes.of_ledgers(["OTHER"])
    call = replace(CALL, scope=mine)
    made = database.write(lambda tx: service.create(tx, call, KNOWN, "nightly", plan()))
    look(database, DUE_US)
    (operation,) = started(database)
    assert operation.scope_id == made.scope_id == scopes.id_of(mine)
    stranger = replace(CALL, scope=others)
    assert database.read(lambda tx: service.list_page(tx, stranger, Page(10, None))) == []
    for refused in (
        lambda tx: service.get(tx, stranger, "nightly"),
        lambda tx: service.list_runs(tx, stranger, "nightly", Page(10, None)),
        lambda tx: service.pause(tx, stranger, "nightly"),
        lambda tx: service.run_now(tx, stranger, KNOWN, "nightly"),
        lambda tx: service.delete(tx, stranger, "nightly", ""),
    ):
        with pytest.raises(ScheduleNotFound):
            database.write(refused)
    again = database.write(lambda tx: service.run_now(tx, CALL, KNOWN, "nightly"))
    newest = started(database)[0]
    assert (newest.operation_id, newest.scope_id) == (again.operation_id, made.scope_id)
    trail = AuditFilter(resource="schedules/nightly")
    seen = database.read(lambda tx: events.list_audit(tx, trail, before_id="", limit=10, scope=mine))
    assert len(seen) == 3
    assert not database.read(lambda tx: events.list_audit(tx, trail, before_id="", limit=10, scope=others))
