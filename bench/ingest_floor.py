"""The floor of ingest: rows that are sound and ready, staged and inserted where they are new, by hand-written SQL.

The file holds what the tables hold: periods, buckets, numbers and content hashes are worked out beforehand, and
nothing is checked. One transaction copies it into a staging table of the session, inserts what is not there yet by
source and external id, and notes the new rows as pending.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from bench.databases import connect_postgresql, connect_sqlite
from bench.seed import CODED

COLUMNS = (
    "bucket",
    "detail_id",
    "source",
    "external_id",
    "content_hash",
    "description",
    "subject_type",
    "subject",
    "origin",
    "grouping",
    "bulking_group",
    "distribution_account",
    "ledger_code",
    "accounting_date",
    "transaction_date",
    "accounting_period_code",
    "category",
    "currency",
    "debit_minor",
    "credit_minor",
    "maker",
    "created_us",
    "coded_mask",
    *CODED,
)
_HASH = COLUMNS.index("content_hash")
_NAMES = ", ".join(COLUMNS)
_STAGED = f"SELECT {_NAMES} FROM staged WHERE true"
_NEW = f"INSERT INTO accounting_detail ({_NAMES}) {_STAGED} ON CONFLICT DO NOTHING"
STAGE_POSTGRESQL = f"CREATE TEMP TABLE staged ON COMMIT DROP AS SELECT {_NAMES} FROM accounting_detail WITH NO DATA"
INSERT_POSTGRESQL = f"""
    WITH created AS ({_NEW} RETURNING bucket, detail_id)
    INSERT INTO accounting_detail_pending (bucket, detail_id) SELECT bucket, detail_id FROM created"""
STAGE_SQLITE = f"CREATE TEMP TABLE staged ({_NAMES})"
PENDING_SQLITE = """
    INSERT INTO accounting_detail_pending (bucket, detail_id)
    SELECT s.bucket, s.detail_id FROM staged s
    JOIN accounting_detail d ON d.bucket = CAST(s.bucket AS INTEGER) AND d.detail_id = CAST(s.detail_id AS INTEGER)
    ORDER BY 1, 2"""


def run(url: str, staged: Path) -> int:
    """Take the file in; gives how many rows were new."""
    return _run_sqlite(url, staged) if url.startswith("sqlite") else _run_postgresql(url, staged)


def _run_postgresql(url: str, staged: Path) -> int:
    with closing(connect_postgresql(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(STAGE_POSTGRESQL)
        with staged.open("rb") as rows:
            cursor.copy_expert(f"COPY staged ({_NAMES}) FROM STDIN", rows)
        cursor.execute(INSERT_POSTGRESQL)
        return cursor.rowcount


def _run_sqlite(url: str, staged: Path) -> int:
    with closing(connect_sqlite(url)) as connection, staged.open(encoding="utf-8") as lines:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(STAGE_SQLITE)
        marks = ", ".join("?" * len(COLUMNS))
        connection.executemany(f"INSERT INTO staged ({_NAMES}) VALUES ({marks})", _cells(lines))
        connection.execute(_NEW)
        created = connection.execute(PENDING_SQLITE).rowcount
        connection.execute("COMMIT")
        return created


def _cells(lines: Iterator[str]) -> Iterator[list[str | bytes]]:
    for line in lines:
        cells: list[str | bytes] = [*line.rstrip("\n").split("\t")]
        cells[_HASH] = bytes.fromhex(str(cells[_HASH])[3:])
        yield cells
