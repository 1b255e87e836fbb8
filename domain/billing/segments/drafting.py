"""Decides the segments of an account's bill, in its processing order: values in, values out (BIL-04, BIL-11, BIL-16).

An error is a value of its segment, and the next one is decided all the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from domain.billing.accounts.model import ServiceAgreement
from domain.billing.configuration import vocabulary
from domain.billing.configuration.model import ChargedOn, UsageSource
from domain.billing.configuration.snapshot import Snapshot
from domain.billing.names import agreement_name
from domain.billing.ordering.charging import added_up, measure_fault
from domain.billing.rating import segments as rating
from domain.billing.rating.calculation import calculate
from domain.billing.rating.segments import Calculation, Register, Usage
from domain.billing.segments.errors import ChargeSourceInError, ChargeSourceOnAnotherBill, ChargeUnsound
from domain.billing.segments.model import (
    Agenda,
    Charged,
    Draft,
    Drafted,
    Due,
    Facts,
    Segment,
    Source,
    Totals,
    Wait,
    Worked,
)
from domain.billing.segments.periods import Period
from domain.billing.segments.plausibility import require_plausible
from domain.billing.segments.states import SegmentState
from domain.billing.usage.errors import UsageFault
from domain.kernel.amounts import scale_of
from domain.kernel.conditions.shapes import Values
from domain.kernel.errors import DomainError
from domain.kernel.quantities import ATTOS
from domain.kernel.time import iso_day

Known = Mapping[Hashable, Usage | UsageFault]
"""What was used, or why that is not known, for each of `planning.measured`, by its key."""

TO_BE_MADE = "what it was made of has changed"
"""What is told of a segment that is incomplete."""

_SOURCES = frozenset({SegmentState.INCOMPLETE, SegmentState.ERROR, SegmentState.FREEZABLE, SegmentState.FROZEN})
"""What others may be charged on; what is canceled came to nothing."""


@dataclass(frozen=True, slots=True)
class _Earlier:
    """A segment of the bill as others see it that are charged on it."""

    agreement_id: str
    period: Period
    totals: Totals
    estimated: bool
    reason: str = ""
    message: str = ""

    @property
    def told(self) -> str:
        """It, for a person."""
        return f"{self.agreement_id} from {iso_day(self.period.start)}"


def draft(agenda: Agenda, snapshot: Snapshot, known: Known) -> Draft:
    """Decide all that is due, one after another. Cost: linear in segments and in what they are charged on."""
    drafting = _Drafting(agenda, snapshot, known)
    return Draft(agenda, tuple(drafting.decide(due) for due in agenda.due))


class _Drafting:
    """What was decided so far of an account's bill."""

    def __init__(self, agenda: Agenda, snapshot: Snapshot, known: Known) -> None:
        self._agenda = agenda
        self._snapshot = snapshot
        self._known = known
        self._earlier: dict[str, list[_Earlier]] = defaultdict(list)
        self._charged: dict[str, set[Charged]] = defaultdict(set)
        self._ends: dict[str, list[int]] = defaultdict(list)
        self._faults = {each.agreement_id: each.fault for each in reversed(agenda.dependencies.misplaced)}
        self._on_bill = {each.segment_id for each in agenda.facts.segments}
        self._accepted = {each.key: each for each in agenda.facts.segments if each.accepted}
        for due in agenda.due:
            self._ends[due.agreement.agreement_id].append(due.period.end)
        for segment in agenda.kept:
            self._keep(segment)

    def decide(self, due: Due) -> Drafted:
        """The segment, in error if it has to be; what comes later sees it."""
        found: dict[str, Usage] = {}
        sources: list[Source] = []
        calculation = None
        try:
            if due.refused is not None:
                raise due.refused
            if due.agreement.agreement_id in self._faults:
                raise ChargeUnsound(self._faults[due.agreement.agreement_id])
            for usage, source in self._usages(due):
                found[source.name] = usage
                sources.append(source)
            calculation = calculate(self._snapshot.plan(due.rate_code), self._segment(due, found))
            accepted = due.accepted or self._is_accepted(due, calculation)
            if not accepted:
                require_plausible(due, calculation, self._agenda.facts.history.get(due.agreement.agreement_id))
            drafted = Drafted(due, self._worked(due, sources, found, calculation), calculation, accepted=accepted)
        except DomainError as error:
            worked = replace(self._worked(due, sources, found, calculation), message=_sentence(error))
            if isinstance(error, ChargeSourceInError):
                worked = replace(worked, waits_on=error.waits_on)
            reason = error.fault_reason if isinstance(error, ChargeUnsound) else error.reason
            drafted = Drafted(due, worked, calculation, reason)
        self._earlier[due.agreement.agreement_id].append(
            _Earlier(
                due.agreement.agreement_id,
                due.period,
                drafted.worked.totals,
                drafted.estimated,
                drafted.reason,
                drafted.worked.message,
            )
        )
        return drafted

    def _keep(self, segment: Segment) -> None:
        if segment.state not in _SOURCES or (segment.rebills_id and segment.rebills_id not in self._on_bill):
            return  # what stands in place of one on an earlier bill is charged on by those in place of others there
        for source in segment.worked.sources:
            self._charged[segment.agreement_id].update(source.charged_on)
        self._earlier[segment.agreement_id].append(
            _Earlier(
                segment.agreement_id,
                segment.period,
                segment.worked.totals,
                segment.estimated,
                segment.reason or (segment.state if segment.state is SegmentState.INCOMPLETE else ""),
                segment.worked.message or TO_BE_MADE,
            )
        )

    def _usages(self, due: Due) -> Iterator[tuple[Usage, Source]]:
        """What the components of its rate can charge, by the names that they call it.

        Raises: why it is not known; ChargeSourceInError; ChargeSourceOnAnotherBill; ChargeUnsound.
        """
        account_id = self._agenda.facts.account.account_id
        for source in due.type.settings.usage:
            if source.charged_on is not None:
                yield self._charged_on(due, source.name, source.charged_on)
                continue
            assert source.measured is not None, "a source of usage is one of the two"
            known = self._known[(account_id, *due.key, source.measured)]
            if isinstance(known, DomainError):
                raise known
            yield known, Source(source.name, known.unit, known.sources, known.estimated)

    def _charged_on(self, due: Due, name: str, wanted: ChargedOn) -> tuple[Usage, Source]:
        """What the segments that this one is charged on came to, in one measure (BIL-04)."""
        agreements = [each for each in self._agenda.facts.agreements if each.type_code in wanted.types]
        sound = self._agenda.dependencies.sources.get(due.agreement.agreement_id, ())
        for each in agreements:
            self._require_on_this_bill(due, each)
        among = {each.agreement_id for each in agreements}
        earlier = [
            each
            for agreement_id in sound
            if agreement_id in among
            for each in self._earlier[agreement_id]
            if self._falls_on(due, each)
        ]
        if failed := [each for each in earlier if each.reason]:
            waits = [Wait(each.agreement_id, each.period.start, each.period.end, each.reason) for each in failed]
            raise ChargeSourceInError(waits, "; ".join(f"{each.told}: {each.message}" for each in failed))
        totals = {each.told: each.totals for each in earlier}
        if fault := measure_fault(wanted.measure, totals):
            raise ChargeUnsound(fault)
        scale = scale_of(wanted.measure)
        total = added_up(wanted.measure, totals)
        account_id = self._agenda.facts.account.account_id
        estimated = any(each.estimated for each in earlier)
        texts = tuple(agreement_name(account_id, each) for each in sorted({one.agreement_id for one in earlier}))
        charged = tuple(Charged(each.agreement_id, each.period.start, each.period.end) for each in earlier)
        usage = Register(wanted.measure, {"": total * ATTOS // scale[0] if scale else total}, texts, estimated)
        return usage, Source(name, wanted.measure, texts, estimated, charged)

    def _require_on_this_bill(self, due: Due, source: ServiceAgreement) -> None:
        """Refuse to add up what would lack days of this period: those that an earlier bill has."""
        billed = self._agenda.facts.billed_through.get(source.agreement_id, 0)
        here = (each.period.start for each in self._earlier[source.agreement_id])
        elsewhere = min([billed, *here])
        if max(source.start_day, due.period.start) < min(elsewhere, due.period.end):
            raise ChargeSourceOnAnotherBill(source.agreement_id, elsewhere)

    def _falls_on(self, due: Due, earlier: _Earlier) -> bool:
        """Whether a segment that is charged on it is this one, of those of its agreement: each counts once.

        It is the first that ends with it or later, or the last.
        """
        if Charged(earlier.agreement_id, earlier.period.start, earlier.period.end) in self._charged[due.key[0]]:
            return False
        ends = self._ends[due.agreement.agreement_id]
        return due.period.end == next((end for end in ends if end >= earlier.period.end), ends[-1])

    def _segment(self, due: Due, usage: Mapping[str, Usage]) -> rating.Segment:
        period = due.period
        return rating.Segment(
            start=period.start,
            end=period.end,
            full_days=period.full_days,
            currency=self._agenda.facts.account.currency,
            usage=usage,
            values=values_of(self._agenda.facts, due),
        )

    def _worked(
        self, due: Due, sources: list[Source], usage: Mapping[str, Usage], calculation: Calculation | None
    ) -> Worked:
        parts = tuple((part.start, part.end) for part in due.parts)
        basis = self._snapshot.basis(due.type.code, due.rate_code, due.period.start, due.period.end)
        if calculation is None:
            return Worked(parts=parts, sources=tuple(sources), basis=basis)
        return Worked(
            parts=parts,
            basis=basis,
            versions=tuple(
                (day, self._snapshot.rate_version(due.rate_code, day))
                for day in sorted({line.version for line in calculation.lines})
            ),
            lines=calculation.lines,
            totals=totals_of(due, usage, calculation),
            sources=tuple(sources),
        )

    def _is_accepted(self, due: Due, calculation: Calculation) -> bool:
        """Whether a person let it pass when it came to the same (BIL-16)."""
        before = self._accepted.get(due.key)
        return before is not None and (before.period, before.amount) == (due.period, calculation.amount)


def values_of(facts: Facts, due: Due) -> Values:
    """What conditions of its rate read of a segment that is due."""
    account, agreement, period = facts.account, due.agreement, due.period
    premise = facts.premises.get(agreement.premise_id)
    return {
        "account": vocabulary.account_values(account.account_id, account.customer_class_code, account.attributes),
        "agreement": vocabulary.agreement_values(
            agreement.agreement_id, agreement.type_code, due.rate_code, agreement.attributes
        ),
        "premise": vocabulary.premise_values(agreement.premise_id, premise.attributes if premise else {}),
        "segment": vocabulary.segment_values(period.start, period.end, period.days),
    }


def totals_of(due: Due, usage: Mapping[str, Usage], calculation: Calculation) -> Totals:
    """What a segment came to by measure: its amount, and what was used, whatever was charged for it and how often.

    What is told twice, such as by bucket and as a whole, counts once; a maximum is no sum of anything.
    """
    found: dict[str, int] = defaultdict(int)
    for name in counted(due.type.settings.usage):
        given = usage[name]
        if scale_of(given.unit) is None:
            found[given.unit] += sum(map(sum, (each.values() for each in _quantities(given))))
    if found or calculation.amount.minor:
        found[calculation.amount.currency] = calculation.amount.minor
    return dict(found)


def counted(sources: Iterable[UsageSource]) -> list[str]:
    """The names of those of the sources whose quantities count for the totals of a segment."""
    found: dict[object, str] = {}
    for source in sources:
        if source.measured is None:
            found.setdefault(source.charged_on, source.name)
        elif not source.measured.maximum:
            found.setdefault(source.measured.profile_type, source.name)
    return list(found.values())


def _quantities(usage: Usage) -> tuple[Mapping[str, int], ...]:
    return (usage.quantities,) if isinstance(usage, Register) else usage.parts


def _sentence(error: DomainError) -> str:
    """What the error says, with the details that its sentence does not name."""
    details = [f"{key}: {value}" for key, value in error.details.items() if value and value not in error.message]
    return f"{error.message} ({', '.join(details)})" if details else error.message
