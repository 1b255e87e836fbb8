"""Making single segments again, and letting implausible ones pass (BIL-11, BIL-16)."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from domain.billing.configuration.snapshot import Configurations
from domain.billing.segments.errors import (
    ImplausibleAmount,
    SegmentIsRebilling,
    SegmentNotDeletable,
    SegmentNotFound,
    SegmentNotImplausible,
)
from domain.billing.segments.gathering import Known, gather
from domain.billing.segments.generating import decide, inside, save
from domain.billing.segments.model import Facts, Segment, Wanted
from domain.billing.segments.recording import Billed
from domain.billing.segments.states import DELETABLE, ExceptionState
from domain.billing.segments.store import exceptions, segments
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.errors import NotFound
from domain.kernel.script import Script


def regenerate(tx: Connection, call: Call, configurations: Configurations, key: segments.Key) -> Billed:
    """Make a segment (account and segment) of a pending bill again, and all of its agreement that may be deleted.

    With them what depends on them, and what the bill lacks. Cost: as `generating.generate`. Raises: SegmentNotFound,
    also outside the scope; SegmentNotDeletable; SegmentIsRebilling.
    """
    known, segment = _found(tx, call, configurations, *key)
    found = _again(tx, call, known, segment)
    save(tx, call, found, kind="bill_segment.regenerated")
    return found


def accept(tx: Connection, call: Call, configurations: Configurations, key: segments.Key, *, note: str) -> Billed:
    """Let an implausible segment (account and segment) pass as it is, and make again what waits for it.

    It passes as long as it comes to the same; what comes out of it otherwise is judged anew. Cost: as
    `generating.generate`. Raises: SegmentNotFound, also outside the scope; SegmentNotImplausible.
    """
    require_storable(note=note)
    account_id, segment_id = key
    known, segment = _found(tx, call, configurations, account_id, segment_id)
    if segment.reason != ImplausibleAmount.reason:
        raise SegmentNotImplausible(state=segment.state, error=segment.reason)
    facts = known.facts[account_id]
    accepted = [replace(each, accepted=each is segment) if each.key == segment.key else each for each in facts.segments]
    known = Known(known.snapshot, {account_id: replace(facts, segments=accepted)})
    script = Script(tx)
    state = ExceptionState.ACCEPTED
    exceptions.close(script, account_id, [segment_id], state, now_us=call.now_us, by=call.caller, note=note)
    script.run()
    found = _again(tx, call, known, segment)
    save(tx, call, found, kind="bill_segment.accepted")
    return found


def _found(
    tx: Connection, call: Call, configurations: Configurations, account_id: str, segment_id: str
) -> tuple[Known, Segment]:
    """A segment that may be deleted, with all that is known of its account, which is locked."""
    known = gather(tx, configurations, [account_id], lock=True)
    try:
        facts = inside(known, account_id, call)
    except NotFound:
        raise SegmentNotFound(account_id, segment_id) from None
    segment = _on_the_bill(facts, segment_id) or segments.find(tx, account_id, segment_id)
    if segment is None:
        raise SegmentNotFound(account_id, segment_id)
    if segment.state not in DELETABLE:
        raise SegmentNotDeletable(account_id, segment_id, segment.state)
    if segment.rebills_id:
        raise SegmentIsRebilling
    return known, segment


def _on_the_bill(facts: Facts, segment_id: str) -> Segment | None:
    return next((each for each in facts.segments if each.segment_id == segment_id), None)


def _again(tx: Connection, call: Call, known: Known, segment: Segment) -> Billed:
    bill = known.facts[segment.account_id].bill
    assert bill is not None, "what may be deleted is on a pending bill"
    wanted = Wanted(bill.through_day, bill.bill_day, bill.accounting_day, bill.window_code)
    account_id = segment.account_id
    return decide(tx, call, known, {account_id: wanted}, again={account_id: {segment.agreement_id}})[account_id]
