"""What invoices and their lines are refused for."""

from __future__ import annotations

from collections.abc import Collection

from domain.invoicing.names import INVOICE_TYPE, LINE_TYPE, invoice_name, line_name
from domain.kernel.errors import NotFound, Refused, Unavailable


class InvoiceNotFound(NotFound):
    """There is no such invoice."""

    def __init__(self, account_id: str, invoice_id: str) -> None:
        super().__init__(INVOICE_TYPE, invoice_name(account_id, invoice_id))


class LineNotFound(NotFound):
    """There is no such line."""

    def __init__(self, account_id: str, invoice_id: str, line_no: int) -> None:
        super().__init__(LINE_TYPE, line_name(account_id, invoice_id, line_no))


class InvoiceLocked(Refused):
    """The invoice is locked: nothing of it changes any more, and it is corrected by a credit note."""

    reason = "INVOICE_LOCKED"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is locked: nothing of it changes any more, and it is corrected by a credit note",
            resource_name=name,
        )


class InvoiceMerged(Refused):
    """An older invoice that was carried has taken over the lines of this one."""

    reason = "INVOICE_MERGED"

    def __init__(self, name: str, into: str) -> None:
        super().__init__(f"{name} was taken over by {into}, which was carried", resource_name=name, merged_into=into)


class InvoiceNotRunning(Refused):
    """The invoice does not run any more."""

    reason = "INVOICE_NOT_RUNNING"

    def __init__(self, name: str, state: str) -> None:
        super().__init__(
            f"{name} is {state}: only a running invoice can be made final", resource_name=name, state=state
        )


class LineOfBill(Refused):
    """The line comes from a bill, and goes with it: reopen the bill, or credit it."""

    reason = "LINE_OF_BILL"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} comes from a bill, and goes with it: reopen the bill, or credit it", resource_name=name
        )


class RunningInvoiceBusy(Unavailable):
    """The account's running invoice is changed by others just now; try again."""

    reason = "RUNNING_INVOICE_BUSY"


class NotAllTaken(Exception):
    """Nothing was done of accounts that came together, as something of some is refused: each is told by itself."""

    def __init__(self, accounts: Collection[str]) -> None:
        super().__init__(f"{len(accounts)} accounts")
        self.accounts = frozenset(accounts)
