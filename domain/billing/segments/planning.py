"""What is due for an account, and in which order: before it is known what was used. Pure (BIL-01 to BIL-04)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace

from domain.billing.accounts.model import ServiceAgreement
from domain.billing.configuration.snapshot import Snapshot
from domain.billing.ordering import model as ordering
from domain.billing.ordering.charging import Dependencies, dependencies
from domain.billing.ordering.model import Place
from domain.billing.ordering.sequence import processing_order
from domain.billing.rating.calculation import parts_of
from domain.billing.segments.model import Agenda, Due, Facts, Segment
from domain.billing.segments.periods import Period, unbilled
from domain.billing.segments.states import DELETABLE, SegmentState
from domain.billing.usage.model import Wanted
from domain.kernel.errors import DomainError


def plan(facts: Facts, snapshot: Snapshot, through_day: int, again: Collection[str] = ()) -> Agenda:
    """What is to be done for the pending bill of an account.

    All that may be deleted is made again; with `again`, of agreements, these alone and what depends on them, and what
    the bill lacks altogether.
    """
    places = order_of(facts, snapshot)
    by_id = {each.agreement_id: each for each in facts.agreements}
    due = tuple(
        each
        for place in places
        for each in _due_of(
            place,
            by_id[place.agreement.id],
            snapshot,
            billed_through=facts.billed_through.get(place.agreement.id, 0),
            through_day=through_day,
        )
    )
    found = _dependencies(facts, snapshot, places, due)
    chosen = _chosen(facts, due, again, found) if again else set(by_id)
    kept = tuple(each for each in facts.segments if not _is_made_again(each, chosen))
    return Agenda(facts, places, tuple(each for each in due if each.agreement.agreement_id in chosen), kept, found)


def plan_again(
    facts: Facts, snapshot: Snapshot, wrong: Collection[Segment], sources: Collection[Segment], *, accepted: bool
) -> Agenda:
    """What is to be done to rebill segments, each for its own period; `sources` are others that they are charged on.

    `accepted`: a person lets them pass whatever they come to (BIL-13, BIL-16).
    """
    places = order_of(facts, snapshot)
    by_id = {each.agreement_id: each for each in facts.agreements}
    due = tuple(
        replace(_due(place, by_id[place.agreement.id], snapshot, each.period), accepted=accepted)
        for place in places
        for each in sorted(wrong, key=lambda each: each.period)
        if each.agreement_id == place.agreement.id
    )
    found = _dependencies(replace(facts, segments=(*wrong, *sources)), snapshot, places, due)
    kept = tuple(replace(each, rebills_id="") for each in sources)
    return Agenda(replace(facts, segments=()), places, due, kept, found)


def order_of(facts: Facts, snapshot: Snapshot) -> tuple[Place, ...]:
    """The processing order of all agreements of the account (BIL-01, BIL-02)."""
    return processing_order(
        [
            ordering.Agreement(
                each.agreement_id,
                facts.account.account_id,
                snapshot.agreement_types[each.type_code].settings.sequence,
                each.master_id or None,
            )
            for each in facts.agreements
        ]
    )


def measured(agenda: Agenda, snapshot: Snapshot) -> list[Wanted]:
    """What has to be known of usage for an agenda, each by its `model.Measure`. Cost: linear."""
    profiles: dict[tuple[str, str], list[str]] = defaultdict(list)
    for each in agenda.facts.profiles:
        profiles[each.agreement_id, each.type_code].append(each.profile_id)
    return [
        Wanted(
            key=(agenda.facts.account.account_id, *due.key, source.measured),
            account=agenda.facts.account.account_id,
            profiles=tuple(profiles[due.agreement.agreement_id, source.measured.profile_type]),
            profile_type=snapshot.profile_types[source.measured.profile_type].settings,
            zone=due.agreement.time_zone,
            parts=due.parts,
            scheme=snapshot.schemes[source.measured.scheme] if source.measured.scheme else None,
            maximum=source.measured.maximum,
            missing=source.measured.missing,
        )
        for due in agenda.due
        if due.refused is None
        for source in due.type.settings.usage
        if source.measured is not None
    ]


def _due_of(
    place: Place, agreement: ServiceAgreement, snapshot: Snapshot, *, billed_through: int, through_day: int
) -> list[Due]:
    kind = snapshot.agreement_types[agreement.type_code]
    periods = unbilled(
        start=max(agreement.start_day, billed_through),
        end=agreement.end_day,
        through=through_day,
        months=kind.settings.months,
        anchor_day=kind.settings.anchor_day,
    )
    return [_due(place, agreement, snapshot, period) for period in periods]


def _due(place: Place, agreement: ServiceAgreement, snapshot: Snapshot, period: Period) -> Due:
    kind = snapshot.agreement_types[agreement.type_code]
    due = Due(place, agreement, kind, agreement.rate_code or kind.settings.rate, period, ())
    try:
        return replace(due, parts=parts_of(snapshot.plan(due.rate_code), period.start, period.end))
    except DomainError as refused:
        return replace(due, refused=refused)


def _dependencies(facts: Facts, snapshot: Snapshot, places: tuple[Place, ...], due: Collection[Due]) -> Dependencies:
    """Who is charged on whom, of those that have a segment on the bill: others add nothing."""
    billed = {each.agreement.agreement_id for each in due} | {each.agreement_id for each in facts.segments}
    charged_on = {}
    for each in facts.agreements:
        usage = snapshot.agreement_types[each.type_code].settings.usage
        types = {code for source in usage if source.charged_on for code in source.charged_on.types}
        if types and each.agreement_id in billed:
            of_types = (one.agreement_id for one in facts.agreements if one.type_code in types)
            charged_on[each.agreement_id] = [agreement_id for agreement_id in of_types if agreement_id in billed]
    return dependencies(places, charged_on)


def _chosen(facts: Facts, due: Collection[Due], again: Collection[str], found: Dependencies) -> set[str]:
    """The agreements asked for, those of which something is missing or incomplete, and those that depend on these."""
    there = {each.key for each in facts.segments}
    first = {*again, *(each.agreement.agreement_id for each in due if each.key not in there)}
    first |= {each.agreement_id for each in facts.segments if each.state is SegmentState.INCOMPLETE}
    return first.union(found.dependents(first))


def _is_made_again(segment: Segment, chosen: Collection[str]) -> bool:
    return segment.state in DELETABLE and not segment.rebills_id and segment.agreement_id in chosen
