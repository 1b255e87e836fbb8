"""Ingest by client stream against COPY and a deduplicating INSERT."""

import zlib
from collections.abc import Iterator
from functools import partial
from hashlib import md5
from pathlib import Path

from google.type import date_pb2, money_pb2

from bench import ingest_floor, seed
from bench.databases import Databases, open_databases
from bench.figures import COMPARISON, Table, compare, interleave
from bench.meter import Meter, Spent
from bench.options import Options
from bench.product import serve
from countinghouse.gl_extraction.v1 import accounting_details_pb2 as pb
from domain.gl_extraction.tables import BUCKETS

AIM = 0.4
FIRST_NO = 10_000_000_000


def ingest(options: Options) -> Iterator[Table]:
    """The same new rows by the client's bulk ingest and by hand, into the same empty tables."""
    rows = []
    for dialect in options.databases:
        with options.folder() as folder, open_databases(dialect, folder) as databases:
            databases.template("books", lambda url: seed.execute(url, seed.REFERENCE))
            details = [_detail(number, options.groups) for number in range(options.rows)]
            staged = folder / "staged.tsv"
            with staged.open("w", encoding="utf-8") as file:
                file.writelines("\t".join(_staged(number, detail)) + "\n" for number, detail in enumerate(details))
            print(f"ingest on {dialect}", flush=True)
            pairs = interleave(
                options.pairs,
                partial(_product, databases, folder, details),
                partial(_floor, databases, staged, details),
            )
            rows.append(compare(dialect, pairs, aim=AIM))
    yield Table(f"Ingest of {options.rows:,} new details by client stream", COMPARISON, rows)


def _product(databases: Databases, folder: Path, details: list[pb.AccountingDetail]) -> Spent:
    with databases.copy("books") as url, serve(url, folder) as product:
        taken = Meter([*databases.roots, product.server])
        totals = product.client.gl.ingest(details)
        spent = taken.spent(len(details))
    assert totals.created_count == len(details), totals
    return spent


def _floor(databases: Databases, staged: Path, details: list[pb.AccountingDetail]) -> Spent:
    with databases.copy("books") as url:
        taken = Meter(databases.roots, own=True)
        created = ingest_floor.run(url, staged)
        spent = taken.spent(len(details))
    assert created == len(details), created
    return spent


def _detail(number: int, groups: int) -> pb.AccountingDetail:
    """Row `number` as a caller sends it, with the fields in use of the seeded details."""
    group = number % groups
    amount = 1 + number % 99_991
    money = money_pb2.Money(currency_code="USD", units=amount // 100, nanos=amount % 100 * 10_000_000)
    detail = pb.AccountingDetail(
        source=seed.SOURCE,
        external_id=f"INV-2026-{number}",
        description="Premium of the month",
        subject_type=pb.SUBJECT_TYPE_ACCOUNT,
        subject=f"A{100_000 + number % 90_001}",
        origin=pb.ORIGIN_FINANCIAL,
        grouping=f"T{number // 10}",
        bulking_group=f"B{100_000 + group // 4}",
        distribution_account=f"4{1_000 + group % 500}",
        ledger_code=seed.LEDGER,
        accounting_date=date_pb2.Date(year=2026, month=1, day=1 + group % 28),
        transaction_date=date_pb2.Date(year=2026, month=1, day=1 + number % 28),
        category="PREMIUM",
        gl_segments=[f"S{group % 7}", f"C{group % 400}", f"P{group % 90}", f"R{number % 11}"],
        attributes=["north", f"T{number % 50}"],
    )
    (detail.debit if number % 3 else detail.credit).CopyFrom(money)
    return detail


def _staged(number: int, detail: pb.AccountingDetail) -> list[str]:
    """The same row as the tables hold it, in the order of `ingest_floor.COLUMNS`, for COPY."""
    bucket = zlib.crc32(f"{detail.source}\0{detail.external_id}".encode()) % BUCKETS
    hashed = md5(detail.SerializeToString(deterministic=True), usedforsecurity=False).hexdigest()
    money = detail.credit if detail.HasField("credit") else detail.debit
    amount = str(money.units * 100 + money.nanos // 10_000_000)
    return [
        str(bucket),
        str((FIRST_NO + number) * BUCKETS + bucket),
        detail.source,
        detail.external_id,
        f"\\\\x{hashed}",
        detail.description,
        "ACCOUNT",
        detail.subject,
        "F",
        detail.grouping,
        detail.bulking_group,
        detail.distribution_account,
        detail.ledger_code,
        f"202601{detail.accounting_date.day:02}",
        f"202601{detail.transaction_date.day:02}",
        seed.PERIOD,
        detail.category,
        detail.debit.currency_code or detail.credit.currency_code,
        amount if detail.HasField("debit") else "0",
        amount if detail.HasField("credit") else "0",
        "INGEST",
        str(seed.CREATED_US),
        str(seed.CODED_MASK),
        *detail.gl_segments,
        *detail.attributes,
    ]
