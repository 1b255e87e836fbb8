"""The SQL of credit notes; one statement a function, along primary keys and unique indexes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, fields

from sqlalchemy import Connection, insert, or_, select

from domain.invoicing.batches.states import BatchKind
from domain.invoicing.crediting.choosing import NOTHING, Before
from domain.invoicing.invoices.model import (
    BILLING,
    CREDIT,
    Invoice,
    InvoiceLine,
    InvoiceTax,
    NewLine,
    Place,
    ReckonedTax,
)
from domain.invoicing.invoices.store import adding
from domain.invoicing.invoices.store.reading import COLUMNS, from_row
from domain.invoicing.tables import invoice, invoice_batch, invoice_line, invoice_reckoned_tax
from domain.kernel.bulk import insert_rows
from domain.kernel.quantities import attos_of

_i, _l, _r, _b = invoice.c, invoice_line.c, invoice_reckoned_tax.c, invoice_batch.c
_LINE = [_l[field.name] for field in fields(InvoiceLine)]
_BEHIND = "0"  # the sign behind the / that parts an external id


def lines(tx: Connection, of: Invoice) -> list[InvoiceLine]:
    """All lines of an invoice, by number."""
    query = select(*_LINE).where(_l.account_id == of.account_id, _l.invoice_id == of.invoice_id).order_by(_l.line_no)
    return [InvoiceLine(*row) for row in tx.execute(query)]


def credited(tx: Connection, of: Invoice) -> dict[int, Before]:
    """By number what credit notes have given back of an invoice's lines."""
    query = select(_l.external_id, _l.net_minor, _l.quantity).where(
        _l.account_id == of.account_id,
        _l.source == CREDIT,
        _l.external_id > f"{of.invoice_id}/",
        _l.external_id < f"{of.invoice_id}{_BEHIND}",
    )
    found: dict[int, Before] = {}
    for external_id, net_minor, quantity in tx.execute(query):
        line_no = int(external_id.split("/")[1])
        turns, net, attos = found.get(line_no, NOTHING)
        found[line_no] = Before(turns + 1, net + net_minor, attos + (attos_of(quantity) or 0 if quantity else 0))
    return found


def notes(tx: Connection, of: Invoice) -> list[Invoice]:
    """The credit notes of an invoice, by age; along ix_invoice_credits."""
    query = select(*COLUMNS).where(_i.account_id == of.account_id, _i.credits_id == of.invoice_id)
    return [from_row(row) for row in tx.execute(query.order_by(_i.invoice_id)).mappings()]


def taxes_of(tx: Connection, of: Invoice, segment_ids: Collection[str]) -> list[ReckonedTax]:
    """What bills have reckoned of an invoice's tax for segments."""
    names = [name for name in ReckonedTax._fields if name != "currency"]
    query = select(*(_r[name] for name in names)).where(
        _r.account_id == of.account_id, _r.invoice_id == of.invoice_id, _r.segment_id.in_(sorted(segment_ids))
    )
    rows = tx.execute(query.order_by(_r.source, _r.external_id)).mappings()
    return [ReckonedTax(currency=of.currency, **row) for row in rows]


def lines_of_segments(
    tx: Connection, account_id: str, segments: Iterable[tuple[str, str]]
) -> dict[str, list[InvoiceLine]]:
    """By invoice, the lines that bills have put there for segments (bill and segment), where their bill charged them.

    Cost: one look along invoice_line_once for each segment.
    """
    found: dict[str, list[InvoiceLine]] = {}
    begun = [
        (_l.external_id > f"{bill_id}/{segment_id}/") & (_l.external_id < f"{bill_id}/{segment_id}{_BEHIND}")
        for bill_id, segment_id in sorted(segments)
    ]
    if not begun:
        return found
    query = select(*_LINE).where(_l.account_id == account_id, _l.source == BILLING, or_(*begun))
    for row in tx.execute(query.order_by(_l.invoice_id, _l.line_no)):
        line = InvoiceLine(*row)
        found.setdefault(line.invoice_id, []).append(line)
    return found


def insert_lines(tx: Connection, note_id: str, made: Sequence[NewLine], now_us: int) -> None:
    """The lines of a credit note, numbered from 1."""
    adding.insert_lines(tx, [(line, Place(note_id, at)) for at, line in enumerate(made, start=1)], now_us)


def insert_taxes(
    tx: Connection, of: Invoice, reckoned: Sequence[ReckonedTax], sums: Sequence[tuple[InvoiceTax, int]]
) -> None:
    """The taxes of a credit note: those that bills have reckoned, and by rate what it comes to, and of that theirs."""
    adding.insert_taxes(tx, [(each, of.invoice_id) for each in reckoned])
    columns = ("account_id", "invoice_id", *InvoiceTax._fields, "reckoned_minor")
    insert_rows(tx, "invoice_tax", columns, [(of.account_id, of.invoice_id, *tax, known) for tax, known in sums])


def insert_note(tx: Connection, note: Invoice) -> None:
    """The row of a credit note."""
    row = asdict(note)
    tx.execute(insert(invoice).values(**{**row, "final": int(note.final), "aggregated": int(note.aggregated)}))


def collecting(tx: Connection, cycle_code: str, issuer_code: str, issue_day: int) -> str | None:
    """The id of the batch that collects the credit notes of a cycle, issuer and day; along its own index."""
    query = select(_b.batch_id).where(
        _b.kind == BatchKind.CREDIT_NOTES,
        _b.transition_count == 1,
        _b.cycle_code == cycle_code,
        _b.issuer_code == issuer_code,
        _b.issue_day == issue_day,
    )
    return tx.execute(query).scalar_one_or_none()
