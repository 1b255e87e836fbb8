"""Whether two processes rate twice as much as one: `python -m bench billing-rating`; no database has a part in it.

By the wall, which says so on two cores that have nothing else to do, and by CPU: twice as much, less what they take
from each other. Each process gathers its accounts once, and then decides, rates and lays out the same again and again:
molds, columns, documents. What it would hand to the database is made and thrown away.
"""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Iterator
from functools import partial
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier

from bench.billing_world import AGREEMENTS, open_world
from bench.databases import open_databases
from bench.figures import Table, spread, verdict
from bench.options import Options
from domain.billing.bills.completing import Bench
from domain.billing.configuration.snapshot import Configurations
from domain.billing.runs.alike import deciding, recording
from domain.billing.runs.alike.filling import fill
from domain.billing.runs.alike.molds import mold
from domain.billing.runs.deciding import Desk
from domain.billing.runs.model import Order
from domain.flows.billing import Billed
from domain.flows.invoices import RunningInvoices
from domain.kernel.call import Call
from server.database.transaction import Database
from tests.billing.shop import NOW_US

AIM = 1.7
REPEATS = 20
HEAD = ("processes", "segments a second", "µs CPU", "two / one: rate", "two / one: CPU", "aim")
_ORDER = Order("NORTH", "JAN", 20260201, 20260203, 20260203, freeze=True, complete=True)
_WAIT_S = 300


def billing_rating(options: Options) -> Iterator[Table]:
    """One process, and two, each with as many accounts, in turns."""
    context = multiprocessing.get_context("spawn")
    rates: dict[int, list[float]] = {1: [], 2: []}
    costs: dict[int, list[float]] = {1: [], 2: []}
    accounts = min(options.accounts, 1_000)
    with options.folder() as folder, open_databases("sqlite", folder) as databases:
        url = databases.template("cycle", partial(open_world, accounts=accounts))
        for _ in range(options.pairs):
            for processes, found in rates.items():
                together, spent = context.Barrier(processes + 1), context.SimpleQueue()
                working = [
                    context.Process(target=_rate, args=(url, accounts, together, spent)) for _ in range(processes)
                ]
                for each in working:
                    each.start()
                together.wait(_WAIT_S)
                began = time.perf_counter()
                together.wait(_WAIT_S)
                found.append(processes * accounts * AGREEMENTS * REPEATS / (time.perf_counter() - began))
                costs[processes].append(statistics.mean(spent.get() for _ in working))
                for each in working:
                    each.join(_WAIT_S)
    by_rate = spread(two / one for one, two in zip(rates[1], rates[2], strict=True))
    by_cpu = spread(2 * one / two for one, two in zip(costs[1], costs[2], strict=True))
    told = f"≥ {AIM}: {verdict(met=by_cpu.median >= AIM, reached=by_cpu.high >= AIM)}"
    figures = {
        each: [f"{statistics.median(rates[each]):,.0f}", f"{statistics.median(costs[each]):.1f}"] for each in rates
    }
    rows = [["one", *figures[1], "", "", ""], ["two", *figures[2], str(by_rate), str(by_cpu), told]]
    yield Table(f"Gathered inputs of {accounts:,} accounts a process, rated and laid out", HEAD, rows)


def _rate(url: str, accounts: int, together: Barrier, spent: SimpleQueue[float]) -> None:
    """Gather once, wait for the others, and rate; tells what a segment cost, in µs of CPU."""
    database = Database(url)
    desk = Desk(Bench(Configurations(), Billed(), RunningInvoices()), _ORDER, "bench", lambda *_: None)
    call = Call("bench", "bench/Run", "", NOW_US)
    ids = [f"A{number:07}" for number in range(accounts)]

    snapshot, known = database.read(lambda tx: deciding.gather(tx, call, desk, ids, lock=False))
    database.dispose()
    together.wait(_WAIT_S)
    began = time.process_time()
    for _ in range(REPEATS):
        for each in known:
            made = mold(call, desk, snapshot, each.likeness)
            assert made is not None, "there was one before"
            done = recording.written(call, desk, fill(made, snapshot, each.members, each.usage, {}))
            assert len(done.segments) == AGREEMENTS
    spent.put((time.process_time() - began) / (REPEATS * accounts * AGREEMENTS) * 1e6)
    together.wait(_WAIT_S)
