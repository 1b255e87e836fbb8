"""A cycle whose running invoices take lines, on a database; nothing is asked over the wire."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, delete, func, insert, select, update

from domain.invoicing.configuration.registers import CYCLES
from domain.invoicing.invoices import adding, taking
from domain.invoicing.invoices.model import Added, Invoice, NewLine, Place, ReckonedTax
from domain.invoicing.invoices.states import InvoiceState
from domain.invoicing.invoices.store import reading
from domain.invoicing.tables import invoice, invoice_batch, invoice_line, invoice_reckoned_tax, invoice_schedule
from domain.kernel.call import Call
from domain.kernel.registers import store as registers
from domain.kernel.time import instant_us
from server.database.transaction import Database
from tests.invoicing.configured import put_cycle, put_issuer

T = TypeVar("T")
BERLIN = ZoneInfo("Europe/Berlin")
MAY, JUNE = "2026-05-01", "2026-06-01"
_l, _r = invoice_line.c, invoice_reckoned_tax.c


def at(text: str) -> int:
    """An instant by the clock of Berlin."""
    return instant_us(datetime.fromisoformat(text).replace(tzinfo=BERLIN))


def call_at(text: str) -> Call:
    """A call at that instant."""
    return Call("ada", "test/Add", "r1", at(text))


IN_MAY, IN_JUNE = call_at("2026-05-10T09:00"), call_at("2026-06-10T09:00")


def line(external_id: str = "1", net_minor: int = 1_000, account: str = "A", **others: Any) -> NewLine:
    """A line as the form wants it: 10.00 EUR, 19 % tax."""
    cells: dict[str, Any] = {
        "source": "shop",
        "currency": "EUR",
        "tax_category": "S",
        "tax_ppm": 190_000,
        "distribution_code": "SALES",
    }
    return NewLine(account_id=account, external_id=external_id, net_minor=net_minor, **{**cells, **others})


def tax(external_id: str = "1", tax_minor: int = 190, account: str = "A", **others: Any) -> ReckonedTax:
    """Tax that a bill reckoned."""
    cells: dict[str, Any] = {"source": "billing", "currency": "EUR", "tax_category": "S", "tax_ppm": 190_000}
    return ReckonedTax(account_id=account, external_id=external_id, tax_minor=tax_minor, **{**cells, **others})


class Office:
    """What is done with invoices, each in a transaction of its own."""

    def __init__(self, database: Database, **cycle: Any) -> None:
        self.database = database
        database.write(lambda tx: _open(tx, cycle))

    def empty(self) -> None:
        """Nothing but the cycle is left."""
        tables = (invoice_reckoned_tax, invoice_line, invoice, invoice_schedule)
        self.do(lambda tx: [tx.execute(delete(table)) for table in tables])

    def do(self, fn: Callable[[Connection], T]) -> T:
        """A transaction that changes something."""
        return self.database.write(fn)

    def add(self, *lines: NewLine, call: Call = IN_MAY, taxes: Sequence[ReckonedTax] = ()) -> Added:
        """Lines, and taxes, by arrival."""
        return self.do(lambda tx: add(tx, call, lines, taxes))

    def take_off(self, group: str, *, account: str = "A", source: str = "billing") -> taking.TakenOff:
        """What came under external ids that begin with the group."""
        return self.do(lambda tx: taking.take_off(tx, IN_MAY, account, source, group))

    def invoices(self, account: str = "A") -> list[Invoice]:
        """The invoices of an account by age."""
        query = select(*reading.COLUMNS).where(invoice.c.account_id == account).order_by(invoice.c.invoice_id)
        return self.database.read(lambda tx: [reading.from_row(row) for row in tx.execute(query).mappings()])

    def only(self, account: str = "A") -> Invoice:
        """The one invoice of an account."""
        (found,) = self.invoices(account)
        return found

    def lines(self, account: str = "A") -> list[tuple[Place, str, int]]:
        """Place, external id and amount of each line of an account."""
        query = select(_l.invoice_id, _l.line_no, _l.external_id, _l.net_minor).where(_l.account_id == account)
        rows = self.database.read(lambda tx: tx.execute(query.order_by(_l.invoice_id, _l.line_no)).all())
        return [(Place(*row[:2]), row[2], row[3]) for row in rows]

    def taxes(self, account: str = "A") -> list[tuple[str, str, int]]:
        """Invoice, external id and amount of each reckoned tax of an account."""
        query = select(_r.invoice_id, _r.external_id, _r.tax_minor).where(_r.account_id == account)
        return self.database.read(lambda tx: [tuple(row) for row in tx.execute(query.order_by(_r.external_id))])

    def put(self, found: Invoice, **values: Any) -> None:
        """Change the row of an invoice behind the calls' backs."""
        where = (invoice.c.account_id == found.account_id, invoice.c.invoice_id == found.invoice_id)
        self.do(lambda tx: tx.execute(update(invoice).where(*where).values(**values)))

    def close(self, found: Invoice, batch_id: str = "B1", *, locked_us: int = 0) -> None:
        """Put an invoice into a batch that is not locked, unless it is told since when."""
        row = {"cycle_code": "CYCLE", "state": "CLOSED", "state_since_us": 1, "created_us": 1, "updated_us": 1}
        row |= {"batch_id": batch_id, "locked_us": locked_us}
        self.do(lambda tx: tx.execute(insert(invoice_batch).values(row)))
        self.put(found, state=InvoiceState.CLOSED, batch_id=batch_id)

    def faults(self) -> list[tuple[Any, ...]]:
        """Invoices whose row does not say what their lines are and come to."""
        own = (_l.account_id == invoice.c.account_id, _l.invoice_id == invoice.c.invoice_id)
        sums = select(func.count(), func.coalesce(func.sum(_l.net_minor), 0), func.coalesce(func.max(_l.line_no), 0))
        told = ("account_id", "invoice_id", "line_count", "net_minor", "last_line_no")

        def look(tx: Connection) -> list[tuple[Any, ...]]:
            wrong = []
            for row in tx.execute(select(*(invoice.c[name] for name in told))).all():
                lines = sums.where(_l.account_id == row.account_id, _l.invoice_id == row.invoice_id)
                count, net_minor, last = tx.execute(lines).one()
                if (count, int(net_minor)) != (row.line_count, row.net_minor) or last > row.last_line_no:
                    wrong.append((*row, count, net_minor, last))
            orphans = select(_l.account_id, _l.invoice_id).where(~select(invoice.c.invoice_id).where(*own).exists())
            return [*wrong, *map(tuple, tx.execute(orphans))]

        return self.database.read(look)


def add(tx: Connection, call: Call, lines: Sequence[NewLine], taxes: Sequence[ReckonedTax] = ()) -> Added:
    """Lines, and taxes, by arrival in a transaction."""
    cycle = registers.find(tx, CYCLES, "CYCLE")
    assert cycle is not None
    return adding.add(tx, call, cycle, lines, taxes)


def _open(tx: Connection, cycle: dict[str, Any]) -> None:
    put_issuer(tx)
    put_cycle(tx, **cycle)
