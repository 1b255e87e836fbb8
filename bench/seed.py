"""Details made by set-based SQL straight in the tables, the same rows on both databases.

Detail number n belongs to group n % groups; a group is one bulking group, currency and reversal flag. Accounts and
segments are those of the group, subjects and amounts are the detail's own: some fields agree within an element and
some do not, as in real books.
"""

from collections.abc import Iterator
from contextlib import closing

from sqlalchemy import make_url
from sqlalchemy.schema import CreateIndex, DropIndex

from bench.databases import connect_postgresql, connect_sqlite
from domain.gl_extraction.tables import BUCKETS, CODED_COLUMNS, accounting_detail, extraction_stamp

LEDGER = "GL"
PERIOD = "2026"
SOURCE = "BENCH"
CREATED_US = 1_767_225_600_000_000  # 2026-01-01, and one microsecond a detail
PER_BATCH = 1_000_000
CODED = {  # the free fields in use, by SQL over the group's number `i`
    "gl_segment_1": "'S' || CAST(i % 7 AS TEXT)",
    "gl_segment_2": "'C' || CAST(i % 400 AS TEXT)",
    "gl_segment_3": "'P' || CAST(i % 90 AS TEXT)",
    "gl_segment_4": "'R' || CAST(n % 11 AS TEXT)",
    "attribute_1": "'north'",
    "attribute_2": "'T' || CAST(n % 50 AS TEXT)",
}
CODED_MASK = sum(1 << CODED_COLUMNS.index(name) for name in CODED)
REFERENCE = (
    f"INSERT INTO ledger (code, created_us, updated_us) VALUES ('{LEDGER}', {CREATED_US}, {CREATED_US})",
    (
        "INSERT INTO accounting_period (ledger_code, code, start_day, end_day, state, created_us, updated_us) "
        f"VALUES ('{LEDGER}', '{PERIOD}', 20260101, 20261231, 'OPEN', {CREATED_US}, {CREATED_US})"
    ),
)


def fill(url: str, *, details: int, groups: int, first: int = 1, extracted: int = 0) -> None:
    """Put in details numbered from `first`: `extracted` ones with their stamps, then `details` pending ones.

    Where there are extracted ones, the database must hold no details yet: indexes are built once those are in.
    """
    if first == 1:
        execute(url, REFERENCE)
    if extracted:
        execute(url, _indexes(url, DropIndex))
        for start in range(first, first + extracted, PER_BATCH):
            execute(url, _extracted(url, start, min(PER_BATCH, first + extracted - start), groups))
        execute(url, _indexes(url, CreateIndex))
        execute(url, [f"UPDATE sequence SET next_value = {1 + extracted} WHERE name = 'extraction_batch_no'"])
    if details:
        pending = first + extracted
        keys = _numbered(url, pending, details, "b", f"n * {BUCKETS} + b")
        execute(
            url,
            [
                _details(url, pending, details, groups),
                f"INSERT INTO accounting_detail_pending (bucket, detail_id) {keys}",
                _movements(url, pending, details, groups, extracted=False),
            ],
        )


def execute(url: str, statements: Iterator[str] | list[str] | tuple[str, ...]) -> None:
    """Run statements in one transaction."""
    if url.startswith("sqlite"):
        with closing(connect_sqlite(url)) as connection:
            connection.execute("PRAGMA cache_size = -500000")
            connection.execute("BEGIN IMMEDIATE")
            for statement in statements:
                connection.execute(statement)
            connection.execute("COMMIT")
        return
    with closing(connect_postgresql(url)) as session, session, session.cursor() as cursor:
        cursor.execute("SET LOCAL maintenance_work_mem = '1GB'")
        for statement in statements:
            cursor.execute(statement)


def detail_sql(hashed: str) -> dict[str, str]:
    """SQL of every column that has no default, over the detail's number `n`, its group `i` and bucket `b`."""
    return {
        "bucket": "b",
        "detail_id": f"n * {BUCKETS} + b",
        "source": f"'{SOURCE}'",
        "external_id": "'INV-2026-' || CAST(n AS TEXT)",
        "content_hash": hashed,
        "description": "'Premium of the month'",
        "subject_type": "'ACCOUNT'",
        "subject": "'A' || CAST(100000 + n % 90001 AS TEXT)",
        "origin": "'F'",
        "grouping": "'T' || CAST(n / 10 AS TEXT)",
        "bulking_group": "'B' || CAST(100000 + i / 4 AS TEXT)",
        "reversal": "i / 2 % 2",
        "distribution_account": "'4' || CAST(1000 + i % 500 AS TEXT)",
        "ledger_code": f"'{LEDGER}'",
        "accounting_date": "20260101 + i % 28",
        "transaction_date": "20260101 + n % 28",
        "accounting_period_code": f"'{PERIOD}'",
        "category": "'PREMIUM'",
        "currency": "CASE i % 2 WHEN 0 THEN 'USD' ELSE 'EUR' END",
        "debit_minor": "CASE n % 3 WHEN 0 THEN 0 ELSE 1 + n % 99991 END",
        "credit_minor": "CASE n % 3 WHEN 0 THEN 1 + n % 99991 ELSE 0 END",
        "group_account_code": "''",
        "maker": "'INGEST'",
        "created_us": f"{CREATED_US} + n",
        "coded_mask": str(CODED_MASK),
        **CODED,
    }


def _details(url: str, first: int, count: int, groups: int) -> str:
    columns = detail_sql("randomblob(16)" if url.startswith("sqlite") else "decode(md5(CAST(n AS TEXT)), 'hex')")
    assert columns.keys() <= set(accounting_detail.c.keys())
    rows = _numbered(url, first, count, *columns.values(), groups=groups)
    return f"INSERT INTO accounting_detail ({', '.join(columns)}) {rows}"


def _extracted(url: str, first: int, count: int, groups: int) -> Iterator[str]:
    """A completed batch of details, its elements and files left out: nothing looks at those again."""
    batch = first // PER_BATCH + 1
    until = CREATED_US + first + count - 1
    yield _details(url, first, count, groups)
    yield (
        "INSERT INTO extraction_batch (batch_no, state, operation_id, caller, created_us, message_us, completed_us, "
        f"detail_count) VALUES ({batch}, 'COMPLETED', 'seed{batch}', 'bench', {until}, {until}, {until}, {count})"
    )
    keys = _numbered(url, first, count, "b", str(batch), f"n * {BUCKETS} + b")
    yield f"INSERT INTO extraction_stamp (bucket, batch_no, detail_id) {keys}"
    yield _movements(url, first, count, groups, extracted=True)


def _movements(url: str, first: int, count: int, groups: int, *, extracted: bool) -> str:
    """What the details come to, as whoever makes and extracts them records it for the balances."""
    place = ("ledger_code", "accounting_period_code", "distribution_account", "currency")
    names = (*place, "debit_minor", "credit_minor")
    columns = detail_sql("''")
    details = _numbered(url, first, count, *(f"{columns[name]} AS {name}" for name in names), groups=groups)
    sums = "sum(debit_minor), sum(credit_minor), count(*)"
    return (
        f"INSERT INTO balance_span (movement_id, {', '.join(place)}, debit_minor, credit_minor, detail_count, "
        "extracted_debit_minor, extracted_credit_minor, extracted_count, settled_us) "
        f"SELECT 'seed{first}', {', '.join(place)}, {sums}, {sums if extracted else '0, 0, 0'}, "
        f"{CREATED_US + first + count - 1} FROM ({details}) AS detail GROUP BY {', '.join(place)}"
    )


def _numbered(url: str, first: int, count: int, *columns: str, groups: int = 1) -> str:
    """A query of SQL over the numbers from `first`, in the order of the details' key: else indexes would bloat.

    `n` is the number, `i` its group and `b` its bucket; those come in no order, as from a hash.
    """
    numbers = (
        f"WITH RECURSIVE number (n) AS (VALUES ({first}) UNION ALL "
        f"SELECT n + 1 FROM number WHERE n < {first + count - 1})"
        if url.startswith("sqlite")
        else f"WITH number AS (SELECT generate_series({first}::bigint, {first + count - 1}) AS n)"
    )
    numbered = f"SELECT n, n % {groups} AS i, CAST(n * 40503 / 16 % {BUCKETS} AS INTEGER) AS b FROM number"
    return f"{numbers} SELECT {', '.join(columns)} FROM ({numbered}) AS numbered ORDER BY b, n"


def _indexes(url: str, change: type[CreateIndex | DropIndex]) -> Iterator[str]:
    """Statements that drop or create the indexes, beside primary keys, of what a large seed fills."""
    dialect = make_url(url).get_dialect()()
    for table in (accounting_detail, extraction_stamp):
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            yield str(change(index).compile(dialect=dialect))
