"""What is configured, as values: issuers, billing cycles and their schedules, recipients.

Issuers and cycles have a code that never changes and an etag that changes with them. Days are yyyymmdd, instants
microseconds UTC, amounts minor units of their currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from domain.invoicing.names import recipient_name, schedule_name
from domain.kernel.registers.entries import Configured
from domain.kernel.time import BusinessZone


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address; `country` is ISO 3166-1 alpha-2."""

    country: str
    street: str = ""
    additional: str = ""
    city: str = ""
    postal_code: str = ""
    subdivision: str = ""


@dataclass(frozen=True, slots=True)
class Party:
    """Seller or buyer, as EN 16931 has them (BG-4 to BG-9).

    `electronic_address` is where e-invoices go, `electronic_scheme` the list of codes that it is of (EAS). `tax_number`
    is that of a seller at its tax office (BT-32), who may have it in place of a VAT id.
    """

    name: str
    address: Address
    vat_id: str = ""
    registration_id: str = ""
    electronic_address: str = ""
    electronic_scheme: str = ""
    contact_name: str = ""
    contact_phone: str = ""
    contact_email: str = ""
    tax_number: str = ""


# Issuers


@dataclass(frozen=True, slots=True)
class IssuerSettings:
    """Who issues invoices: the seller, where it is paid, and how its invoices are numbered.

    A number is `prefix`, the year, `-` and eight digits; a credit note's has `credit_prefix`. `reasons` says by tax
    category why no tax is due. `logo` is a PNG in base64.
    """

    party: Party
    prefix: str = ""
    credit_prefix: str = ""
    iban: str = ""
    bic: str = ""
    bank_account_name: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    logo: str = ""


@dataclass(frozen=True, slots=True)
class Issuer(Configured):
    """A company that issues invoices."""

    settings: IssuerSettings


# Billing cycles


class PeriodUnit(StrEnum):
    """What the length of schedules is told in."""

    DAYS = "DAYS"
    MONTHS = "MONTHS"


class Format(StrEnum):
    """What an invoice is exported as."""

    PDF = "PDF"
    UBL = "UBL"
    JSON = "JSON"


DATA_FILES = "data-files"
NO_EXPORT = "no-export"
"""The export workflows that there are of ourselves."""


@dataclass(frozen=True, slots=True)
class CycleSettings:
    """How the invoices of a cycle come about.

    The next schedule is `period_count` units long, in `time_zone` (IANA name). An invoice closes once its net lines
    reach the minimum of its currency (`minimum_usage`; none: any lines do), or after `maximum_carries` (0: there is
    no end to it). `hookpoint` is the key of the hook that is asked; empty: none is. `receivable` and `taxes` (by tax
    category) are the distribution codes of what is posted when invoices are locked.
    """

    issuer: str
    currency: str
    time_zone: str
    receivable: str
    taxes: Mapping[str, str]
    period_count: int = 1
    period_unit: PeriodUnit = PeriodUnit.MONTHS
    minimum_usage: Mapping[str, int] = field(default_factory=dict)
    maximum_carries: int = 0
    payment_days: int = 14
    hookpoint: str = ""
    workflow: str = DATA_FILES
    formats: tuple[Format, ...] = (Format.PDF, Format.UBL, Format.JSON)


@dataclass(frozen=True, slots=True)
class Cycle(Configured):
    """A billing cycle: the rhythm in which running invoices are closed."""

    settings: CycleSettings

    @property
    def zone(self) -> BusinessZone:
        """The zone of its schedules."""
        return BusinessZone(self.settings.time_zone)


class ScheduleState(StrEnum):
    """Whether a schedule takes new running invoices."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class Schedule:
    """One period of a cycle: instants from `start_us` up to `end_us`, which is the next one's."""

    cycle_code: str
    code: str
    start_us: int
    end_us: int
    state: ScheduleState
    batch_id: str
    made: bool
    version: int
    created_us: int
    updated_us: int

    @property
    def name(self) -> str:
        """Its resource name."""
        return schedule_name(self.cycle_code, self.code)

    @property
    def etag(self) -> str:
        """Changes with every change."""
        return str(self.version)


# Recipients


@dataclass(frozen=True, slots=True)
class RecipientSettings:
    """To whom the invoices of an account go; `reference` is the buyer's own (BT-10)."""

    party: Party
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Recipient:
    """The recipient of an account's invoices, as of a version."""

    account_id: str
    settings: RecipientSettings
    version: int
    created_us: int
    updated_us: int

    @property
    def name(self) -> str:
        """Its resource name."""
        return recipient_name(self.account_id)

    @property
    def etag(self) -> str:
        """Changes with every change."""
        return str(self.version)
