"""Billing runs against set-based SQL that comes to the same totals: `python -m bench billing-runs`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from bench import billing_floor
from bench.billing_floor import Written
from bench.billing_world import AGREEMENTS, WINDOW, open_world
from bench.databases import Databases, open_databases, query
from bench.figures import COMPARISON, Table, compare
from bench.meter import Meter, Spent
from bench.options import Options
from bench.product import Product, serve
from countinghouse.billing.v1 import billing_runs_pb2

AIM = 0.6
RUN_TIMEOUT_S = 3_600

_SAME = (
    "The floors rate by formulas in SQL, in one transaction. The first inserts bills and segments alone; the second"
    " also writes the same documents, 2.7 accounting details a segment, what makes them pending, and the audit trail;"
    " the third, of accounts that are all on an invoice cycle, also their running invoices with 1.7 lines and 0.7"
    " reckoned taxes a segment."
)
_WORLDS = {False: (Written.BILLS, Written.ALL), True: (Written.INVOICES,)}
"""Whether accounts are on an invoice cycle, and what the floors write then."""

_TOTALS = "SELECT sum(amount_minor), sum(tax_minor) FROM bill WHERE state = 'COMPLETE'"
_WRITTEN = (
    "SELECT sum(length(calculation)), (SELECT sum(length(processing_order)) FROM bill), (SELECT count(*) FROM"
    " accounting_detail), (SELECT sum(debit_minor) FROM accounting_detail), (SELECT count(*) FROM"
    " accounting_detail_pending), (SELECT count(*) FROM event WHERE type = 'bill.completed') FROM bill_segment"
)

_INVOICED = (
    "SELECT count(*), sum(line_count), sum(net_minor) FROM invoice WHERE cycle_code = 'MONTHLY'",
    "SELECT count(*), sum(line_no), sum(net_minor), sum(tax_ppm), sum(start_day) FROM invoice_line",
    "SELECT sum(length(description || quantity || unit_code || price || tax_category)) FROM invoice_line",
    "SELECT sum(length(external_id || segment_id || source)) FROM invoice_line",
    "SELECT count(*), sum(tax_minor), sum(tax_ppm), sum(length(external_id || segment_id)) FROM invoice_reckoned_tax",
)
_COMPARED = {
    Written.BILLS: (_TOTALS,),
    Written.ALL: (_TOTALS, _WRITTEN),
    Written.INVOICES: (_TOTALS, _WRITTEN, *_INVOICED),
}


def billing_runs(options: Options) -> Iterator[Table]:
    """The operation by a real worker against the floors, on copies of one template each."""
    rows = []
    for dialect in options.databases:
        for invoiced, floors in _WORLDS.items():
            with options.folder() as folder, open_databases(dialect, folder) as databases:
                databases.template("cycle", partial(open_world, accounts=options.accounts, invoiced=invoiced))
                print(f"billing runs on {dialect}{', invoiced' if invoiced else ''}", flush=True)
                runs = [_in_turns(databases, folder, options.accounts, floors, turn) for turn in range(options.pairs)]
                rows += [
                    compare(f"{dialect}: {what.value}", [(each, spent[what]) for each, spent in runs], aim=AIM)
                    for what in floors
                ]
    title = (
        f"A run over {options.accounts:,} accounts, {AGREEMENTS} agreements and 62 daily values each; items: segments"
    )
    yield Table(title, COMPARISON, rows, [_SAME])


def _in_turns(
    databases: Databases, folder: Path, accounts: int, floors: Sequence[Written], turn: int
) -> tuple[Spent, dict[Written, Spent]]:
    """The product and its floors, each time another one first, so that a drift of the machine hits all."""
    below: dict[Written, Spent] = {}
    product: list[Spent] = []
    todo: list[Callable[[], object]] = [
        lambda: product.append(_product(databases, folder, accounts, floors[-1])),
        *(lambda what=what: below.update({what: _floor(databases, accounts, what)}) for what in floors),
    ]
    for place in range(len(todo)):
        todo[(turn + place) % len(todo)]()
    told = ", ".join(f"{what.value} {below[what].cpu_us:.1f} ({below[what].rate:,.0f}/s)" for what in floors)
    print(f"  turn {turn + 1}: product {product[0].cpu_us:.1f} µs CPU, {product[0].rate:,.0f}/s; {told}", flush=True)
    return product[0], below


def _product(databases: Databases, folder: Path, accounts: int, written: Written) -> Spent:
    with databases.copy("cycle") as url, serve(url, folder) as product:
        spent = bill_all(product, databases, accounts)
        _require_same(url, written)
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


def _floor(databases: Databases, accounts: int, written: Written) -> Spent:
    with databases.copy("cycle") as url:
        taken = Meter(databases.roots, own=True)
        billing_floor.run(url, written)
        spent = taken.spent(AGREEMENTS * accounts)
        _require_same(url, written)
    return spent


def _require_same(url: str, written: Written) -> None:
    """What accounts were billed is the same on all sides and databases, and so is what is told of it."""
    for statement in _COMPARED[written]:
        found = _seen.setdefault(statement, query(url, statement))
        assert query(url, statement) == found, statement


_seen: dict[str, object] = {}
