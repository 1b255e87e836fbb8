"""What batches refuse, each with its own reason."""

from __future__ import annotations

from domain.accounting.names import BATCH_TYPE, CLIENT_TYPE, batch_name, client_name
from domain.kernel.errors import NotFound, Refused


class BatchNotConfigured(Refused):
    """Batch files are not configured for the client."""

    reason = "ACCOUNTING_BATCH_NOT_CONFIGURED"

    def __init__(self, client_code: str) -> None:
        super().__init__(resource_type=CLIENT_TYPE, resource_name=client_name(client_code))


class BatchNotFound(NotFound):
    """There is no such batch."""

    reason = "ACCOUNTING_BATCH_NOT_FOUND"

    def __init__(self, client_code: str, batch_no: int) -> None:
        super().__init__(BATCH_TYPE, batch_name(client_code, batch_no))


class BatchBeingWritten(Refused):
    """A file of the batch is being written just now; wait for that operation."""

    reason = "ACCOUNTING_BATCH_BEING_WRITTEN"

    def __init__(self, name: str, writer_id: str) -> None:
        operation = f"operations/{writer_id}"
        super().__init__(
            f"a file of {name} is being written just now: wait for {operation}, or cancel or recover it",
            resource_type=BATCH_TYPE,
            resource_name=name,
            operation=operation,
        )


class ReturnContradicts(Refused):
    """The receiver has said otherwise of this operation before, and that stands."""

    reason = "ACCOUNTING_RETURN_CONTRADICTS"

    def __init__(self, operation: str, *, said: str, wanted: str) -> None:
        super().__init__(
            f"{operation} was {said} before and cannot be {wanted} now",
            resource_name=operation,
            state=said,
            wanted=wanted,
        )
