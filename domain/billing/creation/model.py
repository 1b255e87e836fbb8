"""Interval data sets: what became of creating a profile's data for a period (BIL-22).

Instants are microseconds UTC, days yyyymmdd of the profile's time zone.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum

from domain.billing.names import data_set_name
from domain.kernel.documents import Document, read_as
from domain.kernel.time import NO_DAY

DAYS_MAX = 400
"""How many days are created at once, of any profile."""

CREATE_KIND = "billing.create_interval_data"
STAGES = (("create", "accounts"),)


class DataSetState(StrEnum):
    """Where a data set stands."""

    COMPLETE = "COMPLETE"  # there is a value for each interval
    ERROR = "ERROR"  # none was created, and there is an exception


@dataclass(frozen=True, slots=True)
class DataSet:
    """The data of a profile in [start_us, end_us), created at one time; made again it stays the same set.

    `position` is the place at which it was its turn (BIL-03). Of one in error `waits_on` names the profiles that it
    would have been created from and that are in error themselves. The counts are of intervals: new ones, those that
    had the same value before, and those whose value was replaced.
    """

    account_id: str
    data_set_id: str
    profile_id: str
    agreement_id: str
    start_us: int
    end_us: int
    position: int
    state: DataSetState
    reason: str
    message: str
    waits_on: tuple[str, ...]
    created_count: int
    unchanged_count: int
    replaced_count: int
    estimated: bool
    operation_id: str
    created_us: int
    updated_us: int

    @property
    def name(self) -> str:
        """Its resource name."""
        return data_set_name(self.account_id, self.data_set_id)


@dataclass(frozen=True, slots=True)
class Wanted:
    """For which days data are created, [start_day, end_day); from NO_DAY: as far as it has not been done yet."""

    end_day: int
    start_day: int = NO_DAY


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for: an account, or all accounts of a bill cycle; the other is empty."""

    account: str
    cycle: str
    end_day: int
    start_day: int = NO_DAY
    description: str = ""

    @property
    def wanted(self) -> Wanted:
        """The days."""
        return Wanted(self.end_day, self.start_day)


def request_to_document(request: Request) -> Document:
    """The request for the operation's row."""
    return asdict(request)


def request_from_document(document: Document) -> Request:
    """The request that `request_to_document` wrote. Raises: WrittenByNewer."""
    return read_as(Request, document)


@dataclass(frozen=True, slots=True)
class DataSetFilter:
    """Which data sets of an account; the empty string means any."""

    account_id: str
    profile_id: str = ""
    state: str = ""
    operation_id: str = ""
