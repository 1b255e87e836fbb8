"""Service agreements and what hangs on them, with their places in the processing order (BIL-01 to BIL-03, BIL-05)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the order needs to know of a service agreement.

    `sequence` is the billing processing sequence of its type, None where it has none; `master_id` the agreement that it
    is the sub of, None for a master and for one that stands alone.
    """

    id: str
    account_id: str
    sequence: int | None = None
    master_id: str | None = None

    @property
    def rank(self) -> int:
        """Its sequence; none counts as 0 (BIL-01)."""
        return self.sequence or 0


Path = tuple[tuple[int, str], ...]
"""Sequence and id, of a sub behind those of its master: places sort as these do."""


def path(agreement: Agreement, master: Agreement | None) -> Path:
    """What an agreement is sorted by; the master is given for a sub."""
    own = (agreement.rank, agreement.id)
    return ((master.rank, master.id), own) if master else (own,)


@dataclass(frozen=True, slots=True)
class AgreementType:
    """What the order needs to know of an SA type."""

    code: str
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """What is processed within an agreement: an algorithm of its type, or a profile that it owns.

    `rank` is the algorithm's sequence or the creation priority of the profile's type; the lower comes first, and of
    equal ones the lower `id`: the algorithm's code or the profile's id.
    """

    agreement_id: str
    rank: int
    id: str


@dataclass(frozen=True, slots=True)
class Profile:
    """What the order needs to know of a profile; `owner_id` is the agreement that owns it, None where none does."""

    id: str
    owner_id: str | None
    creation_priority: int


class Why(StrEnum):
    """What gives something its place."""

    MASTER = "MASTER"  # it comes directly after its master, among the other subs
    SEQUENCE = "SEQUENCE"  # by its own sequence or priority
    TIE = "TIE"  # another has the same, so the ids decide


@dataclass(frozen=True, slots=True)
class Place:
    """An agreement's place in the order of its account, from 1, with what gave it (BIL-05).

    `master` is the agreement that it comes after as a sub. `tied`: another beside it, that is of the same master or
    also without one, has the same sequence.
    """

    position: int
    agreement: Agreement
    master: Agreement | None
    tied: bool

    @property
    def why(self) -> tuple[Why, ...]:
        """What gave it, in the order in which it counts."""
        return (*((Why.MASTER,) if self.master else ()), Why.SEQUENCE, *((Why.TIE,) if self.tied else ()))

    @property
    def sentence(self) -> str:
        """The same for a person."""
        after = f"after its master {self.master.id}, " if self.master else ""
        number = self.agreement.sequence
        sequence = "no sequence, which counts as 0" if number is None else f"sequence {number}"
        return f"{after}{sequence}{' as others have, by its id' if self.tied else ''}"

    @property
    def path(self) -> Path:
        """What it is sorted by."""
        return path(self.agreement, self.master)


@dataclass(frozen=True, slots=True)
class Turn:
    """When an item is processed, from 1: within the `place` of its agreement by its rank, and by its id if `tied`."""

    position: int
    place: Place
    item: Item
    tied: bool
