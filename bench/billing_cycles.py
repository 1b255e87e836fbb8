"""Whole cycles, small and large: `python -m bench billing-cycles --memory-sizes 10000,100000`.

Told is how fast they are, and how much memory the workers ever hold, which is not to grow with the cycle. On PostgreSQL
a second worker process shares the run.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from bench import meter
from bench.billing_runs import bill_all
from bench.billing_world import open_world
from bench.databases import open_databases, query
from bench.figures import Table, verdict
from bench.options import Options
from bench.product import START_TIMEOUT_S, environment_of, serve, started

RATE_AIM = 20_000
MEMORY_AIM_MIB = 250
HEAD = ("database", "accounts", "workers", "s", "segments a second", "µs CPU", "worker, peak MiB", "aims")
_POLL_S = 0.2


def billing_cycles(options: Options) -> Iterator[Table]:
    """The operation over cycles of each of `memory_sizes`."""
    rows = []
    for dialect in options.databases:
        for accounts in options.memory_sizes:
            with options.folder() as folder, open_databases(dialect, folder) as databases, ExitStack() as stack:
                url = databases.template(f"cycle_{accounts}", partial(open_world, accounts=accounts))
                product = stack.enter_context(serve(url, folder))
                workers = [product.worker]
                if dialect == "postgresql":
                    workers.append(stack.enter_context(_worker(url, folder)))
                for each in workers:
                    meter.reset_peak(each)
                spent = bill_all(product, databases, accounts, *workers[1:])
                peak = max(meter.memory_kib(each, "VmHWM") for each in workers) / 1024
                rate = f"≥ {RATE_AIM:,}: {verdict(met=spent.rate >= RATE_AIM, reached=False)}"
                memory = f"< {MEMORY_AIM_MIB} MiB: {verdict(met=peak < MEMORY_AIM_MIB, reached=False)}"
                rows.append(
                    [
                        dialect,
                        f"{accounts:,}",
                        f"{len(workers)}",
                        f"{spent.wall_s:.1f}",
                        f"{spent.rate:,.0f}",
                        f"{spent.cpu_us:.1f}",
                        f"{peak:.0f}",
                        f"{rate}; {memory}",
                    ]
                )
                print(f"  {rows[-1]}", flush=True)
    yield Table("A cycle from beginning to end: 3 agreements an account, 62 daily values; a segment each", HEAD, rows)


@contextmanager
def _worker(url: str, folder: Path) -> Iterator[int]:
    """One more worker process, once it has registered."""
    environment = environment_of(url, "127.0.0.1:0", folder / "files", {})
    with started([sys.executable, "-m", "server", "work"], environment, subprocess.DEVNULL) as process:
        deadline = time.monotonic() + START_TIMEOUT_S
        while (process.pid,) not in query(url, "SELECT pid FROM worker"):
            assert time.monotonic() < deadline, "the worker did not register"
            time.sleep(_POLL_S)
        yield process.pid
