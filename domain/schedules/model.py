"""Schedules as values: what is started when, and the runs that tell what came of it (PLT-26)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from domain.kernel.call import Call
    from domain.kernel.documents import Document
    from domain.kernel.time import BusinessZone
    from domain.operations.model import Operation

SCHEDULE_TYPE = "countinghouse.operations/Schedule"


class ScheduleState(StrEnum):
    """Whether a schedule starts anything."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"


class MissedRuns(StrEnum):
    """What becomes of times that passed while nobody was there."""

    ONCE = "ONCE"  # one run makes up for all of them
    SKIP = "SKIP"


class RelativeDate(StrEnum):
    """A day, as seen from the business day of the time that a run is for."""

    TODAY = "TODAY"
    YESTERDAY = "YESTERDAY"
    FIRST_OF_MONTH = "FIRST_OF_MONTH"
    FIRST_OF_PREVIOUS_MONTH = "FIRST_OF_PREVIOUS_MONTH"
    LAST_OF_PREVIOUS_MONTH = "LAST_OF_PREVIOUS_MONTH"


class Cause(StrEnum):
    """Why a run is there."""

    TIME = "TIME"
    MISSED = "MISSED"
    CALL = "CALL"


class Outcome(StrEnum):
    """What came of a run."""

    STARTED = "STARTED"
    REFUSED = "REFUSED"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of operation that can be started by schedule.

    `name` is kept with the schedule; `method` is the full name of the method whose operations it starts. Requests are
    documents in the kind's own words, in which a date is a list of year, month and day; `dates` are the fields of one
    that a relative date may fill. `check` refuses, with every violation, a request that no state of things will make
    right; `start` begins the operation on the open transaction. `zone` is the time zone (IANA name) of what a request
    is about, in which times are meant unless a schedule says otherwise; empty for the business zone.
    """

    name: str
    method: str
    dates: frozenset[str]
    check: Callable[[Connection, Call, Document], None]
    start: Callable[[Connection, Call, Document], Operation]
    zone: Callable[[Connection, Document], str] = lambda _tx, _request: ""


@dataclass(frozen=True, slots=True)
class Registry:
    """What can be started by schedule, and the business time zone, in which relative dates are meant."""

    kinds: tuple[Kind, ...]
    zone: BusinessZone

    def find(self, name: str) -> Kind | None:
        """The kind of this name, if this version of the program has it."""
        return next((kind for kind in self.kinds if kind.name == name), None)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a caller decides: what is started, and when. `time_zone` is an IANA name, empty for the business zone's."""

    description: str
    kind: str
    request: Document
    relative_dates: Mapping[str, RelativeDate]
    cron: str
    time_zone: str
    missed: MissedRuns


@dataclass(frozen=True, slots=True)
class Run:
    """What a schedule did, or should have done, at one time; instants are microseconds UTC.

    `missed_since_us` is the first of the times that it stands for, 0 when it stands for one. `reason` and `message` say
    why nothing was started.
    """

    schedule_code: str
    run_no: int
    cause: Cause
    outcome: Outcome
    scheduled_us: int
    missed_since_us: int
    at_us: int
    caller: str
    operation_id: str = ""
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule as it stands; `next_us` is its next time, 0 for none. `version` grows with changes, not with runs."""

    code: str
    plan: Plan
    state: ScheduleState
    caller: str
    scope_id: int
    version: int
    runs_made: int
    next_us: int
    created_us: int
    updated_us: int
    last_run: Run | None = None

    @property
    def name(self) -> str:
        """Its resource name."""
        return schedule_name(self.code)

    @property
    def etag(self) -> str:
        """Changes with every change."""
        return str(self.version)


@dataclass(frozen=True, slots=True)
class Due:
    """A schedule whose time has come."""

    code: str
    next_us: int


def schedule_name(code: str) -> str:
    """A schedule's resource name."""
    return f"schedules/{code}"
