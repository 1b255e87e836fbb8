"""Fills a mold: what accounts that are alike come to, in columns with a row for each account (decision 34).

Whatever goes wrong with one account is not told here: it is left out, to be decided by itself, which says why.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from domain.billing.bills.invoicing import InvoiceLine, ReckonedTax
from domain.billing.configuration.model import UsageSource
from domain.billing.configuration.snapshot import Snapshot
from domain.billing.rating import sheets
from domain.billing.rating.calculation import rated
from domain.billing.rating.segments import Usage
from domain.billing.rating.sheets import Column, Rated, Rows, Sheet, Used
from domain.billing.runs.alike.likeness import Member, agreement_place
from domain.billing.runs.alike.molds import Mold, Piece
from domain.billing.segments.drafting import counted
from domain.billing.segments.model import Spent
from domain.billing.segments.plausibility import broken
from domain.billing.segments.states import SegmentState
from domain.billing.usage.model import Gathered
from domain.kernel.amounts import scale_of
from domain.kernel.errors import DomainError
from domain.kernel.quantities import ATTOS

History = Mapping[tuple[str, str], Spent]
"""By account and agreement, what those were billed before whose type has limits."""

Texts = Sequence[tuple[str, ...]]
"""Of each row, the sentences on where usage comes from."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A piece of the mold with what it comes to: `totals` by measure, and by source what was estimated and its texts.

    Of what was charged on others, the texts are in the mold.
    """

    piece: Piece
    rated: Rated
    totals: Mapping[str, Column]
    estimated: Mapping[str, Rows]
    texts: Mapping[str, Texts]

    @property
    def any_estimated(self) -> Rows:
        """Of each row, whether anything was."""
        columns = list(self.estimated.values())
        return list(map(any, zip(*columns, strict=True))) if columns else [False] * len(self.rated.amount)


@dataclass(frozen=True, slots=True)
class Batch:
    """Accounts that are alike with what becomes of them: one row for each of `members`, in each of the pieces.

    `told` says of each line of each piece how it goes on invoices, where it does.
    """

    mold: Mold
    members: Sequence[Member]
    filled: tuple[Filled, ...] = ()
    told: Sequence[Sequence[InvoiceLine | ReckonedTax]] = ()

    @property
    def codes(self) -> frozenset[frozenset[str]]:
        """Of each piece that is frozen, the distribution codes that it may be posted by."""
        return frozenset(
            frozenset({each.piece.segment.receivable_code, *(line.distribution_code for line in each.rated.lines)})
            for each in self.filled
            if each.piece.segment.state is SegmentState.FROZEN
        )

    @property
    def amounts(self) -> Column:
        """What the bill of each comes to, in minor units."""
        return added([each.rated.amount for each in self.filled], len(self.members))

    @property
    def taxes(self) -> Column:
        """The tax in it."""
        return added([each.rated.tax for each in self.filled], len(self.members))


def fill(
    mold: Mold,
    snapshot: Snapshot,
    members: Sequence[Member],
    usage: Sequence[Sequence[Gathered]],
    history: History,
) -> Batch:
    """What becomes of accounts, but for those that have to be decided each by itself.

    `usage` has, for each of the mold's `wanted`, that of each account.
    """
    if not mold.pieces:
        return Batch(mold, members)
    apart = {row for of in usage for row, each in enumerate(of) if isinstance(each, DomainError)}
    found: tuple[Filled, ...] | None = ()
    if not apart:
        filling = _Filling(mold, snapshot, cast("Sequence[Sequence[Usage]]", usage), members, history)
        found, apart = filling.filled(), filling.apart
    if found is None or len(apart) == len(members):
        return Batch(mold, [])
    if not apart:
        return Batch(mold, members, found)
    left = [row for row in range(len(members)) if row not in apart]
    kept = [members[row] for row in left]
    return fill(mold, snapshot, kept, [[of[row] for row in left] for of in usage], history)


class _Filling:
    """What was filled in so far of a mold; `apart` are the rows that have to be decided by themselves."""

    def __init__(
        self,
        mold: Mold,
        snapshot: Snapshot,
        usage: Sequence[Sequence[Usage]],
        members: Sequence[Member],
        history: History,
    ) -> None:
        self._mold, self._snapshot, self._usage, self._rows = mold, snapshot, usage, len(members)
        self._members, self._history = members, history
        self._filled: list[Filled] = []
        self.apart: set[int] = set()

    def filled(self) -> tuple[Filled, ...] | None:
        """All pieces, one after another; None where usage of the rows is not alike."""
        for piece in self._mold.pieces:
            given: dict[str, Used] = {}
            for source in piece.drafted.due.type.settings.usage:
                used = self._used(piece, source)
                if used is None:
                    return None
                given[source.name] = used
            self._filled.append(self._piece(piece, given))
        return tuple(self._filled)

    def _used(self, piece: Piece, source: UsageSource) -> Used | None:
        if source.charged_on is None:
            return sheets.used(self._usage[piece.measured[source.name]])
        measure, scale = source.charged_on.measure, scale_of(source.charged_on.measure)
        columns = [self._total(place, measure) for place in piece.charged_on[source.name]]
        total = added(columns, self._rows)
        attos = [each * ATTOS // scale[0] for each in total] if scale else total
        return Used(measure, by_part=False, parts=({"": attos},))

    def _total(self, place: int, measure: str) -> Column:
        """What an earlier piece came to in a measure; what came to something else alone cannot be added up."""
        earlier = self._filled[place]
        if measure not in earlier.totals:
            self._leave(map(bool, earlier.rated.amount))
        return earlier.totals.get(measure, [0] * self._rows)

    def _piece(self, piece: Piece, given: Mapping[str, Used]) -> Filled:
        due, currency = piece.drafted.due, piece.segment.amount.currency
        period = due.period
        sheet = Sheet(
            start=period.start,
            end=period.end,
            full_days=period.full_days,
            currency=currency,
            rows=self._rows,
            usage=given,
            values=(piece.values,),
        )
        found = rated(self._snapshot.plan(due.rate_code), sheet)
        self.apart |= found.refused.keys()
        self._leave(self._implausible(piece, found.amount))
        totals = self._totals(due.type.settings.usage, given)
        if not totals:  # then its document has a total for more than nothing alone
            self._leave(not each for each in found.amount)
        totals[currency] = found.amount
        estimated, texts = {}, {}
        for source in due.type.settings.usage:
            if source.charged_on is not None:
                estimated[source.name] = self._any_estimated(piece.charged_on[source.name])
                continue
            usage = self._usage[piece.measured[source.name]]
            estimated[source.name] = [each.estimated for each in usage]
            texts[source.name] = [each.sources for each in usage]
        return Filled(piece, found, totals, estimated, texts)

    def _implausible(self, piece: Piece, amounts: Column) -> Iterator[bool]:
        """Of each row, whether it comes to what its own history makes implausible."""
        due = piece.drafted.due
        limits, place = due.type.settings.plausible, agreement_place(due.agreement.agreement_id)
        for member, minor in zip(self._members, amounts, strict=True) if limits else ():
            history = self._history.get((member.account_id, member.agreement_ids[place]))
            yield broken(limits, due.period.days, minor, history) is not None

    def _totals(self, sources: Iterable[UsageSource], given: Mapping[str, Used]) -> dict[str, Column]:
        """What was used by unit, as `drafting.totals_of` has it for one."""
        columns: dict[str, list[Column]] = defaultdict(list)
        for name in counted(sources):
            if scale_of(given[name].unit) is None:
                columns[given[name].unit] += [each for part in given[name].parts for each in part.values()]
        return {unit: added(of_unit, self._rows) for unit, of_unit in columns.items()}

    def _any_estimated(self, places: Iterable[int]) -> Rows:
        columns = [self._filled[place].any_estimated for place in places]
        return list(map(any, zip(*columns, strict=True))) if columns else [False] * self._rows

    def _leave(self, rows: Iterable[bool]) -> None:
        self.apart.update(row for row, leaves in enumerate(rows) if leaves)


def added(columns: Sequence[Column], rows: int) -> Column:
    """What columns come to together."""
    if len(columns) == 1:
        return columns[0]
    return list(map(sum, zip(*columns, strict=True))) if columns else [0] * rows
