"""Invoice batches from closing to ordered, against set-based SQL that leaves the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench import invoicing_floor, meter
from bench.databases import Databases, open_databases, query
from bench.figures import COMPARISON, Table, compare, interleave
from bench.invoicing_world import CYCLE, ENDED, LINES, World, fill
from bench.meter import Meter, Spent
from bench.options import Options
from bench.product import Product, serve
from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb

AIM = 0.5
TIMEOUT_S = 3_600

_KINDS = {True: "whose lines bills have posted", False: "whose lines are posted at the lock"}
_SAME = "The floor closes, moves, aggregates, locks and posts in one transaction, and leaves the same rows."
_LEFT = (
    (
        "SELECT schedule_code, state, count(*), sum(line_count), sum(last_line_no), sum(net_minor), sum(tax_minor),"
        " sum(carried_count), sum(aggregated), min(number_no), max(number_no), count(DISTINCT number_no),"
        " sum(recipient_version), sum(version) FROM invoice GROUP BY schedule_code, state ORDER BY schedule_code, state"
    ),
    (
        "SELECT tax_ppm, count(*), sum(net_minor), sum(tax_minor), sum(reckoned_minor) FROM invoice_tax"
        " GROUP BY tax_ppm ORDER BY tax_ppm"
    ),
    "SELECT count(*), count(DISTINCT invoice_id), sum(line_no) FROM invoice_line",
    "SELECT count(*), count(DISTINCT invoice_id) FROM invoice_reckoned_tax",
    (
        "SELECT distribution_account, count(*), sum(debit_minor), sum(credit_minor) FROM accounting_detail"
        " GROUP BY distribution_account ORDER BY distribution_account"
    ),
    "SELECT count(*) FROM accounting_detail_pending",
    "SELECT next_no FROM number_series",
)


def invoice_batches(options: Options) -> Iterator[Table]:
    """The operations by a real worker against the floor, on copies of one template."""
    for billed, kind in _KINDS.items():
        rows, peaks = [], []
        for dialect in options.databases:
            with options.folder() as folder, open_databases(dialect, folder) as databases:
                world = World(options.invoices, billed=billed)
                databases.template("cycle", partial(fill, world=world))
                print(f"invoice batches on {dialect}, {kind}", flush=True)
                side = _Side(databases, folder, world)
                rows.append(compare(dialect, interleave(options.pairs, side.product, side.floor), aim=AIM))
                peaks.append(f"{dialect}: server {side.peaks[0]:.0f} MiB and worker {side.peaks[1]:.0f} MiB at most")
        title = f"{options.invoices:,} invoices of {LINES} lines {kind}, in one batch, a tenth moved"
        yield Table(title, COMPARISON, rows, [_SAME, *peaks])


class _Side:
    """Both sides on copies of one template; `peaks` is the most memory of server and worker, in MiB."""

    def __init__(self, databases: Databases, folder: Path, world: World) -> None:
        self._databases, self._folder, self._world = databases, folder, world
        self._left: list[object] = []
        self.peaks = (0.0, 0.0)

    def product(self) -> Spent:
        with self._databases.copy("cycle") as url, serve(url, self._folder) as product:
            processes = (product.server, product.worker)
            for process in processes:
                meter.reset_peak(process)
            taken = Meter([*self._databases.roots, product.server])
            take_through(product, self._world)
            spent = taken.spent(self._world.invoices)
            peaks = [meter.memory_kib(process, "VmHWM") / 1024 for process in processes]
            self.peaks = (max(self.peaks[0], peaks[0]), max(self.peaks[1], peaks[1]))
            self._require_same(url)
        return spent

    def floor(self) -> Spent:
        with self._databases.copy("cycle") as url:
            taken = Meter(self._databases.roots, own=True)
            invoicing_floor.run(url, billed=self._world.billed)
            spent = taken.spent(self._world.invoices)
            self._require_same(url)
        return spent

    def _require_same(self, url: str) -> None:
        left: list[object] = [query(url, statement) for statement in _LEFT]
        self._left = self._left or left
        assert left == self._left, (left, self._left)


def take_through(product: Product, world: World) -> None:
    """Close a batch, aggregate it, and have it locked, numbered and ordered."""
    name = begin(product)
    move_on(product, name, pb.INVOICE_BATCH_STATE_AGGREGATING)
    aggregated = product.client.invoicing.aggregate(pb.AggregateInvoicesRequest(invoice_batch=name)).wait(TIMEOUT_S)
    assert aggregated.aggregated_count == world.invoices - world.carried, aggregated
    counts = move_on(product, name, pb.INVOICE_BATCH_STATE_ORDERED).counts
    assert counts.moved_count == world.carried, counts
    assert counts.numbered_count == world.invoices - world.carried, counts


def begin(product: Product) -> str:
    """A batch that closes now; gives its name once it has."""
    request = pb.CreateInvoiceBatchRequest(billing_cycle=CYCLE, schedules=[f"{CYCLE}/schedules/{ENDED}"])
    batch = product.client.invoicing.create_batch(request)
    product.client.operations.handle(batch.operation).wait(TIMEOUT_S)
    return batch.name


def move_on(product: Product, name: str, state: pb.InvoiceBatchState.ValueType) -> pb.InvoiceBatch:
    """Run a pass of the engine, and wait until what it has begun is over; gives the batch, which is in this state."""
    passed = product.client.invoicing.run_batch_engine(pb.RunInvoiceBatchEngineRequest()).wait(TIMEOUT_S)
    assert passed.started_count == 1, passed
    batch = product.client.invoicing.get_batch(pb.GetInvoiceBatchRequest(name=name))
    product.client.operations.handle(batch.operation).wait(TIMEOUT_S)
    batch = product.client.invoicing.get_batch(pb.GetInvoiceBatchRequest(name=name))
    assert batch.state == state, batch
    return batch
