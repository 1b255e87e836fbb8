"""A complete bill is given back by a credit note, or opened again as long as nobody has seen it (BIL-13)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from domain.billing.bills import store
from domain.billing.bills.completing import Bench, Key, record
from domain.billing.bills.completion import Answered, Around, worked_out
from domain.billing.bills.errors import (
    AnotherBillPending,
    BillRouted,
    BillTransition,
    NothingToCredit,
    SegmentTransition,
)
from domain.billing.bills.telling import tell
from domain.billing.configuration.snapshot import Snapshot
from domain.billing.names import BILL_TYPE, bill_name, segment_name
from domain.billing.segments.errors import BillNotFound, SegmentNotFound
from domain.billing.segments.gathering import gather
from domain.billing.segments.generating import inside
from domain.billing.segments.model import Bill, Facts, Segment, Wanted
from domain.billing.segments.planning import order_of
from domain.billing.segments.recording import bill_of
from domain.billing.segments.states import BillKind, BillState, SegmentState
from domain.billing.segments.store import bills, segments
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.errors import EtagStale, NotFound
from domain.kernel.script import Script
from domain.kernel.time import BusinessZone


@dataclass(frozen=True, slots=True)
class Credit:
    """What is given back of a bill, and why; no segment named: all that are frozen."""

    key: Key
    segment_ids: tuple[str, ...]
    reason: str


def credit(tx: Connection, call: Call, bench: Bench, wanted: Credit, said: Answered | None = None) -> Bill:
    """Give the segments of a complete bill back, or all that are frozen, by a credit note that is complete at once.

    Raises: BillNotFound, SegmentNotFound, also outside the scope; BillTransition for a pending one; EtagStale;
    SegmentTransition; NothingToCredit; Invalid for the reason; as `completing.complete`. Cost: as that.
    """
    require_storable(reason=wanted.reason)
    snapshot, facts, bill = _complete(tx, call, bench, wanted.key)
    if bill.state is not BillState.COMPLETE:
        raise BillTransition(bill_name(bill.account_id, bill.bill_id), state=bill.state, wanted="credited")
    chosen = _chosen(tx, bill, wanted.segment_ids)
    said = said or Answered.none(call.now_us)
    new_ids, today = said.new_ids(), BusinessZone(facts.account.time_zone).today(call.now_us)
    new = bill_of(
        replace(facts, bill=None),
        order_of(facts, snapshot),
        Wanted(today, today, today),
        call,
        new_ids,
    )
    note = replace(new, kind=BillKind.CREDIT_NOTE)
    taken_back = [
        replace(each, state=SegmentState.PENDING_CANCEL, cancel_bill_id=note.bill_id, version=each.version + 1)
        for each in chosen
    ]
    around = Around(snapshot, bench.algorithms.by_code, said.answers)
    done = worked_out(call, around, replace(facts, bill=note, segments=()), taken_back, new_ids)
    assert done.invoiced is not None, "so it is for credit notes"
    done = replace(done, invoiced=replace(done.invoiced, reason=wanted.reason))
    script = Script(tx)
    bills.insert(script, [note])
    name = bill_name(bill.account_id, bill.bill_id)
    tell(script, call, facts.account, (name, "bill.credited", {"credit_note": note.bill_id, "reason": wanted.reason}))
    script.run()
    record(tx, call, bench, [done])
    return done.bill


def reopen(tx: Connection, call: Call, bench: Bench, key: Key, reason: str) -> Bill:
    """Make a complete bill pending again, and take it off the invoice; what is frozen on it stays so.

    Raises: BillNotFound, also outside the scope; EtagStale; BillTransition for a pending one and for a credit note;
    BillRouted; AnotherBillPending; Invalid for the reason; what `Invoices.take_off` raises. Cost: some ten statements,
    and those of that.
    """
    require_storable(reason=reason)
    _, facts, bill = _complete(tx, call, bench, key)
    name = bill_name(bill.account_id, bill.bill_id)
    if bill.state is not BillState.COMPLETE or bill.kind is not BillKind.REGULAR:
        raise BillTransition(name, state=bill.state, wanted=BillState.PENDING)
    if bill.routed_by:
        raise BillRouted(name, bill.routed_by)
    if facts.bill is not None:
        raise AnotherBillPending(name, bill_name(facts.bill.account_id, facts.bill.bill_id))
    opened = replace(
        bill,
        state=BillState.PENDING,
        due_day=0,
        amount_minor=0,
        tax_minor=0,
        messages=(),
        routed_by="",
        version=bill.version + 1,
        updated_us=call.now_us,
        completed_us=0,
    )
    script = Script(tx)
    store.change(script, [opened])
    tell(script, call, facts.account, (name, "bill.reopened", {"reason": reason}))
    script.run()
    if facts.account.invoice_cycle_code:
        bench.invoices.take_off(tx, call, bill.account_id, bill.bill_id)
    return opened


def _complete(tx: Connection, call: Call, bench: Bench, key: Key) -> tuple[Snapshot, Facts, Bill]:
    known = gather(tx, bench.configurations, [key.account_id], lock=True)
    try:
        facts = inside(known, key.account_id, call)
    except NotFound:
        raise BillNotFound(key.account_id, key.bill_id) from None
    bill = bills.find(tx, key.account_id, key.bill_id)
    if bill is None:
        raise BillNotFound(key.account_id, key.bill_id)
    if key.etag not in {"", bill.etag}:
        raise EtagStale(BILL_TYPE, bill_name(key.account_id, key.bill_id), etag=key.etag)
    return known.snapshot, facts, bill


def _chosen(tx: Connection, bill: Bill, segment_ids: Collection[str]) -> list[Segment]:
    """The segments that are given back: those named, which must be frozen, or all that are."""
    on_bill = segments.of_bills(tx, [(bill.account_id, bill.bill_id)])[bill.account_id]
    by_id = {each.segment_id: each for each in on_bill}
    for segment_id in sorted(segment_ids):
        if segment_id not in by_id:
            raise SegmentNotFound(bill.account_id, segment_id)
        if by_id[segment_id].state is not SegmentState.FROZEN:
            raise SegmentTransition(
                segment_name(bill.account_id, segment_id),
                state=by_id[segment_id].state,
                wanted=SegmentState.CANCELED,
            )
    found = [
        each
        for each in on_bill
        if each.state is SegmentState.FROZEN and (not segment_ids or each.segment_id in set(segment_ids))
    ]
    if not found:
        raise NothingToCredit(bill_name(bill.account_id, bill.bill_id))
    return found
