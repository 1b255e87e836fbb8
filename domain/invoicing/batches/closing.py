"""Closing running invoices, and moving on those that do not close: the SQL of both (INV-02, INV-03, INV-11).

All of it is bounded by a span of accounts of one schedule, and comes to the same when it is done again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    case,
    false,
    func,
    null,
    or_,
    select,
    true,
    update,
)

from domain.invoicing.batches.counting import Span, within
from domain.invoicing.batches.model import Batch
from domain.invoicing.configuration.model import CycleSettings
from domain.invoicing.invoices.states import InvoiceState
from domain.invoicing.tables import invoice

_i = invoice.c


@dataclass(frozen=True, slots=True)
class Closed:
    """How many invoices were closed, how many of them have no lines, and their net by currency in minor units."""

    count: int
    empty: int
    net: Mapping[str, int]


def close(tx: Connection, batch: Batch, span: Span, settings: CycleSettings, now_us: int) -> Closed:
    """Close the running invoices of a span that meet the cycle's minimum.

    Who adds a line has locked the invoice: the minimum is looked at by what stands in its row then.

    Cost: one statement along invoice_once, which locks what it closes; two on SQLite.
    """
    meant = and_(within(batch, span), _i.state == InvoiceState.RUNNING, meets(settings))
    values = {"state": InvoiceState.CLOSED, "batch_id": batch.batch_id, "aggregated": 0, "updated_us": now_us}
    statement = update(invoice).where(meant).values(**values, version=_i.version + 1)
    if tx.dialect.name == "postgresql":
        closed = statement.returning(_i.line_count, _i.currency, _i.net_minor).cte("closed")
        rows = tx.execute(_added_up(closed)).all()
    else:  # nobody else writes: what is counted is what is closed
        rows = tx.execute(_added_up(invoice).where(meant)).all()
        tx.execute(statement)
    return Closed(sum(row[1] for row in rows), sum(int(row[2]) for row in rows), {row[0]: int(row[3]) for row in rows})


def _added_up(of: FromClause) -> Select[Any]:
    """By currency how many there are, how many of them have no lines, and their net."""
    empty = func.sum(case((of.c.line_count == 0, 1), else_=0))
    return select(of.c.currency, func.count(), empty, func.sum(of.c.net_minor)).group_by(of.c.currency)


def meets(settings: CycleSettings) -> ColumnElement[bool]:
    """The condition that an invoice closes: it is final, or has lines and reaches the minimum or was carried enough."""
    minimums = settings.minimum_usage
    enough: ColumnElement[bool] = true()
    if minimums:
        least = case(minimums, value=_i.currency, else_=null())
        enough = or_(least.is_(None), _i.net_minor >= least)
    carried = _i.carried_count >= settings.maximum_carries if settings.maximum_carries else false()
    return or_(_i.final == 1, and_(_i.line_count > 0, or_(enough, carried)))


def reopen(tx: Connection, batch: Batch, span: Span, now_us: int) -> int:
    """Have the closed invoices of a span run again; gives how many. Cost: one statement along invoice_once."""
    unnumbered = or_(_i.state == InvoiceState.CLOSED, and_(_i.state == InvoiceState.LOCKED, _i.number_no == 0))
    values = {"state": InvoiceState.RUNNING, "batch_id": "", "aggregated": 0, "updated_us": now_us}
    statement = update(invoice).where(within(batch, span), _i.batch_id == batch.batch_id, unnumbered)
    return tx.execute(statement.values(**values, version=_i.version + 1)).rowcount
