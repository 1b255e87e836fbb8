"""What segments mean to the general ledger: contexts hand in values, a flow posts (`domain/flows`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection

from domain.kernel.call import Call
from domain.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Charge:
    """What a segment charges, as the ledger sees it: what the customer owes against what it is owed for.

    `receivable` is the distribution code of the first, `amounts` has the second by distribution code; they sum to
    `amount`, in its currency. Days are yyyymmdd: `day` the accounting date, `transaction_day` that of the bill. Of a
    canceled segment it is a `reversal`: the same values, posted the other way round.
    """

    account_id: str
    segment_id: str
    agreement_id: str
    cycle_code: str
    day: int
    transaction_day: int
    receivable: str
    amount: Money
    amounts: Mapping[str, Money]
    reversal: bool = False

    @property
    def codes(self) -> frozenset[str]:
        """The distribution codes that it is posted by."""
        return frozenset({self.receivable, *self.amounts})


@dataclass(frozen=True, slots=True)
class Charges:
    """What segments charge that are alike: `like` is one of them, in which names and amounts mean nothing.

    The others are columns, with a row for each segment: `minor` is what each comes to, and `amounts` has that by
    distribution code, in minor units of its currency.
    """

    like: Charge
    account_ids: Sequence[str]
    segment_ids: Sequence[str]
    agreement_ids: Sequence[str]
    minor: Sequence[int]
    amounts: Mapping[str, Sequence[int]]

    @property
    def codes(self) -> frozenset[str]:
        """The distribution codes that they are posted by."""
        return frozenset({self.like.receivable, *self.amounts})


class Ledger(Protocol):
    """The general ledger, as billing needs it."""

    def ledgers(self, tx: Connection, codes: Collection[str]) -> Mapping[str, str]:
        """The ledger of each of the distribution codes that there are."""
        ...

    def check(self, tx: Connection, codes: Collection[str], day: int) -> Mapping[str, str]:
        """The ledger of each distribution code; refuses what could not be posted on the day (yyyymmdd)."""
        ...

    def post(self, tx: Connection, call: Call, charges: Sequence[Charge], *, alike: Sequence[Charges] = ()) -> None:
        """Make the accounting details of these charges, or of none."""
        ...
