"""Balances by collection: what a claim or a dispute has come to, and of what (ACC-50, ACC-51).

A balance is credits less debits, in minor units of one currency; over all collections it is zero, always.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.accounting.configuration.model import Collection
from domain.accounting.performing.model import Operation, Side


class Part(StrEnum):
    """Which part of a balance an operation counts in; what is canceled counts in none."""

    EXECUTED = "EXECUTED"
    PENDING = "PENDING"


@dataclass(frozen=True, slots=True)
class Figures:
    """What a collection has come to in one currency, and by how many operations: executed and pending apart."""

    executed_minor: int = 0
    pending_minor: int = 0
    executed_count: int = 0
    pending_count: int = 0

    def __add__(self, other: Figures) -> Figures:
        return Figures(
            self.executed_minor + other.executed_minor,
            self.pending_minor + other.pending_minor,
            self.executed_count + other.executed_count,
            self.pending_count + other.pending_count,
        )

    def __sub__(self, other: Figures) -> Figures:
        return Figures(
            self.executed_minor - other.executed_minor,
            self.pending_minor - other.pending_minor,
            self.executed_count - other.executed_count,
            self.pending_count - other.pending_count,
        )


NOTHING = Figures()

Place = tuple[str, str]
"""A collection and a currency."""


class Flag(StrEnum):
    """What a person should look at."""

    OUT_OF_BALANCE = "OUT_OF_BALANCE"  # a suspense collection whose executed balance is not zero
    DISPUTES_OUT_OF_BALANCE = (
        "DISPUTES_OUT_OF_BALANCE"  # that of single disputes is not, whatever they come to together
    )


@dataclass(frozen=True, slots=True)
class Balance:
    """The balance of a collection in one currency, and how many disputes have one that is not zero."""

    currency: str
    figures: Figures
    disputes_off: int
    flags: tuple[Flag, ...]


@dataclass(frozen=True, slots=True)
class CollectionBalances:
    """A collection and its balances, by currency."""

    collection: Collection
    balances: tuple[Balance, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """All collections of a claim, or (`dispute_id`) of one of its disputes, as of an instant."""

    claim_id: str
    dispute_id: str
    as_of_us: int
    collections: tuple[CollectionBalances, ...]

    @property
    def out_of_balance(self) -> bool:
        """Whether anything is flagged."""
        return any(balance.flags for each in self.collections for balance in each.balances)


class StepSide(StrEnum):
    """Which of the two steps of an operation."""

    DEBIT = "DEBIT"
    CREDIT = "CREDIT"


@dataclass(frozen=True, slots=True)
class Step:
    """One side of an operation, and what its collection had come to with it, executed and pending apart."""

    operation: Operation
    side: StepSide
    after: Figures

    @property
    def of(self) -> Side:
        """The collection and its account."""
        return self.operation.debit if self.side is StepSide.DEBIT else self.operation.credit


Sums = Mapping[Place, Figures]
"""What collections have come to."""
