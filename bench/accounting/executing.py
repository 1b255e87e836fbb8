"""ExecuteAccounting and BatchExecuteAccounting against all statements of the call run by hand."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.accounting import echo, recording, shop
from bench.accounting.pgbench import Pgbench
from bench.accounting.recording import Statement
from bench.databases import Databases, Postgresql, open_databases
from bench.figures import COMPARISON, Table, compare, interleave, spread, verdict
from bench.meter import Meter, Spent
from bench.options import Options
from bench.product import free_port, serve
from bench.unary import gate_alone

AIM, BATCH_AIM, BATCH_TIMES, HOT_AIM, SQLITE_AIM, ECHOES = 0.30, 0.40, 4.5, 0.5, 0.5, 3.5
BATCHES = (100, 1_000)
BATCH_FACTOR = 4  # a batch's operations cost less: so many times more are made
WARM_UP = 500
POINTS = {shop.CREDIT: "by the system of record", shop.CHARGEBACK: "for tracking only"}
_ON_POSTGRESQL = f"Operations on PostgreSQL, {shop.CALLERS} clients, against pgbench running all statements of the call"
BUDGET = ("part", "µs CPU a call", "bare echoes")
BUDGET_CALLS = 500


class Caller:
    """A client process at a server, whose cost is that of the trees under `roots`."""

    def __init__(self, roots: Sequence[int], process: "subprocess.Popen[str]") -> None:
        self._roots, self._process = roots, process

    def make(self, operations: int, *, point: str = shop.CREDIT, letter: str = shop.SPREAD, batch: int = 1) -> Spent:
        """Have operations made; gives what they cost the server and the database."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        made = max(shop.CALLERS, operations // batch) * batch
        meter = Meter(self._roots)
        print(point, letter, batch, made, file=self._process.stdin, flush=True)
        seconds = float(self._process.stdout.readline())
        return Spent(made, meter.spent().cpu_s, seconds)


@dataclass(frozen=True, slots=True)
class Stand:
    """What is measured where: a copy of the shop at `url`, its `template`, and what was recorded of its calls."""

    options: Options
    databases: Databases
    folder: Path
    url: str
    template: str
    recorded: Mapping[tuple[str, int], list[Statement]]


def accounting(options: Options) -> Iterator[Table]:
    """Single calls in turns with their floor, on each database, and where the CPU of one goes."""
    for dialect in options.databases:
        with _stand(options, dialect, [(point, 1) for point in POINTS]) as stand:
            if isinstance(stand.databases, Postgresql):
                yield from _on_postgresql(stand, stand.databases)
            else:
                yield _on_sqlite(stand)


def accounting_batches(options: Options) -> Iterator[Table]:
    """Batches in turns with their floor and with single calls, and hot accounts with others; on PostgreSQL."""
    with _stand(options, "postgresql", [(shop.CREDIT, size) for size in BATCHES]) as stand:
        assert isinstance(stand.databases, Postgresql)
        yield _batches(stand, stand.databases)


@contextmanager
def _stand(options: Options, dialect: str, scripts: Sequence[tuple[str, int]]) -> Iterator[Stand]:
    with options.folder() as folder, open_databases(dialect, folder) as databases:
        template = databases.template("shop", shop.fill)
        recorded = {}
        for point, size in scripts:
            with databases.copy("shop") as url:
                recorded[point, size] = recording.record(url, point, range(size))
        with databases.copy("shop") as url:
            yield Stand(options, databases, folder, url, template, recorded)


def _on_postgresql(stand: Stand, databases: Postgresql) -> Iterator[Table]:
    calls, rows, single = stand.options.calls, [], {}
    floors = _floors(stand, databases)
    with _served(stand) as product, _echo(stand.folder) as bare:
        for point, what in POINTS.items():
            made, floor = partial(product.make, calls, point=point), partial(floors[point, 1].run, calls)
            single[point] = interleave(stand.options.pairs, made, floor)
            rows.append(compare(f"ExecuteAccounting, {what}", single[point], aim=AIM))
        notes = [f"statements of a call, beside BEGIN and COMMIT: {len(stand.recorded[shop.CREDIT, 1])}"]
        yield Table(_ON_POSTGRESQL, COMPARISON, rows, notes)
        yield _budget(stand, [above for above, _ in single[shop.CREDIT]], bare)


def _batches(stand: Stand, databases: Postgresql) -> Table:
    calls, pairs, rows, notes = stand.options.calls, stand.options.pairs, [], []
    floors = _floors(stand, databases)
    with _served(stand) as product:
        one = partial(product.make, calls)
        for size in BATCHES:
            many = partial(product.make, BATCH_FACTOR * calls, batch=size)
            floor = partial(floors[shop.CREDIT, size].run, BATCH_FACTOR * calls)
            rows.append(compare(f"BatchExecuteAccounting of {size:,}", interleave(pairs, many, floor), aim=BATCH_AIM))
            times = spread(above.rate / below.rate for above, below in interleave(pairs, many, one))
            met = verdict(met=times.median >= BATCH_TIMES, reached=times.high >= BATCH_TIMES)
            notes.append(f"batches of {size:,} are {times} times as quick as single calls (≥ {BATCH_TIMES}: {met})")
        hot = interleave(pairs, partial(product.make, calls, letter=shop.HOT_CLAIMS), one)
        rows.append(compare("ExecuteAccounting, nine in ten on ten accounts, against spread out", hot, aim=HOT_AIM))
    return Table(_ON_POSTGRESQL, COMPARISON, rows, notes)


def _floors(stand: Stand, databases: Postgresql) -> dict[tuple[str, int], Pgbench]:
    return {
        key: Pgbench(databases, stand.url, statements, range(key[1]), stand.folder / f"{key[0]}-{key[1]}.sql")
        for key, statements in stand.recorded.items()
    }


def _on_sqlite(stand: Stand) -> Table:
    options, path, rows = stand.options, stand.folder / "recorded.json", []
    with _served(stand) as product:
        for point, what in POINTS.items():
            echo.write(path, stand.template, stand.recorded[point, 1])
            with _echo(stand.folder, path) as floor:
                made = partial(product.make, options.calls, point=point)
                taken = interleave(options.pairs, made, partial(floor.make, options.calls))
            rows.append(compare(f"ExecuteAccounting, {what}", taken, aim=SQLITE_AIM))
    return Table(
        f"Operations on SQLite, {shop.CALLERS} clients, against one raw writer behind an echo", COMPARISON, rows
    )


def _budget(stand: Stand, total: Sequence[Spent], bare: Caller) -> Table:
    """Where the CPU of a call goes: each part measured by itself, what is left is the way between threads."""
    options = stand.options
    echoed = spread(bare.make(options.calls).cpu_us for _ in range(options.pairs)).median
    gate = gate_alone(stand.folder, options.calls, options.pairs)
    whole = spread(each.cpu_us for each in total).median
    decision, client, database = _in_process(stand.databases, stand.url)
    parts = {
        "transport: a bare echo": echoed,
        "middleware: the gate": gate,
        "decision": decision,
        "SQL, in Python": client - decision,
        "SQL, in the database": database,
    }
    parts["the way between threads, and the rest"] = whole - sum(parts.values())
    rows = [[part, f"{cost:.0f}", f"{cost / echoed:.2f}"] for part, cost in parts.items()]
    met = verdict(met=whole <= ECHOES * echoed, reached=min(each.cpu_us for each in total) <= ECHOES * echoed)
    rows.append([f"all (≤ {ECHOES} echoes: {met})", f"{whole:.0f}", f"{whole / echoed:.2f}"])
    note = (
        "decision and SQL are measured in one thread without a server, whose waits cost more than those of a busy one"
    )
    return Table("Where the CPU of ExecuteAccounting on PostgreSQL goes", BUDGET, rows, [note])


def _in_process(databases: Databases, url: str) -> tuple[float, float, float]:
    """Microseconds of CPU a call: of the decision, of the use case in this process, of the database."""
    calls = recording.Calls(url)
    wanted = [recording.wanted_of(shop.CREDIT, [number]) for number in range(BUDGET_CALLS)]
    calls.make(wanted[0])
    own, theirs = Meter((), own=True), Meter(databases.roots)
    for each in wanted:
        calls.make(each)
    client, database = own.spent(BUDGET_CALLS).cpu_us, theirs.spent(BUDGET_CALLS).cpu_us
    decide = calls.decision(wanted[0][0])
    meter = Meter((), own=True)
    for _ in range(BUDGET_CALLS):
        decide()
    decision = meter.spent(BUDGET_CALLS).cpu_us
    calls.database.dispose()
    return decision, client, database


@contextmanager
def _served(stand: Stand) -> Iterator[Caller]:
    """The product with a client; nothing is sent on, as that is measured by itself."""
    connections = stand.folder / "systems.toml"
    connections.write_text(shop.CONNECTIONS.format(name=shop.SYSTEM_OF_RECORD, target="127.0.0.1:9"))
    settings: dict[str, Any] = {
        "systems_of_record_file": connections,
        "systems_of_record_loopback": True,
        "jobs": False,
    }
    with (
        serve(stand.url, stand.folder, **settings, log_level="error") as product,
        calling(product.target, [*stand.databases.roots, product.server]) as caller,
    ):
        for point in (shop.CREDIT, shop.CHARGEBACK):
            caller.make(WARM_UP, point=point)
        yield caller


@contextmanager
def _echo(folder: Path, recorded: Path | None = None) -> Iterator[Caller]:
    target = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "bench.accounting.echo", target, *([str(recorded)] if recorded else [])]
    with (folder / "echo.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        try:
            assert process.stdout is not None
            process.stdout.readline()
            with calling(target, [process.pid]) as caller:
                caller.make(WARM_UP)
                yield caller
        finally:
            process.terminate()
            process.wait()


@contextmanager
def calling(target: str, roots: Sequence[int]) -> Iterator[Caller]:
    """A client process."""
    command = [sys.executable, "-m", "bench.accounting.caller", target]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Caller(roots, process)  # leaving closes its standard input, and it ends
