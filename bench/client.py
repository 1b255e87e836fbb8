"""What the Python client adds to a call of its bare stub, by the CPU of the caller's process."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, cast

from bench.caller import CONCURRENT
from bench.figures import COMPARISON, Table, compare, interleave
from bench.meter import Spent
from bench.options import Options
from bench.product import free_port
from bench.seed import LEDGER
from countinghouse.client.aio.calls import Caller as AioCaller
from countinghouse.client.channel import Connection
from countinghouse.client.sync.calls import Caller
from countinghouse.gl_extraction.v1 import reference_pb2

AIM = 0.91  # at most a tenth on top
WARM_UP = 500
ALONE = 5_000
REQUEST = reference_pb2.GetLedgerRequest(name=f"ledgers/{LEDGER}")


def client(options: Options) -> Iterator[Table]:
    """Each facade in turns with its stub on a channel of the same settings, at a server that only answers."""
    rows = []
    with ExitStack() as stack:
        target = stack.enter_context(_echo())
        for way, title in (("sync", "sync, one after another"), ("aio", f"asyncio, {CONCURRENT} at once")):
            facade, stub = (stack.enter_context(_caller(target, kind)) for kind in (way, f"{way}-stub"))
            pairs = interleave(
                options.pairs, partial(_make, facade, options.calls), partial(_make, stub, options.calls)
            )
            rows.append(compare(title, pairs, aim=AIM))
    alone, alone_aio = _alone_us(), asyncio.run(_alone_aio_us())
    notes = [f"The layer alone, the least of nine tries: {alone:.1f} µs of CPU a call, {alone_aio:.1f} with asyncio."]
    yield Table("A unary call by the Python client, against its bare stub", ("way", *COMPARISON[1:]), rows, notes)


def _alone_us() -> float:
    def answer(request: object, *, timeout: float, metadata: object) -> object:  # noqa: ARG001 - a stub's signature
        return request

    call: Any = Caller(Connection("127.0.0.1:1")).unary(cast("Any", answer))
    tries = []
    for _ in range(9):
        begun = time.process_time()
        for _ in range(ALONE):
            call(REQUEST)
        tries.append(time.process_time() - begun)
    return min(tries) / ALONE * 1e6


async def _alone_aio_us() -> float:
    async def answer(request: object, *, timeout: float, metadata: object) -> object:  # noqa: ARG001, ASYNC109
        return request

    call: Any = AioCaller(Connection("127.0.0.1:1")).unary(cast("Any", answer))
    tries = []
    for _ in range(9):
        begun = time.process_time()
        for _ in range(ALONE):
            await call(REQUEST)
        tries.append(time.process_time() - begun)
    return min(tries) / ALONE * 1e6


def _make(process: "subprocess.Popen[str]", count: int) -> Spent:
    assert process.stdin is not None
    assert process.stdout is not None
    print(count, file=process.stdin, flush=True)
    cpu_s, wall_s = map(float, process.stdout.readline().split())
    return Spent(count, cpu_s, wall_s)


@contextmanager
def _caller(target: str, way: str) -> "Iterator[subprocess.Popen[str]]":
    command = [sys.executable, "-m", "bench.client_caller", target, way]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        _make(process, WARM_UP)
        yield process  # leaving closes its standard input, and it ends


@contextmanager
def _echo() -> Iterator[str]:
    target = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen([sys.executable, "-m", "bench.echo", target], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield target
    finally:
        process.terminate()
        process.communicate()
