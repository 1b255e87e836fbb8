"""Interval data by client stream against COPY and a deduplicating INSERT."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.decimal_pb2 import Decimal

from bench import seed
from bench.databases import Databases, connect_postgresql, connect_sqlite, open_databases
from bench.figures import COMPARISON, Table, compare, interleave
from bench.meter import Meter, Spent
from bench.options import Options
from bench.product import serve
from countinghouse.billing.v1 import usage_pb2 as pb
from countinghouse.client.usage import UsageRow
from domain.kernel.quantities import attos_of, split

AIM = 0.4
ROWS_PER_PROFILE = 720  # hours of a month
_FIRST_S = 1_767_225_600  # 2026-01-01 UTC
_TYPE = '{"creation":"","creation_priority":0,"digits":0,"interval_s":3600,"kind":"INTERVALS","unit":"kWh"}'
_COLUMNS = "account_id, profile_id, start_us, units, nanos, attos, revision, estimated, received_us"
_NEW = f"INSERT INTO interval_data ({_COLUMNS}) SELECT {_COLUMNS} FROM staged WHERE true ON CONFLICT DO NOTHING"


def usage(options: Options) -> Iterator[Table]:
    """The same new rows by the client's bulk ingest and by hand, into the same empty table."""
    rows = []
    for dialect in options.databases:
        with options.folder() as folder, open_databases(dialect, folder) as databases:
            databases.template("meters", partial(seed.execute, statements=_accounts(options.rows)))
            data = [_row(number) for number in range(options.rows)]
            staged = folder / "staged.tsv"
            with staged.open("w", encoding="utf-8") as file:
                file.writelines("\t".join(_staged(number)) + "\n" for number in range(options.rows))
            print(f"usage on {dialect}", flush=True)
            pairs = interleave(
                options.pairs,
                partial(_product, databases, folder, data),
                partial(_floor, databases, staged, options.rows),
            )
            rows.append(compare(dialect, pairs, aim=AIM))
    yield Table(f"Ingest of {options.rows:,} new hourly reads by client stream", COMPARISON, rows)


def _product(databases: Databases, folder: Path, data: list[UsageRow]) -> Spent:
    with databases.copy("meters") as url, serve(url, folder) as product:
        taken = Meter([*databases.roots, product.server])
        totals = product.client.billing.ingest_usage(data)
        spent = taken.spent(len(data))
    assert totals.accepted_count == len(data), totals
    return spent


def _floor(databases: Databases, staged: Path, count: int) -> Spent:
    with databases.copy("meters") as url:
        taken = Meter(databases.roots, own=True)
        created = _run_sqlite(url, staged) if url.startswith("sqlite") else _run_postgresql(url, staged)
        spent = taken.spent(count)
    assert created == count, created
    return spent


def _run_postgresql(url: str, staged: Path) -> int:
    with closing(connect_postgresql(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE staged ON COMMIT DROP AS SELECT {_COLUMNS} FROM interval_data WITH NO DATA")
        with staged.open("rb") as rows:
            cursor.copy_expert(f"COPY staged ({_COLUMNS}) FROM STDIN", rows)
        cursor.execute(_NEW)
        return cursor.rowcount


def _run_sqlite(url: str, staged: Path) -> int:
    with closing(connect_sqlite(url)) as connection, staged.open(encoding="utf-8") as lines:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(f"CREATE TEMP TABLE staged ({_COLUMNS})")
        cells = (line.rstrip("\n").split("\t") for line in lines)
        connection.executemany(f"INSERT INTO staged ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", cells)
        created = connection.execute(_NEW).rowcount
        connection.execute("COMMIT")
        return created


def _accounts(rows: int) -> list[str]:
    """Statements that make accounts for so many rows, each with a profile of hours."""
    profiles = -(-rows // ROWS_PER_PROFILE)
    stamps = f"{seed.CREATED_US}, {seed.CREATED_US}"
    columns = "account_id, customer_class_code, currency, time_zone, created_us, updated_us"
    accounts = ", ".join(f"('{_account(each)}', 'HOME', 'USD', 'UTC', {stamps})" for each in range(profiles))
    made = ", ".join(f"('{_account(each)}', 'METER', 'HOURLY', 'UTC', {stamps})" for each in range(profiles))
    return [
        f"INSERT INTO profile_type (code, document, created_us, updated_us) VALUES ('HOURLY', '{_TYPE}', {stamps})",
        f"INSERT INTO billing_account ({columns}) VALUES {accounts}",
        f"INSERT INTO profile (account_id, profile_id, type_code, time_zone, created_us, updated_us) VALUES {made}",
        "UPDATE billing_configuration SET version = version + 1",
    ]


def _account(number: int) -> str:
    return f"A{100_000 + number}"


def _place(number: int) -> tuple[str, int]:
    """Whose row it is, and when it begins, in seconds."""
    profile, hour = divmod(number, ROWS_PER_PROFILE)
    return _account(profile), _FIRST_S + hour * 3_600


def _quantity(number: int) -> str:
    return f"{number % 7}.{number * 7919 % 1_000_000:06}"


def _row(number: int) -> UsageRow:
    """Row `number` as a caller sends it."""
    account, seconds = _place(number)
    at, quantity = Timestamp(seconds=seconds), Decimal(value=_quantity(number))
    return f"accounts/{account}/profiles/METER", pb.IntervalData(start_time=at, quantity=quantity)


def _staged(number: int) -> list[str]:
    """The same row as the table holds it, for COPY."""
    account, seconds = _place(number)
    attos = attos_of(_quantity(number))
    assert attos is not None
    columns = map(str, split(attos))
    return [account, "METER", str(seconds * 1_000_000), *columns, "1", "0", str(seed.CREATED_US)]
