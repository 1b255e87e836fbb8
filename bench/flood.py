"""A client process that offers a load whatever becomes of it: `python -m bench.flood TARGET TOKEN …`.

For each line on its standard input, `method rate seconds`, it starts calls at that rate, never waiting for those
before, and prints as JSON what became of them. With the rate 0 it makes calls 16 at once, each after the one before.
"""

import asyncio
import json
import sys
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import count, cycle
from typing import Any

import grpc
import grpc.aio

from bench.seed import LEDGER
from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc, reference_pb2

Metadata = tuple[tuple[str, str], ...]

CONCURRENT = 16
OPEN_MAX = 400  # calls of this process that wait for an answer; more are not started, and counted as not offered
TIMEOUT_S = 10
TICK_S = 0.005


class Flood:
    """The calls of one line, and what became of them; the callers take turns."""

    def __init__(self, method: str, stub: "gl_extraction_service_pb2_grpc.GLExtractionServiceAsyncStub") -> None:
        self.accepted_s: list[float] = []
        self.refused_s: list[float] = []
        self.codes: Counter[str] = Counter()
        self._start: Callable[[Metadata], Awaitable[Any]] = getattr(self, f"_{method}")
        self._stub = stub

    async def call(self, metadata: Metadata) -> None:
        """Make one call."""
        begun = time.perf_counter()
        try:
            await self._start(metadata)
        except grpc.aio.AioRpcError as error:
            self.codes[error.code().name] += 1
            self.refused_s.append(time.perf_counter() - begun)
        else:
            self.accepted_s.append(time.perf_counter() - begun)

    def _read(self, metadata: Metadata) -> Awaitable[Any]:
        request = reference_pb2.GetLedgerRequest(name=f"ledgers/{LEDGER}")
        return self._stub.GetLedger(request, timeout=TIMEOUT_S, metadata=metadata)

    def _write(self, metadata: Metadata) -> Awaitable[Any]:
        account = reference_pb2.GroupAccount(code=uuid.uuid4().hex)
        request = reference_pb2.CreateGroupAccountRequest(group_account=account)
        return self._stub.CreateGroupAccount(request, timeout=TIMEOUT_S, metadata=metadata)


async def main(target: str, tokens: list[str]) -> None:
    callers: cycle[Metadata] = cycle([(("authorization", f"Bearer {token}"),) for token in tokens])
    async with grpc.aio.insecure_channel(target, [("grpc.enable_retries", 0)]) as channel:
        stub: gl_extraction_service_pb2_grpc.GLExtractionServiceAsyncStub
        stub = gl_extraction_service_pb2_grpc.GLExtractionServiceStub(channel)
        while line := await asyncio.to_thread(sys.stdin.readline):
            method, rate, seconds = line.split()
            flood = Flood(method, stub)
            begun = time.perf_counter()
            drive = _offered(flood, callers, float(rate), float(seconds)) if float(rate) else None
            await (drive or _closed(flood, callers, float(seconds)))
            told = {
                "accepted_s": flood.accepted_s,
                "refused_s": flood.refused_s,
                "codes": flood.codes,
                "wall_s": time.perf_counter() - begun,
            }
            print(json.dumps(told), flush=True)


async def _closed(flood: Flood, callers: "cycle[Metadata]", seconds: float) -> None:
    until = time.perf_counter() + seconds

    async def one() -> None:
        while time.perf_counter() < until:
            await flood.call(next(callers))

    await asyncio.gather(*(one() for _ in range(CONCURRENT)))


async def _offered(flood: Flood, callers: "cycle[Metadata]", rate: float, seconds: float) -> None:
    begun, made, running = time.perf_counter(), count(), set[asyncio.Task[None]]()
    sent = next(made)
    while (elapsed := time.perf_counter() - begun) < seconds:
        while sent < elapsed * rate:
            sent = next(made)
            if len(running) < OPEN_MAX:
                task = asyncio.create_task(flood.call(next(callers)))
                running.add(task)
                task.add_done_callback(running.discard)
            if not sent % 50:
                break
        await asyncio.sleep(0 if sent < elapsed * rate else TICK_S)
    await asyncio.gather(*running)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))
