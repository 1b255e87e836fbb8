"""What is configured, as values: customer classes, time-of-use schemes, profile types, SA types, bill cycles, rates.

Every resource has a code that never changes and an etag that changes with it; versions of rates are final. Days are
yyyymmdd, instants microseconds UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time as time_of_day
from decimal import Decimal
from enum import StrEnum

from domain.billing.rating.model import Version
from domain.kernel.calendars import Calendar
from domain.kernel.registers.entries import Configured


class Moment(StrEnum):
    """When algorithms run as a bill is completed (BIL-12)."""

    PRE_COMPLETION = "PRE_COMPLETION"
    COMPLETION = "COMPLETION"
    POST_COMPLETION = "POST_COMPLETION"  # of customer classes alone


@dataclass(frozen=True, slots=True)
class AlgorithmUse:
    """An algorithm that runs, with its parameters as text by name; of equal sequences the lower code is first."""

    moment: Moment
    sequence: int
    algorithm: str
    parameters: Mapping[str, str] = field(default_factory=dict)


# Customer classes


@dataclass(frozen=True, slots=True)
class ClassSettings:
    """A bill is due `due_days` after its day, or on the next day on which the calendar has work (BIL-12).

    `routing` says how completed bills go out; empty: they do not.
    """

    calendar: Calendar
    due_days: int = 0
    routing: str = ""
    algorithms: tuple[AlgorithmUse, ...] = ()


@dataclass(frozen=True, slots=True)
class CustomerClass(Configured):
    """How accounts of a kind are billed."""

    settings: ClassSettings


# Time of use


@dataclass(frozen=True, slots=True)
class SchemeRow:
    """When a bucket holds: within [start, end) by the clock on these weekdays, in these months, on holidays or not.

    Weekdays are numbered from Monday 1, months from January 1; none given: all. `end` at midnight is the end of the
    day. `holidays` None: whether or not; True: on holidays alone; False: on other days alone.
    """

    bucket: str
    weekdays: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    start: time_of_day = time_of_day(0)
    end: time_of_day = time_of_day(0)
    holidays: bool | None = None


@dataclass(frozen=True, slots=True)
class SchemeSettings:
    """The first row that holds gives the bucket, or else it is `otherwise`; by the clock of the agreement's zone.

    `country` and `subdivision` bring public holidays, `holidays` are further ones (yyyymmdd).
    """

    rows: tuple[SchemeRow, ...]
    otherwise: str
    country: str = ""
    subdivision: str = ""
    holidays: tuple[int, ...] = ()

    @property
    def buckets(self) -> frozenset[str]:
        """All that it gives."""
        return frozenset({*(row.bucket for row in self.rows), self.otherwise})


@dataclass(frozen=True, slots=True)
class Scheme(Configured):
    """A time-of-use scheme: which instants belong to which bucket."""

    settings: SchemeSettings


# Profiles


class ProfileKind(StrEnum):
    """How data of a profile tell what was used."""

    INTERVALS = "INTERVALS"  # so much in each interval
    REGISTER = "REGISTER"  # a counter that was read


DAY_S = 86_400
"""An interval of this length is a day of the profile's time zone, whether it has 23, 24 or 25 hours."""


@dataclass(frozen=True, slots=True)
class ProfileTypeSettings:
    """What data of such profiles are.

    `interval_s` is their length (a divisor of an hour, whole hours, or DAY_S); 0 for registers, which count to
    `digits` digits before the point. Data of profiles with a `creation` algorithm are created in the order of
    `creation_priority`; of others they come in.
    """

    kind: ProfileKind
    unit: str
    interval_s: int = 0
    digits: int = 0
    creation: str = ""
    creation_priority: int = 0


@dataclass(frozen=True, slots=True)
class ProfileType(Configured):
    """A kind of profiles."""

    settings: ProfileTypeSettings


@dataclass(frozen=True, slots=True)
class Derivation:
    """What a profile's data are created from: profiles of accounts, with the algorithm's parameters as text by name."""

    sources: tuple[tuple[str, str], ...] = ()  # account and profile
    parameters: Mapping[str, str] = field(default_factory=dict)


# Service agreement types


class Missing(StrEnum):
    """What becomes of a segment for which data are missing (BIL-21)."""

    ERROR = "ERROR"
    ESTIMATE = "ESTIMATE"


@dataclass(frozen=True, slots=True)
class Measured:
    """Usage that comes from data of the agreement's profiles of a type (BIL-21).

    With a time-of-use `scheme` it is told by bucket. `maximum`: the highest interval counts, for demand, not the sum.
    """

    profile_type: str
    scheme: str = ""
    maximum: bool = False
    missing: Missing = Missing.ERROR


@dataclass(frozen=True, slots=True)
class ChargedOn:
    """Usage that earlier segments of the bill came to: of agreements of these types, in one measure (BIL-04).

    `measure` is a unit of measure, or a currency for their amounts.
    """

    types: tuple[str, ...]
    measure: str


@dataclass(frozen=True, slots=True)
class UsageSource:
    """Where the usage comes from that components of rates call `name`: exactly one of the two is given."""

    name: str
    measured: Measured | None = None
    charged_on: ChargedOn | None = None


@dataclass(frozen=True, slots=True)
class Plausible:
    """Within which percentages of its average by day an agreement's segment must come to (BIL-16).

    The average is of its last `segments` frozen ones; while there are fewer, nothing is judged. None: no limit.
    """

    segments: int
    low_percent: Decimal | None = None
    high_percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class AgreementTypeSettings:
    """How agreements of a type are billed.

    `sequence` is the billing processing sequence, None for none (BIL-01). A full period is `months` months from the day
    `anchor_day` (1 to 28) of a month. `receivable` is the distribution code of what the customer owes.
    """

    rate: str
    receivable: str
    sequence: int | None = None
    months: int = 1
    anchor_day: int = 1
    usage: tuple[UsageSource, ...] = ()
    plausible: Plausible | None = None
    algorithms: tuple[AlgorithmUse, ...] = ()


@dataclass(frozen=True, slots=True)
class AgreementType(Configured):
    """A kind of service agreements."""

    settings: AgreementTypeSettings


# Bill cycles


@dataclass(frozen=True, slots=True)
class CycleSettings:
    """What can be set of a bill cycle beside its windows."""


@dataclass(frozen=True, slots=True)
class Cycle(Configured):
    """Accounts that are billed together, by the windows of a schedule (BIL-30)."""

    settings: CycleSettings


@dataclass(frozen=True, slots=True)
class Window:
    """One turn of a cycle: from `start_day` to `end_day` a run bills by it what was served before `through_day`.

    `freeze` and `complete` say what becomes of bills without an error.
    """

    cycle_code: str
    code: str
    start_day: int
    end_day: int
    through_day: int
    bill_day: int
    accounting_day: int
    freeze: bool
    complete: bool
    version: int
    created_us: int
    updated_us: int

    @property
    def etag(self) -> str:
        """Changes with every change."""
        return str(self.version)


# Rates


@dataclass(frozen=True, slots=True)
class RateVersion:
    """A version of a rate as it was configured; it never changes. Of versions of one effective day the newest holds."""

    code: str
    rate_version: int
    settings: Version
    created_us: int
    created_by: str


@dataclass(frozen=True, slots=True)
class ConfiguredRate(Configured):
    """A rate; `newest_version` is the number of the version that came last."""

    currency: str
    newest_version: int
