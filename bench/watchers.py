"""Watchers that wait: what each costs, and how soon one hears of a commit in another process."""

import asyncio
import statistics
import sys
import time
from collections.abc import Iterator, Sequence

import grpc.aio
from google.longrunning import operations_pb2 as longrunning_pb2
from google.longrunning import operations_pb2_grpc as longrunning_pb2_grpc

from bench import meter, seed
from bench.databases import open_databases
from bench.figures import Table, verdict
from bench.meter import Meter
from bench.options import Options
from bench.product import Product, serve
from countinghouse.gl_extraction.v1 import accounting_details_pb2, extraction_pb2
from countinghouse.operations.v1 import operations_pb2, operations_pb2_grpc

Call = grpc.aio.UnaryStreamCall[operations_pb2.WatchOperationRequest, operations_pb2.WatchOperationResponse]

KIB_AIM = 40
LATENCY_AIM_MS = 10
WARM_UP = 100  # watchers before the first look at the memory
IDLE_S = 10
SETTLE_S = 2
CONNECTIONS = 8  # of a server, by default
TICKS = 400
TICK_PAUSE_S = 0.05
OPEN_AT_ONCE = 50


def watchers(options: Options) -> Iterator[Table]:
    """Watchers of one operation, then each of an operation of its own; nobody works on any of them."""
    idle, latency = [], []
    for dialect in options.databases:
        with options.folder() as folder, open_databases(dialect, folder) as databases:
            url = databases.template("watched", lambda url: seed.execute(url, seed.REFERENCE))
            for what, count in (("one", 1), ("of their own", WARM_UP + options.watchers)):
                with serve(url, folder, jobs=False) as product:
                    started = [_start(product) for _ in range(count)]
                    names = [started[number % count] for number in range(WARM_UP + options.watchers)]
                    roots = [*databases.roots, product.server]
                    idle.append([dialect, what, *asyncio.run(_idle(product, roots, names))])
                    latency += asyncio.run(_latency(product, dialect, what, url, names))
                    print(f"  {idle[-1]} {latency[-2:]}", flush=True)
    head = (
        "database",
        "operations",
        "memory each, KiB",
        "aim",
        f"CPU in {IDLE_S} s without",
        f"CPU in {IDLE_S} s with",
    )
    yield Table(f"{options.watchers:,} idle watchers", head, idle)
    head = ("database", "operations", "watchers beside", "p50, ms", "p99, ms", "aim")
    yield Table("From a commit in another process to the watcher", head, latency)


def _start(product: Product) -> str:
    request = extraction_pb2.GenerateAccountingMessageRequest(origin=accounting_details_pb2.ORIGIN_FINANCIAL)
    return product.client.gl.generate_accounting_message(request).name


async def _idle(product: Product, roots: Sequence[int], names: Sequence[str]) -> list[str]:
    """Memory of a watcher, and CPU of server and database without and with all of them."""
    async with grpc.aio.insecure_channel(product.target) as channel:
        stub = operations_pb2_grpc.OperationsServiceStub(channel)
        await _look_at(channel, names)
        quiet = await _idle_cpu_s(roots)
        calls = await _open(stub, names[:WARM_UP])
        await asyncio.sleep(SETTLE_S)
        before = meter.memory_kib(product.server)
        calls += await _open(stub, names[WARM_UP:])
        busy = await _idle_cpu_s(roots)
        each = (meter.memory_kib(product.server) - before) / (len(names) - WARM_UP)
        _end(calls)
    aim = f"< {KIB_AIM}: {verdict(met=each < KIB_AIM, reached=each < KIB_AIM)}"
    return [f"{each:.1f}", aim, f"{quiet * 1e3:.0f} ms", f"{busy * 1e3:.0f} ms"]


async def _latency(product: Product, dialect: str, what: str, url: str, names: Sequence[str]) -> list[list[str]]:
    """Rows for a watcher alone and among all others; `names[0]` is what changes."""
    rows = []
    async with grpc.aio.insecure_channel(product.target) as channel:
        stub = operations_pb2_grpc.OperationsServiceStub(channel)
        for beside in ([], names):
            calls = await _open(stub, beside)
            latencies_ms = await _latencies_ms(stub, url, names[0])
            _end(calls)
            p50, p99 = statistics.median(latencies_ms), statistics.quantiles(latencies_ms, n=100)[98]
            met = p50 < LATENCY_AIM_MS
            aimed_at = dialect == "postgresql" and not (beside and names[0] == names[-1])  # where not all hear at once
            aim = f"p50 < {LATENCY_AIM_MS}: {verdict(met=met, reached=met)}" if aimed_at else "none"
            rows.append([dialect, what, f"{len(beside):,}", f"{p50:.1f}", f"{p99:.1f}", aim])
    return rows


async def _look_at(channel: grpc.aio.Channel, names: Sequence[str]) -> None:
    """Have every connection of the server read every operation: a database's cache is not a watcher's memory."""
    stub = longrunning_pb2_grpc.OperationsStub(channel)
    for name in names:
        request = longrunning_pb2.GetOperationRequest(name=name)
        await asyncio.gather(*(stub.GetOperation(request) for _ in range(2 * CONNECTIONS)))


def _end(calls: Sequence[Call]) -> None:
    for call in calls:
        call.cancel()


async def _open(stub: "operations_pb2_grpc.OperationsServiceAsyncStub", names: Sequence[str]) -> list[Call]:
    """Watch each of the operations, and wait for its first snapshot."""
    calls: list[Call] = []
    for start in range(0, len(names), OPEN_AT_ONCE):
        some = [
            stub.WatchOperation(operations_pb2.WatchOperationRequest(name=name))
            for name in names[start : start + OPEN_AT_ONCE]
        ]
        await asyncio.gather(*(call.read() for call in some))
        calls += some
    return calls


async def _idle_cpu_s(roots: Sequence[int]) -> float:
    await asyncio.sleep(SETTLE_S)
    taken = Meter(roots)
    await asyncio.sleep(IDLE_S)
    return taken.spent().cpu_s


async def _latencies_ms(stub: "operations_pb2_grpc.OperationsServiceAsyncStub", url: str, name: str) -> list[float]:
    """How long after each commit the watcher had it; commits that one snapshot stood for count by that snapshot."""
    call = stub.WatchOperation(operations_pb2.WatchOperationRequest(name=name))
    await call.read()
    arguments = [url, name.removeprefix("operations/"), str(TICKS), str(TICK_PAUSE_S)]
    ticker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.ticker", *arguments, stdout=asyncio.subprocess.PIPE
    )
    listening = asyncio.create_task(_seen(call))
    output, _ = await ticker.communicate()
    await asyncio.sleep(SETTLE_S)
    call.cancel()
    seen = await listening
    commits = [(int(revision), int(at_ns)) for revision, at_ns in map(str.split, output.decode().splitlines())]
    assert len(commits) == TICKS
    return [(next(at for sequence, at in seen if sequence >= revision) - at_ns) / 1e6 for revision, at_ns in commits]


async def _seen(call: Call) -> list[tuple[int, int]]:
    """Sequence and arrival, in nanoseconds, of every snapshot until the call is canceled."""
    seen = []
    try:
        while isinstance(event := await call.read(), operations_pb2.WatchOperationResponse):
            if event.HasField("operation"):
                seen.append((event.sequence, time.time_ns()))
    except asyncio.CancelledError:
        assert call.cancelled()
    return seen
