"""Aggregation: what an invoice's lines come to by tax category and rate, and its tax, rounded once each (INV-16).

Set-based within the database, invoice by invoice: lines are found by their primary key, which a join left to the
database may not do (on SQLite CROSS JOIN keeps the order). Half a minor unit is rounded away from zero; the products
are exact: numeric on PostgreSQL, and on SQLite 64-bit integers as long as they fit, else integers of Python.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, text

from domain.invoicing.batches.counting import Span
from domain.invoicing.batches.model import Batch
from domain.kernel.money import Rounding, rounded
from domain.operations.errors import StepOvertaken

PPM = 1_000_000
_NET_MAX = 4_000_000_000_000
"""The largest sum of which SQLite's 64 bits hold twice the product with a rate of up to 100 %."""

_DUE = (
    "i.cycle_code = :cycle AND i.schedule_code = :schedule AND i.account_id BETWEEN :first AND :last"
    " AND i.slot = '' AND i.state = 'CLOSED' AND i.aggregated = 0"
)
_LOCK = f"SELECT i.invoice_id FROM invoice i WHERE {_DUE} ORDER BY i.account_id"  # noqa: S608 - ours
_COUNT = {
    "postgresql": text(f"SELECT count(*) FROM ({_LOCK} FOR UPDATE) due"),  # noqa: S608
    "sqlite": text(f"SELECT count(*) FROM ({_LOCK})"),  # noqa: S608
}
_DELETE = text(
    "DELETE FROM invoice_tax WHERE account_id BETWEEN :first AND :last AND EXISTS (SELECT 1 FROM invoice i"  # noqa: S608
    f" WHERE i.account_id = invoice_tax.account_id AND i.invoice_id = invoice_tax.invoice_id AND {_DUE})"
)
_INTO = (
    "INSERT INTO invoice_tax (account_id, invoice_id, tax_category, tax_ppm, net_minor, tax_minor, reckoned_minor, own)"
)
_LINE = (
    "l.tax_category, l.tax_ppm, l.net_minor AS net, 0 AS reckoned,"
    " CASE l.distribution_code WHEN '' THEN 0 ELSE 1 END AS own"
)
_RECKONED = "t.tax_category, t.tax_ppm, 0, t.tax_minor, 0"
_INSERT = {
    "postgresql": text(f"""{_INTO}
    SELECT i.account_id, i.invoice_id, s.tax_category, s.tax_ppm, CAST(s.net AS BIGINT),
        CAST(round(s.net * s.tax_ppm / 1000000.0) AS BIGINT), CAST(s.reckoned AS BIGINT), s.own
    FROM invoice i CROSS JOIN LATERAL (
        SELECT p.tax_category, p.tax_ppm, sum(p.net) AS net, sum(p.reckoned) AS reckoned, max(p.own) AS own FROM (
            SELECT {_LINE} FROM invoice_line l
            WHERE l.account_id = i.account_id AND l.invoice_id = i.invoice_id
            UNION ALL
            SELECT {_RECKONED} FROM invoice_reckoned_tax t
            WHERE t.account_id = i.account_id AND t.invoice_id = i.invoice_id
        ) p GROUP BY p.tax_category, p.tax_ppm
    ) s WHERE {_DUE}"""),  # noqa: S608
    "sqlite": text(f"""{_INTO}
    SELECT p.account_id, p.invoice_id, p.tax_category, p.tax_ppm, sum(p.net),
        CASE WHEN abs(sum(p.net)) <= :net_max AND p.tax_ppm <= 1000000 THEN
        (CASE WHEN sum(p.net) < 0 THEN -1 ELSE 1 END) * ((2 * abs(sum(p.net)) * p.tax_ppm + 1000000) / 2000000)
        ELSE 0 END, sum(p.reckoned), max(p.own)
    FROM (
        SELECT l.account_id, l.invoice_id, {_LINE}
        FROM invoice i CROSS JOIN invoice_line l ON l.account_id = i.account_id AND l.invoice_id = i.invoice_id
        WHERE {_DUE}
        UNION ALL
        SELECT t.account_id, t.invoice_id, {_RECKONED}
        FROM invoice i CROSS JOIN invoice_reckoned_tax t ON t.account_id = i.account_id AND t.invoice_id = i.invoice_id
        WHERE {_DUE}
    ) p GROUP BY p.account_id, p.invoice_id, p.tax_category, p.tax_ppm"""),  # noqa: S608
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
    "UPDATE invoice AS i SET aggregated = 1, version = i.version + 1, updated_us = :now_us, tax_minor = coalesce(("  # noqa: S608
    "SELECT CAST(sum(t.tax_minor) AS BIGINT) FROM invoice_tax t"
    f" WHERE t.account_id = i.account_id AND t.invoice_id = i.invoice_id), 0) WHERE {_DUE}"
)


_ALONE = (
    " AND NOT (EXISTS (SELECT 1 FROM invoice_tax o WHERE o.account_id = i.account_id AND o.invoice_id = i.invoice_id"
    " AND o.tax_category = 'O') AND EXISTS (SELECT 1 FROM invoice_tax o WHERE o.account_id = i.account_id"
    " AND o.invoice_id = i.invoice_id AND o.tax_category <> 'O'))"
)
_MARK_ALONE = text(f"{_MARK.text}{_ALONE}")
_MIXED = text(
    "SELECT DISTINCT i.account_id, i.invoice_id FROM invoice i"  # noqa: S608 - ours
    " JOIN invoice_tax t ON t.account_id = i.account_id AND t.invoice_id = i.invoice_id AND t.tax_category = 'O'"
    " JOIN invoice_tax u ON u.account_id = i.account_id AND u.invoice_id = i.invoice_id AND u.tax_category <> 'O'"
    f" WHERE {_DUE} ORDER BY i.account_id, i.invoice_id"
)


class Aggregated(NamedTuple):
    """How many invoices were aggregated, and which (account and invoice) cannot be, by BR-O-11.

    On these, what is not subject to VAT stands beside something else.
    """

    done: int = 0
    mixed: tuple[tuple[str, str], ...] = ()


def aggregate(tx: Connection, batch: Batch, span: Span, now_us: int) -> Aggregated:
    """Aggregate the closed invoices of a span that are not, but for those that no e-invoice could be of.

    They are locked first: who adds a line has locked the invoice before, so that no line is missed.

    Cost: five statements along invoice_once and primary keys, six on SQLite.

    Raises: StepOvertaken when an invoice that was aggregated has got a line meanwhile: all is done anew.
    """
    of = {"cycle": batch.cycle_code, "schedule": span.schedule, "first": span.first, "last": span.last}
    locked = tx.execute(_COUNT[tx.dialect.name], of).scalar_one()
    if not locked:
        return Aggregated()
    tx.execute(_DELETE, of)
    if tx.dialect.name == "postgresql":
        tx.execute(_INSERT["postgresql"], of)
    else:
        tx.execute(_INSERT["sqlite"], {**of, "net_max": _NET_MAX})
        _correct_large(tx, of)
    mixed = tuple((row[0], row[1]) for row in tx.execute(_MIXED, of))
    if tx.execute(_MARK_ALONE if mixed else _MARK, {**of, "now_us": now_us}).rowcount != locked - len(mixed):
        raise StepOvertaken
    return Aggregated(int(locked) - len(mixed), mixed)


def tax_of(net_minor: int, tax_ppm: int) -> int:
    """The tax on a sum of net lines, rounded once: half a minor unit away from zero."""
    return rounded(net_minor * tax_ppm, PPM, Rounding.HALF_UP)


def _correct_large(tx: Connection, of: dict[str, str]) -> None:
    """Reckon the tax of sums that are too large for 64 bits."""
    rows = tx.execute(_LARGE, {**of, "net_max": _NET_MAX}).mappings().all()
    for row in rows:
        tax = {"tax_minor": tax_of(row["net_minor"], row["tax_ppm"])}
        tx.execute(_CORRECT, {**{name: row[name] for name in row if name != "net_minor"}, **tax})
