"""Schedules for the tests of the room, made by the product's own kinds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from domain.gl_extraction.extraction.model import JOB_KIND, Limits, Request, request_to_document
from domain.gl_extraction.extraction.service import Settings
from domain.kernel.call import Call
from domain.kernel.paging import Page
from domain.kernel.time import BusinessZone
from domain.kinds import registry
from domain.operations import service as operations
from domain.operations.model import Operation
from domain.schedules import service
from domain.schedules.model import MissedRuns, Plan, RelativeDate, Run, Schedule
from server.database.transaction import Database

NOW_US = 1_780_000_040_000_000  # 2026-05-28 20:27:20 UTC
MINUTE_US = 60_000_000
DAY_US = 1_440 * MINUTE_US
CALL = Call(caller="erin", method="a.Service/Method", request_id="r-1", now_us=NOW_US)
KNOWN = registry(Settings(BusinessZone("UTC"), Limits()))


def plan(*, relative: dict[str, RelativeDate] | None = None, **changes: Any) -> Plan:
    """An extraction of whatever was created up to yesterday, at half past eight in the evening; `changes` apply."""
    fields: dict[str, Any] = {
        "description": "",
        "kind": JOB_KIND,
        "request": request_to_document(Request()),
        "relative_dates": {"created_date_to": RelativeDate.YESTERDAY} if relative is None else relative,
        "cron": "30 20 * * *",
        "time_zone": "",
        "missed": MissedRuns.ONCE,
    }
    return Plan(**{**fields, **changes})


def created(database: Database, code: str, given: Plan | None = None, *, now_us: int = NOW_US) -> Schedule:
    """A schedule that was made by erin."""
    call = replace(CALL, now_us=now_us)
    return database.write(lambda tx: service.create(tx, call, KNOWN, code, given or plan()))


def runs(database: Database, code: str) -> list[Run]:
    """The runs of a schedule, newest first."""
    return database.read(lambda tx: service.list_runs(tx, CALL, code, Page(1_000, None)))


def started(database: Database) -> list[Operation]:
    """All operations, newest first."""
    return database.read(lambda tx: operations.list_page(tx, Page(1_000, None)))[0]
