"""A server whose ExecuteAccounting answers without the product: `python -m bench.accounting.echo ADDRESS [RECORDED]`.

Bare, it is what a call costs at least. With RECORDED, a file that `write` made, one thread runs the recorded statements
on an SQLite database for each call before it is answered: what the same work costs without the product's way to it.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import grpc.aio
from google.type.money_pb2 import Money

from bench.accounting import recording, shop
from bench.accounting.recording import Statement
from bench.databases import connect_sqlite
from countinghouse.accounting.v1 import accounting_service_pb2
from countinghouse.accounting.v1 import operations_pb2 as pb

SERVICE = accounting_service_pb2.DESCRIPTOR.services_by_name["AccountingService"]
_SIDE = pb.AccountingSide(collection="collections/MERCHANT", account="merchant-s1234", distribution_code="GL-MERCHANT")
_OPERATION = "claims/s1234/operations/06c389mqcd080ct5bsv5egeshr"
ANSWER = pb.ExecuteAccountingResponse(
    operations=[
        pb.AccountingOperation(
            name=_OPERATION,
            dispute="claims/s1234/disputes/1",
            client=f"clients/{shop.CLIENT}",
            workflow_point=shop.CREDIT,
            rule_version="accountingRules/CREDIT/versions/1",
            debit=_SIDE,
            credit=_SIDE,
            amount=Money(currency_code="USD", units=10, nanos=500_000_000),
            entry_reason="credit",
            performer="bench",
            assignment="claims/s1234/assignments/06c389mqcd080ct5bsv5egeshr",
        )
    ]
)
_CLAIM, _ID, _SEQUENCE = "@claim{}", "@id{}", "@sequence{}"


class Writer:
    """Runs what was recorded, in one transaction for each call."""

    def __init__(self, connection: Connection, statements: list[tuple[str, Any]]) -> None:
        self._connection, self._statements = connection, statements
        self._draw, self._calls = random.Random(7), count(time.time_ns() // 1_000)

    def write(self) -> None:
        """Do it once."""
        claim, call = str(self._draw.randrange(shop.CALLERS * shop.SHARES[shop.SPREAD])), next(self._calls)

        def filled(cell: Any) -> Any:  # noqa: ANN401
            if not isinstance(cell, str) or "@" not in cell:
                return cell
            if cell.startswith("@sequence"):
                return call * 8 + int(cell.removeprefix("@sequence"))
            return cell.replace("@claim0", claim).replace("@id", f"06-{call:022}-")

        self._connection.execute("BEGIN IMMEDIATE")
        for text, parameters in self._statements:
            if parameters and isinstance(parameters[0], list):
                self._connection.executemany(text, [tuple(map(filled, row)) for row in parameters])
            else:
                self._connection.execute(text, tuple(map(filled, parameters))).fetchall()
        self._connection.execute("COMMIT")


def write(path: Path, url: str, statements: Sequence[Statement]) -> None:
    """Put the recorded statements of a call for one claim, and where to run them, into a file."""
    ids: dict[str, int] = {}

    def place(cell: Any) -> Any:  # noqa: ANN401
        if isinstance(cell, list | tuple):
            return [place(each) for each in cell]
        told = recording.places(str(cell), range(1), ids, (_CLAIM, _ID, _SEQUENCE))
        return cell if told == str(cell) else told

    path.write_text(
        json.dumps({"url": url, "statements": [[each.text, place(each.parameters)] for each in statements]})
    )


async def main(address: str, recorded: str | None) -> None:
    server = grpc.aio.server()
    thread = ThreadPoolExecutor(1)
    writer = _writer(Path(recorded)) if recorded else None

    async def answer(_request: pb.ExecuteAccountingRequest, _context: Any) -> pb.ExecuteAccountingResponse:  # noqa: ANN401
        if writer is not None:
            await asyncio.get_running_loop().run_in_executor(thread, writer.write)
        return ANSWER

    handler = grpc.unary_unary_rpc_method_handler(
        answer,
        request_deserializer=pb.ExecuteAccountingRequest.FromString,
        response_serializer=pb.ExecuteAccountingResponse.SerializeToString,
    )
    handlers = {"ExecuteAccounting": handler}
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE.full_name, handlers)])
    server.add_insecure_port(address)
    await server.start()
    print("ready", flush=True)
    await server.wait_for_termination()


def _writer(recorded: Path) -> Writer:
    read = json.loads(recorded.read_text())
    connection = connect_sqlite(read["url"], any_thread=True)
    return Writer(connection, read["statements"])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None))
