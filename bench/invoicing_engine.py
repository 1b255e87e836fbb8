"""A pass of the batch engine over many batches of which none can move: `python -m bench invoice-engine`."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from bench import seed
from bench.databases import open_databases
from bench.figures import Table, verdict
from bench.invoicing_world import configure, numbers
from bench.options import Options
from bench.product import Product, serve
from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb

AIM_S = 1.0
BATCHES, INVOICES_EACH, PASSES = 1_000, 20, 7
HEAD = ("database", "first pass, s", "further passes, s", "aim")
TIMEOUT_S = 60
_FAR_US = 4_000_000_000_000_000  # in 2096
_CODE = "substr(CAST(10000 + n AS TEXT), 2)"
_AGGREGATING = "n % 2 = 0"
_NOT_DUE = "n % 4 = 1"


def invoice_engine(options: Options) -> Iterator[Table]:
    """Half of them wait for aggregation, a quarter for their time, a quarter for a schedule to end."""
    rows = []
    for dialect in options.databases:
        with options.folder() as folder, open_databases(dialect, folder) as databases:
            databases.template("batches", _fill)
            with databases.copy("batches") as url, serve(url, folder) as product:
                first, *further = [_pass(product) for _ in range(PASSES)]
        middle = statistics.median(further)
        aim = f"< {AIM_S:.0f} s: {verdict(met=middle < AIM_S, reached=min(further) < AIM_S)}"
        rows.append([dialect, f"{first:.2f}", f"{middle:.2f} ({min(further):.2f} to {max(further):.2f})", aim])
    title = f"A pass of the engine over {BATCHES:,} batches of which none can move, as its caller sees it"
    yield Table(title, HEAD, rows, ["The first pass writes down what holds 750 of them; nothing is left to do after."])


def _pass(product: Product) -> float:
    began = time.perf_counter()
    done = product.client.invoicing.run_batch_engine(pb.RunInvoiceBatchEngineRequest()).wait(TIMEOUT_S)
    taken = time.perf_counter() - began
    assert (done.started_count, done.failed_count, done.busy_count) == (0, 0, 0), done
    assert (done.held_count, done.waiting_count) == (BATCHES * 3 // 4, BATCHES // 4), done
    return taken


def _fill(url: str) -> None:
    configure(url)
    numbered = f"({numbers(url, BATCHES)}) AS numbered"
    seed.execute(
        url,
        [
            (
                "INSERT INTO invoice_schedule (cycle_code, schedule_code, start_us, end_us, state, batch_id,"
                f" created_us, updated_us) SELECT 'CYCLE', {_CODE}, n * 1000, CASE WHEN n % 2 = 0 THEN n * 1000 + 1000"
                f" ELSE {_FAR_US} END, CASE WHEN n % 2 = 0 THEN 'CLOSED' ELSE 'OPEN' END, {_CODE}, 1, 1"
                f" FROM {numbered}"
            ),
            (
                "INSERT INTO invoice_batch (batch_id, cycle_code, state, state_since_us, close_at_us, schedules,"
                " asked_point, counts, issuer, transition_count, created_us, updated_us)"
                f" SELECT {_CODE}, 'CYCLE', CASE WHEN {_AGGREGATING} THEN 'AGGREGATING' ELSE 'PENDING_CLOSE' END, 1,"
                f" CASE WHEN {_NOT_DUE} THEN {_FAR_US} ELSE 0 END, '[\"' || {_CODE} || '\"]',"
                f" CASE WHEN {_AGGREGATING} THEN 'CLOSED' ELSE '' END, '{{}}', '{{}}', 1, 1, 1 FROM {numbered}"
            ),
            (
                "INSERT INTO invoice (account_id, invoice_id, cycle_code, schedule_code, state, batch_id, currency,"
                " created_us, updated_us)"
                f" SELECT 'A' || CAST(each.n AS TEXT), 'I' || {_CODE_OF}, 'CYCLE', {_CODE_OF}, 'CLOSED', {_CODE_OF},"
                f" 'EUR', 1, 1 FROM ({numbers(url, INVOICES_EACH)}) AS each CROSS JOIN {numbered} WHERE"
                f" numbered.{_AGGREGATING}"
            ),
        ],
    )


_CODE_OF = "substr(CAST(10000 + numbered.n AS TEXT), 2)"
