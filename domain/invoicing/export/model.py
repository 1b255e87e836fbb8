"""What is exported of batches, as values."""

from __future__ import annotations

from enum import StrEnum


class ExportState(StrEnum):
    """Where an export record stands; of a batch one is pending at most (INV-15)."""

    PENDING = "PENDING"
    DONE = "DONE"


class InvoiceExportState(StrEnum):
    """What came of the export of an invoice."""

    DONE = "DONE"
    FAILED = "FAILED"
