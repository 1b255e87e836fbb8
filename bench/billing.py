"""An account's bill made while its customer waits, against the statements of the call run by hand."""

import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import date
from functools import partial

import psycopg2.extensions
from google.type import date_pb2
from sqlalchemy import Connection

from bench.accounting.recording import Statement, listening
from bench.databases import connect_postgresql, open_databases
from bench.figures import Table, verdict
from bench.options import Options
from bench.product import Product, serve
from countinghouse.billing.v1 import bills_pb2
from domain.billing.configuration.snapshot import Configurations
from domain.billing.segments import generating
from domain.billing.segments.generating import Request
from domain.kernel.call import Call
from server.database.transaction import Database
from tests.billing.segments.utility import head_office
from tests.billing.shop import NOW_US, fill

AIM_MS = 15.0
ACCOUNTS = 400
SITES = 2
THROUGH = date(2026, 2, 1)
HEAD = ("", "p50, ms", "p95, ms", "aim")


def billing(options: Options) -> Iterator[Table]:
    """One account after the other, each with two sites read daily for a month and a head office charged on them."""
    rows = []
    for dialect in options.databases:
        with options.folder() as folder, open_databases(dialect, folder) as databases:
            databases.template("utility", _open)
            with databases.copy("utility") as url, serve(url, folder, jobs=False) as product:
                _timed(partial(_bill, product, preview=True), range(50))
                first = _timed(partial(_bill, product), range(ACCOUNTS))
                again = _timed(partial(_bill, product), range(ACCOUNTS))
                previews = _timed(partial(_bill, product, preview=True), range(ACCOUNTS))
            rows += [
                _row(f"{dialect}: GenerateBill", first, aim=dialect == "postgresql"),
                _row(f"{dialect}: the same again", again),
                _row(f"{dialect}: preview", previews),
            ]
            if dialect == "postgresql":
                with databases.copy("utility") as url:
                    statements = _recorded(url)
                with databases.copy("utility") as url, closing(connect_postgresql(url)) as connection:
                    connection.autocommit = False
                    by_hand = _timed(partial(_replay, connection, statements), range(ACCOUNTS))
                rows.append(_row(f"{dialect}: its {len(statements)} statements by hand, rolled back", by_hand))
    yield Table("An account's bill online, one call after the other", HEAD, rows)


def _open(url: str) -> None:
    """The utility with its accounts, from `a0` on."""
    database = Database(url)

    def write(tx: Connection) -> None:
        fill(tx, Call("bench", "bench/Fill", "", NOW_US))
        for number in range(ACCOUNTS):
            head_office(tx, *(["310.5"] * SITES), account_id=f"a{number}")

    database.write(write)
    database.dispose()


def _bill(product: Product, number: int, *, preview: bool = False) -> None:
    through = date_pb2.Date(year=THROUGH.year, month=THROUGH.month, day=THROUGH.day)
    request = bills_pb2.GenerateBillRequest(account=f"accounts/a{number}", through_date=through, preview=preview)
    assert product.client.billing.generate_bill(request).bill.error_count == 0


def _recorded(url: str) -> list[Statement]:
    """The statements of the call for one account, once everything is warm."""
    database, configurations = Database(url), Configurations()
    call = Call("bench", "countinghouse.billing.v1.BillingService/GenerateBill", "", time.time_ns() // 1_000)
    day = THROUGH.year * 10_000 + THROUGH.month * 100 + THROUGH.day
    database.write(lambda tx: generating.generate(tx, call, configurations, Request("a1", day)))
    with listening() as seen:
        database.write(lambda tx: generating.generate(tx, call, configurations, Request("a0", day)))
    database.dispose()
    return [each for each in seen if not each.text.startswith("BEGIN")]


def _replay(connection: psycopg2.extensions.connection, statements: Sequence[Statement], _number: int) -> None:
    with connection.cursor() as cursor:
        for each in statements:
            cursor.execute(each.text)
            if cursor.description:
                cursor.fetchall()
    connection.rollback()


def _timed(call: Callable[[int], None], numbers: Iterable[int]) -> list[float]:
    """Milliseconds of each call, one after the other."""
    taken = []
    for number in numbers:
        began = time.perf_counter()
        call(number)
        taken.append((time.perf_counter() - began) * 1_000)
    return taken


def _row(what: str, taken: Sequence[float], *, aim: bool = False) -> list[str]:
    middle, high = statistics.median(taken), statistics.quantiles(taken, n=20)[-1]
    told = verdict(met=middle <= AIM_MS, reached=False) if aim else "none"
    return [what, f"{middle:.1f}", f"{high:.1f}", f"{AIM_MS:.0f}: {told}" if aim else told]
