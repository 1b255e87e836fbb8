"""What may be credited, of whoever asks (INV-17)."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from domain.invoicing.crediting import store
from domain.invoicing.crediting.errors import CreditNoteNotCredited, InvoiceNotLocked
from domain.invoicing.crediting.making import GivenBack
from domain.invoicing.invoices.model import Invoice
from domain.invoicing.invoices.states import InvoiceKind, InvoiceState
from domain.invoicing.invoices.store import reading


def lock(tx: Connection, of: Invoice) -> Invoice:
    """The invoice, locked until the transaction ends: one credits it at a time.

    Raises: InvoiceNotLocked; CreditNoteNotCredited.
    """
    (found,) = reading.some(tx, of.account_id, [of.invoice_id], lock=True)
    if found.kind is InvoiceKind.CREDIT_NOTE:
        raise CreditNoteNotCredited(found.name)
    if not _is_out(found):
        raise InvoiceNotLocked(found.name, found.state)
    return found


def of_segments(tx: Connection, account_id: str, segments: Iterable[tuple[str, str]], reason: str) -> list[GivenBack]:
    """What is given back of invoices that are locked, with bill segments (bill and segment) that stand on them.

    Cost: two statements, and one for each of those invoices, which are locked until the transaction ends.
    """
    by_invoice = store.lines_of_segments(tx, account_id, segments)
    found = reading.some(tx, account_id, by_invoice, lock=True) if by_invoice else []
    return [
        GivenBack(each, lines, store.taxes_of(tx, each, {line.segment_id for line in lines}), reason)
        for each in found
        if _is_out(each) and (lines := by_invoice[each.invoice_id])
    ]


def _is_out(found: Invoice) -> bool:
    """Whether it is locked for good, with a number."""
    return found.state is InvoiceState.LOCKED and found.number_no > 0
