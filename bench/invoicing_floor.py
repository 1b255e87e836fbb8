"""A batch by set-based SQL, which leaves the same rows: closed, moved on, aggregated, posted, locked and numbered."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from bench.databases import connect_postgresql, connect_sqlite
from bench.invoicing_world import ENDED, MINIMUM, NEXT

_STAMP = 1_795_000_000_000_000
_OLDER = f"cycle_code = 'CYCLE' AND schedule_code = '{ENDED}' AND slot = '' AND state = 'RUNNING'"
_TOUCH = f"version = invoice.version + 1, updated_us = {_STAMP}"
_OF_PAIR = "FROM pair WHERE {t}.account_id = pair.account_id AND {t}.invoice_id = pair.newer_id"

_CLOSE = (
    f"UPDATE invoice SET state = 'CLOSED', batch_id = 'FLOOR', {_TOUCH} WHERE {_OLDER} AND line_count > 0"
    f" AND net_minor >= {MINIMUM}"
)
_MOVE = (
    (
        "CREATE TEMPORARY TABLE pair AS SELECT o.account_id, o.invoice_id AS older_id, n.invoice_id AS newer_id,"
        " o.last_line_no AS shift, n.line_count, n.last_line_no, n.net_minor FROM invoice o JOIN invoice n"
        f" ON n.cycle_code = 'CYCLE' AND n.schedule_code = '{NEXT}' AND n.account_id = o.account_id AND n.slot = ''"
        f" WHERE o.cycle_code = 'CYCLE' AND o.schedule_code = '{ENDED}' AND o.slot = '' AND o.state = 'RUNNING'"
    ),
    f"UPDATE invoice_line SET invoice_id = older_id, line_no = line_no + shift {_OF_PAIR.format(t='invoice_line')}",
    f"UPDATE invoice_reckoned_tax SET invoice_id = older_id {_OF_PAIR.format(t='invoice_reckoned_tax')}",
    (
        "UPDATE invoice SET state = 'MERGED', slot = newer_id, merged_into = older_id, line_count = 0, net_minor = 0,"
        f" {_TOUCH} {_OF_PAIR.format(t='invoice')}"
    ),
    (f"UPDATE invoice SET schedule_code = '{NEXT}', carried_count = carried_count + 1, {_TOUCH} WHERE {_OLDER}"),
    (
        "UPDATE invoice SET line_count = invoice.line_count + pair.line_count, net_minor = invoice.net_minor +"
        " pair.net_minor, last_line_no = invoice.last_line_no + pair.last_line_no FROM pair"
        " WHERE invoice.account_id = pair.account_id AND invoice.invoice_id = pair.older_id"
    ),
)
_AGGREGATE = (
    (
        "INSERT INTO invoice_tax (account_id, invoice_id, tax_category, tax_ppm, net_minor, tax_minor, reckoned_minor)"
        " SELECT account_id, invoice_id, tax_category, tax_ppm, sum(net),"
        " (2 * CAST(sum(net) AS BIGINT) * tax_ppm + 1000000) / 2000000, sum(reckoned) FROM ("
        " SELECT l.account_id, l.invoice_id, l.tax_category, l.tax_ppm, l.net_minor AS net, 0 AS reckoned"
        " FROM invoice i JOIN invoice_line l ON l.account_id = i.account_id AND l.invoice_id = i.invoice_id"
        " WHERE i.batch_id = 'FLOOR' UNION ALL"
        " SELECT t.account_id, t.invoice_id, t.tax_category, t.tax_ppm, 0, t.tax_minor"
        " FROM invoice i JOIN invoice_reckoned_tax t ON t.account_id = i.account_id AND t.invoice_id = i.invoice_id"
        " WHERE i.batch_id = 'FLOOR') p GROUP BY account_id, invoice_id, tax_category, tax_ppm"
    ),
    (
        f"UPDATE invoice SET aggregated = 1, tax_minor = sums.tax, {_TOUCH} FROM (SELECT account_id, invoice_id,"
        " sum(tax_minor) AS tax FROM invoice_tax GROUP BY account_id, invoice_id) AS sums"
        " WHERE invoice.account_id = sums.account_id AND invoice.invoice_id = sums.invoice_id"
        " AND invoice.batch_id = 'FLOOR'"
    ),
)
_SIDES = (
    "INSERT INTO accounting_detail (bucket, detail_id, content_hash, accounting_period_code, source, external_id,"
    " subject_type, subject, origin, grouping, distribution_account, ledger_code, accounting_date, transaction_date,"
    " currency, debit_minor, credit_minor, maker, operation_id, created_us)"
    " SELECT number % 64, number * 64 + number % 64, {hash}, 'ALL', 'invoicing', invoice_id || side, 'ACCOUNT',"
    " 'accounts/' || account_id, 'F', invoice_id, code, 'GL', 20260301, 20260301, 'EUR', debit, credit, 'INVOICING',"
    f" 'FLOOR', {_STAMP} FROM (SELECT s.*, row_number() OVER (ORDER BY account_id, side) AS number FROM ("
    " SELECT account_id, invoice_id, '/D' AS side, 'AR' AS code, net_minor + tax_minor AS debit, 0 AS credit"
    " FROM invoice WHERE batch_id = 'FLOOR' UNION ALL"
    " SELECT i.account_id, i.invoice_id, '/C/' || l.distribution_code, l.distribution_code, 0,"
    " CAST(sum(l.net_minor) AS BIGINT) FROM invoice i"
    " JOIN invoice_line l ON l.account_id = i.account_id AND l.invoice_id = i.invoice_id WHERE i.batch_id = 'FLOOR'"
    " GROUP BY i.account_id, i.invoice_id, l.distribution_code UNION ALL"
    " SELECT i.account_id, i.invoice_id, '/T/' || tax_category || '-' || CAST(tax_ppm AS TEXT), 'VAT', 0, t.tax_minor"
    " FROM invoice i JOIN invoice_tax t ON t.account_id = i.account_id AND t.invoice_id = i.invoice_id"
    " WHERE i.batch_id = 'FLOOR') s) d"
)
_PENDING = "INSERT INTO accounting_detail_pending (bucket, detail_id) SELECT bucket, detail_id FROM accounting_detail"
_HASH = {"sqlite": "randomblob(16)", "postgresql": "decode(md5(invoice_id || side), 'hex')"}
_LOCK = (
    (
        "INSERT INTO number_series (issuer_code, year, kind, next_no)"
        " SELECT 'ISSUER', 2026, 'INVOICE', 1 + count(*) FROM invoice WHERE batch_id = 'FLOOR'"
    ),
    (
        f"UPDATE invoice SET state = 'LOCKED', number_no = placed.number_no, recipient_version = placed.version,"
        f" {_TOUCH} FROM (SELECT i.account_id, i.invoice_id, coalesce(r.version, 0) AS version,"
        " row_number() OVER (ORDER BY i.account_id) AS number_no FROM invoice i LEFT JOIN recipient r"
        " ON r.account_id = i.account_id WHERE i.batch_id = 'FLOOR') AS placed"
        " WHERE invoice.account_id = placed.account_id AND invoice.invoice_id = placed.invoice_id"
    ),
    f"UPDATE invoice_schedule SET state = 'CLOSED', batch_id = 'FLOOR' WHERE schedule_code = '{ENDED}'",
)


def run(url: str, *, billed: bool) -> None:
    """All of it in one transaction; `billed`: nothing is to be posted."""
    dialect = "sqlite" if url.startswith("sqlite") else "postgresql"
    analysed = {name: [f"ANALYZE {name}"] if dialect == "postgresql" else [] for name in ("invoice", "invoice_tax")}
    posted = () if billed else (_SIDES.format(hash=_HASH[dialect]), _PENDING)
    connection: Any = connect_sqlite(url) if dialect == "sqlite" else connect_postgresql(url)
    with closing(connection):
        cursor = connection.cursor()
        if dialect == "sqlite":
            cursor.execute("BEGIN IMMEDIATE")
        sums, mark = _AGGREGATE
        whole = (_CLOSE, *_MOVE, *analysed["invoice"], sums, *analysed["invoice_tax"], mark, *posted, *_LOCK)
        for statement in whole:
            cursor.execute(statement)
        connection.commit()
