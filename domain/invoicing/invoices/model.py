"""Invoices and what stands on them, as values: days are yyyymmdd, amounts minor units, tax rates millionths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from domain.invoicing.configuration.model import RecipientSettings
from domain.invoicing.invoices.states import InvoiceKind, InvoiceState
from domain.invoicing.names import invoice_name, line_name
from domain.kernel.errors import Violation

BILLING = "billing"
"""The source of lines that come from bills; nobody else sends any under it."""

CREDIT = "credit"
"""The source of lines and taxes of credit notes, likewise.

The external id of a line is `{invoice}/{line}`, that which is credited, or of its part
`{invoice}/{line}/{turn}`: so the table has none credited twice.
"""

RESERVED = frozenset({BILLING, CREDIT})
"""Sources that callers do not send lines under."""

INVOICE_NET_MAX = 5 * 10**14
"""Net amounts of an invoice beyond this many minor units, either way, are refused: with tax it can still be posted."""

LINES_MAX = 1_000_000
"""How many lines an invoice may ever have had."""

RATE_UNIT = 1_000_000
"""Tax rates are whole numbers of this part: 19 % is 190,000."""


Key = tuple[str, str, str]
"""Account, source and external id."""


# What is handed in, by the thousand: plain tuples, as named ones with defaults take several times as long to make.


class NewLine(NamedTuple):
    """A line for an account, net; a key of its own among those of the account is `source` and `external_id`.

    Quantity and price of one unit are decimal text, both empty where they are not told; `end_day` is not part of the
    period. A line that no bill made has a distribution code.
    """

    account_id: str
    source: str
    external_id: str
    currency: str
    net_minor: int
    tax_category: str
    tax_ppm: int
    description: str = ""
    quantity: str = ""
    unit_code: str = ""
    price: str = ""
    start_day: int = 0
    end_day: int = 0
    distribution_code: str = ""
    segment_id: str = ""

    @property
    def key(self) -> Key:
        """What it is known by."""
        return self.account_id, self.source, self.external_id


class ReckonedTax(NamedTuple):
    """Tax that a bill has reckoned, and posted: tax of the account's invoice, never a line of it (INV-16)."""

    account_id: str
    source: str
    external_id: str
    currency: str
    tax_category: str
    tax_ppm: int
    tax_minor: int
    segment_id: str = ""

    @property
    def key(self) -> Key:
        """What it is known by."""
        return self.account_id, self.source, self.external_id


class Place(NamedTuple):
    """Where a line stands."""

    invoice_id: str
    line_no: int


@dataclass(frozen=True, slots=True)
class Added:
    """What became of rows, by their position: `made` now, `unchanged` as they were there already, or `refused`.

    Of taxes it is told how many were made, and which were refused.
    """

    made: Mapping[int, Place] = field(default_factory=dict)
    unchanged: Mapping[int, Place] = field(default_factory=dict)
    refused: Mapping[int, Violation] = field(default_factory=dict)
    taxes_made: int = 0
    taxes_refused: Mapping[int, Violation] = field(default_factory=dict)


# What there is


class ShownState(StrEnum):
    """Where an invoice stands, as it is told: what is locked is published once its batch is."""

    RUNNING = "RUNNING"
    CLOSED = "CLOSED"
    LOCKED = "LOCKED"
    PUBLISHED = "PUBLISHED"
    MERGED = "MERGED"


class InvoiceTax(NamedTuple):
    """What the lines of a tax category and rate come to, and their tax."""

    tax_category: str
    tax_ppm: int
    net_minor: int
    tax_minor: int


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice or credit note, as its row has it. Days, instants and amounts as in the table."""

    account_id: str
    invoice_id: str
    cycle_code: str
    schedule_code: str
    slot: str
    kind: InvoiceKind
    state: InvoiceState
    currency: str
    batch_id: str
    final: bool
    carried_count: int
    line_count: int
    last_line_no: int
    net_minor: int
    aggregated: bool
    tax_minor: int
    number_no: int
    recipient_version: int
    credits_id: str
    reason: str
    merged_into: str
    version: int
    created_us: int
    updated_us: int

    @property
    def name(self) -> str:
        """Its resource name."""
        return invoice_name(self.account_id, self.invoice_id)

    @property
    def etag(self) -> str:
        """Changes with every change, also of its lines."""
        return str(self.version)


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """A line of an invoice; as `NewLine`, with its place."""

    account_id: str
    invoice_id: str
    line_no: int
    source: str
    external_id: str
    segment_id: str
    description: str
    quantity: str
    unit_code: str
    price: str
    net_minor: int
    tax_category: str
    tax_ppm: int
    start_day: int
    end_day: int
    distribution_code: str
    created_us: int

    @property
    def name(self) -> str:
        """Its resource name."""
        return line_name(self.account_id, self.invoice_id, self.line_no)


@dataclass(frozen=True, slots=True)
class Shown:
    """An invoice as it is told: with its taxes once it is aggregated, number and days once it is locked.

    `number` is empty for none, days are 0. Taxes of one that is not aggregated are none. `credited_minor` is what its
    credit notes give back, with tax. `recipient` is whom one with a number goes to, as of the lock.
    """

    invoice: Invoice
    state: ShownState
    taxes: tuple[InvoiceTax, ...] = ()
    number: str = ""
    issue_day: int = 0
    due_day: int = 0
    credited_minor: int = 0
    recipient: RecipientSettings | None = None
