"""Moving one batch on, as far as it goes: a long-running operation whose stages are the batch's states (INV-01 to 05).

Each stage looks whether it is the batch's turn, and else does nothing; each step commits with what it has come to. So
whoever is killed, anywhere, is gone on from: nothing is closed, moved, numbered or posted twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from sqlalchemy import Connection

from domain.invoicing.batches import asking, booking, carrying, closing, counting, locking, numbering, store, working
from domain.invoicing.batches.booking import Booking, Ledger
from domain.invoicing.batches.carrying import Pace
from domain.invoicing.batches.counting import Span
from domain.invoicing.batches.errors import NO_INVOICES, NOTHING_ENDED, STILL_RUNNING
from domain.invoicing.batches.hooks import Hookpoint, Point
from domain.invoicing.batches.model import ADVANCE_KIND, Batch, Facts, Order, order_from_document
from domain.invoicing.batches.numbering import Placed
from domain.invoicing.batches.states import BatchState
from domain.invoicing.batches.transitions import change, hold, move, tell
from domain.invoicing.configuration import schedules
from domain.invoicing.configuration.model import Cycle, ScheduleState
from domain.invoicing.configuration.registers import CYCLES
from domain.invoicing.configuration.schedules import ScheduleKey
from domain.invoicing.invoices.states import InvoiceState
from domain.kernel.call import Call
from domain.kernel.documents import Document
from domain.kernel.registers import service as registers
from domain.operations import service as operations
from domain.operations.model import ChunkPlan, Job, Operation, Stage, Stepped, Work
from domain.operations.states import added

_S = BatchState
_Plan = Callable[[Connection, Operation, int], Sequence[ChunkPlan]]
_DONE, _NOTHING = Stepped(1), Stepped()


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many invoices one step closes, moves or numbers on each database; on SQLite all other writers wait.

    Of those that are moved, a step ends after as many as its pace allows, and leaves the rest to the next. Chunks of
    them are so large that few move at once: they would wait for each other at the batch's row, while they lock others
    out.
    """

    closed: int = 20_000
    moved: int = 100_000
    numbered: int = 5_000
    on_sqlite: int = 4_000
    pace: Pace = field(default_factory=Pace)

    def of(self, tx: Connection, size: int) -> int:
        """A size, on this database."""
        return size if tx.dialect.name == "postgresql" else min(size, self.on_sqlite)


@dataclass(frozen=True, slots=True)
class Advance:
    """The job that moves batches on, with the hooks of this process and the general ledger."""

    ledger: Ledger
    hooks: Mapping[str, Hookpoint]
    sizes: Sizes = Sizes()

    def job(self) -> Job:
        """The job as the mechanism knows it."""
        ways = (
            (_once(_S.PENDING_CLOSE), begin, None),
            (self._plan_close, close, None),
            (_once(_S.CLOSING), settle, None),
            (_plan_ask, note, self.ask),
            (self._plan_carry, self.carry, None),
            (_once(_S.CLOSED), to_aggregating, None),
            (_once(_S.AGGREGATING), lock, None),
            (self._plan_number, self.number, None),
            (_plan_send, send, None),
            (_once(_S.READY_FOR_SENDING), order, self.ask),
        )
        stages = tuple(
            Stage(name, unit, plan=plan, step=step, gather=gather)
            for (name, unit), (plan, step, gather) in zip(working.STAGES[ADVANCE_KIND], ways, strict=True)
        )
        return Job(
            kind=ADVANCE_KIND,
            stages=stages,
            undo=_nothing_to_undo,
            links=working.links,
            require_recoverable=working.require_recoverable,
            failed=working.failed,
            watched=working.watched,
        )

    def ask(self, tx: Connection, work: Work) -> asking.Answer:
        """Ask the cycle's hook whether the batch may go on; nothing is asked twice that has been let go."""
        batch = working.turn(tx, work.operation)
        return asking.answer(tx, batch, _cycle(tx, batch).settings.hookpoint, self.hooks)

    def carry(self, tx: Connection, work: Work) -> Stepped:
        """In 3: look at the minimum once more, and move other invoices of a chunk to the next schedule (INV-11)."""
        found = _turn(tx, work, _S.CLOSED)
        if found is None:
            return _NOTHING
        call, batch, _ = found
        span = Span(**work.payload)
        target = schedules.next_after(tx, call, schedules.get(tx, ScheduleKey(batch.cycle_code, span.schedule)))
        settings = _cycle(tx, batch).settings
        did = carrying.carry(tx, batch, span, target, settings, call.now_us, self.sizes.pace)
        closed, part = did.closed, replace(span, last=did.rest.first) if did.rest else span
        counts = {"closed": closed.count, "empty": closed.empty, "moved": did.moved, "merged": did.merged}
        stepped = _counted(tx, call, batch, part, "carried", counts, {"to_schedule": target.code, "net": closed.net})
        if did.rest is None:
            return stepped
        return replace(stepped, items_done=span.items - did.rest.items, rest=asdict(did.rest))

    def number(self, tx: Connection, work: Work) -> Stepped:
        """Lock the invoices of a chunk for good, with their numbers, and post what bills have not posted."""
        found = _turn(tx, work, _S.AGGREGATING)
        if found is None:
            return _NOTHING
        call, batch, _ = found
        place = Placed(Span(**work.payload["span"]), work.payload["before"])
        cycle = _cycle(tx, batch)
        bookings = [
            Booking(each.account_id, each.invoice_id, batch.cycle_code, batch.issue_day, sides)
            for each in booking.to_post(tx, batch, place.span)
            if (sides := booking.sides(each, cycle.settings, cycle.code))
        ]
        if bookings:
            self.ledger.post(tx, call, bookings)
        count, empty = numbering.give(tx, batch, place, call.now_us)
        return _counted(tx, call, batch, place.span, "locked", {"numbered": count - empty}, {"posted": len(bookings)})

    def _plan_close(self, tx: Connection, operation: Operation, _now_us: int) -> list[ChunkPlan]:
        batch = _at(tx, operation, _S.CLOSING)
        size = self.sizes.of(tx, self.sizes.closed)
        return _chunks(counting.cut(tx, batch, [InvoiceState.RUNNING], size) if batch else [])

    def _plan_carry(self, tx: Connection, operation: Operation, _now_us: int) -> list[ChunkPlan]:
        batch = _at(tx, operation, _S.CLOSED)
        if batch is None or batch.asked_point != Point.CLOSED:
            return []
        return _chunks(counting.cut(tx, batch, [InvoiceState.RUNNING], self.sizes.of(tx, self.sizes.moved)))

    def _plan_number(self, tx: Connection, operation: Operation, _now_us: int) -> list[ChunkPlan]:
        """All invoices, also those that have their numbers: the place of the others depends on them."""
        batch = _at(tx, operation, _S.AGGREGATING)
        if batch is None or not batch.locked_us:
            return []
        spans = counting.cut(tx, batch, locking.BATCHED, self.sizes.of(tx, self.sizes.numbered))
        return [ChunkPlan(asdict(each), each.span.items) for each in numbering.placed(spans)]


def begin(tx: Connection, work: Work) -> Stepped:
    """1 to 2: close the schedules that ended strictly before the instant asked about, release the others (INV-02)."""
    found = _turn(tx, work, _S.PENDING_CLOSE)
    if found is None or found[1].close_at_us > found[2].as_of_us:
        return _NOTHING
    call, batch, asked = found
    locked = schedules.lock_of_batch(tx, batch.batch_id)
    ended = [each for each in locked if each.end_us < asked.as_of_us]
    if not ended:
        hold(tx, call, batch, NOTHING_ENDED, "none of its schedules has ended")
        return _DONE
    open_ones = [each for each in ended if each.state is ScheduleState.OPEN]
    schedules.close(tx, call, open_ones)
    schedules.release(tx, call, [each for each in locked if each not in ended])
    batch = replace(batch, schedules=tuple(each.code for each in ended))
    move(tx, call, batch, _S.CLOSING, Facts(due=True, ended=len(ended)))
    return _DONE


def close(tx: Connection, work: Work) -> Stepped:
    """In 2: close the invoices of a chunk that meet the cycle's minimum (INV-03)."""
    found = _turn(tx, work, _S.CLOSING)
    if found is None:
        return _NOTHING
    call, batch, _ = found
    span = Span(**work.payload)
    closed = closing.close(tx, batch, span, _cycle(tx, batch).settings, call.now_us)
    counts = {"closed": closed.count, "empty": closed.empty}
    return _counted(tx, call, batch, span, "closed", counts, {"net": dict(closed.net)})


def settle(tx: Connection, work: Work) -> Stepped:
    """2 to 3: every invoice was looked at."""
    found = _turn(tx, work, _S.CLOSING, locked=True)
    if found is not None:
        call, batch, _ = found
        move(tx, call, batch, _S.CLOSED, Facts(ended=counting.closed_schedules(tx, batch)))
    return _DONE


def note(tx: Connection, work: Work) -> Stepped:
    """In 3: note what the hook has said."""
    found = _turn(tx, work, _S.CLOSED, locked=True)
    if found is not None:
        asking.note(tx, found[0], found[1], Point.CLOSED, work.facts)
    return _DONE


def to_aggregating(tx: Connection, work: Work) -> Stepped:
    """3 to 4, once nothing of its schedules runs any more."""
    found = _turn(tx, work, _S.CLOSED, locked=True)
    if found is None or found[1].asked_point != Point.CLOSED:
        return _NOTHING
    call, batch, _ = found
    if running := counting.running(tx, batch):
        hold(tx, call, batch, STILL_RUNNING, f"{running:,} invoices of its schedules have begun meanwhile")
    else:
        move(tx, call, batch, _S.AGGREGATING, Facts(asked=True))
    return _DONE


def lock(tx: Connection, work: Work) -> Stepped:
    """In 4: once all are aggregated, no invoice takes lines any more, and their numbers are reserved (INV-04, 20)."""
    found = _turn(tx, work, _S.AGGREGATING, locked=True)
    if found is not None and not found[1].locked_us:
        locking.lock(tx, found[0], found[1], _cycle(tx, found[1]), found[2].as_of_us)
    return _DONE


def send(tx: Connection, work: Work) -> Stepped:
    """4 to 5, once all are locked and numbered."""
    found = _turn(tx, work, _S.AGGREGATING, locked=True)
    if found is not None and found[1].locked_us:
        call, batch, _ = found
        figures = counting.figures(tx, batch)
        facts = Facts(
            unaggregated=figures.unaggregated, invoices=figures.billable, numbered=figures.numbered, locked=True
        )
        move(tx, call, batch, _S.READY_FOR_SENDING, facts)
    return _DONE


def order(tx: Connection, work: Work) -> Stepped:
    """5 to 6: one export record is made, unless there are no invoices or the hook says otherwise (INV-05)."""
    found = _turn(tx, work, _S.READY_FOR_SENDING, locked=True)
    if found is None:
        return _NOTHING
    call, batch, _ = found
    invoices = batch.number_count or counting.figures(tx, batch).numbered
    if not invoices:
        move(tx, call, batch, _S.ERROR, Facts(failure=NO_INVOICES), reason=NO_INVOICES, message="it has no invoices")
        return _DONE
    batch = asking.note(tx, call, batch, Point.READY_FOR_SENDING, work.facts)
    if batch.asked_point == Point.READY_FOR_SENDING:
        store.insert_export(tx, batch, _cycle(tx, batch).settings.workflow, call.now_us)
        _, pending = counting.exports(tx, batch)
        move(tx, call, batch, _S.ORDERED, Facts(asked=True, invoices=invoices, pending_exports=pending))
    return _DONE


def _at(tx: Connection, operation: Operation, state: BatchState) -> Batch | None:
    """The batch, if it is in a state that the operation is to lead out of."""
    batch = working.turn(tx, operation)
    far_enough = order_from_document(operation.request).until == state
    return batch if batch.state is state and not far_enough else None


def _turn(tx: Connection, work: Work, state: BatchState, *, locked: bool = False) -> tuple[Call, Batch, Order] | None:
    """What a step works with, if it is the batch's turn. Only steps that change no invoice lock it first."""
    locked = locked or state is _S.PENDING_CLOSE
    batch = working.turn(tx, work.operation, locked=locked)
    if batch.state is not state:
        return None
    call = operations.call_of(tx, work.operation, work.now_us)
    return call, batch, order_from_document(work.operation.request)


def _once(state: BatchState) -> _Plan:
    """One chunk, when it is the batch's turn."""

    def plan(tx: Connection, operation: Operation, _now_us: int) -> Sequence[ChunkPlan]:
        return [ChunkPlan({}, 1)] if _at(tx, operation, state) else []

    return plan


def _plan_send(tx: Connection, operation: Operation, _now_us: int) -> Sequence[ChunkPlan]:
    batch = _at(tx, operation, _S.AGGREGATING)
    return [ChunkPlan({}, 1)] if batch and batch.locked_us else []


def _plan_ask(tx: Connection, operation: Operation, _now_us: int) -> Sequence[ChunkPlan]:
    batch = _at(tx, operation, _S.CLOSED)
    return [ChunkPlan({}, 1)] if batch and batch.asked_point != Point.CLOSED else []


def _chunks(spans: Sequence[Span]) -> list[ChunkPlan]:
    return [ChunkPlan(asdict(each), each.items) for each in spans]


def _cycle(tx: Connection, batch: Batch) -> Cycle:
    return registers.get(tx, CYCLES, batch.cycle_code)


def _counted(  # noqa: PLR0917 - what is told of a chunk
    tx: Connection, call: Call, batch: Batch, span: Span, what: str, counts: Mapping[str, int], told: Document
) -> Stepped:
    """Note what became of a chunk, for watchers and the audit trail; the batch is locked last, and shortly."""
    present = working.lock(tx, batch.batch_id)
    assert present.state is batch.state, "whoever works on a batch is alone"
    present = change(tx, call, replace(present, counts=added(present.counts, counts)))
    selection = {"schedule": span.schedule, "first_account": span.first, "last_account": span.last}
    tell(tx, call, present, f"invoices_{what}", {"selection": selection, "counts": dict(counts), **told})
    return Stepped(span.items, dict(counts))


def _nothing_to_undo(_tx: Connection, _operation: Operation, _now_us: int) -> bool:
    return True
