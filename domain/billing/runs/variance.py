"""How what a run would bill differs from what accounts were billed last: what a person looks at before it (BIL-15)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from fractions import Fraction
from operator import attrgetter

from domain.billing.runs.store import LastBill
from domain.kernel.documents import Document
from domain.kernel.money import Money

LARGEST_MAX = 100
"""So many accounts are named."""

_WITHIN = Fraction(1, 10)


class Band(StrEnum):
    """How a bill stands to the one before."""

    WITHIN = "WITHIN"  # at most a tenth more or less
    ABOVE = "ABOVE"
    BELOW = "BELOW"
    NEW = "NEW"  # there is none before in its currency


@dataclass(frozen=True, slots=True)
class Variance:
    """What an account would be billed, beside its last complete bill, in minor units of one currency."""

    account_id: str
    currency: str
    minor: int
    last_bill_id: str
    last_minor: int

    @property
    def band(self) -> Band:
        """Where it falls."""
        if self.part <= _WITHIN:
            return Band.WITHIN
        return Band.ABOVE if self.minor > self.last_minor else Band.BELOW

    @property
    def part(self) -> Fraction:
        """How much more or less it is, as a part of the last; of a last bill of nothing as one of the least amount."""
        return Fraction(abs(self.minor - self.last_minor), max(abs(self.last_minor), 1))


def variances(amounts: Mapping[str, Money], last: Mapping[str, LastBill]) -> tuple[dict[str, int], list[Variance]]:
    """How many accounts fall into each band, and those with the largest variance of what accounts would be billed."""
    bands = dict.fromkeys(map(str, Band), 0)
    found = []
    for account_id, amount in amounts.items():
        before = last.get(account_id)
        if before is None or before.currency != amount.currency:
            bands[Band.NEW] += 1
            continue
        variance = Variance(account_id, amount.currency, amount.minor, before.bill_id, before.minor)
        bands[variance.band] += 1
        found.append(variance)
    return bands, largest(found)


def largest(found: Iterable[Variance]) -> list[Variance]:
    """Those with the largest variance, the largest first; of equal ones by account."""
    varied = (each for each in found if each.part)
    return sorted(sorted(varied, key=attrgetter("account_id")), key=attrgetter("part"), reverse=True)[:LARGEST_MAX]


def to_documents(found: Sequence[Variance]) -> list[Document]:
    """As the operation's row keeps them."""
    return [asdict(each) for each in found]


def from_documents(documents: Iterable[Document]) -> list[Variance]:
    """What `to_documents` wrote."""
    return [Variance(**each) for each in documents]
