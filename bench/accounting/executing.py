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
FLOOR_BATCH = 100  # also for larger ones: pgbench loses time over longer scripts
BATCH_FACTOR = 4  # a batch's operations cost less: so many times more are made
WARM_UP = 500
POINTS = {shop.CREDIT: "by the system of record", shop.CHARGEBACK: "for tracking only"}
_ON_POSTGRESQL = f"Operations on PostgreSQL, {shop.CALLERS} clients, against pgbench running all statements of the call"
BUDGET = ("part", "µs CPU a call", "bare echoes")
BUDGET_CALLS = 500


class Caller:
    """A client process at a server, whose cost is that of the processes of server and database."""

    def __init__(self, server: int, database: Sequence[int], process: "subprocess.Popen[str]") -> None:
        self._server, self._database, self._process = server, database, process

    def make(self, operations: int, *, point: str = shop.CREDIT, letter: str = shop.SPREAD, batch: int = 1) -> Spent:
        """Have operations made; gives what they cost the server and the database."""
        meter = Meter([self._server, *self._database])
        made, seconds = self._ask(operations, point, letter, batch)
        return Spent(made, meter.spent().cpu_s, seconds)

    def apart(self, operations: int) -> tuple[float, float]:
        """Have operations made by single calls; gives the CPU of each, in µs: the server's and the database's."""
        server, database = Meter([self._server]), Meter(self._database)
        made, _ = self._ask(operations, shop.CREDIT, shop.SPREAD, 1)
        return server.spent(made).cpu_us, database.spent(made).cpu_us

    def _ask(self, operations: int, point: str, letter: str, batch: int) -> tuple[int, float]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        made = max(shop.CALLERS, operations // batch) * batch
        print(point, letter, batch, made, file=self._process.stdin, flush=True)
        return made, float(self._process.stdout.readline())


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
    with _stand(options, "postgresql", [(shop.CREDIT, FLOOR_BATCH)]) as stand:
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
        yield _budget(stand, product, bare)


def _batches(stand: Stand, databases: Postgresql) -> Table:
    calls, pairs, rows, notes = stand.options.calls, stand.options.pairs, [], []
    floors = _floors(stand, databases)
    with _served(stand) as product:
        one, floor = partial(product.make, calls), partial(floors[shop.CREDIT, FLOOR_BATCH].run, BATCH_FACTOR * calls)
        for size in BATCHES:
            many = partial(product.make, BATCH_FACTOR * calls, batch=size)
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


def _budget(stand: Stand, product: Caller, bare: Caller) -> Table:
    """Where the CPU of a call goes: parts measured by themselves; what is left is mostly the way between threads."""
    calls, pairs = stand.options.calls, stand.options.pairs
    taken = [(*product.apart(calls), bare.make(calls).cpu_us) for _ in range(pairs)]
    server, database, echoed = (spread(each).median for each in zip(*taken, strict=True))
    decision, client = _in_process(stand.url)
    parts = {
        "transport: a bare echo": echoed,
        "middleware: the gate": gate_alone(stand.folder, calls, pairs),
        "decision": decision,
        "SQL, in Python": client - decision,
    }
    parts["the way between threads, and the rest"] = server - sum(parts.values())
    parts |= {"the server in all": server, "SQL, in the database": database}
    rows = [[part, f"{cost:.0f}", f"{cost / echoed:.2f}"] for part, cost in parts.items()]
    echoes = spread((above + below) / echo for above, below, echo in taken)
    met = verdict(met=echoes.median <= ECHOES, reached=echoes.low <= ECHOES)
    rows.append([f"all (≤ {ECHOES} echoes: {met})", f"{server + database:.0f}", str(echoes)])
    note = "decision and SQL in Python are measured in one thread without a server, which waits for each statement"
    return Table("Where the CPU of ExecuteAccounting on PostgreSQL goes", BUDGET, rows, [note])


def _in_process(url: str) -> tuple[float, float]:
    """Microseconds of CPU a call: of the decision alone, and of the whole use case in this process."""
    calls = recording.Calls(url)
    wanted = [recording.wanted_of(shop.CREDIT, [number]) for number in range(BUDGET_CALLS)]
    calls.make(wanted[0])
    meter = Meter((), own=True)
    for each in wanted:
        calls.make(each)
    client = meter.spent(BUDGET_CALLS).cpu_us
    decide = calls.decision(wanted[0][0])
    meter = Meter((), own=True)
    for _ in range(BUDGET_CALLS):
        decide()
    decision = meter.spent(BUDGET_CALLS).cpu_us
    calls.database.dispose()
    return decision, client


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
        calling(product.target, product.server, stand.databases.roots) as caller,
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
            with calling(target, process.pid) as caller:
                caller.make(WARM_UP)
                yield caller
        finally:
            process.terminate()
            process.wait()


@contextmanager
def calling(target: str, server: int, database: Sequence[int] = ()) -> Iterator[Caller]:
    """A client process."""
    command = [sys.executable, "-m", "bench.accounting.caller", target]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Caller(server, database, process)  # leaving closes its standard input, and it ends
