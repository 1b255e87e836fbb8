"""From the start of the process to SERVING, on SQLite: on a fresh file, and again on the same."""

import statistics
import time
from collections.abc import Iterator

from bench.figures import Table, spread, verdict
from bench.meter import tree_cpu_s
from bench.options import Options
from bench.product import PROGRAM, environment_of, free_port, started, wait_until_ready

AIM_S = 2.0
HEAD = ("start", "seconds", "CPU seconds until then", "aim")


def startup(options: Options) -> Iterator[Table]:
    """`countinghouse serve` with its worker and the defaults, `--pairs` times."""
    fresh: list[tuple[float, float]] = []
    again: list[tuple[float, float]] = []
    for _ in range(options.pairs):
        with options.folder() as folder:
            url = f"sqlite:///{folder / 'countinghouse.db'}"
            for taken in (fresh, again):
                target = f"127.0.0.1:{free_port()}"
                environment = environment_of(url, target, folder / "files", {})
                begun = time.perf_counter()
                with started([PROGRAM, "serve"], environment) as server:
                    wait_until_ready(target, server)
                    taken.append((time.perf_counter() - begun, tree_cpu_s([server.pid])))
    rows = []
    for name, taken in (("fresh file, migration included", fresh), ("again", again)):
        seconds = spread(wall for wall, _ in taken)
        cpu = statistics.median(cpu for _, cpu in taken)
        aim = f"< {AIM_S:g}: {verdict(met=seconds.median < AIM_S, reached=seconds.low < AIM_S)}"
        rows.append([name, str(seconds), f"{cpu:.2f}", aim])
    yield Table("Start of `countinghouse serve` to ready on SQLite", HEAD, rows)
