"""Extraction against hand-written SQL, beside many extracted details, and its memory."""

import statistics
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench import extraction_floor, meter, seed
from bench.databases import Databases, open_databases
from bench.figures import COMPARISON, Table, compare, interleave, spread, verdict
from bench.meter import Meter, Spent
from bench.options import Options
from bench.product import serve

AIM = 0.6
BESIDE_AIM = 1.2
MEMORY_AIM_MIB = 250


def extraction(options: Options) -> Iterator[Table]:
    """The operation by a real worker against the floor, on copies of one template."""
    rows = []
    for dialect in options.databases:
        with options.folder() as folder, open_databases(dialect, folder) as databases:
            databases.template("base", partial(seed.fill, details=options.details, groups=options.groups))
            print(f"extraction on {dialect}", flush=True)
            pairs = interleave(
                options.pairs,
                partial(_product, databases, "base", folder, options.details),
                partial(_floor, databases, folder, options.details),
            )
            rows.append(compare(dialect, pairs, aim=AIM))
    title = f"Extraction of {options.details:,} details into {options.groups:,} elements, stamps and files included"
    yield Table(title, COMPARISON, rows)


def extraction_beside(options: Options) -> Iterator[Table]:
    """New details beside many extracted ones, against the same new details alone."""
    rows = []
    for dialect in options.databases:
        with options.folder() as folder, open_databases(dialect, folder) as databases:
            databases.template("empty", lambda _url: None)
            crowded = databases.template(
                "crowded",
                partial(seed.fill, details=0, groups=options.groups, extracted=options.beside),
            )
            print(f"extraction beside {options.beside:,} on {dialect}", flush=True)
            pairs = interleave(
                options.pairs,
                _Beside(databases, crowded, folder, options).run,
                partial(_alone, databases, folder, options),
            )
            cpu = spread(beside.cpu_us / alone.cpu_us for beside, alone in pairs)
            wall = spread(beside.wall_s / alone.wall_s for beside, alone in pairs)
            aim = f"≤ {BESIDE_AIM}: {verdict(met=cpu.median <= BESIDE_AIM, reached=cpu.low <= BESIDE_AIM)}"
            medians = [f"{statistics.median(spent.cpu_us for spent in side):.1f}" for side in zip(*pairs, strict=True)]
            rows.append([dialect, *medians, str(cpu), str(wall), aim])
    title = f"Extraction of {options.details:,} new details beside {options.beside:,} extracted ones, against alone"
    head = ("database", "beside, µs CPU", "alone, µs CPU", "CPU: beside / alone", "time: beside / alone", "aim")
    yield Table(title, head, rows)


def extraction_memory(options: Options) -> Iterator[Table]:
    """The most memory that server and worker ever held during an extraction, over sizes."""
    rows = []
    for dialect in options.databases:
        with options.folder() as folder, open_databases(dialect, folder) as databases:
            for details in options.memory_sizes:
                name = f"memory_{details}"
                groups = max(1, min(options.groups, details // 10))
                url = databases.template(name, partial(seed.fill, details=details, groups=groups))
                server, worker = _peaks(url, folder, details)
                met = max(server, worker) < MEMORY_AIM_MIB
                aim = f"< {MEMORY_AIM_MIB} MiB: {verdict(met=met, reached=met)}"
                rows.append([dialect, f"{details:,}", f"{groups:,}", f"{server:.0f}", f"{worker:.0f}", aim])
                print(f"  {rows[-1]}", flush=True)
    head = ("database", "details", "elements", "server, peak MiB", "worker, peak MiB", "aim")
    yield Table("Most memory (resident) of server and worker during an extraction", head, rows)


class _Beside:
    """Puts new details into a database that grows with every run, and extracts them."""

    def __init__(self, databases: Databases, url: str, folder: Path, options: Options) -> None:
        self._databases, self._url, self._folder, self._options = databases, url, folder, options
        self._first = 1 + options.beside

    def run(self) -> Spent:
        first, self._first = self._first, self._first + self._options.details
        return _extract_fresh(self._databases, self._url, self._folder, self._options, first=first)


def _alone(databases: Databases, folder: Path, options: Options) -> Spent:
    """As beside others, but in a database that holds none."""
    with databases.copy("empty") as url:
        return _extract_fresh(databases, url, folder, options, first=1)


def _extract_fresh(databases: Databases, url: str, folder: Path, options: Options, *, first: int) -> Spent:
    """Put new details in and extract them: on both sides nobody has read or vacuumed their pages before."""
    seed.fill(url, details=options.details, groups=options.groups, first=first)
    databases.settle(url)
    return _extract(databases, url, folder, options.details)


def _product(databases: Databases, template: str, folder: Path, details: int) -> Spent:
    with databases.copy(template) as url:
        return _extract(databases, url, folder, details)


def _extract(databases: Databases, url: str, folder: Path, details: int) -> Spent:
    with serve(url, folder) as product:
        taken = Meter([*databases.roots, product.server])
        response = product.extract()
        spent = taken.spent(details)
    assert response.detail_count == details, response
    return spent


def _floor(databases: Databases, folder: Path, details: int) -> Spent:
    with databases.copy("base") as url:
        taken = Meter(databases.roots, own=True)
        extraction_floor.run(url, folder / "floor.jsonl")
        return taken.spent(details)


def _peaks(url: str, folder: Path, details: int) -> tuple[float, float]:
    """The peaks of server and worker in MiB."""
    with serve(url, folder) as product:
        processes = (product.server, product.worker)
        for process in processes:
            meter.reset_peak(process)
        assert product.extract().detail_count == details
        server, worker = (meter.memory_kib(process, "VmHWM") / 1024 for process in processes)
        return server, worker
