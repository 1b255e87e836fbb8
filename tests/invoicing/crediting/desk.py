"""A dock whose invoices are credited; the books of an account are what all details say that it owes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, text

from domain.billing.algorithms.registry import Algorithms
from domain.billing.bills.completing import Bench
from domain.billing.bills.completion import Answered
from domain.billing.configuration.snapshot import Configurations
from domain.flows import crediting
from domain.flows.billing import Billed
from domain.flows.crediting import Wanted
from domain.flows.invoices import RunningInvoices
from domain.gl_extraction.tables import accounting_detail
from domain.invoicing.batches.model import Batch
from domain.invoicing.batches.states import BatchKind
from domain.invoicing.crediting.choosing import Part
from domain.invoicing.invoices import listing
from domain.invoicing.invoices.model import Invoice, InvoiceLine, Shown
from domain.invoicing.invoices.states import InvoiceKind
from domain.invoicing.invoices.store import reading
from domain.kernel.scopes import EVERYTHING
from tests.invoicing.batches.house import IN_APRIL, IN_MARCH
from tests.invoicing.export.dock import Dock
from tests.invoicing.invoices.office import line

NONE: Mapping[int, Part] = {}


class CreditDesk(Dock):
    """Invoices of March, locked, of which something is given back in April."""

    told: Mapping[str, Mapping[str, str]] = {}
    """By the external id of a line what it tells beside its amount."""

    def locked(self, lines: Mapping[str, tuple[int, int]], account: str = "A") -> Invoice:
        """An invoice of an account with lines (by external id: net, tax rate in millionths), locked."""
        return self.all_locked({account: lines})[account]

    def all_locked(self, lines: Mapping[str, Mapping[str, tuple[int, int]]]) -> dict[str, Invoice]:
        """Likewise for several accounts."""
        self.now_us = IN_MARCH
        made = [
            line(f"{account}-{key}", net, account, tax_ppm=ppm, description=key, **self.told.get(key, {}))
            for account, some in lines.items()
            for key, (net, ppm) in some.items()
        ]
        added = self.add(*made, call=self.call)
        assert not added.refused, added.refused
        self.now_us = IN_APRIL
        self.go_on(self.close().batch_id)
        return {account: self.invoice(account) for account in lines}

    def invoice(self, account: str = "A") -> Invoice:
        """The one invoice of an account that is none of its credit notes."""
        (found,) = (each for each in self.invoices(account) if each.kind is InvoiceKind.INVOICE)
        return found

    def notes(self, account: str = "A") -> list[Invoice]:
        """The credit notes of an account, by age."""
        return [each for each in self.invoices(account) if each.kind is InvoiceKind.CREDIT_NOTE]

    def all_notes(self) -> list[Invoice]:
        """All credit notes."""
        return [each for each in self.all_invoices() if each.kind is InvoiceKind.CREDIT_NOTE]

    def forget(self) -> None:
        """Nothing but cycle and books are left."""
        names = (
            *("invoice_tax", "invoice_reckoned_tax", "invoice_line", "invoice", "invoice_schedule", "number_series"),
            *("export_record", "invoice_batch_transition", "invoice_batch"),
        )
        self.do(lambda tx: [tx.execute(text(f"DELETE FROM {name}")) for name in names])

    def credit(
        self, of: Invoice, *line_nos: int, reason: str = "wrong", call: Any = None, parts: Mapping[int, Part] = NONE
    ) -> Shown:
        """Give lines of an invoice back, or parts of them, or all that is left."""
        bench = Bench(Configurations(), Billed(), RunningInvoices(), Algorithms(()))
        wanted = Wanted(of.account_id, of.invoice_id, frozenset(line_nos), reason, parts)
        call = call or self.call
        return self.do(lambda tx: crediting.credit(tx, call, bench, wanted, Answered.none(call.now_us)))

    def shown_to_readers(self, of: Invoice) -> Shown:
        """A published invoice."""
        return self.database.read(lambda tx: listing.get_published(tx, of.account_id, of.invoice_id, EVERYTHING))

    def collecting(self) -> list[Batch]:
        """The batches of credit notes, newest first."""
        return [each for each in self.batches() if each.kind is BatchKind.CREDIT_NOTES]

    def owes(self, account: str = "A", receivable: str = "AR") -> int:
        """What the books say that an account owes, in minor units."""
        d = accounting_detail.c
        query = select(d.debit_minor - d.credit_minor).where(
            d.subject == f"accounts/{account}", d.distribution_account == receivable
        )
        return sum(int(each) for each in self.database.read(lambda tx: tx.execute(query).scalars().all()))

    def lines_of(self, of: Invoice) -> list[InvoiceLine]:
        """The lines of an invoice or credit note."""
        read = reading.lines_page
        return self.database.read(lambda tx: read(tx, of.account_id, of.invoice_id, after=0, limit=999))

    def credited_lines(self, account: str = "A") -> list[tuple[str, int]]:
        """Which lines credit notes give back (invoice and line), and how much of each."""
        query = text(
            "SELECT external_id, net_minor FROM invoice_line WHERE account_id = :account AND source = 'credit'"
            " ORDER BY external_id"
        )
        rows = self.database.read(lambda tx: tx.execute(query, {"account": account}).all())
        return [(row[0], row[1]) for row in rows]

    def totals(self) -> list[tuple[str, int]]:
        """Debits less credits by what they were posted for; it is zero for each."""
        d = accounting_detail.c
        found: dict[str, int] = {}
        query = select(d.grouping, d.debit_minor - d.credit_minor)
        for grouping, minor in self.database.read(lambda tx: tx.execute(query).all()):
            found[grouping] = found.get(grouping, 0) + int(minor)
        return sorted(found.items())


def total(of: Invoice) -> int:
    """Net and tax."""
    return of.net_minor + of.tax_minor
