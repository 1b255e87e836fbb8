"""Use cases of the export queue that people call: look, and have another go at what could not be exported."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import Connection

from domain.invoicing.batches import service as batches
from domain.invoicing.batches import working
from domain.invoicing.batches.transitions import change, tell
from domain.invoicing.configuration.registers import CYCLES
from domain.invoicing.export import store
from domain.invoicing.export.errors import ExportNotFound, ExportNotPending
from domain.invoicing.export.model import ExportRecord, ExportState, Failure
from domain.kernel.call import Call
from domain.kernel.documents import Document
from domain.kernel.paging import Page
from domain.kernel.registers import service as registers
from domain.kernel.scopes import EVERYTHING, Scope


def get(tx: Connection, batch_id: str, export_no: int, scope: Scope = EVERYTHING) -> ExportRecord:
    """The record. Raises: ExportNotFound, also for what lies outside the scope."""
    found = store.find(tx, batch_id, export_no)
    if found is None or not scope.has("cycles", found.cycle_code):
        raise ExportNotFound(batch_id, export_no)
    return found


def list_page(
    tx: Connection,
    page: Page,
    *,
    batch_id: str = "",
    cycle: str = "",
    states: Collection[ExportState] = (),
    scope: Scope = EVERYTHING,
) -> list[ExportRecord]:
    """One record more than the page holds, if there is one; the key is the batch and the number.

    Raises: NotFound for a cycle that is named.
    """
    after = (str(page.after[0]), int(page.after[1])) if page.after else None
    cycles = batches.among(tx, scope, cycle)
    return store.page(tx, cycles=cycles, batch_id=batch_id, states=states, after=after, limit=page.size + 1)


def list_failures(tx: Connection, batch_id: str, page: Page, scope: Scope = EVERYTHING) -> list[Failure]:
    """One invoice of a batch that could not be exported more than the page holds; the key is the account and its id.

    Raises: InvoiceBatchNotFound.
    """
    working.get(tx, batch_id, scope)
    after = (str(page.after[0]), str(page.after[1])) if page.after else None
    return store.failures(tx, batch_id, after=after, limit=page.size + 1)


def requeue(tx: Connection, call: Call, batch_id: str, export_no: int) -> ExportRecord:
    """Have the next pass of the export engine take a record up as its cycle is configured now.

    What was exported stays; a workflow that was wrong is read again. Raises: ExportNotFound; ExportNotPending for one
    that is done; InvoiceBatchBusy while it is exported.
    """
    get(tx, batch_id, export_no, call.scope)
    batch = working.lock(tx, batch_id, call.scope)
    working.refuse_busy(tx, batch)
    found = store.pending(tx, batch_id, lock=True)
    if found is None or found.export_no != export_no:
        raise ExportNotPending(batch_id, export_no)
    workflow = registers.get(tx, CYCLES, batch.cycle_code).settings.workflow
    again = replace(found, workflow=workflow, reason="", message="", updated_us=call.now_us)
    store.save(tx, again)
    told: Document = {"export": again.name, "from": {"workflow": found.workflow}, "to": {"workflow": workflow}}
    tell(tx, call, change(tx, call, replace(batch, held=None)), "export_requeued", told)
    return again
