"""Locked invoices as they are shown: what is there of them, put together, a span of them at once (INV-15).

Issuer and recipient are those of the lock; of who had no recipient then, the one that came since.
"""

from __future__ import annotations

from base64 import b64decode
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, RowMapping, text

from domain.invoicing.batches import store as batches
from domain.invoicing.batches.counting import Span
from domain.invoicing.batches.model import Batch
from domain.invoicing.batches.numbering import of
from domain.invoicing.batches.states import BatchKind
from domain.invoicing.configuration import schedule_store
from domain.invoicing.configuration.model import CycleSettings, IssuerSettings, RecipientSettings
from domain.invoicing.documents.model import DocumentLine, DocumentTax, InvoiceDocument, PaymentDetails, Preceding
from domain.invoicing.export.model import RECIPIENT_MISSING, Draft
from domain.invoicing.invoices.numbers import number_text
from domain.invoicing.invoices.states import InvoiceKind, TaxCategory
from domain.invoicing.names import recipient_name
from domain.kernel.documents import from_text
from domain.kernel.structures import value_from
from domain.kernel.time import BusinessZone, date_of, day_of

_Key = tuple[str, str]

_DUE = (
    "i.cycle_code = :cycle AND i.schedule_code = :schedule AND i.account_id BETWEEN :first AND :last"
    " AND i.batch_id = :batch_id AND i.state = 'LOCKED' AND i.number_no > 0 AND NOT EXISTS (SELECT 1"
    " FROM invoice_export x WHERE x.account_id = i.account_id AND x.invoice_id = i.invoice_id AND x.state = 'DONE')"
)
_INVOICES = text(
    "SELECT i.account_id, i.invoice_id, i.kind, i.currency, i.number_no, i.net_minor, i.tax_minor, i.reason,"  # noqa: S608
    " coalesce(CASE WHEN i.recipient_version IN (0, r.version) THEN r.document ELSE v.document END, '') AS recipient,"
    " coalesce(c.number_no, 0) AS credited_no, coalesce(b.issue_day, 0) AS credited_day,"
    " coalesce(b.batch_id, '') AS credited_batch"
    " FROM invoice i LEFT JOIN recipient r ON r.account_id = i.account_id"
    " LEFT JOIN recipient_version v ON v.account_id = i.account_id AND v.version = i.recipient_version"
    " LEFT JOIN invoice c ON c.account_id = i.account_id AND c.invoice_id = i.credits_id AND i.credits_id <> ''"
    f" LEFT JOIN invoice_batch b ON b.batch_id = c.batch_id WHERE {_DUE} ORDER BY i.account_id, i.invoice_id"
)


def _of(table: str, columns: str, order: str) -> str:
    return (
        f"SELECT i.account_id, i.invoice_id, {columns} FROM invoice i"  # noqa: S608 - words of ours
        f" JOIN {table} t ON t.account_id = i.account_id AND t.invoice_id = i.invoice_id"
        f" WHERE {_DUE} ORDER BY i.account_id, i.invoice_id, {order}"
    )


_LINES = text(
    _of(
        "invoice_line",
        "t.description, t.net_minor, t.tax_category, t.tax_ppm, t.quantity, t.unit_code, t.price, t.start_day,"
        " t.end_day",
        "t.line_no",
    )
)
_TAXES = text(_of("invoice_tax", "t.tax_category, t.tax_ppm, t.net_minor, t.tax_minor", "t.tax_category, t.tax_ppm"))


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What all invoices of a span have in common; days are yyyymmdd, 0 for none, the last one included."""

    issuer: IssuerSettings
    issue_day: int
    due_day: int
    start_day: int
    end_day: int
    logo: bytes

    def number(self, kind: InvoiceKind, issue_day: int, number_no: int) -> str:
        """The legal number of an invoice, or of a credit note."""
        prefix = self.issuer.credit_prefix if kind is InvoiceKind.CREDIT_NOTE else self.issuer.prefix
        return number_text(prefix, issue_day, number_no)


def drafts(tx: Connection, batch: Batch, settings: CycleSettings, span: Span) -> list[Draft]:
    """Those of a span that have a number and were not exported yet.

    Cost: six statements and their rows, and one for each batch of which an invoice is credited.
    """
    head = letterhead(tx, batch, settings, span.schedule)
    values = of(batch, span)
    rows = tx.execute(_INVOICES, values).mappings().all()
    if not rows:
        return []
    lines: dict[_Key, list[DocumentLine]] = defaultdict(list)
    for account_id, invoice_id, *fields in tx.execute(_LINES, values):
        of_invoice = lines[account_id, invoice_id]
        of_invoice.append(_line(len(of_invoice) + 1, fields))
    taxes: dict[_Key, list[DocumentTax]] = defaultdict(list)
    for account_id, invoice_id, category, ppm, net, tax in tx.execute(_TAXES, values):
        reason = head.issuer.reasons.get(category, "")
        taxes[account_id, invoice_id].append(DocumentTax(TaxCategory(category), ppm, net, tax, reason))
    prefixes = {
        each: str(batches.issuer_of(tx, each)["settings"]["prefix"])
        for each in {row["credited_batch"] for row in rows} - {""}
    }
    return [_draft(head, row, lines, taxes, prefixes) for row in rows]


def letterhead(tx: Connection, batch: Batch, settings: CycleSettings, schedule_code: str) -> Letterhead:
    """What all invoices of a batch and schedule have in common. Cost: two statements."""
    issuer = value_from(IssuerSettings, batches.issuer_of(tx, batch.batch_id)["settings"])
    start_day = end_day = 0
    schedule = schedule_store.find(tx, batch.cycle_code, schedule_code)
    if batch.kind is BatchKind.INVOICES and schedule is not None:
        zone = BusinessZone(settings.time_zone)
        start_day, end_day = zone.today(schedule.start_us), zone.today(schedule.end_us - 1)
    due_day = day_of(date_of(batch.issue_day) + timedelta(days=settings.payment_days))
    return Letterhead(issuer, batch.issue_day, due_day, start_day, end_day, b64decode(issuer.logo))


def _line(number: int, fields: Sequence[str | int]) -> DocumentLine:
    description, net, category, ppm, quantity, unit, price, start, end = fields
    return DocumentLine(
        number=number,
        description=str(description),
        net_minor=int(net),
        tax_category=TaxCategory(str(category)),
        tax_ppm=int(ppm),
        quantity=str(quantity),
        unit_code=str(unit),
        price=str(price),
        start_day=int(start),
        end_day=int(end),
    )


def _draft(
    head: Letterhead,
    row: RowMapping,
    lines: Mapping[_Key, Iterable[DocumentLine]],
    taxes: Mapping[_Key, Iterable[DocumentTax]],
    prefixes: Mapping[str, str],
) -> Draft:
    key = row["account_id"], row["invoice_id"]
    if not row["recipient"]:
        message = f"there is no {recipient_name(key[0])} to whom it could go"
        return Draft(*key, row["number_no"], None, RECIPIENT_MISSING, message)
    recipient = value_from(RecipientSettings, from_text(row["recipient"]))
    kind = InvoiceKind(row["kind"])
    preceding = None
    if row["credited_no"]:
        day = row["credited_day"]
        preceding = Preceding(number_text(prefixes[row["credited_batch"]], day, row["credited_no"]), day)
    issuer = head.issuer
    document = InvoiceDocument(
        kind=kind,
        number=head.number(kind, head.issue_day, row["number_no"]),
        account_id=key[0],
        issue_day=head.issue_day,
        due_day=head.due_day if kind is InvoiceKind.INVOICE else head.issue_day,
        currency=row["currency"],
        seller=issuer.party,
        buyer=recipient.party,
        payment=PaymentDetails(issuer.iban, issuer.bic, issuer.bank_account_name),
        lines=tuple(lines[key]),
        taxes=tuple(taxes[key]),
        net_minor=row["net_minor"],
        tax_minor=row["tax_minor"],
        start_day=head.start_day,
        end_day=head.end_day,
        buyer_reference=recipient.reference,
        note=" ".join(filter(None, [row["reason"], issuer.note])),
        preceding=preceding,
        logo=head.logo,
    )
    return Draft(*key, row["number_no"], document)
