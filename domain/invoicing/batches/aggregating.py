"""Aggregation: what an invoice's lines come to by tax category and rate, and its tax, rounded once each (INV-16).

Set-based within the database: a span's accounts are told of every table, as no database concludes that by itself. Half
a minor unit is rounded away from zero; the products are exact: numeric on PostgreSQL, and on SQLite 64-bit integers as
long as they fit, else integers of Python.
"""

from __future__ import annotations

from sqlalchemy import Connection, select, text

from domain.invoicing.batches.counting import Span, within
from domain.invoicing.batches.model import Batch
from domain.invoicing.invoices.states import InvoiceState
from domain.invoicing.tables import invoice
from domain.kernel.money import Rounding, rounded

_i = invoice.c
PPM = 1_000_000
_NET_MAX = 4_000_000_000_000
"""The largest sum of which SQLite's 64 bits hold twice the product with a rate of up to 100 %."""

_DUE = (
    "i.cycle_code = :cycle AND i.schedule_code = :schedule AND i.account_id BETWEEN :first AND :last"
    " AND i.slot = '' AND i.state = 'CLOSED' AND i.aggregated = 0"
)
_DELETE = text(
    "DELETE FROM invoice_tax WHERE account_id BETWEEN :first AND :last AND EXISTS (SELECT 1 FROM invoice i"  # noqa: S608
    f" WHERE i.account_id = invoice_tax.account_id AND i.invoice_id = invoice_tax.invoice_id AND {_DUE})"
)
_TAX = {
    "postgresql": "CAST(round(sum(p.net) * p.tax_ppm / 1000000.0) AS BIGINT)",
    "sqlite": "CASE WHEN abs(sum(p.net)) <= :net_max AND p.tax_ppm <= 1000000 THEN"
    " (CASE WHEN sum(p.net) < 0 THEN -1 ELSE 1 END) * ((2 * abs(sum(p.net)) * p.tax_ppm + 1000000) / 2000000)"
    " ELSE 0 END",
}
_SUMS = """
    INSERT INTO invoice_tax (account_id, invoice_id, tax_category, tax_ppm, net_minor, tax_minor, reckoned_minor)
    SELECT p.account_id, p.invoice_id, p.tax_category, p.tax_ppm, {net}, {tax}, {reckoned}
    FROM (
        SELECT l.account_id, l.invoice_id, l.tax_category, l.tax_ppm, l.net_minor AS net, 0 AS reckoned
        FROM invoice i JOIN invoice_line l ON l.account_id = i.account_id AND l.invoice_id = i.invoice_id
        WHERE {due} AND l.account_id BETWEEN :first AND :last
        UNION ALL
        SELECT t.account_id, t.invoice_id, t.tax_category, t.tax_ppm, 0, t.tax_minor
        FROM invoice i JOIN invoice_reckoned_tax t ON t.account_id = i.account_id AND t.invoice_id = i.invoice_id
        WHERE {due} AND t.account_id BETWEEN :first AND :last
    ) p GROUP BY p.account_id, p.invoice_id, p.tax_category, p.tax_ppm"""
_INSERT = {
    dialect: text(
        _SUMS.format(
            due=_DUE,
            tax=tax,
            net="CAST(sum(p.net) AS BIGINT)" if dialect == "postgresql" else "sum(p.net)",
            reckoned="CAST(sum(p.reckoned) AS BIGINT)" if dialect == "postgresql" else "sum(p.reckoned)",
        )
    )
    for dialect, tax in _TAX.items()
}
_LARGE = text(
    "SELECT t.account_id, t.invoice_id, t.tax_category, t.tax_ppm, t.net_minor FROM invoice i"  # noqa: S608
    " JOIN invoice_tax t ON t.account_id = i.account_id AND t.invoice_id = i.invoice_id"
    f" WHERE (abs(t.net_minor) > :net_max OR t.tax_ppm > 1000000) AND {_DUE}"
)
_CORRECT = text(
    "UPDATE invoice_tax SET tax_minor = :tax_minor WHERE account_id = :account_id AND invoice_id = :invoice_id"
    " AND tax_category = :tax_category AND tax_ppm = :tax_ppm"
)
_MARK = text(
    "UPDATE invoice SET aggregated = 1, version = invoice.version + 1, updated_us = :now_us, tax_minor = sums.tax"  # noqa: S608
    " FROM (SELECT i.account_id, i.invoice_id, i.line_count, coalesce((SELECT CAST(sum(t.tax_minor) AS BIGINT)"
    " FROM invoice_tax t WHERE t.account_id = i.account_id AND t.invoice_id = i.invoice_id), 0) AS tax"
    f" FROM invoice i WHERE {_DUE}) AS sums"
    " WHERE invoice.account_id = sums.account_id AND invoice.invoice_id = sums.invoice_id"
    " AND invoice.account_id BETWEEN :first AND :last"
    " AND invoice.aggregated = 0 AND invoice.state = 'CLOSED' AND invoice.line_count = sums.line_count"
)


def aggregate(tx: Connection, batch: Batch, span: Span, now_us: int) -> int:
    """Aggregate the closed invoices of a span that are not; gives how many.

    They are locked first: who adds a line has locked the invoice before, so that no line is missed.

    Cost: five statements along invoice_once and primary keys.
    """
    due = select(_i.invoice_id).where(within(batch, span), _i.state == InvoiceState.CLOSED, _i.aggregated == 0)
    tx.execute(due.order_by(_i.account_id).with_for_update())
    of = {"cycle": batch.cycle_code, "schedule": span.schedule, "first": span.first, "last": span.last}
    tx.execute(_DELETE, of)
    if tx.dialect.name == "postgresql":
        tx.execute(_INSERT["postgresql"], of)
    else:
        tx.execute(_INSERT["sqlite"], {**of, "net_max": _NET_MAX})
        _correct_large(tx, of)
    return tx.execute(_MARK, {**of, "now_us": now_us}).rowcount


def tax_of(net_minor: int, tax_ppm: int) -> int:
    """The tax on a sum of net lines, rounded once: half a minor unit away from zero."""
    return rounded(net_minor * tax_ppm, PPM, Rounding.HALF_UP)


def _correct_large(tx: Connection, of: dict[str, str]) -> None:
    """Reckon the tax of sums that are too large for 64 bits."""
    rows = tx.execute(_LARGE, {**of, "net_max": _NET_MAX}).mappings().all()
    for row in rows:
        tax = {"tax_minor": tax_of(row["net_minor"], row["tax_ppm"])}
        tx.execute(_CORRECT, {**{name: row[name] for name in row if name != "net_minor"}, **tax})
