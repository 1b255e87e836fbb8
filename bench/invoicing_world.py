"""Running invoices of a cycle, put in by SQL for the benchmarks of invoice batches.

Each invoice has five lines at two rates and its account a recipient. Those of every tenth account stay below the
cycle's minimum and move to the next schedule, where every other of these accounts has begun an invoice already.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import Connection

from bench import seed
from domain.invoicing.configuration.model import NO_EXPORT
from domain.kernel.call import Call
from server.database.transaction import Database
from tests.invoicing.batches.house import open_books
from tests.invoicing.configured import put_cycle, put_issuer

CYCLE, ENDED, NEXT = "billingCycles/CYCLE", "JAN", "FEB"
LINES, MINIMUM = 5, 1_000
_STAMP = 1_767_225_600_000_000
_RECIPIENT = '{"party":{"name":"A household","address":{"country":"DE"}}}'
_RATES = {1: 190_000, 2: 190_000, 3: 190_000, 4: 70_000, 5: 70_000}
_NET = "CASE WHEN {small} THEN 100 ELSE 1000 + 100 * (n % 9) END"


@dataclass(frozen=True, slots=True)
class World:
    """How many invoices; `billed`: bills have posted their lines. One in `carried_of` stays below the minimum.

    Of these, one in `met_of` meets a newer invoice in the next schedule.
    """

    invoices: int
    billed: bool = True
    carried_of: int = 10
    met_of: int = 2

    @property
    def carried(self) -> int:
        """How many invoices move."""
        return self.invoices // self.carried_of


def fill(url: str, world: World) -> None:
    """The cycle with its books, two schedules and their invoices."""
    configure(url)
    seed.execute(url, [_schedule(ENDED, 1), _schedule(NEXT, 2), *_invoices(url, world)])


def configure(url: str) -> None:
    """Issuer, cycle, ledger and distribution codes."""
    database = Database(url)

    def write(tx: Connection) -> None:
        open_books(tx, Call("bench", "bench/Fill", "", _STAMP))
        put_issuer(tx)
        minimum = {"EUR": MINIMUM}
        put_cycle(tx, time_zone="UTC", minimum_usage=minimum, workflow=NO_EXPORT, formats=())

    database.write(write)
    database.dispose()


def numbers(url: str, count: int) -> str:
    """A query of the numbers from 1, as `n`."""
    if url.startswith("sqlite"):
        return (
            "WITH RECURSIVE number (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM number"
            f" WHERE n < {count}) SELECT n FROM number"
        )
    return f"SELECT CAST(n AS BIGINT) AS n FROM generate_series(1, {count}) AS n"


def _schedule(code: str, month: int) -> str:
    start, end = (
        int(datetime.combine(date(2026, each, 1), datetime.min.time(), UTC).timestamp()) * 1_000_000
        for each in (month, month + 1)
    )
    return (
        "INSERT INTO invoice_schedule (cycle_code, schedule_code, start_us, end_us, state, created_us, updated_us)"
        f" VALUES ('CYCLE', '{code}', {start}, {end}, 'OPEN', {_STAMP}, {_STAMP})"
    )


def _invoices(url: str, world: World) -> Iterator[str]:
    """All in the order of accounts, as the primary keys have it."""
    small = f"n % {world.carried_of} = 0"
    met = f"n % {world.carried_of * world.met_of} = 0"
    all_of_them, net = numbers(url, world.invoices), _NET.format(small=small)
    account = "'A' || substr(CAST(100000000 + n AS TEXT), 2)"
    yield (
        "INSERT INTO recipient (account_id, document, created_us, updated_us)"
        f" SELECT {account}, '{_RECIPIENT}', {_STAMP}, {_STAMP} FROM ({all_of_them}) AS numbered ORDER BY n"
    )
    for prefix, code, condition in (("I", ENDED, "1 = 1"), ("N", NEXT, met)):
        invoice = f"'{prefix}' || substr(CAST(100000000 + n AS TEXT), 2)"
        numbered = f"({all_of_them}) AS numbered"
        yield (
            "INSERT INTO invoice (account_id, invoice_id, cycle_code, schedule_code, currency, line_count,"
            " last_line_no, net_minor, created_us, updated_us)"
            f" SELECT {account}, {invoice}, 'CYCLE', '{code}', 'EUR', {LINES}, {LINES}, {LINES} * ({net}), {_STAMP},"
            f" {_STAMP} FROM {numbered} WHERE {condition} ORDER BY n"
        )
        source, sold = ("billing", "") if world.billed else ("shop", "SALES")
        rates = ", ".join(f"({number}, {ppm})" for number, ppm in _RATES.items())
        yield (
            f"WITH line (line_no, ppm) AS (VALUES {rates})"
            " INSERT INTO invoice_line (account_id, invoice_id, line_no, source, external_id, segment_id, description,"
            " net_minor, tax_category, tax_ppm, distribution_code, created_us)"
            f" SELECT {account}, {invoice}, line_no, '{source}', {invoice} || '/' || CAST(line_no AS TEXT),"
            f" CASE '{source}' WHEN 'billing' THEN {invoice} ELSE '' END, 'Energy of the month', {net}, 'S', ppm,"
            f" '{sold}', {_STAMP} FROM {numbered} CROSS JOIN line WHERE {condition} ORDER BY n, line_no"
        )
        if world.billed:
            yield (
                "WITH tax (ppm, lines) AS (VALUES (190000, 3), (70000, 2))"
                " INSERT INTO invoice_reckoned_tax (account_id, invoice_id, source, external_id, segment_id,"
                " tax_category, tax_ppm, tax_minor)"
                f" SELECT {account}, {invoice}, 'billing', {invoice} || '/' || CAST(ppm AS TEXT), {invoice}, 'S', ppm,"
                f" lines * ({net}) * ppm / 1000000 FROM {numbered} CROSS JOIN tax WHERE {condition} ORDER BY n, ppm"
            )
