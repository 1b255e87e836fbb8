"""What is known of an account as it is billed, and what is decided of its segments: values alone.

Days are yyyymmdd, instants microseconds UTC; an end is never part of a period.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from domain.billing.accounts.model import Account, Premise, Profile, ServiceAgreement
from domain.billing.configuration.model import AgreementType, Measured
from domain.billing.ordering.charging import Dependencies
from domain.billing.ordering.model import Place
from domain.billing.rating.segments import Calculation, Line, Part
from domain.billing.segments.periods import Period
from domain.billing.segments.states import BillKind, BillState, ExceptionState, SegmentKind, SegmentState
from domain.kernel.errors import DomainError
from domain.kernel.money import Money

Totals = Mapping[str, int]
"""What a segment came to by measure: attos of a unit of measure, minor units of a currency."""


# What is known


class Ordered(NamedTuple):
    """An agreement's place in the processing order that a bill used, and what gave it (BIL-05)."""

    agreement_id: str
    position: int
    why: tuple[str, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill; `amount_minor` and `tax_minor` once it is complete.

    `order` is the processing order that it used, and why (BIL-05).
    """

    account_id: str
    bill_id: str
    cycle_code: str
    window_code: str
    kind: BillKind
    state: BillState
    currency: str
    bill_day: int
    accounting_day: int
    through_day: int
    due_day: int = 0
    amount_minor: int = 0
    tax_minor: int = 0
    order: tuple[Ordered, ...] = ()
    messages: tuple[str, ...] = ()
    routed_by: str = ""
    version: int = 1
    created_us: int = 0
    updated_us: int = 0
    completed_us: int = 0

    @property
    def etag(self) -> str:
        """Changes with every change."""
        return str(self.version)


class Wait(NamedTuple):
    """A segment that another waits for, as that one is in error."""

    agreement_id: str
    start: int
    end: int
    reason: str


class Charged(NamedTuple):
    """A segment that another was charged on."""

    agreement_id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Source:
    """Where the usage of a name comes from: data of profiles, or the segments that it was charged on.

    `texts` are those that lines name; `estimated` marks that something of it was (BIL-21).
    """

    name: str
    unit: str
    texts: tuple[str, ...]
    estimated: bool
    charged_on: tuple[Charged, ...] = ()


@dataclass(frozen=True, slots=True)
class Worked:
    """How a segment was calculated, and of one in error why it was not: what its document keeps (BIL-05).

    `versions` are the numbers of the rate's versions by effective day, as lines name them. `basis` is what of the
    configuration it was made by (`Snapshot.basis`).
    """

    parts: tuple[tuple[int, int], ...] = ()
    versions: tuple[tuple[int, int], ...] = ()
    lines: tuple[Line, ...] = ()
    totals: Totals = field(default_factory=dict)
    sources: tuple[Source, ...] = ()
    message: str = ""
    waits_on: tuple[Wait, ...] = ()
    basis: str = ""


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment of a bill. One in error has the error's `reason`; implausible ones also what they came to (BIL-16).

    `rebills_id` is the segment in whose place it is, `cancel_bill_id` the bill that takes it back (BIL-13), and
    `receivable_code` the distribution code of what is owed, once it is frozen.
    """

    account_id: str
    segment_id: str
    bill_id: str
    agreement_id: str
    type_code: str
    position: int
    state: SegmentState
    period: Period
    accounting_day: int
    rate_code: str
    amount: Money
    tax: Money
    worked: Worked
    reason: str = ""
    kind: SegmentKind = SegmentKind.USAGE
    estimated: bool = False
    stale: bool = False
    accepted: bool = False
    rebills_id: str = ""
    cancel_bill_id: str = ""
    receivable_code: str = ""
    version: int = 1
    created_us: int = 0
    frozen_us: int = 0
    canceled_us: int = 0

    @property
    def key(self) -> tuple[str, int]:
        """Its agreement and first day: an account has one live segment of these."""
        return self.agreement_id, self.period.start

    @property
    def etag(self) -> str:
        """Changes with every change."""
        return str(self.version)


@dataclass(frozen=True, slots=True)
class BillingException:
    """Something that a person has to look at: a segment or interval data in error (BIL-11, BIL-22)."""

    account_id: str
    exception_id: str
    cycle_code: str
    bill_id: str
    segment_id: str
    agreement_id: str
    reason: str
    message: str
    state: ExceptionState
    operation_id: str
    note: str
    created_us: int
    closed_us: int = 0
    closed_by: str = ""
    data_set_id: str = ""
    window_code: str = ""


class Spent(NamedTuple):
    """What an agreement's last frozen segments came to, how many days they had, and how many they are."""

    minor: int
    days: int
    segments: int


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of an account before its usage is: its pending bill, if there is one, with that one's segments.

    `premises` are by id. By agreement: `billed_through`, the end of its last segment that stays (`states.LIVE`), and
    `history`, for those whose type has limits (BIL-16).
    """

    account: Account
    agreements: Sequence[ServiceAgreement]
    premises: Mapping[str, Premise] = field(default_factory=dict)
    profiles: Sequence[Profile] = ()
    bill: Bill | None = None
    segments: Sequence[Segment] = ()
    billed_through: Mapping[str, int] = field(default_factory=dict)
    history: Mapping[str, Spent] = field(default_factory=dict)


# What is decided


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which days of accounts are billed, up to and without `through_day`, and by which days."""

    through_day: int
    bill_day: int
    accounting_day: int
    window_code: str = ""


@dataclass(frozen=True, slots=True)
class Due:
    """A segment that is to be made; `refused` says why it cannot be rated at all.

    `accepted`: a person lets it pass whatever it comes to (BIL-16).
    """

    place: Place
    agreement: ServiceAgreement
    type: AgreementType
    rate_code: str
    period: Period
    parts: tuple[Part, ...]
    refused: DomainError | None = None
    accepted: bool = False

    @property
    def key(self) -> tuple[str, int]:
        """Its agreement and first day."""
        return self.agreement.agreement_id, self.period.start


@dataclass(frozen=True, slots=True)
class Agenda:
    """What is to be done for an account, in its order: segments that are due, and those that are kept."""

    facts: Facts
    places: tuple[Place, ...]
    due: tuple[Due, ...]
    kept: tuple[Segment, ...]
    dependencies: Dependencies


Measure = tuple[str, str, int, Measured]
"""Account, agreement, first day of the period, and what is measured."""


@dataclass(frozen=True, slots=True)
class Drafted:
    """What was decided of a segment that was due; with a `reason` it is in error."""

    due: Due
    worked: Worked
    calculation: Calculation | None
    reason: str = ""
    accepted: bool = False

    @property
    def estimated(self) -> bool:
        """Whether anything that it charges was estimated."""
        return any(source.estimated for source in self.worked.sources)


@dataclass(frozen=True, slots=True)
class Draft:
    """A bill as it is to be: the segments that were made, in the order, beside those of the agenda that are kept."""

    agenda: Agenda
    segments: tuple[Drafted, ...]
