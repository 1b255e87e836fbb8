"""The kinds and states of invoices; what is locked is published as soon as its batch is (INV-08)."""

from __future__ import annotations

from enum import StrEnum

from domain.kernel.taxes import RATED, REASONED, TaxCategory

__all__ = ["RATED", "REASONED", "InvoiceKind", "InvoiceState", "TaxCategory"]


class InvoiceKind(StrEnum):
    """What an invoice is; each kind has number series of its own (INV-20)."""

    INVOICE = "INVOICE"
    CREDIT_NOTE = "CREDIT_NOTE"


class InvoiceState(StrEnum):
    """Where an invoice stands, as its row has it."""

    RUNNING = "RUNNING"
    CLOSED = "CLOSED"  # it is in a batch; until that is locked, it still takes lines
    LOCKED = "LOCKED"  # for good, with a number unless it has no lines
    MERGED = "MERGED"  # an older one that was carried has taken its lines over
