"""Lines and reckoned taxes are taken off again, while their invoice is not locked (INV-12)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import Connection

from domain.invoicing.invoices.holding import hold
from domain.invoicing.invoices.store import taking as store
from domain.invoicing.invoices.store.taking import Wanted
from domain.kernel import events, scopes
from domain.kernel.call import Call


@dataclass(frozen=True, slots=True)
class TakenOff:
    """How many lines and reckoned taxes were taken off."""

    lines: int
    taxes: int


def take_off(tx: Connection, call: Call, account_id: str, source: str, group: str) -> TakenOff:
    """Take off what a source has put on an account's invoices under external ids that begin with `{group}/`.

    What is not there any more is no error, so it can be done again. Cost: some seven statements for an invoice, which
    is locked until the transaction ends.

    Raises: InvoiceLocked, and nothing is taken off; RunningInvoiceBusy, and the transaction can be run again.
    """
    return _take(tx, call, Wanted(account_id, source, f"{group}/", f"{group}0"))  # 0 is what comes behind /


def take_one_off(tx: Connection, call: Call, account_id: str, source: str, external_id: str) -> TakenOff:
    """Take off what stands under one external id; as `take_off`."""
    return _take(tx, call, Wanted(account_id, source, external_id, f"{external_id}\x01"))  # no id holds so low a sign


def _take(tx: Connection, call: Call, wanted: Wanted) -> TakenOff:
    held = hold(tx, wanted.account_id, lambda: store.invoice_ids(tx, wanted))
    lines: dict[str, list[int]] = defaultdict(list)
    for invoice_id, net_minor in store.delete_lines(tx, wanted):
        lines[invoice_id].append(net_minor)
    taxes = store.delete_taxes(tx, wanted)
    less = [(each.invoice_id, len(lines[each.invoice_id]), sum(lines[each.invoice_id])) for each in held]
    assert lines.keys() == {each.invoice_id for each in held}, "lines stand on invoices that are held"
    store.lessen(tx, wanted.account_id, less, call.now_us)
    for each, (_, count, net_minor) in zip(held, less, strict=True):
        told = {"source": wanted.source, "first_external_id": wanted.first, "lines": count, "net_minor": net_minor}
        scope_id = scopes.intern(tx, scopes.of_one("cycles", each.cycle_code))
        events.append(tx, call, each.name, "invoice.lines_taken_off", told, scope_id=scope_id)
    return TakenOff(sum(map(len, lines.values())), taxes)
