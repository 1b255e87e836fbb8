"""Invoices and their lines as they are shown: to those who maintain them all, to readers what is published (INV-08)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection

from domain.invoicing.batches import store as batches
from domain.invoicing.batches.states import BatchState
from domain.invoicing.configuration import recipient_store
from domain.invoicing.configuration.registers import CYCLES
from domain.invoicing.invoices.errors import InvoiceNotFound, LineNotFound
from domain.invoicing.invoices.model import Invoice, InvoiceLine, Shown, ShownState
from domain.invoicing.invoices.numbers import number_text, read_number
from domain.invoicing.invoices.states import InvoiceKind, InvoiceState
from domain.invoicing.invoices.store import reading as store
from domain.invoicing.invoices.store.reading import Filter
from domain.kernel.paging import Page
from domain.kernel.registers import store as registers
from domain.kernel.scopes import Scope
from domain.kernel.time import date_of, day_of

_PREFIXES = {InvoiceKind.INVOICE: "prefix", InvoiceKind.CREDIT_NOTE: "credit_prefix"}


def row(tx: Connection, account_id: str, invoice_id: str, scope: Scope) -> Invoice:
    """The row of an invoice. Raises: InvoiceNotFound, also where its cycle lies outside the scope."""
    found = store.find(tx, account_id, invoice_id)
    if found is None or not scope.has(CYCLES.shelf.scope_kind, found.cycle_code):
        raise InvoiceNotFound(account_id, invoice_id)
    return found


def get(tx: Connection, account_id: str, invoice_id: str, scope: Scope, *, readers: bool = False) -> Shown:
    """The invoice, with what is told to `readers` alone. Raises: as `row`. Cost: some eight statements by key."""
    return shown(tx, [row(tx, account_id, invoice_id, scope)], readers=readers)[0]


def get_published(tx: Connection, account_id: str, invoice_id: str, scope: Scope) -> Shown:
    """The invoice, if it is published. Raises: InvoiceNotFound."""
    found = get(tx, account_id, invoice_id, scope, readers=True)
    if found.state is not ShownState.PUBLISHED:
        raise InvoiceNotFound(account_id, invoice_id)
    return found


def list_page(
    tx: Connection, wanted: Filter, number: str, page: Page, scope: Scope, *, readers: bool = False
) -> list[Shown]:
    """One invoice more than the page holds, if there is one; its key is that of `store.key_of`.

    Cost: as `store.page`, and some eight statements for the page; by number, what the batch's invoices cost to read.
    """
    if number:
        asked = _of_number(tx, wanted, number)
        if asked is None:
            return []
        wanted = asked
    found = store.page(tx, wanted, cycles=scope.names("cycles"), after=page.after, limit=page.size + 1)
    return shown(tx, found, readers=readers)


def lines_page(tx: Connection, of: Invoice, page: Page) -> list[InvoiceLine]:
    """One line more of an invoice than the page holds, if there is one, by number."""
    after = int(page.after[0]) if page.after else 0
    return store.lines_page(tx, of.account_id, of.invoice_id, after=after, limit=page.size + 1)


def line(tx: Connection, of: Invoice, line_no: int) -> InvoiceLine:
    """A line of an invoice. Raises: LineNotFound."""
    found = store.line(tx, of.account_id, of.invoice_id, line_no)
    if found is None:
        raise LineNotFound(of.account_id, of.invoice_id, line_no)
    return found


def shown(tx: Connection, invoices: Sequence[Invoice], *, readers: bool = False) -> list[Shown]:
    """Invoices with what they have from their batches, aggregation and credit notes; `readers` see published ones."""
    aggregated = [each for each in invoices if each.aggregated]
    taxes = store.taxes(tx, [(each.account_id, each.invoice_id) for each in aggregated])
    batched = store.batched(tx, {each.batch_id for each in invoices if each.batch_id})
    locked = {each.batch_id for each in invoices if each.number_no}
    prefixes = {batch_id: _prefixes(tx, batch_id) for batch_id in locked}
    credited = store.credited(
        tx, [(each.account_id, each.invoice_id) for each in invoices if each.number_no], published=readers
    )
    recipients = recipient_store.as_of(tx, {(i.account_id, i.recipient_version) for i in invoices if i.number_no})
    payment_days = _payment_days(tx, {each.cycle_code for each in invoices if each.number_no})
    result = []
    for each in invoices:
        batch = batched.get(each.batch_id)
        published = batch is not None and batch.state is BatchState.PUBLISHED and each.state is InvoiceState.LOCKED
        found = Shown(each, ShownState.PUBLISHED if published else ShownState(each.state))
        if each.aggregated:
            found = replace(found, taxes=tuple(taxes.get((each.account_id, each.invoice_id), ())))
        if each.number_no and batch is not None:
            number = number_text(prefixes[each.batch_id][each.kind], batch.issue_day, each.number_no)
            due = date_of(batch.issue_day) + timedelta(days=payment_days[each.cycle_code])
            found = replace(found, number=number, issue_day=batch.issue_day, due_day=day_of(due))
            found = replace(found, credited_minor=credited.get((each.account_id, each.invoice_id), 0))
            found = replace(found, recipient=recipients.get((each.account_id, each.recipient_version)))
        result.append(found)
    return result


def _of_number(tx: Connection, wanted: Filter, number: str) -> Filter | None:
    """The filter with the number that is asked for; None if there can be none."""
    read = read_number(number)
    if read is None:
        return None
    prefix, year, number_no = read
    ids = store.batches_of_number(tx, year, number_no)
    kinds = {(each, kind) for each in ids for kind, its in _prefixes(tx, each).items() if its == prefix}
    named = {kind for _, kind in kinds}
    allowed = named.intersection(wanted.kinds) if wanted.kinds else named
    if not allowed:
        return None
    return replace(wanted, number_no=number_no, number_batches={each for each, _ in kinds}, kinds=allowed)


def _prefixes(tx: Connection, batch_id: str) -> dict[InvoiceKind, str]:
    """By kind, what numbers begin with, by the issuer as of the batch's lock."""
    settings = batches.issuer_of(tx, batch_id).get("settings", {})
    return {kind: str(settings.get(name, "")) for kind, name in _PREFIXES.items()}


def _payment_days(tx: Connection, cycles: set[str]) -> dict[str, int]:
    found = {code: registers.find(tx, CYCLES, code) for code in cycles}
    return {code: cycle.settings.payment_days for code, cycle in found.items() if cycle is not None}
