"""Watchers that wait: what each costs, and how soon one hears of a commit in another process."""

import asyncio
import statistics
import sys
import time
from collections.abc import Iterator, Sequence

import grpc.aio

from bench import meter, seed
from bench.databases import Databases, open_databases
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
TICKS = 400
TICK_PAUSE_S = 0.05
OPEN_AT_ONCE = 50


def watchers(options: Options) -> Iterator[Table]:
    """Each watcher follows an operation of its own that nobody works on; the server has no worker."""
    idle, latency = [], []
    for dialect in options.databases:
        with options.folder() as folder, open_databases(dialect, folder) as databases:
            url = databases.template("watched", lambda url: seed.execute(url, seed.REFERENCE))
            with serve(url, folder, jobs=False) as product:
                names = [_start(product) for _ in range(WARM_UP + options.watchers)]
                measured = asyncio.run(_measure(databases, product, url, names))
            idle.append([dialect, *measured[0]])
            latency += [[dialect, *row] for row in measured[1]]
    head = ("database", "memory each, KiB", "aim", f"CPU in {IDLE_S} s without", f"CPU in {IDLE_S} s with them")
    yield Table(f"{options.watchers:,} idle watchers, of as many operations", head, idle)
    head = ("database", "watchers beside", "p50, ms", "p99, ms", "aim")
    yield Table("From a commit in another process to the watcher", head, latency)


def _start(product: Product) -> str:
    request = extraction_pb2.GenerateAccountingMessageRequest(origin=accounting_details_pb2.ORIGIN_FINANCIAL)
    return product.client.gl.generate_accounting_message(request).name


async def _measure(
    databases: Databases, product: Product, url: str, names: Sequence[str]
) -> tuple[list[str], list[list[str]]]:
    """The cells of a row of the idle table, and the rows of the table of latencies."""
    roots = [*databases.roots, product.server]
    async with grpc.aio.insecure_channel(product.target) as channel:
        stub = operations_pb2_grpc.OperationsServiceStub(channel)
        quiet = await _idle_cpu_s(roots)
        alone = await _latencies_ms(stub, url, names[0])
        calls = await _open(stub, names[:WARM_UP])
        before = meter.memory_kib(product.server)
        calls += await _open(stub, names[WARM_UP:])
        each = (meter.memory_kib(product.server) - before) / (len(names) - WARM_UP)
        busy = await _idle_cpu_s(roots)
        among = await _latencies_ms(stub, url, names[0])
        for call in calls:
            call.cancel()
    aim = f"< {KIB_AIM}: {verdict(met=each < KIB_AIM, reached=each < KIB_AIM)}"
    idle = [f"{each:.1f}", aim, f"{quiet * 1e3:.0f} ms", f"{busy * 1e3:.0f} ms"]
    return idle, [_latency_row("0", alone), _latency_row(f"{len(names):,}", among)]


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
        async for event in call:
            if event.HasField("operation"):
                seen.append((event.sequence, time.time_ns()))  # noqa: PERF401 - what came before the cancel is kept
    except asyncio.CancelledError:
        assert call.cancelled()
    return seen


def _latency_row(beside: str, latencies_ms: Sequence[float]) -> list[str]:
    p50 = statistics.median(latencies_ms)
    p99 = statistics.quantiles(latencies_ms, n=100)[98]
    aim = f"p50 < {LATENCY_AIM_MS}: {verdict(met=p50 < LATENCY_AIM_MS, reached=p50 < LATENCY_AIM_MS)}"
    return [beside, f"{p50:.1f}", f"{p99:.1f}", aim]
