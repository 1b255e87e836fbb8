"""Elements as values: which fields they have, and which of them adding up may empty (GLX-16, GLX-17)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from domain.data_files.model import Totals
from domain.gl_extraction.tables import CODED_COLUMNS

KEY_COLUMNS = ("bulking_group", "currency", "reversal", "invoiced")
"""What elements are added up by, in the order in which they are sorted; an empty bulking group is a key of its own."""

AGREED_COLUMNS = (
    "description",
    "subject",
    "distribution_account",
    "ledger_code",
    "accounting_date",
    "transaction_date",
    "accounting_period_code",
    "category",
    "source",
)
"""The fields outside the key, the free ones apart: kept where all details of the element agree, else empty."""

DAY_COLUMNS = frozenset({"accounting_date", "transaction_date"})
"""Those that are days (yyyymmdd), empty as 0."""

TOLD_COLUMNS = ("distribution_account", "ledger_code", "accounting_date", "accounting_period_code")
"""The fields whose emptying is told; bit i of `emptied` says that TOLD_COLUMNS[i] was emptied."""

MESSAGE_NAMES = {
    "description": "description",
    "subject": "subject",
    "bulking_group": "bulkingGroupGLFile",
    "reversal": "reversal",
    "invoiced": "invoiced",
    "distribution_account": "distributionAccount",
    "ledger_code": "ledgerId",
    "accounting_date": "accountingDate",
    "transaction_date": "transactionDate",
    "category": "category",
    "source": "source",
    "currency": "currencyCode",
    "debit_minor": "amountDebit",
    "credit_minor": "amountCredit",
    "accounting_period_code": "accountingPeriod",
    **{f"gl_segment_{n}": f"glSegment{n}" for n in range(1, 31)},
    **{f"attribute_{n}": f"attribute{n}" for n in range(1, 31)},
}
"""What a message calls the fields, in its order (GLX-17)."""


@dataclass(frozen=True, slots=True)
class Emptied:
    """A told field that adding up emptied: in how many elements of how many bulking groups, the first of them named."""

    column: str
    element_count: int
    group_count: int
    bulking_groups: tuple[str, ...]


class GroupSums(NamedTuple):
    """What the elements of a bulking group in one currency come to; `emptied` has the bits of any of them."""

    bulking_group: str
    currency: str
    detail_count: int
    element_count: int
    debit_minor: int
    credit_minor: int
    emptied: int

    def joined(self, other: GroupSums) -> GroupSums:
        """Two parts of one group together."""
        assert (self.bulking_group, self.currency) == (other.bulking_group, other.currency)
        return GroupSums(
            self.bulking_group,
            self.currency,
            detail_count=self.detail_count + other.detail_count,
            element_count=self.element_count + other.element_count,
            debit_minor=self.debit_minor + other.debit_minor,
            credit_minor=self.credit_minor + other.credit_minor,
            emptied=self.emptied | other.emptied,
        )


@dataclass(frozen=True, slots=True)
class Survey:
    """What elements come to."""

    element_count: int
    detail_count: int
    totals: Totals
    emptied: tuple[Emptied, ...]


def coded_columns(mask: int) -> tuple[str, ...]:
    """The free fields whose bits are set."""
    return tuple(column for bit, column in enumerate(CODED_COLUMNS) if mask >> bit & 1)


def emptied_columns(bits: int) -> Iterator[str]:
    """The told fields whose bits are set."""
    return (column for bit, column in enumerate(TOLD_COLUMNS) if bits >> bit & 1)
