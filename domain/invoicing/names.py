"""Resource names of the room (AIP-122), made and read in one place."""

from __future__ import annotations

ISSUER_TYPE = "countinghouse.invoicing/Issuer"
CYCLE_TYPE = "countinghouse.invoicing/BillingCycle"
SCHEDULE_TYPE = "countinghouse.invoicing/InvoiceSchedule"
RECIPIENT_TYPE = "countinghouse.invoicing/Recipient"
INVOICE_TYPE = "countinghouse.invoicing/Invoice"
LINE_TYPE = "countinghouse.invoicing/InvoiceLine"
BATCH_TYPE = "countinghouse.invoicing/InvoiceBatch"
TRANSITION_TYPE = "countinghouse.invoicing/InvoiceBatchTransition"
EXPORT_TYPE = "countinghouse.invoicing/ExportRecord"
HOOK_TYPE = "countinghouse.invoicing/Hookpoint"


def issuer_name(code: str) -> str:
    """`issuers/{code}`."""
    return f"issuers/{code}"


def cycle_name(code: str) -> str:
    """`billingCycles/{code}`."""
    return f"billingCycles/{code}"


def schedule_name(cycle: str, code: str) -> str:
    """`billingCycles/{cycle}/schedules/{code}`."""
    return f"billingCycles/{cycle}/schedules/{code}"


def recipient_name(account: str) -> str:
    """`recipients/{account}`."""
    return f"recipients/{account}"


def invoice_name(account: str, invoice: str) -> str:
    """`accounts/{account}/invoices/{invoice}`."""
    return f"accounts/{account}/invoices/{invoice}"


def line_name(account: str, invoice: str, line_no: int) -> str:
    """`accounts/{account}/invoices/{invoice}/lines/{line}`."""
    return f"accounts/{account}/invoices/{invoice}/lines/{line_no}"


def batch_name(batch: str) -> str:
    """`invoiceBatches/{batch}`."""
    return f"invoiceBatches/{batch}"


def transition_name(batch: str, transition_no: int) -> str:
    """`invoiceBatches/{batch}/transitions/{number}`."""
    return f"invoiceBatches/{batch}/transitions/{transition_no}"


def export_name(batch: str, export_no: int) -> str:
    """`invoiceBatches/{batch}/exports/{number}`."""
    return f"invoiceBatches/{batch}/exports/{export_no}"


def hookpoint_name(key: str) -> str:
    """`hookpoints/{key}`."""
    return f"hookpoints/{key}"


def credit_place(batch: str) -> str:
    """Where the credit notes of a batch stand instead of in a schedule; no code of a schedule is written so."""
    return f"creditNotes/{batch}"
