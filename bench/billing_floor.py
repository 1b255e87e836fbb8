"""What a billing run comes to by set-based SQL: bills and segments alone, or all the rows that a run writes.

Amounts are worked out by formulas for this one tariff. The whole floor writes the same documents, byte for byte, the
same accounting details, what makes them pending, and an entry of the audit trail a bill; ids and hashes are made up.
With invoices these are one for each account, its net lines, and the tax that its bill has reckoned.
"""

from __future__ import annotations

from contextlib import closing
from enum import Enum
from typing import Any

from bench.databases import connect_postgresql, connect_sqlite

_STAMP = 1_795_000_000_000_000
_PERIOD = "1767222000000000 AND 1769900399999999"  # January in Berlin
_USED = f"""
CREATE TEMPORARY TABLE rated AS
WITH used AS (
  SELECT a.account_id, a.agreement_id, a.master_id, max(d.revision) AS revision, count(*) AS found,
    CAST(sum(d.units) * 10 + sum(d.nanos) / 100000000 AS BIGINT) AS tenths
  FROM service_agreement a JOIN interval_data d ON d.account_id = a.account_id AND d.profile_id = a.agreement_id
  WHERE d.start_us BETWEEN {_PERIOD}
  GROUP BY a.account_id, a.agreement_id, a.master_id
), net AS (
  SELECT used.*, 'POWER' AS type_code, 1200 AS fixed, (tenths * 30 + 5) / 10 AS energy, 19 AS percent FROM used
  UNION ALL
  SELECT account_id, 'HO', max(master_id), 1, 2, CAST(sum(tenths) AS BIGINT), 'HEAD_OFFICE', 0,
    (CAST(sum(tenths) AS BIGINT) * 2 + 5) / 10, 0 FROM used GROUP BY account_id
)
SELECT account_id, agreement_id, master_id, revision, type_code, fixed, energy,
  ((fixed + energy) * percent + 50) / 100 AS tax, fixed + energy + ((fixed + energy) * percent + 50) / 100 AS minor,
  CASE WHEN tenths % 10 = 0 THEN CAST(tenths / 10 AS TEXT)
    ELSE CAST(tenths / 10 AS TEXT) || '.' || CAST(tenths % 10 AS TEXT) END AS kwh,
  account_id || '0000000000000000' || agreement_id AS segment_id, account_id || '000000000000000000' AS bill_id
FROM net
"""
_DAYS = '"end":20260201,"full_days":1'
_SITE = (
    """'{"basis":"0000000000000000 POWER 1","""
    """"lines":[{"amount":1200,"component":"STANDING","days":31,"distribution_code":"REVENUE","end":20260201,"""
    """"full_days":31,"kind":"FIXED","rate":"12","rounding":"ROUND_HALF_EVEN","start":20260101,"version":20250101},"""
    """{"amount":' || energy || ',"component":"ENERGY","days":1,"distribution_code":"REVENUE","""
    f"""{_DAYS},"kind":"STEP","quantity":"' || kwh || '","rate":"0.30","rounding":"ROUND_HALF_EVEN","""
    """"start":20260101,"step":1,"unit":"kWh","usage":"ENERGY","version":20250101},{"amount":' || tax || ',"base":'"""
    """ || (fixed + energy) || ',"component":"VAT","days":1,"distribution_code":"TAXES","""
    f"""{_DAYS},"kind":"TAX","rate":"19","rounding":"ROUND_HALF_UP","start":20260101,"version":20250101}}],"""
    """"parts":[[20260101,20260201]],"sources":[{"charged_on":[],"estimated":false,"name":"ENERGY","texts":["accounts/'"""
    """ || account_id || '/profiles/' || agreement_id || ': 31 intervals, 2026-01-01 to 2026-02-01, revision ' ||"""
    """ revision || '"],"unit":"kWh"}],"totals":{"EUR":"' || minor || '","kWh":"' || kwh ||"""
    """ '"},"versions":[[20250101,1]]}'"""
)
_OFFICE = (
    """'{"basis":"0000000000000000 HEAD_OFFICE 1","""
    """"lines":[{"amount":' || energy || ',"component":"SITES","days":1,"distribution_code":"REVENUE","""
    f"""{_DAYS},"kind":"STEP","quantity":"' || kwh || '","rate":"0.02","rounding":"ROUND_HALF_EVEN","""
    """"start":20260101,"step":1,"unit":"kWh","usage":"SITES","version":20250101}],"parts":[[20260101,20260201]],"""
    """"sources":[{"charged_on":[["S1",20260101,20260201],["S2",20260101,20260201]],"estimated":false,"name":"SITES","""
    """"texts":["accounts/' || account_id || '/serviceAgreements/S1","accounts/' || account_id ||"""
    """ '/serviceAgreements/S2"],"unit":"kWh"}],"totals":{"EUR":"' || minor || '","kWh":"' || kwh ||"""
    """ '"},"versions":[[20250101,1]]}'"""
)
_SEGMENTS = """
INSERT INTO bill_segment (account_id, segment_id, bill_id, agreement_id, type_code, kind, position, state, reason,
  estimated, stale, accepted, rebills_id, cancel_bill_id, receivable_code, start_day, end_day, full_days,
  accounting_day, rate_code, currency, amount_minor, tax_minor, calculation, version, created_us, frozen_us,
  canceled_us)
SELECT account_id, segment_id, bill_id, agreement_id, type_code, 'USAGE', 1, 'FROZEN', '', 0, 0, 0, '', '',
  'RECEIVABLE', 20260101, 20260201, 31, 20260203, type_code, 'EUR', minor, tax, {document}, 2, {stamp}, {stamp}, 0
FROM rated
"""
_BILLS = """
INSERT INTO bill (account_id, bill_id, cycle_code, window_code, kind, state, currency, bill_day, accounting_day,
  through_day, due_day, amount_minor, tax_minor, processing_order, messages, routed_by, version, created_us, updated_us,
  completed_us)
SELECT account_id, bill_id, 'NORTH', 'JAN', 'REGULAR', 'COMPLETE', 'EUR', 20260203, 20260203, 20260201, 20260217,
  sum(minor), sum(tax), {order}, '[]', '', 2, {stamp}, {stamp}, {stamp}
FROM rated GROUP BY account_id, bill_id
"""
_ORDER = (
    """CASE WHEN max(master_id) = '' THEN '[["S1",1,["SEQUENCE","TIE"],"no sequence, which counts as 0 as others"""
    """ have, by its id"],["S2",2,["SEQUENCE","TIE"],"no sequence, which counts as 0 as others have, by its id"],["""
    """"HO",3,["SEQUENCE"],"sequence 10"]]' ELSE '[["S1",1,["SEQUENCE"],"no sequence, which counts as 0"],["S2",2,"""
    """["MASTER","SEQUENCE"],"after its master S1, no sequence, which counts as 0"],["HO",3,["SEQUENCE"],"""
    """"sequence 10"]]' END"""
)
_DETAILS = """
INSERT INTO accounting_detail (bucket, detail_id, content_hash, reverses, accounting_period_code, coded_mask, source,
  external_id, description, subject_type, subject, origin, grouping, bulking_group, reversal, distribution_account,
  ledger_code, accounting_date, transaction_date, category, currency, debit_minor, credit_minor, group_account_code,
  maker, operation_id, created_us)
SELECT number % 64, number * 64 + number % 64, {hash}, 0, 'ALL', 0, 'billing', segment_id || side, agreement_id,
  'ACCOUNT', 'accounts/' || account_id, 'F', segment_id, '', 0, code, 'GL', 20260203, 20260203, '', 'EUR', debit,
  credit, '', 'BILLING', 'floor', {stamp}
FROM (
  SELECT rated.*, s.side, s.code, CASE s.code WHEN 'RECEIVABLE' THEN minor ELSE 0 END AS debit,
    CASE s.code WHEN 'REVENUE' THEN minor - tax WHEN 'TAXES' THEN tax ELSE 0 END AS credit,
    row_number() OVER (ORDER BY rated.account_id, rated.agreement_id, s.side) AS number
  FROM rated CROSS JOIN side s WHERE s.code <> 'TAXES' OR tax > 0
) d
"""
_SIDES = """
CREATE TEMPORARY TABLE side AS SELECT '/D' AS side, 'RECEIVABLE' AS code
UNION ALL SELECT '/C/REVENUE', 'REVENUE' UNION ALL SELECT '/C/TAXES', 'TAXES'
"""
_PENDING = "INSERT INTO accounting_detail_pending (bucket, detail_id) SELECT bucket, detail_id FROM accounting_detail"
_EVENTS = """
INSERT INTO event (owner, sequence, event_id, type, at_us, caller, method, request_id, operation_id, audit, payload,
  scope_id)
SELECT 'accounts/' || account_id || '/bills/' || bill_id, 1, bill_id, 'bill.completed', {stamp}, 'bench',
  'countinghouse.billing.v1.BillingService/RunBilling', '', 'floor', 1, '{{"canceled":0,"frozen":3}}', 1
FROM bill
"""
_INVOICES = """
INSERT INTO invoice (account_id, invoice_id, cycle_code, schedule_code, currency, line_count, last_line_no, net_minor,
  created_us, updated_us)
SELECT account_id, account_id || '111111111111111111', 'MONTHLY', '2026-11-01', 'EUR', 5, 5, sum(fixed + energy),
  {stamp}, {stamp}
FROM rated GROUP BY account_id
"""
_LINES = """
INSERT INTO invoice_line (account_id, invoice_id, line_no, source, external_id, segment_id, description, quantity,
  unit_code, price, net_minor, tax_category, tax_ppm, start_day, end_day, created_us)
SELECT account_id, account_id || '111111111111111111',
  l.at + CASE agreement_id WHEN 'S1' THEN 0 WHEN 'S2' THEN 2 ELSE 4 END, 'billing',
  bill_id || '/' || segment_id || '/' || CAST(l.at AS TEXT), segment_id, agreement_id || ' ' || l.component,
  CASE l.price WHEN '' THEN '' ELSE kwh END, l.unit_code, l.price,
  CASE l.price WHEN '' THEN fixed ELSE energy END, l.category, percent * 10000, 20260101, 20260201, {stamp}
FROM (SELECT rated.*, CASE type_code WHEN 'POWER' THEN 19 ELSE 0 END AS percent FROM rated) r
JOIN line l ON l.type_code = r.type_code
"""
_LINE = """
CREATE TEMPORARY TABLE line AS
SELECT 'POWER' AS type_code, 1 AS at, 'STANDING' AS component, '' AS unit_code, '' AS price, 'S' AS category
UNION ALL SELECT 'POWER', 2, 'ENERGY', 'KWH', '0.30', 'S'
UNION ALL SELECT 'HEAD_OFFICE', 1, 'SITES', 'KWH', '0.02', 'Z'
"""
_TAXES = """
INSERT INTO invoice_reckoned_tax (account_id, invoice_id, source, external_id, segment_id, tax_category, tax_ppm,
  tax_minor)
SELECT account_id, account_id || '111111111111111111', 'billing', bill_id || '/' || segment_id || '/3', segment_id,
  'S', 190000, tax
FROM rated WHERE tax > 0
"""


class Written(Enum):
    """What the floor writes."""

    BILLS = "bills and segments alone"
    ALL = "all that is written"
    INVOICES = "all that is written, with invoices"


_WHOLE = (_SIDES, _DETAILS, _PENDING, _EVENTS)
_INVOICED = (_LINE, _INVOICES, _LINES, _TAXES)
_ROWS = {
    Written.BILLS: (_SEGMENTS, _BILLS),
    Written.ALL: (_SEGMENTS, _BILLS, *_WHOLE),
    Written.INVOICES: (_SEGMENTS, _BILLS, *_WHOLE, *_INVOICED),
}
_HASH = {"sqlite": "randomblob(16)", "postgresql": "decode(md5(segment_id || side), 'hex')"}


def run(url: str, written: Written) -> None:
    """Bill all accounts in one transaction."""
    whole = written is not Written.BILLS
    dialect = "sqlite" if url.startswith("sqlite") else "postgresql"
    document = f"CASE type_code WHEN 'POWER' THEN {_SITE} ELSE {_OFFICE} END" if whole else "'{}'"
    words = {"stamp": _STAMP, "document": document, "order": _ORDER if whole else "'[]'", "hash": _HASH[dialect]}
    connection: Any = connect_sqlite(url) if dialect == "sqlite" else connect_postgresql(url)
    with closing(connection):
        cursor = connection.cursor()
        if dialect == "sqlite":
            cursor.execute("BEGIN IMMEDIATE")
        cursor.execute(_USED)
        for statement in _ROWS[written]:
            cursor.execute(statement.format(**words))
        connection.commit()
