"""What a run has to say to people (ACC-30, ACC-31)."""

from __future__ import annotations

from domain.accounting.batches.model import Batch
from domain.accounting.names import client_name
from domain.operations.model import Notice, Severity


def nothing_pending(client_code: str) -> Notice:
    """That there was nothing to write."""
    message = f"nothing of {client_name(client_code)} waited for a file: none was written, no batch was made"
    return Notice("ACCOUNTING_BATCH_NOTHING_PENDING", Severity.INFORMATIVE, message, client_name(client_code))


def day_off(client_code: str) -> Notice:
    """That it was no business day, and files were wanted on those alone."""
    message = f"today is no business day of {client_name(client_code)}: what waits is left for the next one"
    return Notice("ACCOUNTING_BATCH_DAY_OFF", Severity.INFORMATIVE, message, client_name(client_code))


def set_apart(client_code: str, count: int) -> Notice:
    """That some of what waited does not fit into the file."""
    message = f"{count} of what waited of {client_name(client_code)} does not fit into the file: each has a task"
    return Notice("ACCOUNTING_BATCH_SET_APART", Severity.WARNING, message, client_name(client_code))


def written(batch: Batch) -> Notice:
    """That a batch was written."""
    message = f"{batch.name} was written to data file set {batch.data_file_set_code}"
    return Notice("ACCOUNTING_BATCH_WRITTEN", Severity.INFORMATIVE, message, batch.name)
