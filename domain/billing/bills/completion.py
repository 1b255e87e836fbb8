"""What completing a bill does, worked out before anything is done (BIL-12): values in, values out.

Algorithms of SA types and of the customer class, then the due date; what can be frozen is; then algorithms again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from functools import partial

from domain.billing.algorithms import running
from domain.billing.algorithms.model import AddAdjustment, Algorithm, BillView, RemoveSegment
from domain.billing.algorithms.running import Answers, Effect
from domain.billing.bills import freezing
from domain.billing.bills.errors import BillEmpty, BillIncomplete
from domain.billing.bills.freezing import Freezing
from domain.billing.bills.invoicing import Invoiced, invoiced
from domain.billing.bills.views import bill_view, segment_view
from domain.billing.bills.wording import told_apart
from domain.billing.configuration.model import Moment
from domain.billing.configuration.snapshot import Snapshot
from domain.billing.names import bill_name, segment_name
from domain.billing.ordering.model import Place
from domain.billing.rating.model import Kind
from domain.billing.rating.segments import Line
from domain.billing.segments.drafting import TO_BE_MADE
from domain.billing.segments.model import Bill, Facts, Segment, Worked
from domain.billing.segments.periods import Period
from domain.billing.segments.planning import order_of
from domain.billing.segments.states import UNSOUND, BillKind, BillState, SegmentKind, SegmentState
from domain.kernel.call import Call
from domain.kernel.errors import Precondition
from domain.kernel.ids import ids_from, new_id
from domain.kernel.money import Money, Rounding
from domain.kernel.time import date_of, day_of, iso_day

_MADE_AGAIN = f"{TO_BE_MADE}; generate the bill again"
_REBILLED_AGAIN = f"{TO_BE_MADE}; undo the correction, and rebill it again"


@dataclass(frozen=True, slots=True)
class Completion:
    """What completing a bill does: what is frozen and taken back, segments that go and those that are added.

    `invoiced` is what it puts on the account's running invoice; None where the account has none.
    """

    freezing: Freezing
    removed: tuple[Segment, ...]
    added: tuple[Segment, ...]
    invoiced: Invoiced | None = None

    @property
    def bill(self) -> Bill:
        """The bill as it is then."""
        return self.freezing.bill


@dataclass(frozen=True, slots=True)
class Around:
    """What a bill is completed by: configuration, algorithms of this process, and answers of those elsewhere."""

    snapshot: Snapshot
    algorithms: Mapping[str, Algorithm]
    answers: Answers


@dataclass(frozen=True, slots=True)
class Answered:
    """What algorithms over the network have answered so far, and from what the ids of what is new are made.

    One who tries again with one answer more keeps `at_us` and `seed`: so the same things have the same ids in what is
    asked, and the answers are found.
    """

    answers: Answers
    at_us: int
    seed: str

    @classmethod
    def none(cls, now_us: int) -> Answered:
        """Nothing yet."""
        return cls({}, now_us, new_id(now_us))

    def new_ids(self) -> Callable[[], str]:
        """Makes the ids of one try."""
        return ids_from(self.at_us, self.seed)


def worked_out(
    call: Call,
    around: Around,
    facts: Facts,
    taken_back: Sequence[Segment],
    new_ids: Callable[[], str] | None = None,
) -> Completion:
    """What completing the pending bill of an account does. Pure but for ids of adjustments, fresh without `new_ids`.

    Raises: BillEmpty; BillIncomplete; AlgorithmFailed; AnswerMissing; BillNotInvoiceable.
    """
    assert facts.bill is not None, "there is a bill"
    bill, work, snapshot = facts.bill, _Work(call, around, facts, new_ids), around.snapshot
    view = bill_view(facts, bill, work.places, facts.segments)
    regular = bill.kind is BillKind.REGULAR
    before = work.run(view, Moment.PRE_COMPLETION, of_class=True, of_agreements=regular)
    removed, kept = _removed(facts.segments, before.effects)
    added = work.adjustments(bill, before.effects)
    if not (kept or added or taken_back):
        raise BillEmpty(bill_name(bill.account_id, bill.bill_id))
    if found := tuple(_in_the_way(kept)):
        raise BillIncomplete(bill_name(bill.account_id, bill.bill_id), found)
    frozen = freezing.frozen([*kept, *added], bill, snapshot, call.now_us)
    canceled = freezing.canceled(taken_back, kept, call.now_us)
    stands = [each for each in kept if each.state is SegmentState.FROZEN]
    view = replace(before.bill, segments=tuple(map(segment_view, [*stands, *frozen])))
    after = work.run(view, Moment.COMPLETION, of_class=False)
    late = freezing.frozen(work.adjustments(bill, after.effects), bill, snapshot, call.now_us)
    last = work.run(after.bill, Moment.POST_COMPLETION, of_class=True, of_agreements=False)
    frozen = (*frozen, *late)
    completed = _completed(
        replace(bill, messages=last.bill.messages), [*stands, *frozen], taken_back, work, now_us=call.now_us
    )
    on_invoice = None
    if (cycle := facts.account.invoice_cycle_code) or bill.kind is BillKind.CREDIT_NOTE:
        apart = told_apart(facts.agreements)
        on_invoice = invoiced(cycle, completed, [*stands, *frozen], taken_back, snapshot, apart)
    return Completion(Freezing(facts.account, completed, frozen, canceled), removed, (*added, *late), on_invoice)


class _Work:
    """What is the same for all steps of one bill."""

    def __init__(self, call: Call, around: Around, facts: Facts, new_ids: Callable[[], str] | None) -> None:
        snapshot = around.snapshot
        self._call, self._around = call, around
        self._new_ids = new_ids or partial(new_id, call.now_us)
        self.places: tuple[Place, ...] = order_of(facts, snapshot)
        self._positions = {place.agreement.id: place.position for place in self.places}
        self._types = {each.agreement_id: each.type_code for each in facts.agreements}
        self.customer_class = snapshot.customer_classes[facts.account.customer_class_code].settings
        self._uses = {code: snapshot.agreement_types[code].settings.algorithms for code in set(self._types.values())}

    def run(self, view: BillView, moment: Moment, *, of_class: bool, of_agreements: bool = True) -> running.Ran:
        """Run the algorithms of a moment: of SA types first, then of the customer class."""
        agreements = {each.agreement_id: each for each in view.agreements}
        turns: tuple[running.Turn, ...] = ()
        if of_agreements:
            turns = running.turns_of_agreements(self.places, agreements, self._uses, moment)
        if of_class:
            turns += running.turns_of_class(self.customer_class.algorithms, moment)
        return running.run(view, turns, self._around.algorithms, self._around.answers)

    def adjustments(self, bill: Bill, effects: Sequence[Effect]) -> tuple[Segment, ...]:
        """The segments that algorithms add, ready to be frozen."""
        return tuple(
            self._adjustment(bill, effect.turn.use.algorithm, effect.action)
            for effect in effects
            if isinstance(effect.action, AddAdjustment)
        )

    def _adjustment(self, bill: Bill, algorithm: str, wanted: AddAdjustment) -> Segment:
        day, nothing = bill.bill_day, Money(0, bill.currency)
        line = Line(
            component=algorithm,
            kind=Kind.ADJUSTMENT,
            start=day,
            end=day,
            version=0,
            step=0,
            bucket="",
            usage="",
            quantity=None,
            base=None,
            rate=Decimal(wanted.amount.decimal()),
            days=1,
            full_days=1,
            amount=wanted.amount,
            rounding=Rounding.HALF_EVEN,
            distribution_code=wanted.distribution_code,
            sources=(),
            estimated=False,
        )
        return Segment(
            account_id=bill.account_id,
            segment_id=self._new_ids(),
            bill_id=bill.bill_id,
            agreement_id=wanted.agreement_id,
            type_code=self._types[wanted.agreement_id],
            position=self._positions[wanted.agreement_id],
            state=SegmentState.FREEZABLE,
            period=Period(day, day, 1),
            accounting_day=bill.accounting_day,
            rate_code="",
            amount=wanted.amount,
            tax=nothing,
            worked=Worked(lines=(line,), message=wanted.description),
            kind=SegmentKind.ADJUSTMENT,
            created_us=self._call.now_us,
        )


def _removed(found: Sequence[Segment], effects: Sequence[Effect]) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    """What algorithms take off, and what is left."""
    gone = {effect.action.segment_id for effect in effects if isinstance(effect.action, RemoveSegment)}
    return (
        tuple(each for each in found if each.segment_id in gone),
        tuple(each for each in found if each.segment_id not in gone),
    )


def _in_the_way(kept: Sequence[Segment]) -> Iterator[Precondition]:
    for each in kept:
        if each.state in UNSOUND:
            name = segment_name(each.account_id, each.segment_id)
            why = each.worked.message or (_REBILLED_AGAIN if each.rebills_id else _MADE_AGAIN)
            told = f"{each.agreement_id} from {iso_day(each.period.start)}: {why}"
            yield Precondition(each.reason or each.state.value, name, told)


def _completed(
    bill: Bill, stands: Sequence[Segment], taken_back: Sequence[Segment], work: _Work, *, now_us: int
) -> Bill:
    settings = work.customer_class
    due = day_of(date_of(bill.bill_day) + timedelta(days=settings.due_days))
    return replace(
        bill,
        state=BillState.COMPLETE,
        due_day=settings.calendar.business_day_from(due),
        amount_minor=sum(each.amount.minor for each in stands) - sum(each.amount.minor for each in taken_back),
        tax_minor=sum(each.tax.minor for each in stands) - sum(each.tax.minor for each in taken_back),
        routed_by=settings.routing,
        version=bill.version + 1,
        updated_us=now_us,
        completed_us=now_us,
    )
