"""What is configured, as values: clients, claim types, collections, account determination, rules (ACC-01, ACC-02).

Every resource has a code that never changes and an etag that changes with it; rules are final, a change is a new
version (`RuleVersion`). Durations and instants are microseconds, days yyyymmdd, money minor units by currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time as time_of_day
from enum import StrEnum

from domain.accounting.channels.model import Channel
from domain.kernel.calendars import Calendar


class Resolution(StrEnum):
    """How a claim ends (ACC-52)."""

    PAY = "PAY"
    PARTIAL_DENY = "PARTIAL_DENY"
    WRITE_OFF = "WRITE_OFF"
    DENY = "DENY"


class FileFormat(StrEnum):
    """How a batch file is written (ACC-31)."""

    CSV = "CSV"
    FIXED_WIDTH = "FIXED_WIDTH"
    JSON_LINES = "JSON_LINES"


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """How a client's system of record is called (ACC-21, ACC-24).

    `system_of_record` names a connection that the servers are configured with. `max_retries` is how many calls may
    follow the first.
    """

    system_of_record: str
    max_retries: int
    timeout_us: int
    backoff_us: int
    backoff_max_us: int
    concurrency_max: int


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """How a client's batch files are written (ACC-30); `data_file_set_code` empty: a set of the client's own."""

    cut_off: time_of_day
    file_format: FileFormat
    data_file_set_code: str


@dataclass(frozen=True, slots=True)
class PreCondition:
    """A row of the table that decides the channel: the first whose condition holds (ACC-10)."""

    condition: str
    channel: Channel


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """Within which business time an assignment is to be done, and must be; 0: nothing is said (ACC-12)."""

    goal_us: int
    deadline_us: int


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """What can be set of a client; `service` and `batch` None: not configured.

    Above `approval_limits` (minor units by currency) manual operations, write-offs and reversals wait for another
    person (ACC-57). `pre_conditions` empty: the default table.
    """

    calendar: Calendar
    service: ServiceSettings | None = None
    batch: BatchSettings | None = None
    pre_conditions: tuple[PreCondition, ...] = ()
    service_levels: Mapping[Channel, ServiceLevel] = field(default_factory=dict)
    manual_restricted: bool = False
    approval_limits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Client:
    """A client; instants are microseconds UTC."""

    code: str
    description: str
    settings: ClientSettings
    version: int
    created_us: int
    updated_us: int

    @property
    def etag(self) -> str:
        """Changes with every change."""
        return str(self.version)


@dataclass(frozen=True, slots=True)
class ClaimType:
    """A kind of claim."""

    code: str
    description: str
    version: int
    created_us: int
    updated_us: int

    @property
    def etag(self) -> str:
        """Changes with every change."""
        return str(self.version)


@dataclass(frozen=True, slots=True)
class Collection:
    """A bucket of a claim's money.

    `suspense`: out of balance when not zero (ACC-50). `write_off`: what touches it is a write-off (ACC-57). `zero_for`:
    the resolutions for which it must be zero (ACC-52).
    """

    code: str
    description: str
    suspense: bool
    write_off: bool
    zero_for: frozenset[Resolution]
    version: int
    created_us: int
    updated_us: int

    @property
    def etag(self) -> str:
        """Changes with every change."""
        return str(self.version)


@dataclass(frozen=True, slots=True)
class DeterminationRow:
    """The account that a collection means where `condition` holds: `account`, or what `account_expression` gives.

    `distribution_code` tells what the account means to the general ledger.
    """

    condition: str
    account: str
    account_expression: str
    distribution_code: str


@dataclass(frozen=True, slots=True)
class Determination:
    """A collection's decision table: the first row whose condition holds (ACC-02)."""

    collection_code: str
    description: str
    rows: tuple[DeterminationRow, ...]
    version: int
    created_us: int
    updated_us: int

    @property
    def etag(self) -> str:
        """Changes with every change."""
        return str(self.version)


class AmountSource(StrEnum):
    """Where a rule's entry amount comes from (ACC-01)."""

    CALLER = "CALLER"
    DISPUTE_FIELD = "DISPUTE_FIELD"  # `dispute`, the disputed amount, or one of its named amounts
    COLLECTION_BALANCE = "COLLECTION_BALANCE"  # the executed balance


DISPUTED_AMOUNT = "amount"
"""The name of the disputed amount itself among a dispute's amounts."""


@dataclass(frozen=True, slots=True)
class EntryAmount:
    """Where a rule's amount comes from; `name` is that of the dispute's field or of the collection."""

    source: AmountSource
    name: str = ""


class Processing(StrEnum):
    """Whether anything is to be done outside (ACC-01, ACC-11)."""

    EXECUTE = "EXECUTE"
    TRACKING_ONLY = "TRACKING_ONLY"


class DayKind(StrEnum):
    """How a delay counts."""

    CALENDAR = "CALENDAR"
    BUSINESS = "BUSINESS"


@dataclass(frozen=True, slots=True)
class Delay:
    """So many days after a date of the claim (`claim_date` is its name) an operation becomes due (ACC-13)."""

    days: int
    kind: DayKind
    claim_date: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """The second operation of a rule, from suspense to suspense, once the first is executed (ACC-06)."""

    debit_collection: str
    credit_collection: str
    entry_reason: str


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """What a version of a rule says (ACC-01). Rules of one workflow point run by `position`, then by code."""

    description: str
    claim_types: frozenset[str]
    workflow_point: str
    position: int
    debit_collection: str
    credit_collection: str
    entry_reason: str
    entry_amount: EntryAmount
    processing: Processing
    manual: bool
    delay: Delay | None = None
    settlement: Settlement | None = None


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """One version of a rule; it never changes."""

    code: str
    rule_version: int
    settings: RuleSettings
    valid_from_us: int
    created_us: int
    created_by: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule and its newest version; a retired one runs no more, whatever its versions say."""

    newest: RuleVersion
    retired: bool
    version: int
    created_us: int
    updated_us: int

    @property
    def code(self) -> str:
        """Its code."""
        return self.newest.code

    @property
    def etag(self) -> str:
        """Changes with every change."""
        return str(self.version)
