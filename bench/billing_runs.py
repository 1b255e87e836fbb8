"""Billing runs against set-based SQL that comes to the same totals: `python -m bench billing-runs`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from bench.billing_world import AGREEMENTS, WINDOW, open_world
from bench.databases import Databases, connect_postgresql, connect_sqlite, open_databases, query
from bench.figures import COMPARISON, Table, compare, interleave
from bench.meter import Meter, Spent
from bench.options import Options
from bench.product import serve
from countinghouse.billing.v1 import billing_runs_pb2

AIM = 0.6
RUN_TIMEOUT_S = 3_600

_LESS = (
    "The floor rates by formulas in SQL and inserts bills and segments alone: no lines, no accounting details, no audit"
    " trail, all of which the run makes, too."
)

_BILLS = """
INSERT INTO bill (account_id, bill_id, cycle_code, window_code, kind, state, currency, bill_day, accounting_day,
  through_day, due_day, amount_minor, tax_minor, processing_order, messages, routed_by, version, created_us, updated_us,
  completed_us)
SELECT account_id, 'b', 'NORTH', 'JAN', 'REGULAR', 'COMPLETE', 'EUR', 20260203, 20260203, 20260201, 20260217,
  sum(amount_minor), sum(tax_minor), '[]', '[]', '', 1, 1, 1, 1
FROM bill_segment GROUP BY account_id
"""

_SEGMENTS = """
WITH used AS (
  SELECT a.account_id, a.agreement_id, CAST(sum(d.units) * 10 + sum(d.nanos) / 100000000 AS BIGINT) AS tenths
  FROM service_agreement a JOIN interval_data d ON d.account_id = a.account_id AND d.profile_id = a.agreement_id
  WHERE d.start_us >= 1767222000000000 AND d.start_us < 1769900400000000
  GROUP BY a.account_id, a.agreement_id
), rated AS (
  SELECT account_id, agreement_id, 'POWER' AS type_code, 1200 + (tenths * 30 + 5) / 10 AS net, 19 AS percent FROM used
  UNION ALL
  SELECT account_id, 'HO', 'HEAD_OFFICE', (CAST(sum(tenths) AS BIGINT) * 2 + 5) / 10, 0 FROM used GROUP BY account_id
)
INSERT INTO bill_segment (account_id, segment_id, bill_id, agreement_id, type_code, kind, position, state, reason,
  estimated, stale, accepted, rebills_id, cancel_bill_id, receivable_code, start_day, end_day, full_days,
  accounting_day, rate_code, currency, amount_minor, tax_minor, calculation, version, created_us, frozen_us,
  canceled_us)
SELECT account_id, agreement_id, 'b', agreement_id, type_code, 'USAGE', 1, 'FROZEN', '', 0, 0, 0, '', '', 'RECEIVABLE',
  20260101, 20260201, 31, 20260203, 'POWER', 'EUR', net + (net * percent + 50) / 100, (net * percent + 50) / 100, '{}',
  1, 1, 1, 0
FROM rated
"""


def billing_runs(options: Options) -> Iterator[Table]:
    """The operation by a real worker against the floor, on copies of one template."""
    rows = []
    for dialect in options.databases:
        with options.folder() as folder, open_databases(dialect, folder) as databases:
            databases.template("cycle", partial(open_world, accounts=options.accounts))
            print(f"billing runs on {dialect}", flush=True)
            pairs = interleave(
                options.pairs,
                partial(_product, databases, folder, options.accounts),
                partial(_floor, databases, options.accounts),
            )
            rows.append(compare(dialect, pairs, aim=AIM))
    title = (
        f"A run over {options.accounts:,} accounts, {AGREEMENTS} agreements and 62 daily values each; items: segments"
    )
    yield Table(title, COMPARISON, rows, [_LESS])


def _product(databases: Databases, folder: Path, accounts: int) -> Spent:
    with databases.copy("cycle") as url, serve(url, folder) as product:
        taken = Meter([*databases.roots, product.server])
        run = product.client.billing.run_billing(billing_runs_pb2.RunBillingRequest(window=WINDOW))
        figures = run.wait(RUN_TIMEOUT_S).figures
        spent = taken.spent(AGREEMENTS * accounts)
        assert figures.bill_segment_count == AGREEMENTS * accounts, figures
        assert not figures.errors
        _sums.add(query(url, "SELECT sum(amount_minor), sum(tax_minor) FROM bill WHERE state = 'COMPLETE'")[0])
    assert len(_sums) == 1, _sums
    return spent


def _floor(databases: Databases, accounts: int) -> Spent:
    with databases.copy("cycle") as url:
        connection: Any = connect_sqlite(url) if url.startswith("sqlite") else connect_postgresql(url)
        with closing(connection):
            taken = Meter(databases.roots, own=True)
            cursor = connection.cursor()
            if url.startswith("sqlite"):
                cursor.execute("BEGIN IMMEDIATE")
            cursor.execute(_SEGMENTS)
            cursor.execute(_BILLS)
            connection.commit()
            spent = taken.spent(AGREEMENTS * accounts)
        _sums.add(query(url, "SELECT sum(amount_minor), sum(tax_minor) FROM bill WHERE state = 'COMPLETE'")[0])
    assert len(_sums) == 1, _sums
    return spent


_sums: set[tuple[int, ...]] = set()
"""What accounts were billed: the same on both sides, on both databases."""
