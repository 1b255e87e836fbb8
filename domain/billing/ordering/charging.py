"""Charges on what earlier segments of the same account and bill came to (BIL-04).

A segment sees only those that are made before it by their sequences; that an id decides between equal ones is no
ground to be charged on. What waits, and what has to be made again, follows from the order in one pass.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from domain.billing.ordering.model import AgreementType, Place
from domain.kernel.amounts import Fault


@dataclass(frozen=True, slots=True)
class Misplaced:
    """A charge that cannot be made out: the segment of `agreement_id` is in error."""

    agreement_id: str
    source_id: str
    fault: Fault


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Who of an account is charged on whom; agreements stand in the processing order throughout."""

    sources: Mapping[str, tuple[str, ...]]
    """By agreement that is charged on others, on which: those alone that are made before it."""
    misplaced: tuple[Misplaced, ...]

    def waiting(self, in_error: Collection[str]) -> dict[str, tuple[str, ...]]:
        """By agreement that is in error because of others, on which of its own sources it waits.

        `in_error` are those whose segments are in error or were removed; misplaced ones are so anyway. Errors travel
        along: who waits is itself waited for.
        """
        failed = {*in_error, *(each.agreement_id for each in self.misplaced)}
        return self._after(failed)

    def dependents(self, made_again: Collection[str]) -> tuple[str, ...]:
        """Whose segments are stale once those of `made_again` are made again or rebilled, in the order to follow."""
        return tuple(self._after(set(made_again)))

    def _after(self, marked: set[str]) -> dict[str, tuple[str, ...]]:
        """The sources that are marked, of all that have any; having some marks an agreement for those after it."""
        found = {}
        for agreement_id, sources in self.sources.items():
            if on := tuple(source for source in sources if source in marked):
                found[agreement_id] = on
                marked.add(agreement_id)
        return found


def dependencies(places: Sequence[Place], charged_on: Mapping[str, Iterable[str]]) -> Dependencies:
    """Sort out which references of an account's agreements are sound; `charged_on` names, by agreement, its sources.

    To follow what was charged, after rebilling, give the sources that the segments were made with. Cost: O(n log n) in
    agreements and references.
    """
    by_id = {place.agreement.id: place for place in places}
    assert set(charged_on) <= set(by_id), "who is charged has a place in the order"
    sound: dict[str, tuple[str, ...]] = {}
    misplaced: list[Misplaced] = []
    for place in places:
        if (agreement_id := place.agreement.id) in charged_on:
            sources = set(charged_on[agreement_id])
            faulty = _misplaced(place, {source: by_id.get(source) for source in sorted(sources)})
            kept = sources.difference(each.source_id for each in faulty)
            sound[agreement_id] = tuple(sorted(kept, key=lambda source: by_id[source].position))
            misplaced += faulty
    return Dependencies(sound, tuple(misplaced))


def type_fault(charged: AgreementType, source: AgreementType) -> Fault | None:
    """What is wrong with charging agreements of one SA type on those of another, as far as the types show it.

    Asked when either is configured. Types do not show who is whose sub: that is found by `reference_fault`.
    """
    return _sequence_fault((charged.code, charged.sequence or 0), (source.code, source.sequence or 0))


def reference_fault(charged: Place, source: Place | None) -> Fault | None:
    """Why one agreement cannot be charged on another of its account, if so; None for the source: it has no such one.

    What decides is the sequence where their ways part: of masters where they have different ones, of subs where they
    have the same. A sub can be charged on its master.
    """
    if source is None:
        return "CHARGE_SOURCE_NOT_OF_ACCOUNT", f"{charged.agreement.id} is charged on what its account does not have"
    for ours, theirs in zip(charged.path, source.path, strict=False):
        if ours != theirs:
            return _sequence_fault((_told(charged, ours[1]), ours[0]), (_told(source, theirs[1]), theirs[0]))
    if source.master == charged.agreement:
        return "CHARGE_SOURCE_LATER", f"{charged.agreement.id} is charged on its own sub {source.agreement.id}"
    if source == charged:
        return "CHARGE_SOURCE_AT_EQUAL_SEQUENCE", f"{charged.agreement.id} is charged on itself"
    assert charged.master == source.agreement, "their ways do not part, so one is the other's master"
    return None


def measure_fault(measure: str, sources: Mapping[str, Mapping[str, int]]) -> Fault | None:
    """Why what sources came to cannot be added up in one unit of measure, or currency, if so.

    `sources` has, by agreement, its totals by measure. One that came to something, but to nothing in this measure,
    would be left out in silence; one that came to nothing at all adds nothing.
    """
    for source, totals in sources.items():
        if totals and measure not in totals:
            have = " and ".join(sorted(totals))
            return "CHARGE_MEASURE_MISSING", f"{source} came to {have}; only {measure} is added up"
    return None


def added_up(measure: str, sources: Mapping[str, Mapping[str, int]]) -> int:
    """The sum of sources in one measure: attos of a unit of measure, or minor units of a currency."""
    assert measure_fault(measure, sources) is None, "different measures are never added"
    return sum(totals.get(measure, 0) for totals in sources.values())


def _misplaced(charged: Place, sources: Mapping[str, Place | None]) -> list[Misplaced]:
    found = ((source_id, reference_fault(charged, source)) for source_id, source in sources.items())
    return [Misplaced(charged.agreement.id, source_id, fault) for source_id, fault in found if fault]


def _told(place: Place, deciding_id: str) -> str:
    """An agreement, with the master that stands for it where that one's sequence decides."""
    own_id = place.agreement.id
    return own_id if own_id == deciding_id else f"{own_id}, a sub of {deciding_id},"


def _sequence_fault(charged: tuple[str, int], source: tuple[str, int]) -> Fault | None:
    """The names, with the sequences that decide."""
    (name, sequence), (other, others) = charged, source
    told = f"{name} at sequence {sequence} is charged on {other} at sequence {others}"
    if others > sequence:
        return "CHARGE_SOURCE_LATER", f"{told}, which comes later"
    if others == sequence:
        return "CHARGE_SOURCE_AT_EQUAL_SEQUENCE", f"{told}: at an equal sequence nothing is sure to be made before it"
    return None
