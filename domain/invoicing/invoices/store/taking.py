"""The SQL by which lines and reckoned taxes are taken off invoices; along primary keys and their unique indexes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, select, union, update

from domain.invoicing.tables import invoice, invoice_line, invoice_reckoned_tax

_i, _l, _r = invoice.c, invoice_line.c, invoice_reckoned_tax.c


class Wanted(NamedTuple):
    """External ids of a source among those of an account: from one on, and before another."""

    account_id: str
    source: str
    first: str
    before: str


def invoice_ids(tx: Connection, wanted: Wanted) -> list[str]:
    """The invoices of the account on which anything of it stands. Cost: one statement."""
    of_lines = select(_l.invoice_id).where(_meant(invoice_line, wanted))
    of_taxes = select(_r.invoice_id).where(_meant(invoice_reckoned_tax, wanted))
    return sorted(tx.execute(union(of_lines, of_taxes)).scalars())


def delete_lines(tx: Connection, wanted: Wanted) -> list[tuple[str, int]]:
    """Delete the lines; gives for each the invoice that it stood on and its net amount. Cost: one statement."""
    statement = delete(invoice_line).where(_meant(invoice_line, wanted)).returning(_l.invoice_id, _l.net_minor)
    return [(row[0], row[1]) for row in tx.execute(statement)]


def delete_taxes(tx: Connection, wanted: Wanted) -> int:
    """Delete the reckoned taxes; gives how many there were. Cost: one statement."""
    return tx.execute(delete(invoice_reckoned_tax).where(_meant(invoice_reckoned_tax, wanted))).rowcount


def lessen(tx: Connection, account_id: str, taken: Iterable[tuple[str, int, int]], now_us: int) -> None:
    """Have invoices, which are locked, come to so much less: id, lines and net amount. Cost: one statement each."""
    for invoice_id, count, net_minor in taken:
        statement = update(invoice).where(_i.account_id == account_id, _i.invoice_id == invoice_id)
        less = {"line_count": _i.line_count - count, "net_minor": _i.net_minor - net_minor}
        tx.execute(statement.values(**less, aggregated=0, version=_i.version + 1, updated_us=now_us))


def _meant(table: Table[Any], wanted: Wanted) -> ColumnElement[bool]:
    column = table.c
    return and_(
        column.account_id == wanted.account_id,
        column.source == wanted.source,
        column.external_id >= wanted.first,
        column.external_id < wanted.before,
    )
