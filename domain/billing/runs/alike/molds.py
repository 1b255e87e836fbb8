"""What becomes of accounts that are alike, decided once: for one that stands in for them all (decision 34).

What decides it is the very code that decides a single account. Of what came out, names and amounts are then filled in
for each account (`filling`). Where that would not do, as more than names and amounts could differ, there is no mold,
and each account is decided by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain

from domain.billing.configuration.model import ProfileKind
from domain.billing.configuration.snapshot import Snapshot
from domain.billing.rating.segments import Intervals, Register, Usage
from domain.billing.runs.alike.likeness import ACCOUNT, BILL, Likeness, segment_name, stand_in
from domain.billing.runs.alike.reading import NAMES, conditions
from domain.billing.runs.deciding import Decided, Desk, Finishing
from domain.billing.segments.drafting import draft, values_of
from domain.billing.segments.gathering import Known
from domain.billing.segments.model import Drafted, Facts, Segment
from domain.billing.segments.planning import measured, plan
from domain.billing.segments.recording import billed
from domain.billing.usage.model import Wanted
from domain.kernel.call import Call
from domain.kernel.conditions.shapes import Values


@dataclass(frozen=True, slots=True)
class Piece:
    """A segment of the mold: how it was drafted, and what it is once all is done.

    `measured` has, by name of a source, its place among the mold's `wanted`, and `charged_on`, by name, the places of
    the pieces that it adds up. `values` are what conditions read.
    """

    drafted: Drafted
    values: Values
    segment: Segment
    measured: dict[str, int]
    charged_on: dict[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Mold:
    """An account that stands in for others, and what becomes of it: `pieces` are its segments in their order.

    Of the `wanted` usage, accounts and profiles are stand-ins. Without pieces there is nothing to bill.
    """

    facts: Facts
    decided: Decided
    pieces: tuple[Piece, ...]
    wanted: tuple[Wanted, ...]


def mold(call: Call, desk: Desk, snapshot: Snapshot, likeness: Likeness) -> Mold | None:
    """What becomes of accounts of a likeness, if it can be said of all at once. Cost: a millisecond, no database."""
    facts = stand_in(likeness, desk.order.cycle)
    if _hangs_on_more(snapshot, facts):
        return None
    known = Known(snapshot, {ACCOUNT: facts})
    agenda = plan(facts, snapshot, desk.order.through_day)
    wanted = measured(agenda, snapshot)
    drafted = draft(agenda, snapshot, {each.key: _nothing(each) for each in wanted})
    if not drafted.segments:
        return Mold(facts, Decided(facts.account), (), ())
    if any(each.reason for each in drafted.segments):
        return None
    made = billed(drafted, desk.order.wanted, call, new_ids=_names())
    decided = Finishing(call, desk, known, {ACCOUNT: ()}, {ACCOUNT: _names()}).of(ACCOUNT, made)
    if decided.failure is not None:
        return None
    done = {each.segment_id: each for each in decided.done.frozen} if decided.done else {}
    places = {each.due.key: place for place, each in enumerate(drafted.segments)}
    numbers = {each.key: place for place, each in enumerate(wanted)}
    pieces = tuple(
        Piece(
            each,
            values_of(facts, each.due),
            done.get(segment.segment_id, segment),
            {
                source.name: numbers[ACCOUNT, *each.due.key, source.measured]
                for source in each.due.type.settings.usage
                if source.measured is not None
            },
            {
                source.name: tuple(places[of.agreement_id, of.start] for of in source.charged_on)
                for source, given in zip(each.worked.sources, each.due.type.settings.usage, strict=True)
                if given.charged_on is not None
            },
        )
        for each, segment in zip(drafted.segments, made.made, strict=True)
    )
    return Mold(facts, decided, pieces, tuple(wanted))


def _hangs_on_more(snapshot: Snapshot, facts: Facts) -> bool:
    """Whether what becomes of an account hangs on more than what accounts have in common, and on what they used.

    Algorithms see all of a bill, and some conditions the names of accounts.
    """
    kinds = [snapshot.agreement_types[each.type_code].settings for each in facts.agreements]
    if any(kind.algorithms for kind in kinds):
        return True
    if snapshot.customer_classes[facts.account.customer_class_code].settings.algorithms:
        return True
    rates = {each.rate_code or kind.rate for each, kind in zip(facts.agreements, kinds, strict=True)}
    return any(not each.reads.isdisjoint(NAMES) for code in rates for each in conditions(snapshot, code))


def _nothing(wanted: Wanted) -> Usage:
    """That nothing was used, in whatever bucket."""
    unit, buckets = wanted.profile_type.unit, wanted.scheme.settings.buckets if wanted.scheme else ()
    nothing = dict.fromkeys(("", *sorted(buckets)), 0)
    if wanted.profile_type.kind is ProfileKind.REGISTER:
        return Register(unit, nothing)
    return Intervals(unit, tuple(nothing for _ in wanted.parts))


def _names() -> Callable[[], str]:
    """What stands in for the names of what is new, as `recording.billed` asks for them: the bill first."""
    return chain((BILL,), map(segment_name, range(10_000))).__next__
