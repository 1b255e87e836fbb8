"""Invoice lines by client stream against COPY, a deduplicating INSERT, and one statement that adds them up."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from google.type.decimal_pb2 import Decimal
from google.type.money_pb2 import Money

from bench import seed
from bench.databases import Databases, connect_postgresql, connect_sqlite, open_databases
from bench.figures import COMPARISON, Table, compare, interleave
from bench.meter import Meter, Spent
from bench.options import Options
from bench.product import serve
from countinghouse.invoicing.v1 import invoice_lines_pb2 as pb

AIM = 0.4
LINES_PER_ACCOUNT = 5
_CYCLE = (
    '{"currency":"EUR","formats":[],"hookpoint":"","issuer":"I","maximum_carries":0,"minimum_usage":{},'
    '"payment_days":14,"period_count":1,"period_unit":"MONTHS","receivable":"FEES","taxes":{"S":"FEES"},'
    '"time_zone":"UTC","workflow":"no-export"}'
)
_COLUMNS = (
    "account_id, invoice_id, line_no, source, external_id, description, net_minor, tax_category, tax_ppm,"
    " distribution_code, created_us"
)
_NEW = f"INSERT INTO invoice_line ({_COLUMNS}) SELECT {_COLUMNS} FROM staged WHERE true ON CONFLICT DO NOTHING"
_SUMS = (
    "INSERT INTO invoice (account_id, invoice_id, cycle_code, schedule_code, currency, line_count, last_line_no,"
    " net_minor, created_us, updated_us)"
    " SELECT account_id, invoice_id, 'C', 'S', 'EUR', count(*), count(*), sum(net_minor), 1, 1 FROM staged"
    " GROUP BY account_id, invoice_id ON CONFLICT (cycle_code, schedule_code, account_id, slot) DO UPDATE"
    " SET line_count = invoice.line_count + excluded.line_count, net_minor = invoice.net_minor + excluded.net_minor"
)


def invoice_lines(options: Options) -> Iterator[Table]:
    """The same new lines by the client's bulk ingest and by hand, into the same empty tables."""
    rows = []
    for dialect in options.databases:
        with options.folder() as folder, open_databases(dialect, folder) as databases:
            databases.template("cycle", partial(seed.execute, statements=_configured()))
            data = [_row(number) for number in range(options.rows)]
            staged = folder / "staged.tsv"
            with staged.open("w", encoding="utf-8") as file:
                file.writelines("\t".join(_staged(number)) + "\n" for number in range(options.rows))
            print(f"invoice lines on {dialect}", flush=True)
            pairs = interleave(
                options.pairs,
                partial(_product, databases, folder, data),
                partial(_floor, databases, staged, options.rows),
            )
            rows.append(compare(dialect, pairs, aim=AIM))
    title = f"Ingest of {options.rows:,} new invoice lines by client stream, {LINES_PER_ACCOUNT} an account"
    yield Table(title, COMPARISON, rows)


def _product(databases: Databases, folder: Path, data: list[pb.InvoiceLine]) -> Spent:
    with databases.copy("cycle") as url, serve(url, folder) as product:
        taken = Meter([*databases.roots, product.server])
        totals = product.client.invoicing.ingest_lines(data, billing_cycle="billingCycles/C")
        spent = taken.spent(len(data))
    assert totals.created_count == len(data), totals
    return spent


def _floor(databases: Databases, staged: Path, count: int) -> Spent:
    with databases.copy("cycle") as url:
        taken = Meter(databases.roots, own=True)
        created = _run_sqlite(url, staged) if url.startswith("sqlite") else _run_postgresql(url, staged)
        spent = taken.spent(count)
    assert created == count, created
    return spent


def _run_postgresql(url: str, staged: Path) -> int:
    with closing(connect_postgresql(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE staged ON COMMIT DROP AS SELECT {_COLUMNS} FROM invoice_line WITH NO DATA")
        with staged.open("rb") as rows:
            cursor.copy_expert(f"COPY staged ({_COLUMNS}) FROM STDIN", rows)
        cursor.execute(_NEW)
        created = cursor.rowcount
        cursor.execute(_SUMS)
        return created


def _run_sqlite(url: str, staged: Path) -> int:
    with closing(connect_sqlite(url)) as connection, staged.open(encoding="utf-8") as lines:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(f"CREATE TEMP TABLE staged ({_COLUMNS})")
        cells = (line.rstrip("\n").split("\t") for line in lines)
        marks = ", ".join("?" * (_COLUMNS.count(",") + 1))
        connection.executemany(f"INSERT INTO staged ({_COLUMNS}) VALUES ({marks})", cells)
        created = connection.execute(_NEW).rowcount
        connection.execute(_SUMS.replace("GROUP BY", "WHERE true GROUP BY"))
        connection.execute("COMMIT")
        return created


def _configured() -> list[str]:
    """Statements that make a billing cycle, and the distribution code of its lines."""
    stamps = f"{seed.CREATED_US}, {seed.CREATED_US}"
    code = (
        "code, ledger_code, description, group_account_code, distribution_account, bulking_group, category,"
        " gl_segments, attributes, version, created_us, updated_us"
    )
    return [
        f"INSERT INTO billing_cycle (code, document, created_us, updated_us) VALUES ('C', '{_CYCLE}', {stamps})",
        f"INSERT INTO distribution_code ({code}) VALUES ('FEES', 'L', '', '', '', '', '', '[]', '[]', 1, {stamps})",
        "UPDATE invoicing_configuration SET version = version + 1",
    ]


def _account(number: int) -> str:
    return f"A{100_000 + number // LINES_PER_ACCOUNT}"


def _net(number: int) -> int:
    return 100 + number * 7919 % 100_000


def _row(number: int) -> pb.InvoiceLine:
    """Line `number` as a caller sends it."""
    units, rest = divmod(_net(number), 100)
    return pb.InvoiceLine(
        account=f"accounts/{_account(number)}",
        source="shop",
        external_id=f"sale-{number}",
        description="Meter reading on site",
        net_amount=Money(currency_code="EUR", units=units, nanos=rest * 10_000_000),
        tax_category="S",
        tax_percent=Decimal(value="19"),
        distribution_code="FEES",
    )


def _staged(number: int) -> list[str]:
    """The same line as the table holds it, for COPY."""
    invoice, line_no = f"invoice-{_account(number)}", number % LINES_PER_ACCOUNT + 1
    told = ["shop", f"sale-{number}", "Meter reading on site", str(_net(number)), "S", "190000", "FEES"]
    return [_account(number), invoice, str(line_no), *told, str(seed.CREATED_US)]
