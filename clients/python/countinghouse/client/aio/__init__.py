"""The client for asyncio: the same names and behaviour as `countinghouse.client`, awaited.

from countinghouse.client import aio

async with aio.connect("127.0.0.1:50051") as client:
    run = await client.gl.generate_accounting_message(GenerateAccountingMessageRequest(origin=ORIGIN_FINANCIAL))
    async for snapshot in run.watch():
        print(snapshot.progress.stages)
"""

from countinghouse.client.aio.client import Client, connect
from countinghouse.client.aio.operations import Operation

__all__ = ["Client", "Operation", "connect"]
