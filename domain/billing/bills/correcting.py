"""What is on a bill for good is corrected by what comes after: cancel, rebill, and undo of either (BIL-13).

What is taken back and what stands in its place go on the account's pending bill. Until that is frozen, nothing has
happened to the ledger, and all can be undone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from domain.billing.bills import store
from domain.billing.bills.completing import Bench
from domain.billing.bills.errors import SegmentTransition
from domain.billing.bills.telling import tell
from domain.billing.names import segment_name
from domain.billing.segments.drafting import draft
from domain.billing.segments.errors import SegmentNotFound
from domain.billing.segments.gathering import Known, gather, usage_of
from domain.billing.segments.generating import inside
from domain.billing.segments.model import Bill, Charged, Facts, Segment, Wanted
from domain.billing.segments.planning import order_of, plan_again
from domain.billing.segments.recording import bill_of, exception_of, segment_of
from domain.billing.segments.states import UNSOUND, ExceptionState, SegmentKind, SegmentState
from domain.billing.segments.store import bills, exceptions, segments
from domain.kernel.amounts import scale_of
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.errors import NotFound
from domain.kernel.ids import new_id
from domain.kernel.script import Script
from domain.kernel.time import BusinessZone


@dataclass(frozen=True, slots=True)
class Corrected:
    """The bill that takes segments back, these, and those in their place, each in the processing order."""

    bill: Bill
    taken_back: tuple[Segment, ...]
    made: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Correction:
    """Which segment is corrected, and why.

    `accepted`: what stands in its place passes whatever it comes to (BIL-16).
    """

    account_id: str
    segment_id: str
    reason: str
    accepted: bool = False


def cancel(tx: Connection, call: Call, bench: Bench, wanted: Correction) -> Corrected:
    """Take a frozen segment back, with nothing in its place.

    Once the bill that takes it back is frozen, the days of an agreement's last segment are billed again with its next.
    Raises: SegmentNotFound, also outside the scope; SegmentTransition; Invalid for the reason. Cost: some twelve
    statements.
    """
    known, facts, segment = _frozen(tx, call, bench, wanted)
    bill = _bill(known, facts, call)
    corrected = Corrected(bill, (_taken_back(segment, bill),), ())
    _save(tx, call, facts, corrected, kind="bill_segment.cancel_wanted", reason=wanted.reason)
    return corrected


def rebill(tx: Connection, call: Call, bench: Bench, wanted: Correction) -> Corrected:
    """Take a frozen segment back and calculate it anew, and with it what was charged on it, in the processing order.

    Raises: as `cancel`. Cost: as `generating.generate`, and a statement that reads what is live of the account.
    """
    known, facts, segment = _frozen(tx, call, bench, wanted)
    bill = _bill(known, facts, call)
    if segment.kind is SegmentKind.ADJUSTMENT:
        raise SegmentTransition(_name(segment), state=SegmentKind.ADJUSTMENT, wanted="rebilled")
    live = store.live_since(tx, segment.account_id, segment.period.start)
    wrong = charged_on(segment, live)
    sources = needed_by(wrong, live)
    agenda = plan_again(facts, known.snapshot, wrong, sources, accepted=wanted.accepted)
    drafted = draft(agenda, known.snapshot, usage_of(tx, known.snapshot, [agenda]))
    by_key = {each.key: each for each in wrong}
    made = tuple(
        replace(
            segment_of(each, bill, None, call, lambda: new_id(call.now_us)),
            rebills_id=by_key[each.due.key].segment_id,
        )
        for each in drafted.segments
    )
    taken_back = tuple(_taken_back(by_key[each.due.key], bill, stale=True) for each in drafted.segments)
    corrected = Corrected(bill, taken_back, made)
    _save(tx, call, facts, corrected, kind="bill_segment.rebilled", reason=wanted.reason)
    return corrected


def undo(tx: Connection, call: Call, bench: Bench, account_id: str, segment_id: str) -> Corrected:
    """Leave a segment as it was that is about to be canceled; what stands in its place goes.

    With it what was rebilled because of it. Raises: SegmentNotFound, also outside the scope; SegmentTransition. Cost:
    some twelve statements.
    """
    _known, facts, segment = found(tx, call, bench, account_id, segment_id)
    bill = facts.bill
    if segment.state is not SegmentState.PENDING_CANCEL or bill is None:
        raise SegmentTransition(_name(segment), state=segment.state, wanted=SegmentState.FROZEN)
    together = store.taken_back(tx, [(account_id, bill.bill_id)])[account_id]
    back = charged_on(segment, together)
    gone = store.in_place_of(tx, account_id, [each.segment_id for each in back])
    instead = {each.rebills_id: each for each in gone}
    restored = tuple(_restored(each, instead.get(each.segment_id)) for each in back)
    script = Script(tx)
    store.cancel(script, restored)
    ids = [each.segment_id for each in gone]
    segments.delete(script, account_id, ids)
    exceptions.close(script, account_id, ids, ExceptionState.RESOLVED, now_us=call.now_us, by=call.caller)
    changed = replace(bill, version=bill.version + 1, updated_us=call.now_us)
    store.change(script, [changed])
    _tell(script, call, facts, restored, kind="bill_segment.cancel_undone", reason="")
    script.run()
    return Corrected(changed, restored, ())


def found(tx: Connection, call: Call, bench: Bench, account_id: str, segment_id: str) -> tuple[Known, Facts, Segment]:
    """A segment, with all that is known of its account, which is locked.

    Raises: SegmentNotFound, also outside the scope.
    """
    known = gather(tx, bench.configurations, [account_id], lock=True)
    try:
        facts = inside(known, account_id, call)
    except NotFound:
        raise SegmentNotFound(account_id, segment_id) from None
    segment = segments.find(tx, account_id, segment_id)
    if segment is None:
        raise SegmentNotFound(account_id, segment_id)
    return known, facts, segment


def _frozen(tx: Connection, call: Call, bench: Bench, wanted: Correction) -> tuple[Known, Facts, Segment]:
    require_storable(reason=wanted.reason)
    known, facts, segment = found(tx, call, bench, wanted.account_id, wanted.segment_id)
    if segment.state is not SegmentState.FROZEN:
        raise SegmentTransition(_name(segment), state=segment.state, wanted=SegmentState.PENDING_CANCEL)
    return known, facts, segment


def _bill(known: Known, facts: Facts, call: Call) -> Bill:
    """The account's pending bill, or a new one of today."""
    if facts.bill is not None:
        return replace(facts.bill, version=facts.bill.version + 1, updated_us=call.now_us)
    today = BusinessZone(facts.account.time_zone).today(call.now_us)
    places = order_of(facts, known.snapshot)
    return bill_of(facts, places, Wanted(today, today, today), call, lambda: new_id(call.now_us))


def charged_on(first: Segment, live: Sequence[Segment]) -> tuple[Segment, ...]:
    """A segment with those of some that were charged on it, straight or through others.

    Charges point back in the processing order, so each pass over it finds all of the next.
    """
    wrong = {_key(first): first}
    for each in sorted(live, key=lambda each: (each.position, each.period)):
        if any(source in wrong for source in _sources(each)):
            wrong[_key(each)] = each
    return tuple(wrong.values())


def needed_by(wrong: Sequence[Segment], live: Sequence[Segment]) -> tuple[Segment, ...]:
    """Those of some that others were charged on, without these."""
    of_key = {_key(each): each for each in live}
    needed = {source for each in wrong for source in _sources(each)}
    return tuple(of_key[key] for key in sorted(needed - set(map(_key, wrong))) if key in of_key)


def _sources(segment: Segment) -> list[Charged]:
    return [charged for source in segment.worked.sources for charged in source.charged_on]


def _key(segment: Segment) -> Charged:
    return Charged(segment.agreement_id, segment.period.start, segment.period.end)


def _taken_back(segment: Segment, bill: Bill, *, stale: bool = False) -> Segment:
    return replace(
        segment,
        state=SegmentState.PENDING_CANCEL,
        stale=segment.stale or stale,
        cancel_bill_id=bill.bill_id,
        version=segment.version + 1,
    )


def _restored(segment: Segment, instead: Segment | None) -> Segment:
    """The segment as it was. It is stale if what stood in its place would be made of other usage than it was itself."""
    stale = segment.stale
    if instead is not None:
        changed = instead.state in UNSOUND or _used(instead) != _used(segment)
        stale = changed and not _sources(segment)  # what it is charged on stands again
    return replace(segment, state=SegmentState.FROZEN, stale=stale, cancel_bill_id="", version=segment.version + 1)


def _used(segment: Segment) -> tuple[bool, dict[str, int]]:
    """What was used, and whether something of it was estimated."""
    totals = segment.worked.totals.items()
    return segment.estimated, {measure: total for measure, total in totals if scale_of(measure) is None}


def _save(tx: Connection, call: Call, facts: Facts, done: Corrected, *, kind: str, reason: str) -> None:
    script = Script(tx)
    if facts.bill is None:
        bills.insert(script, [done.bill])
    else:
        store.change(script, [done.bill])
    store.cancel(script, done.taken_back)
    segments.insert(script, done.made)
    exceptions.insert(script, [exception_of(each, done.bill, call) for each in done.made if each.reason])
    _tell(script, call, facts, done.taken_back, kind=kind, reason=reason)
    script.run()


def _tell(script: Script, call: Call, facts: Facts, found: Sequence[Segment], *, kind: str, reason: str) -> None:
    for each in found:
        tell(script, call, facts.account, (_name(each), kind, {"reason": reason, "bill": each.cancel_bill_id}))


def _name(segment: Segment) -> str:
    return segment_name(segment.account_id, segment.segment_id)
