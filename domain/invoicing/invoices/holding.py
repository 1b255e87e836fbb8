"""An account's invoices are held while lines are added to them or taken off: until the transaction ends."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from sqlalchemy import Connection

from domain.invoicing.batches import store as batches
from domain.invoicing.invoices.errors import InvoiceLocked, RunningInvoiceBusy
from domain.invoicing.invoices.model import Invoice
from domain.invoicing.invoices.states import InvoiceState
from domain.invoicing.invoices.store import reading as store

_ATTEMPTS = 3  # an invoice may be closed, or its lines handed over, between the look at it and its lock


def hold(tx: Connection, account_id: str, find: Callable[[], Collection[str]]) -> list[Invoice]:
    """The invoices that `find` gives the ids of, locked and none of them for good; their batches are shared before.

    Cost: five statements, and one for each batch. Raises: InvoiceLocked; RunningInvoiceBusy, and the transaction can be
    run again.
    """
    for _ in range(_ATTEMPTS):
        ids = find()
        seen = store.some(tx, account_id, ids)
        _share_batches(tx, seen)
        held = store.some(tx, account_id, ids, lock=True)
        if find() == ids and _batches(held) == _batches(seen):
            for each in held:
                if each.state is InvoiceState.LOCKED:
                    raise InvoiceLocked(each.name)
            return held
    raise RunningInvoiceBusy


def _share_batches(tx: Connection, invoices: Sequence[Invoice]) -> None:
    for batch_id in _batches(invoices):
        batch = batches.share(tx, batch_id)
        if batch is not None and batch.locked_us:
            raise InvoiceLocked(next(each.name for each in invoices if each.batch_id == batch_id))


def _batches(invoices: Sequence[Invoice]) -> list[str]:
    return sorted({each.batch_id for each in invoices if each.batch_id})
