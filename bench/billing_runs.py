"""Billing runs against set-based SQL that comes to the same totals: `python -m bench billing-runs`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from bench import billing_floor
from bench.billing_world import AGREEMENTS, WINDOW, open_world
from bench.databases import Databases, open_databases, query
from bench.figures import COMPARISON, Table, compare
from bench.meter import Meter, Spent
from bench.options import Options
from bench.product import Product, serve
from countinghouse.billing.v1 import billing_runs_pb2

AIM = 0.6
RUN_TIMEOUT_S = 3_600

_WHAT = {False: "bills and segments alone", True: "all that is written"}
_SAME = (
    "The floors rate by formulas in SQL, in one transaction. The first inserts bills and segments alone; the second"
    " also writes the same documents, 2.7 accounting details a segment, what makes them pending, and the audit trail."
)
_TOTALS = "SELECT sum(amount_minor), sum(tax_minor) FROM bill WHERE state = 'COMPLETE'"
_WRITTEN = (
    "SELECT sum(length(calculation)), (SELECT sum(length(processing_order)) FROM bill), (SELECT count(*) FROM"
    " accounting_detail), (SELECT sum(debit_minor) FROM accounting_detail), (SELECT count(*) FROM"
    " accounting_detail_pending), (SELECT count(*) FROM event WHERE type = 'bill.completed') FROM bill_segment"
)


def billing_runs(options: Options) -> Iterator[Table]:
    """The operation by a real worker against both floors, on copies of one template."""
    rows = []
    for dialect in options.databases:
        with options.folder() as folder, open_databases(dialect, folder) as databases:
            databases.template("cycle", partial(open_world, accounts=options.accounts))
            print(f"billing runs on {dialect}", flush=True)
            runs = [_in_turns(databases, folder, options.accounts, turn) for turn in range(options.pairs)]
            rows += [
                compare(f"{dialect}: {_WHAT[whole]}", [(each, floors[whole]) for each, floors in runs], aim=AIM)
                for whole in (False, True)
            ]
    title = (
        f"A run over {options.accounts:,} accounts, {AGREEMENTS} agreements and 62 daily values each; items: segments"
    )
    yield Table(title, COMPARISON, rows, [_SAME])


def _in_turns(databases: Databases, folder: Path, accounts: int, turn: int) -> tuple[Spent, dict[bool, Spent]]:
    """The product and both floors, each time another one first, so that a drift of the machine hits all."""
    floors: dict[bool, Spent] = {}
    product: list[Spent] = []
    todo: list[Callable[[], object]] = [
        lambda: product.append(_product(databases, folder, accounts)),
        lambda: floors.update({False: _floor(databases, accounts, whole=False)}),
        lambda: floors.update({True: _floor(databases, accounts, whole=True)}),
    ]
    for place in range(len(todo)):
        todo[(turn + place) % len(todo)]()
    told = ", ".join(f"{_WHAT[whole]} {spent.cpu_us:.1f}" for whole, spent in sorted(floors.items()))
    print(f"  turn {turn + 1}: product {product[0].cpu_us:.1f} µs CPU, {product[0].rate:,.0f}/s; {told}", flush=True)
    return product[0], floors


def _product(databases: Databases, folder: Path, accounts: int) -> Spent:
    with databases.copy("cycle") as url, serve(url, folder) as product:
        spent = bill_all(product, databases, accounts)
        _require_same(url, whole=True)
    return spent


def bill_all(product: Product, databases: Databases, accounts: int, *workers: int) -> Spent:
    """Run the cycle; the CPU of the database and of further workers' processes included."""
    taken = Meter([*databases.roots, product.server, *workers])
    run = product.client.billing.run_billing(billing_runs_pb2.RunBillingRequest(window=WINDOW))
    figures = run.wait(RUN_TIMEOUT_S).figures
    spent = taken.spent(AGREEMENTS * accounts)
    assert figures.bill_segment_count == AGREEMENTS * accounts, figures
    assert not figures.errors
    return spent


def _floor(databases: Databases, accounts: int, *, whole: bool) -> Spent:
    with databases.copy("cycle") as url:
        taken = Meter(databases.roots, own=True)
        billing_floor.run(url, whole=whole)
        spent = taken.spent(AGREEMENTS * accounts)
        _require_same(url, whole=whole)
    return spent


def _require_same(url: str, *, whole: bool) -> None:
    """What accounts were billed is the same on all sides and databases, and so is what is told of it."""
    for statement in (_TOTALS, _WRITTEN) if whole else (_TOTALS,):
        found = _seen.setdefault(statement, query(url, statement))
        assert query(url, statement) == found, statement


_seen: dict[str, object] = {}
