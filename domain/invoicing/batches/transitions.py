"""The one function by which a batch goes from state to state: row, history and event in one transaction (INV-14)."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from domain.invoicing.batches import edges, store
from domain.invoicing.batches.errors import (
    NOT_AGGREGATED,
    TAX_CATEGORIES_MIXED,
    InvoiceBatchNotReady,
    InvoiceBatchTransitionIllegal,
)
from domain.invoicing.batches.model import Batch, Facts, Held, Transition
from domain.invoicing.batches.states import BatchState
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.documents import Document
from domain.kernel.scopes import Scope


def scope_of(batch: Batch) -> Scope:
    """Who sees the batch: who sees its cycle (PLT-14)."""
    return scopes.of_one("cycles", batch.cycle_code)


def begin(tx: Connection, call: Call, batch: Batch) -> Batch:
    """Write a batch that is new, in the state in which it begins."""
    assert batch.state in edges.START, batch.state
    batch = replace(batch, transition_count=1)
    store.insert_batch(tx, batch)
    _record(tx, call, batch, None, "")
    return batch


def move(
    tx: Connection, call: Call, batch: Batch, to: BatchState, facts: Facts, *, reason: str = "", message: str = ""
) -> Batch:
    """Have a batch, whose row is locked, go to another state; gives it as it is then.

    `reason` is why, of what went wrong with its `message`; of what went well it is empty. What held it is over.

    Raises: InvoiceBatchTransitionIllegal; InvoiceBatchNotReady.
    """
    edge = edges.between(batch.state, to)
    if edge is None:
        raise InvoiceBatchTransitionIllegal(batch.name, state=batch.state, wanted=to)
    if not edge.guard(facts):
        raise InvoiceBatchNotReady(batch.name, state=batch.state, wanted=to, waits_for=edge.waits_for)
    failed = to is BatchState.ERROR
    moved = replace(
        batch,
        state=to,
        state_since_us=call.now_us,
        held=Held(reason, message or reason, call.now_us) if failed else None,
        failed_state=batch.state if failed else None,
        transition_count=batch.transition_count + 1,
        version=batch.version + 1,
        updated_us=call.now_us,
    )
    store.save(tx, moved)
    _record(tx, call, moved, batch.state, reason)
    return moved


def hold(tx: Connection, call: Call, batch: Batch, reason: str, message: str) -> Batch:
    """Say why a batch, whose row is locked, does not go on; nothing is changed where that is said already.

    That an invoice cannot be aggregated says more than that some are not.
    """
    if batch.held is not None and (batch.held.reason, batch.held.message) == (reason, message):
        return batch
    if batch.held is not None and (batch.held.reason, reason) == (TAX_CATEGORIES_MIXED, NOT_AGGREGATED):
        return batch
    since_us = batch.held.since_us if batch.held and batch.held.reason == reason else call.now_us
    return change(tx, call, replace(batch, held=Held(reason, message, since_us)))


def change(tx: Connection, call: Call, batch: Batch) -> Batch:
    """Write what is new of a batch in the state that it has, so that its watchers see it; its row is locked."""
    changed = replace(batch, version=batch.version + 1, updated_us=call.now_us)
    store.save(tx, changed)
    return changed


def tell(tx: Connection, call: Call, batch: Batch, kind: str, payload: Document) -> None:
    """One entry of the audit trail about the batch."""
    within = replace(call, operation_id=call.operation_id or batch.operation_id)
    events.append(tx, within, batch.name, f"invoice_batch.{kind}", payload, scope_id=scopes.intern(tx, scope_of(batch)))


def _record(tx: Connection, call: Call, batch: Batch, source: BatchState | None, reason: str) -> None:
    made = Transition(
        batch_id=batch.batch_id,
        transition_no=batch.transition_count,
        from_state=source,
        to_state=batch.state,
        at_us=call.now_us,
        caller=call.caller,
        method=call.method.rpartition("/")[2],
        operation_id=call.operation_id,
        reason=reason,
        counts=batch.counts,
        version=batch.version,
    )
    store.insert_transition(tx, made)
    told: Document = {"from": source, "to": batch.state, "counts": batch.counts}
    kind = "created" if source is None else "moved"
    tell(tx, call, batch, kind, told | ({"reason": reason} if reason else {}))
