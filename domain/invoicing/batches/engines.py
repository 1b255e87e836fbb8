"""One pass of the batch engine: whatever can move on is begun to be moved on, each batch by itself (INV-13).

A batch that is stuck, or has failed, holds up no other: each goes on by an operation of its own. What nobody has to do
anything about costs one statement, however many there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from sqlalchemy import Connection, and_, case, exists, select

from domain.invoicing.batches import service, store, working
from domain.invoicing.batches.errors import NOT_AGGREGATED, NOTHING_ENDED
from domain.invoicing.batches.model import (
    ADVANCE_KIND,
    ENGINE_KIND,
    Batch,
    EngineRequest,
    Order,
    engine_request_from_document,
)
from domain.invoicing.batches.states import BatchState
from domain.invoicing.batches.transitions import hold
from domain.invoicing.invoices.states import InvoiceState
from domain.invoicing.tables import invoice, invoice_batch, invoice_schedule
from domain.kernel import scopes
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.scopes import Scope
from domain.operations import service as operations
from domain.operations.model import ChunkPlan, Job, Operation, Stage, State, Stepped, Work
from domain.operations.tables import operation as operation_table

STAGES = (("look", "batches"),)
MOVED_BY_ENGINE = (
    BatchState.PENDING_CLOSE,
    BatchState.CLOSING,
    BatchState.CLOSED,
    BatchState.AGGREGATING,
    BatchState.READY_FOR_SENDING,
)
_BATCHES_MAX = 10_000  # of a pass; further ones have their turn in the next
_PER_CHUNK = 50
_b, _s, _i, _o = invoice_batch.c, invoice_schedule.c, invoice.c, operation_table.c


class Verdict(StrEnum):
    """What a pass makes of a batch."""

    STARTED = "started"  # an operation moves it on
    FAILED = "failed"  # the operation that did has failed, in a release that did not tell: it is in ERROR
    HELD = "held"  # it cannot move, and says why
    WAITING = "waiting"  # its time has not come
    BUSY = "busy"  # an operation works on it already


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to know of a batch to tell what to make of it; `worked` is the state of its last operation."""

    batch_id: str
    state: BatchState
    held_reason: str
    due: bool
    ended: bool
    unaggregated: bool
    worked: State | None


def verdict(found: Found) -> tuple[Verdict, str]:
    """What to make of a batch, and why it is held."""
    if found.worked is State.FAILED:
        return Verdict.FAILED, ""
    if found.worked is not None and not found.worked.ended:
        return Verdict.BUSY, ""
    if found.state is BatchState.PENDING_CLOSE and not found.due:
        return Verdict.WAITING, ""
    if found.state is BatchState.PENDING_CLOSE and not found.ended:
        return Verdict.HELD, NOTHING_ENDED
    if found.unaggregated:
        return Verdict.HELD, NOT_AGGREGATED
    return Verdict.STARTED, ""


def look(tx: Connection, cycles: Collection[str] | None, as_of_us: int, batch_ids: Collection[str] = ()) -> list[Found]:
    """Every batch that an engine may move; cycles None: of all, no id: all of them. Cost: one statement."""
    ended = exists().where(_s.batch_id == _b.batch_id, _s.cycle_code == _b.cycle_code, _s.end_us < as_of_us)
    unaggregated = exists().where(
        _s.batch_id == _b.batch_id,
        _s.cycle_code == _b.cycle_code,
        _i.cycle_code == _s.cycle_code,
        _i.schedule_code == _s.schedule_code,
        _i.slot == "",
        _i.state == InvoiceState.CLOSED,
        _i.aggregated == 0,
        _i.batch_id == _b.batch_id,
    )
    is_aggregating = and_(_b.state == BatchState.AGGREGATING, _b.locked_us == 0)
    query = (
        select(
            _b.batch_id,
            _b.state,
            _b.held_reason,
            case((_b.close_at_us <= as_of_us, 1), else_=0),
            case((_b.state != BatchState.PENDING_CLOSE, 1), (ended, 1), else_=0),
            case((~is_aggregating, 0), (unaggregated, 1), else_=0),
            _o.state,
        )
        .select_from(invoice_batch.outerjoin(operation_table, _o.operation_id == _b.operation_id))
        .where(_b.state.in_(MOVED_BY_ENGINE))
        .order_by(_b.batch_id)
        .limit(_BATCHES_MAX)
    )
    query = query.where(_b.cycle_code.in_(sorted(cycles))) if cycles is not None else query
    query = query.where(_b.batch_id.in_(sorted(batch_ids))) if batch_ids else query
    return [
        Found(
            batch_id=row[0],
            state=BatchState(row[1]),
            held_reason=row[2],
            due=bool(row[3]),
            ended=bool(row[4]),
            unaggregated=bool(row[5]),
            worked=State(row[6]) if row[6] else None,
        )
        for row in tx.execute(query)
    ]


def start(tx: Connection, call: Call, request: EngineRequest) -> Operation:
    """Begin a pass over the batches of a cycle, or of all cycles that the caller sees, as of the instant of the call.

    Raises: NotFound for a cycle that is named.
    """
    require_storable(description=request.description)
    within = replace(call, scope=scope_of(tx, call.scope, request))
    order = {**asdict(request), "as_of_us": call.now_us}
    return operations.start(tx, within, ENGINE_KIND, order, stages=STAGES, description=request.description)


def job() -> Job:
    """The job as the mechanism knows it."""
    ((name, unit),) = STAGES
    return Job(
        kind=ENGINE_KIND,
        stages=(Stage(name, unit, plan=plan, step=step),),
        undo=nothing_to_undo,
        watched=working.watched_by_payload,
    )


def plan(tx: Connection, operation: Operation, _now_us: int) -> Sequence[ChunkPlan]:
    """What is to be done about batches, a few at a time; of those of which nothing is, only how many they are."""
    found = look(tx, _cycles(tx, operation), operation.request["as_of_us"])
    judged = [(each, *verdict(each)) for each in found]
    idle: Counter[str] = Counter()
    busy_with = []
    for each, what, reason in judged:
        if what in {Verdict.WAITING, Verdict.BUSY} or (what is Verdict.HELD and each.held_reason == reason):
            idle[what] += 1
        else:
            busy_with.append(each.batch_id)
    chunks = [busy_with[at : at + _PER_CHUNK] for at in range(0, len(busy_with), _PER_CHUNK)]
    told = [ChunkPlan({"idle": dict(idle), "batches": []}, idle.total())] if idle else []
    return [*told, *(ChunkPlan({"idle": {}, "batches": each}, len(each)) for each in chunks)]


def step(tx: Connection, work: Work) -> Stepped:
    """Do what is to be done about a few batches, each looked at again under its lock."""
    call = operations.call_of(tx, work.operation, work.now_us)
    counts: Counter[str] = Counter(work.payload["idle"])
    for batch_id in work.payload["batches"]:
        batch = working.lock(tx, batch_id)
        for each in look(tx, None, work.operation.request["as_of_us"], [batch_id]):
            what, reason = verdict(each)
            counts[what] += 1
            _act(tx, call, batch, what, reason, work.operation.request["as_of_us"])
    return Stepped(counts.total(), dict(counts))


def scope_of(tx: Connection, scope: Scope, request: EngineRequest) -> Scope:
    """Who sees a pass: who sees the cycle that it is about, else whoever sees all that the caller does.

    Raises: NotFound for a cycle that is named.
    """
    service.among(tx, scope, request.cycle)
    return scopes.of_one("cycles", request.cycle) if request.cycle else scope


def batches(tx: Connection, request: EngineRequest, scope: Scope, states: Collection[BatchState]) -> list[Batch]:
    """The batch that is asked about, or all of the cycle, or of the scope, in these states."""
    if request.batch_id:
        found = store.find(tx, request.batch_id)
        return [found] if found is not None and found.state in states else []
    cycles = service.among(tx, scope, request.cycle)
    return store.page(tx, cycles=cycles, states=states, limit=_BATCHES_MAX)


def nothing_to_undo(_tx: Connection, _operation: Operation, _now_us: int) -> bool:
    """A pass that is canceled stops; what it has begun goes on."""
    return True


def _cycles(tx: Connection, operation: Operation) -> Collection[str] | None:
    request = {**operation.request}
    del request["as_of_us"]
    scope = operations.call_of(tx, operation, 0).scope
    return service.among(tx, scope, engine_request_from_document(request).cycle)


def _act(tx: Connection, call: Call, batch: Batch, what: Verdict, reason: str, as_of_us: int) -> None:  # noqa: PLR0917 - one decision
    if what is Verdict.STARTED:
        working.start(tx, call, batch, ADVANCE_KIND, Order(batch.batch_id, as_of_us))
    elif what is Verdict.HELD:
        hold(tx, call, batch, reason, _WHY[reason])
    elif what is Verdict.FAILED and (operation := working.last_operation(tx, batch)) is not None:
        working.fail(tx, call, batch, operation)


_WHY = {
    NOTHING_ENDED: "none of its schedules has ended",
    NOT_AGGREGATED: "not every invoice is aggregated",
}
