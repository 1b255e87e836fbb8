"""What batches refuse, and why one is held or has failed."""

from __future__ import annotations

from domain.invoicing.names import BATCH_TYPE, HOOK_TYPE, batch_name, cycle_name, hookpoint_name
from domain.kernel.errors import CodeTaken, IllegalTransition, NotFound, OutOfRange, Refused


class InvoiceBatchNotFound(NotFound):
    """There is no such batch."""

    reason = "INVOICE_BATCH_NOT_FOUND"

    def __init__(self, batch_id: str) -> None:
        super().__init__(BATCH_TYPE, batch_name(batch_id))


class InvoiceBatchTaken(CodeTaken):
    """There is a batch with this id already."""

    reason = "INVOICE_BATCH_TAKEN"

    def __init__(self, batch_id: str) -> None:
        super().__init__(BATCH_TYPE, batch_name(batch_id))


class InvoiceBatchTransitionIllegal(IllegalTransition):
    """The batch does not go from its state to that one."""

    reason = "INVOICE_BATCH_TRANSITION_ILLEGAL"


class InvoiceBatchNotReady(Refused):
    """The batch waits for something before it goes on."""

    reason = "INVOICE_BATCH_NOT_READY"

    def __init__(self, name: str, *, state: str, wanted: str, waits_for: str) -> None:
        super().__init__(
            f"{name} is {state} and waits for {waits_for} before it is {wanted}",
            resource_type=BATCH_TYPE,
            resource_name=name,
            state=state,
            wanted=wanted,
        )


class InvoiceBatchBusy(Refused):
    """An operation works on the batch: wait for its end."""

    reason = "INVOICE_BATCH_BUSY"

    def __init__(self, name: str, operation_id: str) -> None:
        operation = f"operations/{operation_id}"
        super().__init__(
            f"{operation} works on {name}: wait for its end, resume it if it is paused, or cancel it",
            resource_type=BATCH_TYPE,
            resource_name=name,
            operation=operation,
        )


class InvoiceBatchGoneOn(Refused):
    """The batch has gone on without the operation since it failed: retry the batch."""

    reason = "INVOICE_BATCH_GONE_ON"


class InvoiceBatchNotAggregating(Refused):
    """Only a batch in AGGREGATING, before its lock, is aggregated."""

    reason = "INVOICE_BATCH_NOT_AGGREGATING"

    def __init__(self, name: str, *, state: str, locked: bool) -> None:
        told = f"{state} and locked" if locked else state
        super().__init__(
            f"{name} is {told}: only one in AGGREGATING, before its lock, is aggregated",
            resource_type=BATCH_TYPE,
            resource_name=name,
            state=state,
        )


class InvoiceCurrenciesDiffer(Refused):
    """The account has running invoices in two currencies, which do not become one: take the lines off one of them."""

    reason = "INVOICE_CURRENCIES_DIFFER"

    def __init__(self, account_id: str) -> None:
        name = f"accounts/{account_id}"
        super().__init__(
            f"{name} has running invoices in two currencies, which do not become one: take the lines off one of them",
            resource_name=name,
        )


class HookpointNotFound(NotFound):
    """No hook answers to the key."""

    reason = "HOOKPOINT_NOT_FOUND"

    def __init__(self, key: str) -> None:
        super().__init__(HOOK_TYPE, hookpoint_name(key))


class NothingToClose(Refused):
    """No schedule of the cycle has ended that is not in a batch already."""

    reason = "INVOICE_BATCH_NOTHING_TO_CLOSE"

    def __init__(self, cycle: str) -> None:
        name = cycle_name(cycle)
        super().__init__(f"no schedule of {name} has ended by then that is not in a batch already", resource_name=name)


class BatchesCursorAhead(OutOfRange):
    """The batches have not reached the sequence that the watch asks to go on from."""

    reason = "INVOICE_BATCH_CURSOR_AHEAD"


NOTHING_ENDED = "INVOICE_BATCH_NOTHING_ENDED"
"""Held in PENDING_CLOSE: its time has come, and no schedule of it has ended."""

STILL_RUNNING = "INVOICE_BATCH_STILL_RUNNING"
"""Held in CLOSED: invoices of its schedules have begun while it was closing; they are looked at next."""

NOT_AGGREGATED = "INVOICE_BATCH_NOT_AGGREGATED"
"""Held in AGGREGATING: not every invoice is aggregated."""

TAX_CATEGORIES_MIXED = "INVOICE_BATCH_TAX_CATEGORIES_MIXED"
"""Held in AGGREGATING: an invoice has lines that are not subject to VAT beside others (BR-O-11)."""

HOOK_REFUSES = "INVOICE_BATCH_HOOK_REFUSES"
"""Held: its hook answered that it is not to go on."""

HOOK_FAILED = "INVOICE_BATCH_HOOK_FAILED"
"""Held: its hook could not be asked, or answered nothing that can be."""

NO_INVOICES = "INVOICE_BATCH_NO_INVOICES"
"""Failed in READY_FOR_SENDING: it has no invoices."""
