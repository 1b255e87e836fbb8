"""Running invoices by the client in few words, on a server with a billing cycle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from google.protobuf.json_format import ParseDict
from sqlalchemy import insert, update

from countinghouse.client import IngestTotals, Refusal
from countinghouse.invoicing.v1 import invoice_lines_pb2, invoices_pb2
from domain.invoicing.tables import invoice, invoice_batch, invoice_tax
from domain.kernel.documents import to_text
from server.database.transaction import Database
from tests.wire.invoicing.desk import Desk, Fields

CYCLE = "billingCycles/MONTHLY"
SCHEDULE = f"{CYCLE}/schedules/2026-04-01"
LINE: Fields = {
    "source": "shop",
    "external_id": "1",
    "description": "Meter reading on site",
    "net_amount": {"currency_code": "EUR", "units": "25", "nanos": 500_000_000},
    "tax_category": "S",
    "tax_percent": {"value": "19"},
    "quantity": {"value": "2.5"},
    "unit_code": "HUR",
    "price": {"value": "10.20"},
    "start_date": {"year": 2026, "month": 3, "day": 1},
    "end_date": {"year": 2026, "month": 4, "day": 1},
    "distribution_code": "REVENUE",
}
BARE: Fields = {name: value for name, value in LINE.items() if name not in {"quantity", "unit_code", "price"}}


def euros(units: str, nanos: int = 0) -> Fields:
    """An amount."""
    return {"currency_code": "EUR", "units": units, "nanos": nanos}


def line(**changes: Any) -> invoice_lines_pb2.InvoiceLine:
    """A line without a price of one unit, of account A if it is not told of which; what is None is left out."""
    fields = {**BARE, "account": "accounts/A", **changes}
    return ParseDict(
        {name: value for name, value in fields.items() if value is not None}, invoice_lines_pb2.InvoiceLine()
    )


@dataclass(frozen=True, slots=True)
class Till:
    """What is done with invoices, by the client's methods."""

    desk: Desk
    url: str

    def call(self, method: str, message: str, **fields: Any) -> Any:
        """The answer of a method of the client's to a request."""
        module = invoice_lines_pb2 if hasattr(invoice_lines_pb2, message) else invoices_pb2
        return self.desk.call(method, module, message, **fields)

    def send(self, *lines: invoice_lines_pb2.InvoiceLine, cycle: str = CYCLE) -> IngestTotals:
        """Lines by stream."""
        return self.desk.client.invoicing.ingest_lines(lines, billing_cycle=cycle)

    def refused(self, *lines: invoice_lines_pb2.InvoiceLine) -> list[tuple[int, str, str]]:
        """Row, field and reason of all that is refused of lines by stream."""
        found: list[Refusal] = []
        self.desk.client.invoicing.ingest_lines(lines, billing_cycle=CYCLE, on_refusal=found.append)
        return [(each.row, wrong.field, wrong.reason) for each in found for wrong in each.violations]

    def create(self, parent: str = "accounts/A", request: Fields | None = None, **changes: Any) -> Any:
        """One line, for an account or on an invoice."""
        given = {"billing_cycle": CYCLE} if "/invoices/" not in parent else {}
        fields = {"parent": parent, "invoice_line": {**LINE, **changes}, **given, **(request or {})}
        return self.call("create_line", "CreateInvoiceLineRequest", **fields)

    def delete(self, name: str, **fields: Any) -> None:
        """Take a line off."""
        self.call("delete_line", "DeleteInvoiceLineRequest", name=name, **fields)

    def get(self, name: str) -> invoices_pb2.Invoice:
        """An invoice."""
        return self.call("get_invoice", "GetInvoiceRequest", name=name)  # type: ignore[no-any-return]

    def listed(self, **wanted: Any) -> list[invoices_pb2.Invoice]:
        """Invoices, two on a page."""
        return list(self.call("list_invoices", "ListInvoicesRequest", filter=wanted, page_size=2))

    def only(self, account: str = "A") -> invoices_pb2.Invoice:
        """The one invoice of an account."""
        (found,) = self.listed(account=f"accounts/{account}")
        return found

    def lines(self, name: str) -> list[invoice_lines_pb2.InvoiceLine]:
        """The lines of an invoice, two on a page."""
        return list(self.call("list_lines", "ListInvoiceLinesRequest", parent=name, page_size=2))

    def update(self, name: str, request: Fields | None = None, **given: Any) -> Any:
        """Change an invoice."""
        return self.call("update_invoice", "UpdateInvoiceRequest", invoice={"name": name, **given}, **request or {})

    def explain(self, name: str) -> invoices_pb2.ExplainInvoiceResponse:
        """Why it stands where it stands."""
        return self.call("explain_invoice", "ExplainInvoiceRequest", name=name)  # type: ignore[no-any-return]

    def put(self, name: str, **values: Any) -> None:
        """Change the row of an invoice behind the server's back."""
        _, account, _, invoice_id = name.split("/")
        where = (invoice.c.account_id == account, invoice.c.invoice_id == invoice_id)
        with opened(self.url) as database:
            database.write(lambda tx: tx.execute(update(invoice).where(*where).values(**values)))

    def tax(self, name: str, category: str, ppm: int, net_minor: int, tax_minor: int) -> None:
        """What aggregation has come to, behind the server's back."""
        _, account, _, invoice_id = name.split("/")
        row: Fields = {"account_id": account, "invoice_id": invoice_id, "tax_category": category, "tax_ppm": ppm}
        row |= {"net_minor": net_minor, "tax_minor": tax_minor, "reckoned_minor": 0}
        with opened(self.url) as database:
            database.write(lambda tx: tx.execute(insert(invoice_tax).values(**row)))

    def batch(self, batch_id: str, state: str, **values: Any) -> None:
        """A batch behind the server's back: locked in April, of invoices with numbers from 7 on."""
        issuer = {"code": "STADTWERKE", "settings": {"prefix": "SM-", "credit_prefix": "SMG-"}}
        row: Fields = {"batch_id": batch_id, "cycle_code": "MONTHLY", "state": state, "issuer": to_text(issuer)}
        row |= {"state_since_us": 1, "created_us": 1, "updated_us": 1, "locked_us": 1, "issue_day": 20260430}
        row |= {"first_number": 7, "number_count": 3, **values}
        with opened(self.url) as database:
            database.write(lambda tx: tx.execute(insert(invoice_batch).values(**row)))

    def set_batch(self, batch_id: str, **values: Any) -> None:
        """Change a batch behind the server's back."""
        where = invoice_batch.c.batch_id == batch_id
        with opened(self.url) as database:
            database.write(lambda tx: tx.execute(update(invoice_batch).where(where).values(**values)))


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """The server's database."""
    database = Database(url)
    try:
        yield database
    finally:
        database.dispose()


def amounts(found: Iterable[Any]) -> list[tuple[int, int]]:
    """Units and nanos of the net amount of each."""
    return [(each.net_amount.units, each.net_amount.nanos) for each in found]
