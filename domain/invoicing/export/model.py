"""What is exported of batches, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.invoicing.documents.model import InvoiceDocument
from domain.invoicing.names import export_name

EXPORT_KIND = "invoicing.export"
EXPORT_ENGINE_KIND = "invoicing.export_engine"

WORKFLOW_UNKNOWN = "WORKFLOW_UNKNOWN"
EXPORT_INCOMPLETE = "EXPORT_INCOMPLETE"
RECIPIENT_MISSING = "RECIPIENT_MISSING"


class ExportState(StrEnum):
    """Where an export record stands; of a batch one is pending at most (INV-15)."""

    PENDING = "PENDING"
    DONE = "DONE"


class InvoiceExportState(StrEnum):
    """What came of the export of an invoice."""

    DONE = "DONE"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class ExportRecord:
    """That a batch is to go to third parties, and how far that is; `reason` says why it does not go on.

    `operation_id` is the run under which its files are kept: that of the first attempt.
    """

    batch_id: str
    export_no: int
    cycle_code: str
    workflow: str
    state: ExportState
    attempt_count: int
    exported_count: int
    failed_count: int
    reason: str
    message: str
    operation_id: str
    created_us: int
    updated_us: int
    done_us: int

    @property
    def name(self) -> str:
        """Its resource name."""
        return export_name(self.batch_id, self.export_no)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an invoice was not exported."""

    account_id: str
    invoice_id: str
    reason: str
    message: str
    at_us: int


@dataclass(frozen=True, slots=True)
class Draft:
    """An invoice that is to be exported. Without a document `reason` and `message` say what it lacks."""

    account_id: str
    invoice_id: str
    number_no: int
    document: InvoiceDocument | None
    reason: str = ""
    message: str = ""
