"""The batch that collects the credit notes of a cycle: those of one day and issuer, until the engine takes it on."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from domain.invoicing.batches import locking, transitions, working
from domain.invoicing.batches.model import Batch
from domain.invoicing.batches.states import BatchKind, BatchState
from domain.invoicing.configuration.model import Cycle
from domain.invoicing.configuration.registers import CYCLES, ISSUERS
from domain.invoicing.crediting import store
from domain.invoicing.crediting.errors import CreditNotesBusy
from domain.invoicing.invoices.model import Invoice
from domain.invoicing.names import credit_place
from domain.kernel.call import Call
from domain.kernel.ids import new_id
from domain.kernel.registers import service as registers
from domain.kernel.registers import store as register_store

_ATTEMPTS = 3  # the engine may take it on between the look at it and its lock


def lock(tx: Connection, call: Call, cycle: Cycle, issue_day: int) -> Batch:
    """The batch that takes a credit note of this day, which is made if there is none; its row is locked.

    Cost: two statements; some eight for the first note of a day, for which the cycle is locked.

    Raises: CreditNotesBusy, and the transaction can be run again.
    """
    key = (cycle.code, cycle.settings.issuer, issue_day)
    for _ in range(_ATTEMPTS):
        found = store.collecting(tx, *key)
        if found is None:
            register_store.lock(tx, CYCLES, cycle.code)
            found = store.collecting(tx, *key)
        if found is None:
            return _made(tx, call, cycle, issue_day)
        batch = working.lock(tx, found)
        if batch.state is BatchState.READY_FOR_SENDING:
            return batch
    raise CreditNotesBusy


def collect(tx: Connection, call: Call, batch: Batch, note: Invoice) -> Batch:
    """Count a credit note that was put into the batch, whose row is locked."""
    totals: dict[str, dict[str, int]] = {**batch.counts.get("totals", {})}
    known = totals.get(note.currency, {"net": 0, "tax": 0})
    totals[note.currency] = {"net": known["net"] + note.net_minor, "tax": known["tax"] + note.tax_minor}
    count = batch.number_count + 1
    counts = {**batch.counts, "numbered": count, "totals": dict(sorted(totals.items()))}
    first = batch.first_number or note.number_no
    return transitions.change(tx, call, replace(batch, number_count=count, first_number=first, counts=counts))


def _made(tx: Connection, call: Call, cycle: Cycle, issue_day: int) -> Batch:
    batch_id = new_id(call.now_us)
    batch = Batch(
        batch_id=batch_id,
        description="",
        cycle_code=cycle.code,
        kind=BatchKind.CREDIT_NOTES,
        state=BatchState.READY_FOR_SENDING,
        state_since_us=call.now_us,
        close_at_us=0,
        schedules=(credit_place(batch_id),),
        created_us=call.now_us,
        updated_us=call.now_us,
        locked_us=call.now_us,
        issue_day=issue_day,
    )
    begun = transitions.begin(tx, call, batch)
    locking.keep_issuer(tx, begun, registers.get(tx, ISSUERS, cycle.settings.issuer))
    return begun
