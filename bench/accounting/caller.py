"""A client process: `python -m bench.accounting.caller TARGET`.

For each line on its standard input, `point letter batch operations`, it has so many operations made by CALLERS at
once, each for a claim drawn at random from the caller's share of that letter: in calls of a batch of workflow points
(1: calls of ExecuteAccounting). It prints the seconds that took.
"""

import asyncio
import random
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import grpc.aio
from google.type.money_pb2 import Money

from bench.accounting import shop
from countinghouse.accounting.v1 import accounting_service_pb2_grpc
from countinghouse.accounting.v1 import operations_pb2 as pb

TIMEOUT_S = 60
SEED = 7

Make = Callable[[range], Awaitable[object]]


async def main(target: str) -> None:
    draw = random.Random(SEED)
    async with grpc.aio.insecure_channel(target) as channel:
        stub: accounting_service_pb2_grpc.AccountingServiceAsyncStub
        stub = accounting_service_pb2_grpc.AccountingServiceStub(channel)

        def single(point: str, letter: str, share: range) -> Awaitable[object]:
            claim = f"claims/{letter}{draw.choice(share)}"
            request = pb.ExecuteAccountingRequest(parent=claim, workflow_point=point, entries=[_entry(claim)])
            return stub.ExecuteAccounting(request, timeout=TIMEOUT_S)

        async def many(point: str, letter: str, batch: int, share: range) -> None:
            claims = [f"claims/{letter}{number}" for number in draw.sample(share, batch)]
            item = pb.BatchExecuteAccountingRequest.Item
            items = [item(parent=claim, workflow_point=point, entries=[_entry(claim)]) for claim in claims]
            answer = await stub.BatchExecuteAccounting(pb.BatchExecuteAccountingRequest(items=items), timeout=TIMEOUT_S)
            assert all(each.operations for each in answer.results)

        while line := await asyncio.to_thread(sys.stdin.readline):
            point, letter, size, operations = line.split()
            batch, turns = int(size), iter(range(int(operations) // int(size)))
            make: Make = partial(single, point, letter) if batch == 1 else partial(many, point, letter, batch)
            begun = time.perf_counter()
            shares = (shop.share_of(letter, number) for number in range(shop.CALLERS))
            await asyncio.gather(*(_each(turns, partial(make, share)) for share in shares))
            print(time.perf_counter() - begun, flush=True)


async def _each(turns: Iterator[int], make: Callable[[], Awaitable[object]]) -> None:
    for _ in turns:
        await make()


def _entry(claim: str) -> pb.AccountingEntry:
    return pb.AccountingEntry(
        dispute=f"{claim}/disputes/{shop.DISPUTE}", amount=Money(currency_code="USD", units=10, nanos=500_000_000)
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
