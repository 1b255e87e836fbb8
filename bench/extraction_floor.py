"""The floor of extraction: the same outcome by hand-written SQL, in the same tables and with the same durability.

One transaction takes the pending details of an origin that are not void, stamps them and adds them up; then the
elements are read back in order and written as lines of JSON to a file that is synced. The person who wrote it knows
which free fields are in use, and gives PostgreSQL fresh statistics and memory to sort in. There are no chunks, no
progress, no recovery, no manifest and no control totals, and dates and amounts stay the integers that they are.
"""

import os
from contextlib import closing
from pathlib import Path

from bench.databases import connect_postgresql, connect_sqlite
from bench.seed import CODED

BATCH_NO = 999_999
WORK_MEMORY = "256MB"  # of 4 MB to 1 GB, the quickest
KEY = "d.bulking_group, d.currency, d.reversal, (d.invoiced_us > 0)"
TEXTS = (
    "description",
    "subject",
    "distribution_account",
    "ledger_code",
    "accounting_period_code",
    "category",
    "source",
    *CODED,
)
DAYS = ("accounting_date", "transaction_date")
COLUMNS = ("bulking_group", "currency", "reversal", "invoiced", "debit_minor", "credit_minor", *TEXTS, *DAYS)

BATCH = (
    "INSERT INTO extraction_batch (batch_no, state, operation_id, caller, created_us, message_us, completed_us) "
    f"VALUES ({BATCH_NO}, 'COMPLETED', 'floor', 'bench', 1, 1, 1)"
)
STAMP = f"""
    INSERT INTO extraction_stamp (bucket, batch_no, detail_id)
    SELECT p.bucket, {BATCH_NO}, p.detail_id
    FROM accounting_detail_pending p
    JOIN accounting_detail d ON d.bucket = p.bucket AND d.detail_id = p.detail_id
    WHERE d.origin = 'F' AND d.voided_us = 0"""
TAKE_POSTGRESQL = f"""
    DELETE FROM accounting_detail_pending p USING extraction_stamp s
    WHERE s.bucket = p.bucket AND s.detail_id = p.detail_id AND s.batch_no = {BATCH_NO}"""
TAKE_SQLITE = f"""
    DELETE FROM accounting_detail_pending
    WHERE (bucket, detail_id) IN (SELECT bucket, detail_id FROM extraction_stamp WHERE batch_no = {BATCH_NO})"""


def _agreed(column: str, empty: str) -> str:
    return f"CASE WHEN min(d.{column}) = max(d.{column}) THEN min(d.{column}) ELSE {empty} END"


_EMPTIED = " + ".join(
    f"CASE WHEN min(d.{column}) = max(d.{column}) THEN 0 ELSE {1 << bit} END"
    for bit, column in enumerate(("distribution_account", "ledger_code", "accounting_date", "accounting_period_code"))
)
_AGREED = [*(_agreed(column, "''") for column in TEXTS), *(_agreed(column, "0") for column in DAYS)]
GROUP = f"""
    INSERT INTO extraction_element (batch_no, element_no, detail_count, emptied, {", ".join(COLUMNS)})
    SELECT {BATCH_NO}, row_number() OVER (ORDER BY {KEY}), count(*), {_EMPTIED},
        d.bulking_group, d.currency, d.reversal, CASE WHEN d.invoiced_us > 0 THEN 1 ELSE 0 END,
        CAST(sum(d.debit_minor) AS bigint), CAST(sum(d.credit_minor) AS bigint), {", ".join(_AGREED)}
    FROM extraction_stamp s
    JOIN accounting_detail d ON d.bucket = s.bucket AND d.detail_id = s.detail_id
    WHERE s.batch_no = {BATCH_NO}
    GROUP BY {KEY}"""
_WRITTEN = f"FROM extraction_element WHERE batch_no = {BATCH_NO} ORDER BY element_no"
WRITE_POSTGRESQL = f"COPY (SELECT row_to_json(e) FROM (SELECT {', '.join(COLUMNS)} {_WRITTEN}) e) TO STDOUT"
_PAIRS = ", ".join(f"'{column}', {column}" for column in COLUMNS)
WRITE_SQLITE = f"SELECT json_object({_PAIRS}) {_WRITTEN}"


def run(url: str, file: Path) -> None:
    """Extract everything pending into `file`."""
    if url.startswith("sqlite"):
        _run_sqlite(url, file)
    else:
        _run_postgresql(url, file)


def _run_postgresql(url: str, file: Path) -> None:
    with closing(connect_postgresql(url)) as connection, file.open("wb") as out:
        with connection, connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL work_mem = '{WORK_MEMORY}'")
            for statement in (BATCH, STAMP, "ANALYZE extraction_stamp", TAKE_POSTGRESQL, GROUP):
                cursor.execute(statement)
        with connection, connection.cursor() as cursor:
            cursor.copy_expert(WRITE_POSTGRESQL, out)
        out.flush()
        os.fsync(out.fileno())


def _run_sqlite(url: str, file: Path) -> None:
    with closing(connect_sqlite(url)) as connection, file.open("w", encoding="utf-8") as out:
        for statement in ("BEGIN IMMEDIATE", BATCH, STAMP, TAKE_SQLITE, GROUP, "COMMIT"):
            connection.execute(statement)
        out.writelines(f"{line}\n" for (line,) in connection.execute(WRITE_SQLITE))
        out.flush()
        os.fsync(out.fileno())
