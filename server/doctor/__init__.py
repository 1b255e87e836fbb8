"""`countinghouse doctor`: looks at everything that an installation needs, and says what to do about what it finds.

What is looked at is an explicit tuple of checks: those of the machine, and those that need the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import structlog

from domain.kernel.errors import DomainError
from server.database.failures import DatabaseFault
from server.database.limits import Limits
from server.database.transaction import Database
from server.database.urls import sqlite_path
from server.doctor import database, growth, machine, reach, work
from server.doctor.model import Check, Finding, Level, Patient, fail, ok
from server.opening import refusal
from server.settings import BadSettings, Settings, variable
from server.telemetry.observe import trace

__all__ = ["Finding", "Level", "examine", "worst"]

_LIMITS = Limits(connections=2, connect_s=5, lock_s=5, statement_s=20)
_OF_THE_MACHINE: tuple[tuple[str, Callable[[Patient], Iterator[Finding]]], ...] = (
    ("callers", machine.callers),
    ("algorithms", machine.algorithms),
    ("secrets", machine.secrets),
    ("disk", machine.disks),
)
_OF_THE_DATABASE = (
    Check("database", database.server, schema=False),
    Check("durability", database.durability, schema=False),
    Check("connections", database.pools, schema=False),
    Check("clock", database.clock, schema=False),
    Check("schema", database.schema, schema=False),
    Check("tables", growth.tables),
    Check("retention", growth.forgetting),
    Check("workers", work.workers),
    Check("operations", work.operations),
    Check("outbox", work.outbox),
    Check("endpoints", reach.endpoints),
    Check("destinations", reach.destinations, schema=False),
    Check("systems of record", reach.systems_of_record, schema=False),
    Check("hooks", reach.hooks, schema=False),
)

log = structlog.get_logger("doctor")


def examine(settings: Callable[[], Settings], *, thorough: bool = False) -> Iterator[tuple[str, Finding]]:
    """Every finding with the name of its check, as they are made."""
    try:
        patient = Patient(settings(), thorough)
    except BadSettings as error:
        for line in error.lines:
            yield "configuration", fail(line, "countinghouse config lists every setting")
        return
    yield "configuration", ok("every setting can be what it is")
    for name, look in _OF_THE_MACHINE:
        for finding in _kept(name, partial(look, patient)):
            yield name, finding
    if why := unreachable(patient.settings):
        yield "database", fail(why, "mend that first: the rest was not looked at")
        return
    yield from _look_into(patient)


def worst(findings: list[tuple[str, Finding]]) -> Level:
    """The gravest level among findings."""
    levels = {finding.level for _, finding in findings}
    return next((level for level in (Level.FAIL, Level.WARN) if level in levels), Level.OK)


def unreachable(settings: Settings) -> str:
    """Why the database cannot be looked into; empty when it can."""
    if settings.on_sqlite:
        path = sqlite_path(settings.url)
        return "" if path.exists() else f"there is none yet at {path}; countinghouse migrate makes it"
    try:
        why = refusal(settings.url)
    except BadSettings as error:
        return "; ".join(error.lines)
    return f"{variable('database_url')}: {why}" if why else ""


def _look_into(patient: Patient) -> Iterator[tuple[str, Finding]]:
    opened, complete = Database(patient.settings.url, _LIMITS), True
    try:
        for check in _OF_THE_DATABASE:
            if check.schema and not complete:
                continue
            for finding in _kept(check.name, partial(check.look, patient, opened)):
                complete = complete and not (check.name == "schema" and finding.level is Level.FAIL)
                yield check.name, finding
    finally:
        opened.dispose()


def _kept(name: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """The findings of a check; one that breaks off is a finding itself, and the others go on."""
    try:
        yield from look()
    except DomainError as error:
        yield fail(f"could not be looked at: {error.message}", "try again; the message says what is in the way")
    except DatabaseFault as error:
        yield fail(f"could not be looked at: {error}", "see whether the role may read what it needs")
    except Exception as error:  # noqa: BLE001 - it is told, and the other checks must be made
        log.error("check broke off", check=name, **trace(error))  # noqa: TRY400 - its text may hold anything
        yield fail("could not be looked at: an unexpected error, which the log describes", "report it")
