"""A client process for unary calls: `python -m bench.caller TARGET TOKEN`.

For each line on its standard input, a number of calls, it makes so many calls of GetLedger, CONCURRENT at once, and
prints the seconds they took.
"""

import asyncio
import sys
import time
from collections.abc import Iterator

import grpc.aio

from bench.seed import LEDGER
from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc, reference_pb2

CONCURRENT = 16
TIMEOUT_S = 30


async def main(target: str, token: str) -> None:
    metadata = (("authorization", f"Bearer {token}"),)
    request = reference_pb2.GetLedgerRequest(name=f"ledgers/{LEDGER}")
    async with grpc.aio.insecure_channel(target) as channel:
        stub: gl_extraction_service_pb2_grpc.GLExtractionServiceAsyncStub
        stub = gl_extraction_service_pb2_grpc.GLExtractionServiceStub(channel)

        async def call_each(turns: Iterator[int]) -> None:
            for _ in turns:
                answer = await stub.GetLedger(request, timeout=TIMEOUT_S, metadata=metadata)
                assert answer.code == LEDGER

        while line := await asyncio.to_thread(sys.stdin.readline):
            turns = iter(range(int(line)))
            begun = time.perf_counter()
            await asyncio.gather(*(call_each(turns) for _ in range(CONCURRENT)))
            print(time.perf_counter() - begun, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
