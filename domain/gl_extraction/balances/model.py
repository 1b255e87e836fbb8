"""Trial balances as values (GLX-24): amounts are minor units of one currency, debits count up, credits down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from domain.gl_extraction.names import trial_balance_name


class Place(NamedTuple):
    """Where in the books an amount stands: the finest that balances tell apart."""

    ledger_code: str
    accounting_period_code: str
    distribution_account: str
    currency: str


class Sums(NamedTuple):
    """What details come to; as a delta, any of them may be below zero."""

    debit_minor: int
    credit_minor: int
    detail_count: int

    def plus(self, other: Sums) -> Sums:
        """The two together."""
        return Sums(*(mine + its for mine, its in zip(self, other, strict=True)))

    def less(self, other: Sums) -> Sums:
        """This one without the other."""
        return Sums(*(mine - its for mine, its in zip(self, other, strict=True)))


NOTHING = Sums(0, 0, 0)


class Movement(NamedTuple):
    """A change of the sums at a place: of all details that are not void, and of the extracted ones among them."""

    place: Place
    all: Sums
    extracted: Sums = NOTHING


@dataclass(frozen=True, slots=True)
class Figures:
    """One row of a trial balance: what was there before the period, and what the period brought."""

    opening_minor: int
    debit_minor: int
    credit_minor: int

    @property
    def closing_minor(self) -> int:
        """What is there at the end."""
        return self.opening_minor + self.debit_minor - self.credit_minor

    def less(self, other: Figures) -> Figures:
        """This one without another that is a part of it."""
        return Figures(
            self.opening_minor - other.opening_minor,
            self.debit_minor - other.debit_minor,
            self.credit_minor - other.credit_minor,
        )


@dataclass(frozen=True, slots=True)
class Line:
    """The figures of a distribution account (empty: of all of them together) in one currency.

    `all` are those of all details that are not void, `extracted` those of the ones that were sent. The counts are of
    the details in the period.
    """

    distribution_account: str
    currency: str
    all: Figures
    extracted: Figures
    detail_count: int
    extracted_count: int

    @property
    def unextracted(self) -> Figures:
        """Those of the details that were not sent yet."""
        return self.all.less(self.extracted)


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """What a period comes to as of an instant, a line a currency."""

    ledger_code: str
    accounting_period_code: str
    as_of_us: int
    totals: tuple[Line, ...]
    line_count: int

    @property
    def name(self) -> str:
        """Its resource name."""
        return trial_balance_name(self.ledger_code, self.accounting_period_code)


@dataclass(frozen=True, slots=True)
class Difference:
    """A place at which what was recorded is not what the details come to."""

    place: Place
    recorded: Movement
    found: Movement
