"""The kinds and states of invoices; what is locked is published as soon as its batch is (INV-08)."""

from __future__ import annotations

from enum import StrEnum


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


class TaxCategory(StrEnum):
    """The tax categories of EN 16931 (UNCL 5305)."""

    STANDARD = "S"
    ZERO = "Z"
    EXEMPT = "E"
    REVERSE_CHARGE = "AE"
    INTRA_COMMUNITY = "K"
    EXPORT = "G"
    OUTSIDE_SCOPE = "O"
    CANARY_ISLANDS = "L"
    CEUTA_MELILLA = "M"


RATED = frozenset({TaxCategory.STANDARD, TaxCategory.CANARY_ISLANDS, TaxCategory.CEUTA_MELILLA})
"""The categories that have a rate; that of the others is 0. The standard one is above 0."""

REASONED = frozenset(
    {
        TaxCategory.EXEMPT,
        TaxCategory.REVERSE_CHARGE,
        TaxCategory.INTRA_COMMUNITY,
        TaxCategory.EXPORT,
        TaxCategory.OUTSIDE_SCOPE,
    }
)
"""The categories of which an invoice says why no tax is due."""
