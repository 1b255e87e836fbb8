"""The SQL by which one invoice is changed, which is locked; one statement a function, by primary key."""

from __future__ import annotations

from sqlalchemy import Connection, update

from domain.invoicing.invoices.model import Invoice, Place
from domain.invoicing.tables import invoice

_i = invoice.c


def grow(tx: Connection, found: Invoice, net_minor: int, now_us: int) -> Place:
    """Have an invoice come to so much more by one more line; gives where that stands."""
    more = {
        "line_count": found.line_count + 1,
        "last_line_no": found.last_line_no + 1,
        "net_minor": found.net_minor + net_minor,
        "aggregated": 0,
    }
    _change(tx, found, **more, version=found.version + 1, updated_us=now_us)
    return Place(found.invoice_id, found.last_line_no + 1)


def set_final(tx: Connection, changed: Invoice) -> None:
    """Keep whether an invoice is final."""
    _change(tx, changed, final=int(changed.final), version=changed.version, updated_us=changed.updated_us)


def _change(tx: Connection, of: Invoice, **values: int) -> None:
    statement = update(invoice).where(_i.account_id == of.account_id, _i.invoice_id == of.invoice_id)
    assert tx.execute(statement.values(**values)).rowcount == 1
