"""Use cases of batches that people call: create, look, retry (INV-01, INV-09, INV-14)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import Connection

from domain.invoicing.batches import store, transitions, working
from domain.invoicing.batches.errors import InvoiceBatchTaken, InvoiceBatchTransitionIllegal, NothingToClose
from domain.invoicing.batches.model import (
    ADVANCE_KIND,
    Batch,
    Facts,
    Order,
    Request,
    Transition,
)
from domain.invoicing.batches.states import BatchKind, BatchState
from domain.invoicing.batches.transitions import scope_of
from domain.invoicing.configuration import schedules
from domain.invoicing.configuration.model import Schedule
from domain.invoicing.configuration.registers import CYCLES
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.ids import new_id
from domain.kernel.paging import Page
from domain.kernel.registers import service as registers
from domain.kernel.scopes import Scope


def create(tx: Connection, call: Call, request: Request) -> Batch:
    """Put schedules of a cycle into a batch, and close it: now by an operation that begins, or later by an engine.

    A schedule is in one batch at a time. To close now goes on to CLOSED at once, and waits there for the engine.

    Raises: NotFound for cycle or schedule; NothingToClose; ScheduleClosed, ScheduleInBatch; InvoiceBatchTaken.
    """
    registers.get(tx, CYCLES, request.cycle, call.scope)
    require_storable(description=request.description)
    batch_id = request.batch_id or new_id(call.now_us)
    if request.batch_id and store.find(tx, batch_id) is not None:
        raise InvoiceBatchTaken(batch_id)
    close_at_us = request.close_at_us if request.close_at_us > call.now_us else 0
    taken = _schedules(tx, call, request, close_at_us)
    batch = Batch(
        batch_id=batch_id,
        description=request.description,
        cycle_code=request.cycle,
        kind=BatchKind.INVOICES,
        state=BatchState.PENDING_CLOSE,
        state_since_us=call.now_us,
        close_at_us=close_at_us,
        schedules=tuple(each.code for each in taken),
        created_us=call.now_us,
        updated_us=call.now_us,
    )
    within = replace(call, scope=scope_of(batch))
    schedules.hold(tx, within, taken, batch_id)
    batch = transitions.begin(tx, within, batch)
    if close_at_us:
        return batch
    order = Order(batch_id, call.now_us, until=BatchState.CLOSED)
    return working.start(tx, call, batch, ADVANCE_KIND, order)


def retry(tx: Connection, call: Call, batch_id: str) -> Batch:
    """Have a batch that failed go back to the state in which it did, once its cause is mended (INV-09).

    Raises: InvoiceBatchNotFound; InvoiceBatchTransitionIllegal for one that has not failed.
    """
    batch = working.lock(tx, batch_id, call.scope)
    if batch.failed_state is None:
        raise InvoiceBatchTransitionIllegal(
            batch.name,
            state=batch.state,
            wanted="retried",
            message=f"{batch.name} is {batch.state}; only one in {BatchState.ERROR} is retried",
        )
    back = replace(batch, operation_id="")
    return transitions.move(tx, call, back, batch.failed_state, Facts(failed_state=batch.failed_state))


def list_page(
    tx: Connection, call: Call, page: Page, *, cycle: str = "", states: Collection[BatchState] = ()
) -> list[Batch]:
    """One batch more than the page holds, if there is one, newest first; an empty cycle, and no state, mean any.

    Raises: NotFound for a cycle that is named.
    """
    before = str(page.after[0]) if page.after else ""
    cycles = among(tx, call.scope, cycle)
    return store.page(tx, cycles=cycles, states=states, before=before, limit=page.size + 1)


def list_transitions(tx: Connection, call: Call, batch_id: str, page: Page) -> list[Transition]:
    """One entry of a batch's history more than the page holds, if there is one; the key is the number.

    Raises: InvoiceBatchNotFound.
    """
    working.get(tx, batch_id, call.scope)
    return store.transitions(tx, batch_id, after=int(page.after[0]) if page.after else 0, limit=page.size + 1)


def among(tx: Connection, scope: Scope, cycle: str) -> Collection[str] | None:
    """The cycles whose batches are meant: the one that is named, else all that the scope has (None: all there are).

    Raises: NotFound for a cycle that is named.
    """
    if not cycle:
        return scope.names("cycles")
    return [registers.get(tx, CYCLES, cycle, scope).code]


def _schedules(tx: Connection, call: Call, request: Request, close_at_us: int) -> list[Schedule]:
    if request.schedules:
        return schedules.lock_named(tx, request.cycle, set(request.schedules))
    found = schedules.lock_ended(tx, request.cycle, now_us=close_at_us or call.now_us)
    if not found:
        raise NothingToClose(request.cycle)
    return found
