"""Accounting details as values (GLX-01)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from domain.gl_extraction.names import detail_name
from domain.kernel.amounts import Amount


class SubjectType(StrEnum):
    """What a detail is about; not told is the empty string."""

    POLICY = "POLICY"
    CLAIM = "CLAIM"
    ACCOUNT = "ACCOUNT"


class Origin(StrEnum):
    """Where a detail comes from."""

    REGISTRATION = "R"
    FINANCIAL = "F"


class Maker(StrEnum):
    """Which part of the house made a detail."""

    INGEST = "INGEST"
    ACCOUNTING = "ACCOUNTING"
    BILLING = "BILLING"
    INVOICING = "INVOICING"


CalendarDay = tuple[int, int, int]
"""Year, month and day as they were written; the calendar may have no such day."""


def calendar_day(day: int) -> CalendarDay:
    """A day (yyyymmdd) as it is written."""
    return day // 10_000, day // 100 % 100, day % 100


class NewDetail(NamedTuple):
    """A detail as it is handed in, before any rule was looked at: anything may be wrong with it.

    `name` is the server's to give: what stands there is ignored. `subject_type` and `origin` hold the value of their
    enum, or a number that stands for none. `transaction_date` None: as the accounting date. `debit` and `credit` None:
    not given.
    """

    name: str
    source: str
    external_id: str
    description: str
    subject_type: str
    subject: str
    origin: str
    grouping: str
    bulking_group: str
    reversal: bool
    distribution_account: str
    ledger_code: str
    accounting_date: CalendarDay | None
    transaction_date: CalendarDay | None
    accounting_period_code: str
    category: str
    debit: Amount | None
    credit: Amount | None
    group_account_code: str
    gl_segments: tuple[str, ...]
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stamp:
    """That a batch sent the detail: the last one that did, and the date of its messages."""

    batch_no: int
    message_us: int


@dataclass(frozen=True, slots=True)
class Detail:
    """A stored detail.

    Days are yyyymmdd, instants microseconds UTC (0: never), amounts minor units of `currency`, exactly one of them
    above zero. `reverses` and `reversed_by` are ids of details, 0 for none. Segments and attributes end with the last
    one that is not empty.
    """

    detail_id: int
    source: str
    external_id: str
    description: str
    subject_type: str
    subject: str
    origin: Origin
    grouping: str
    bulking_group: str
    reversal: bool
    distribution_account: str
    ledger_code: str
    accounting_date: int
    transaction_date: int
    accounting_period_code: str
    category: str
    currency: str
    debit_minor: int
    credit_minor: int
    group_account_code: str
    gl_segments: tuple[str, ...]
    attributes: tuple[str, ...]
    maker: Maker
    operation_id: str
    created_us: int
    reverses: int
    reversed_by: int
    voided_us: int
    invoiced_us: int
    stamp: Stamp | None = None

    @property
    def name(self) -> str:
        """Its resource name."""
        return detail_name(self.detail_id)
