"""One pass of the export engine: what waits in the queue is begun to be exported, each batch by itself (INV-06, 13)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace

from sqlalchemy import Connection

from domain.invoicing.batches import engines, working
from domain.invoicing.batches.engines import nothing_to_undo, scope_of
from domain.invoicing.batches.model import Batch, EngineRequest, Facts, Order, engine_request_from_document
from domain.invoicing.batches.states import BatchState
from domain.invoicing.batches.transitions import hold, move
from domain.invoicing.configuration.model import DATA_FILES, NO_EXPORT
from domain.invoicing.export import store
from domain.invoicing.export.jobs import complete
from domain.invoicing.export.model import EXPORT_ENGINE_KIND, EXPORT_KIND, WORKFLOW_UNKNOWN
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.operations import service as operations
from domain.operations.model import ChunkPlan, Job, Operation, Stage, State, Stepped, Work

STAGES = (("look", "batches"),)
_PER_CHUNK = 50


def start(tx: Connection, call: Call, request: EngineRequest) -> Operation:
    """Begin a pass over the ordered batches of a cycle, or of all cycles that the caller sees.

    Raises: NotFound for a cycle that is named.
    """
    require_storable(description=request.description)
    within = replace(call, scope=scope_of(tx, call.scope, request))
    return operations.start(
        tx, within, EXPORT_ENGINE_KIND, asdict(request), stages=STAGES, description=request.description
    )


def job() -> Job:
    """The job as the mechanism knows it."""
    ((name, unit),) = STAGES
    return Job(
        kind=EXPORT_ENGINE_KIND,
        stages=(Stage(name, unit, plan=plan, step=step),),
        undo=nothing_to_undo,
        watched=working.watched_by_payload,
    )


def plan(tx: Connection, operation: Operation, _now_us: int) -> Sequence[ChunkPlan]:
    """The batches that are ordered, a few at a time."""
    request = engine_request_from_document(operation.request)
    scope = operations.call_of(tx, operation, 0).scope
    found = [each.batch_id for each in engines.batches(tx, request, scope, [BatchState.ORDERED])]
    return [
        ChunkPlan({"batches": found[at : at + _PER_CHUNK]}, len(found[at : at + _PER_CHUNK]))
        for at in range(0, len(found), _PER_CHUNK)
    ]


def step(tx: Connection, work: Work) -> Stepped:
    """Do what is to be done about a few batches, each under its lock."""
    call = operations.call_of(tx, work.operation, work.now_us)
    counts: Counter[str] = Counter()
    for batch_id in work.payload["batches"]:
        batch = working.lock(tx, batch_id)
        if batch.state is BatchState.ORDERED:
            counts[_act(tx, call, batch)] += 1
    return Stepped(len(work.payload["batches"]), dict(counts))


def _act(tx: Connection, call: Call, batch: Batch) -> str:
    """What becomes of an ordered batch: `started`, `exported` at once, `held`, `failed` or `busy`."""
    last = working.last_operation(tx, batch)
    if last is not None and last.kind == EXPORT_KIND and last.state is State.FAILED:
        assert last.failure is not None, "what has failed says why"
        reason, message = last.failure.reason, last.failure.message
        move(tx, call, batch, BatchState.ERROR, Facts(failure=reason), reason=reason, message=message)
        return "failed"
    if last is not None and not last.state.ended:
        return "busy"
    export = store.pending(tx, batch.batch_id, lock=True)
    assert export is not None, "an ordered batch has a record"
    if export.workflow == NO_EXPORT:
        complete(tx, call, batch, export)
        return "exported"
    if export.workflow != DATA_FILES:
        message = f"there is no export workflow {export.workflow}"
        store.save(tx, replace(export, reason=WORKFLOW_UNKNOWN, message=message, updated_us=call.now_us))
        hold(tx, call, batch, WORKFLOW_UNKNOWN, message)
        return "held"
    begun = working.start(tx, call, batch, EXPORT_KIND, Order(batch.batch_id, call.now_us))
    run_id = export.operation_id or begun.operation_id
    store.save(tx, replace(export, operation_id=run_id, updated_us=call.now_us))
    return "started"
