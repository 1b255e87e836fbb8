"""Bills are frozen and completed: what was worked out is done, for one bill or those of a run (BIL-12, BIL-13)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from domain.billing.algorithms.registry import Algorithms
from domain.billing.bills import freezing, store
from domain.billing.bills.booking import Ledger
from domain.billing.bills.completion import Answered, Around, Completion, worked_out
from domain.billing.bills.errors import BillTransition
from domain.billing.bills.freezing import Freezing
from domain.billing.bills.invoicing import Invoices
from domain.billing.bills.telling import tell_all
from domain.billing.configuration.snapshot import Configurations, Snapshot
from domain.billing.names import BILL_TYPE, bill_name
from domain.billing.segments.errors import BillNotFound
from domain.billing.segments.gathering import gather
from domain.billing.segments.generating import inside
from domain.billing.segments.model import Bill, Facts
from domain.billing.segments.states import BillState, ExceptionState
from domain.billing.segments.store import bills, exceptions, segments
from domain.kernel.call import Call
from domain.kernel.documents import Document
from domain.kernel.errors import EtagStale, NotFound
from domain.kernel.script import Script


@dataclass(frozen=True, slots=True)
class Bench:
    """What bills are worked on with: what is configured, the algorithms of this process, ledger and invoices."""

    configurations: Configurations
    ledger: Ledger
    invoices: Invoices
    algorithms: Algorithms = field(default_factory=Algorithms)


@dataclass(frozen=True, slots=True)
class Key:
    """A bill as the caller has seen it; the etag may be empty."""

    account_id: str
    bill_id: str
    etag: str = ""


def freeze(tx: Connection, call: Call, bench: Bench, key: Key) -> Bill:
    """Freeze what can be frozen of a pending bill, and cancel what it takes back.

    What is in error stays, and is made again. Raises: BillNotFound, also outside the scope; BillTransition for a
    complete one; EtagStale; what `freezing.check` raises. Cost: some twelve statements, and those of posting.
    """
    snapshot, facts, bill = _pending(tx, call, bench, key, wanted="frozen")
    freezing_ = _freezing(tx, call, snapshot, facts, replace(bill, version=bill.version + 1, updated_us=call.now_us))
    record(tx, call, bench, [], frozen=[freezing_])
    return freezing_.bill


def complete(tx: Connection, call: Call, bench: Bench, key: Key, said: Answered | None = None) -> Bill:
    """Complete a pending bill. `said` is what algorithms have answered that are asked over the network.

    Raises: as `freeze`; BillEmpty; BillIncomplete with all reasons; AlgorithmFailed; AnswerMissing, upon which the
    transaction is undone, and run again with it. Cost: some fourteen statements, and those of posting.
    """
    snapshot, facts, bill = _pending(tx, call, bench, key, wanted=BillState.COMPLETE)
    taken_back = store.taken_back(tx, [(bill.account_id, bill.bill_id)])[bill.account_id]
    said = said or Answered.none(call.now_us)
    around = Around(snapshot, bench.algorithms.by_code, said.answers)
    done = worked_out(call, around, facts, taken_back, said.new_ids())
    record(tx, call, bench, [done])
    return done.bill


def record(
    tx: Connection,
    call: Call,
    bench: Bench,
    completions: Sequence[Completion],
    *,
    frozen: Sequence[Freezing] = (),
    written: Collection[str] = (),
    checked: bool = False,
) -> None:
    """Do what was worked out, for bills whose accounts the transaction holds; others are `frozen` without completing.

    `written` are the ids of bills and segments whose rows were inserted as they are to be; `checked`: in this
    transaction, `freezing.check` let all of them pass.

    Cost: a script of five statements, and two for each bill that segments are taken off, and those of posting and of
    `Invoices.add`.

    Raises: as `freezing.check`, `freezing.post` and `Invoices.add`.
    """
    script = Script(tx)
    account_ids = [each.bill.account_id for each in completions]
    exceptions.close_of_accounts(script, account_ids, now_us=call.now_us, by=call.caller)
    for each in completions:
        gone = [segment.segment_id for segment in each.removed]
        segments.delete(script, each.bill.account_id, gone)
        exceptions.close(
            script, each.bill.account_id, gone, ExceptionState.RESOLVED, now_us=call.now_us, by=call.caller
        )
    segments.insert(script, [segment for each in completions for segment in each.added])
    completed = [each.freezing for each in completions]
    freezings = [*completed, *frozen]
    freezing.record(script, freezings, written)
    store.change(script, [each.bill for each in freezings if each.bill.bill_id not in written])
    told = [(done, True) for done in completed] + [(done, False) for done in frozen]
    tell_all(script, call, [(done.account, *entry(done, completed=whole)) for done, whole in told])
    script.run()
    if not checked:
        freezing.check(tx, bench.ledger, freezings)
    freezing.post(tx, call, bench.ledger, freezings)
    if on_invoices := [each.invoiced for each in completions if each.invoiced]:
        bench.invoices.add(tx, call, on_invoices)


def entry(done: Freezing, *, completed: bool) -> tuple[str, str, Document]:
    """What the audit trail is told of a bill that is frozen: its name, the kind and the payload."""
    name = bill_name(done.bill.account_id, done.bill.bill_id)
    kind = "bill.completed" if completed else "bill.frozen"
    return name, kind, {"frozen": len(done.frozen), "canceled": len(done.canceled)}


def _pending(tx: Connection, call: Call, bench: Bench, key: Key, *, wanted: str) -> tuple[Snapshot, Facts, Bill]:
    """A pending bill with all that is known of its account, which is locked."""
    known = gather(tx, bench.configurations, [key.account_id], lock=True)
    try:
        facts = inside(known, key.account_id, call)
    except NotFound:
        raise BillNotFound(key.account_id, key.bill_id) from None
    name = bill_name(key.account_id, key.bill_id)
    if facts.bill is None or facts.bill.bill_id != key.bill_id:
        if bills.find(tx, key.account_id, key.bill_id) is None:
            raise BillNotFound(key.account_id, key.bill_id)
        raise BillTransition(name, wanted=wanted)
    if key.etag not in {"", facts.bill.etag}:
        raise EtagStale(BILL_TYPE, name, etag=key.etag)
    return known.snapshot, facts, facts.bill


def _freezing(tx: Connection, call: Call, snapshot: Snapshot, facts: Facts, bill: Bill) -> Freezing:
    taken_back = store.taken_back(tx, [(bill.account_id, bill.bill_id)])[bill.account_id]
    return Freezing(
        facts.account,
        bill,
        freezing.frozen(facts.segments, bill, snapshot, call.now_us),
        freezing.canceled(taken_back, facts.segments, call.now_us),
    )
