"""A draft becomes rows: the bill, its segments and what is wrong with them, for one account or thousands (BIL-14)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from domain.billing.ordering.model import Place
from domain.billing.segments.model import Bill, BillingException, Draft, Drafted, Facts, Ordered, Segment, Wanted
from domain.billing.segments.states import BillKind, BillState, ExceptionState, SegmentState
from domain.billing.segments.store import bills, exceptions, segments
from domain.kernel.call import Call
from domain.kernel.ids import new_id
from domain.kernel.money import Money
from domain.kernel.script import Script


@dataclass(frozen=True, slots=True)
class Billed:
    """A bill as it is to be: the segments that were made just now, those that are kept, and those that are gone."""

    bill: Bill
    is_new: bool
    made: tuple[Segment, ...]
    kept: tuple[Segment, ...]
    gone: tuple[Segment, ...]

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All segments, as they stand on the bill."""
        return tuple(sorted([*self.kept, *self.made], key=lambda each: (each.position, each.period, each.segment_id)))


def billed(draft: Draft, wanted: Wanted, call: Call, *, new_ids: Callable[[], str]) -> Billed:
    """What a draft makes of an account's bill; ids of what is new come from `new_ids`.

    A segment that is made again keeps its name.
    """
    facts, kept = draft.agenda.facts, draft.agenda.kept
    kept_ids = {each.segment_id for each in kept}
    gone = tuple(each for each in facts.segments if each.segment_id not in kept_ids)
    before = {each.key: each for each in gone}
    bill = bill_of(facts, draft.agenda.places, wanted, call, new_ids)
    made = tuple(segment_of(each, bill, before.get(each.due.key), call, new_ids) for each in draft.segments)
    return Billed(bill, facts.bill is None, made, kept, gone)


def record(script: Script, found: Sequence[Billed], call: Call) -> None:
    """Put bills in the place of what their accounts had before; all accounts are locked.

    Cost: statements of the script alone: four, and two for each account of which something is made again.
    """
    for each in found:
        gone = [segment.segment_id for segment in each.gone]
        account_id = each.bill.account_id
        segments.delete(script, account_id, gone)
        exceptions.close(script, account_id, gone, ExceptionState.RESOLVED, now_us=call.now_us, by=call.caller)
    bills.insert(script, [each.bill for each in found if each.is_new])
    bills.change(script, [each.bill for each in found if not each.is_new])
    segments.insert(script, [segment for each in found for segment in each.made])
    failed = [exception_of(segment, each.bill, call) for each in found for segment in each.made if segment.reason]
    exceptions.insert(script, failed)


def bill_of(facts: Facts, places: Sequence[Place], wanted: Wanted, call: Call, new_ids: Callable[[], str]) -> Bill:
    """The account's pending bill, made if there is none, with the order that is used now (BIL-05)."""
    account, before = facts.account, facts.bill
    bill = before or Bill(
        account_id=account.account_id,
        bill_id=new_ids(),
        cycle_code=account.cycle_code,
        window_code="",
        kind=BillKind.REGULAR,
        state=BillState.PENDING,
        currency=account.currency,
        bill_day=0,
        accounting_day=0,
        through_day=0,
        created_us=call.now_us,
    )
    return replace(
        bill,
        window_code=wanted.window_code,
        bill_day=wanted.bill_day,
        accounting_day=wanted.accounting_day,
        through_day=wanted.through_day,
        order=tuple(Ordered(place.agreement.id, place.position, place.why, place.sentence) for place in places),
        version=before.version + 1 if before else 1,
        updated_us=call.now_us,
    )


def segment_of(drafted: Drafted, bill: Bill, before: Segment | None, call: Call, new_ids: Callable[[], str]) -> Segment:
    """The segment that was decided, on a bill; in the place of the one `before`, whose name it keeps."""
    due, calculation = drafted.due, drafted.calculation
    nothing = Money(0, bill.currency)
    return Segment(
        account_id=bill.account_id,
        segment_id=before.segment_id if before else new_ids(),
        bill_id=bill.bill_id,
        agreement_id=due.agreement.agreement_id,
        type_code=due.type.code,
        position=due.place.position,
        state=SegmentState.ERROR if drafted.reason else SegmentState.FREEZABLE,
        period=due.period,
        accounting_day=bill.accounting_day,
        rate_code=due.rate_code,
        amount=calculation.amount if calculation else nothing,
        tax=calculation.tax if calculation else nothing,
        worked=drafted.worked,
        reason=drafted.reason,
        estimated=drafted.estimated,
        accepted=drafted.accepted,
        version=before.version + 1 if before else 1,
        created_us=call.now_us,
    )


def exception_of(segment: Segment, bill: Bill, call: Call) -> BillingException:
    """What is to be looked at of a segment in error."""
    return BillingException(
        account_id=segment.account_id,
        exception_id=new_id(call.now_us),
        cycle_code=bill.cycle_code,
        bill_id=segment.bill_id,
        segment_id=segment.segment_id,
        agreement_id=segment.agreement_id,
        reason=segment.reason,
        message=segment.worked.message,
        state=ExceptionState.OPEN,
        operation_id=call.operation_id,
        note="",
        created_us=call.now_us,
        window_code=bill.window_code,
    )
