"""What stands in place of segments that are taken back is calculated anew, and may pass by itself (BIL-13, BIL-16).

A correction is made as a whole (`correcting.rebill`); here one segment of it is, with those that are charged on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from domain.billing.bills import store
from domain.billing.bills.completing import Bench
from domain.billing.bills.correcting import charged_on, found, needed_by
from domain.billing.bills.telling import tell
from domain.billing.names import segment_name
from domain.billing.segments import regenerating
from domain.billing.segments.drafting import draft
from domain.billing.segments.errors import ImplausibleAmount, SegmentNotImplausible
from domain.billing.segments.gathering import Known, usage_of
from domain.billing.segments.model import Bill, Segment
from domain.billing.segments.planning import plan_again
from domain.billing.segments.recording import exception_of, segment_of
from domain.billing.segments.states import DELETABLE, ExceptionState
from domain.billing.segments.store import exceptions, segments
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.ids import new_id
from domain.kernel.script import Script


def accept(tx: Connection, call: Call, bench: Bench, key: segments.Key, *, note: str) -> Segment:
    """Let an implausible segment (account and segment) pass as it is, and make again what waits for it.

    It passes as long as it comes to the same. Cost: as `generating.generate`, and of a correction as `rebill`. Raises:
    SegmentNotFound, also outside the scope; SegmentNotImplausible.
    """
    if not _rebills(tx, key):
        made = regenerating.accept(tx, call, bench.configurations, key, note=note).made
        return next(each for each in made if each.segment_id == key[1])
    require_storable(note=note)
    known, _, segment = found(tx, call, bench, *key)
    if segment.reason != ImplausibleAmount.reason:
        raise SegmentNotImplausible(state=segment.state, error=segment.reason)
    script, ids = Script(tx), [segment.segment_id]
    exceptions.close(script, key[0], ids, ExceptionState.ACCEPTED, now_us=call.now_us, by=call.caller, note=note)
    script.run()
    return _again(tx, call, known, replace(segment, accepted=True), kind="bill_segment.accepted")


def recalculate(tx: Connection, call: Call, bench: Bench, key: segments.Key) -> Segment | None:
    """Make a segment (account and segment) again that may be, with what depends on it; None once it is gone.

    Cost: as `accept`. Raises: SegmentNotFound, also outside the scope; SegmentNotDeletable.
    """
    if not _rebills(tx, key):
        made = regenerating.regenerate(tx, call, bench.configurations, key).made
        return next((each for each in made if each.segment_id == key[1]), None)
    known, _, segment = found(tx, call, bench, *key)
    return _again(tx, call, known, segment, kind="bill_segment.regenerated")


def _rebills(tx: Connection, key: segments.Key) -> bool:
    segment = segments.find(tx, *key)
    return segment is not None and bool(segment.rebills_id) and segment.state in DELETABLE


def _again(tx: Connection, call: Call, known: Known, segment: Segment, *, kind: str) -> Segment:
    """Calculate what stands in place of a segment, and of those that were charged on that one."""
    account_id = segment.account_id
    facts = known.facts[account_id]
    assert facts.bill is not None, "what is about to be canceled is so by a pending bill"
    together = store.taken_back(tx, [(account_id, facts.bill.bill_id)])[account_id]
    in_place = {
        each.rebills_id: each for each in store.in_place_of(tx, account_id, [one.segment_id for one in together])
    }
    in_place[segment.rebills_id] = segment
    first = next(each for each in together if each.segment_id == segment.rebills_id)
    wrong = [each for each in charged_on(first, together) if each.segment_id in in_place]
    live = [*store.live_since(tx, account_id, first.period.start), *together]
    sources = [in_place.get(each.segment_id, each) for each in needed_by(wrong, live)]
    agenda = plan_again(facts, known.snapshot, wrong, sources, accepted=False)
    before = {each.key: in_place[each.segment_id] for each in wrong}
    passing = tuple(each for each in before.values() if each.accepted)
    agenda = replace(agenda, facts=replace(agenda.facts, segments=passing))
    bill = replace(facts.bill, version=facts.bill.version + 1, updated_us=call.now_us)
    made = [
        replace(
            segment_of(each, bill, before[each.due.key], call, lambda: new_id(call.now_us)),
            rebills_id=before[each.due.key].rebills_id,
        )
        for each in draft(agenda, known.snapshot, usage_of(tx, known.snapshot, [agenda])).segments
    ]
    _save(tx, call, bill, made)
    script = Script(tx)
    name = segment_name(account_id, segment.segment_id)
    tell(script, call, facts.account, (name, kind, {"bill": bill.bill_id, "made": len(made)}))
    script.run()
    return next(each for each in made if each.segment_id == segment.segment_id)


def _save(tx: Connection, call: Call, bill: Bill, made: Sequence[Segment]) -> None:
    """Put segments in the place of those of the same names."""
    script, account_id, ids = Script(tx), bill.account_id, [each.segment_id for each in made]
    segments.delete(script, account_id, ids)
    exceptions.close(script, account_id, ids, ExceptionState.RESOLVED, now_us=call.now_us, by=call.caller)
    store.change(script, [bill])
    segments.insert(script, made)
    exceptions.insert(script, [exception_of(each, bill, call) for each in made if each.reason])
    script.run()
