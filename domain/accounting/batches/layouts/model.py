"""What stands in a batch file, as values: one layout for every format (ACC-31).

Amounts are minor units of their currency, days yyyymmdd, instants microseconds UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.data_files.model import Totals

LAYOUT = 1
"""The version of the layout, which every file states; it grows when a receiver would have to read otherwise."""


class Side(StrEnum):
    """Of an operation's two steps the one or the other."""

    DEBIT = "DEBIT"
    CREDIT = "CREDIT"


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself; `totals` are the debits and credits of its records by currency.

    `rerun_no` is 0 for a batch's first file. `created_us` is when this file was made.
    """

    batch_no: int
    rerun_no: int
    client: str
    created_us: int
    accounting_day: int
    operation_count: int
    record_count: int
    totals: Totals


@dataclass(frozen=True, slots=True)
class Record:
    """One step of an operation, with everything that the receiver needs.

    `account` is debited or credited as `side` says, `counter_account` is that of the other step. `rule` is empty and
    `rule_version` 0 for an operation without a rule; `reverses` is the operation that this one reverses, if any.
    """

    operation_id: str
    idempotency_key: str
    side: Side
    account: str
    counter_account: str
    amount_minor: int
    currency: str
    reason: str
    claim: str
    dispute: str
    rule: str
    rule_version: int
    performed_us: int
    accounting_day: int
    collection: str
    reverses: str
    description: str


@dataclass(frozen=True, slots=True)
class Trailer:
    """What ends a file: `sha256`, in lower-case hexadecimal, is over all bytes before the last line."""

    record_count: int
    totals: Totals
    sha256: str
