"""A client process of one kind: `python -m bench.client_caller TARGET WAY`, WAY one of WAYS.

For each line on its standard input, a number of calls, it makes so many calls of GetLedger and prints the CPU seconds
that they took of this process, and the seconds.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator

from bench.caller import CONCURRENT, TIMEOUT_S
from bench.seed import LEDGER
from countinghouse.client import aio, connect
from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc, reference_pb2

WAYS = ("sync", "sync-stub", "aio", "aio-stub")
REQUEST = reference_pb2.GetLedgerRequest(name=f"ledgers/{LEDGER}")


def one_after_another(target: str, *, bare: bool) -> None:
    with connect(target) as client:
        stub = gl_extraction_service_pb2_grpc.GLExtractionServiceStub(client.channel)

        def make(count: int) -> None:
            for _ in range(count):
                answer = stub.GetLedger(REQUEST, timeout=TIMEOUT_S) if bare else client.gl.get_ledger(REQUEST)
                assert answer.code == LEDGER

        _measure(make)


def some_at_once(target: str, *, bare: bool) -> None:
    async def make_each(turns: Iterator[int], client: aio.Client) -> None:
        stub: gl_extraction_service_pb2_grpc.GLExtractionServiceAsyncStub
        stub = gl_extraction_service_pb2_grpc.GLExtractionServiceStub(client.channel)
        for _ in turns:
            answer = await (stub.GetLedger(REQUEST, timeout=TIMEOUT_S) if bare else client.gl.get_ledger(REQUEST))
            assert answer.code == LEDGER

    with asyncio.Runner() as runner:
        client = runner.run(_connected(target))

        async def make_all(count: int) -> None:
            turns = iter(range(count))
            await asyncio.gather(*(make_each(turns, client) for _ in range(CONCURRENT)))

        _measure(lambda count: runner.run(make_all(count)))
        runner.run(client.close())


async def _connected(target: str) -> aio.Client:
    return aio.connect(target)


def _measure(make: Callable[[int], None]) -> None:
    while line := sys.stdin.readline():
        begun, cpu = time.perf_counter(), time.process_time()
        make(int(line))
        print(time.process_time() - cpu, time.perf_counter() - begun, flush=True)


if __name__ == "__main__":
    at, way = sys.argv[1:]
    (one_after_another if way.startswith("sync") else some_at_once)(at, bare=way.endswith("-stub"))
