"""A server whose GetLedger does nothing but answer: `python -m bench.echo ADDRESS [--gate]`.

Bare, it is the floor of a unary call. Behind the product's gate, by the settings in the environment, what the two
differ by is what the gate costs: identity, permission, request id, deadline, validation, figures and a log line.
"""

import asyncio
import sys
from typing import Any

import grpc.aio

from bench.seed import LEDGER
from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2, reference_pb2
from server import auth
from server.gate.interceptors import Door, Gate, Limits, Seats, gated
from server.settings import load
from server.telemetry import observe

SERVICE = gl_extraction_service_pb2.DESCRIPTOR.services_by_name["GLExtractionService"]
ANSWER = reference_pb2.Ledger(
    name=f"ledgers/{LEDGER}", code=LEDGER, description="The books of the company, as they are closed. " * 4, etag="1"
)


async def main(address: str, *, gate: bool) -> None:
    server = gated(_gate()) if gate else grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(
        _answer,
        request_deserializer=reference_pb2.GetLedgerRequest.FromString,
        response_serializer=reference_pb2.Ledger.SerializeToString,
    )
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE.full_name, {"GetLedger": handler})])
    server.add_insecure_port(address)
    await server.start()
    print("ready", flush=True)
    await server.wait_for_termination()


async def _answer(
    request: reference_pb2.GetLedgerRequest,  # noqa: ARG001 - gRPC's signature
    context: grpc.aio.ServicerContext[Any, Any],  # noqa: ARG001
) -> reference_pb2.Ledger:
    return ANSWER


def _gate() -> Gate:
    """The gate as the server makes it."""
    observe.configure("info")
    permissions = auth.permissions_of([SERVICE])
    door = Door()
    door.open()
    seats = Seats(total=None, per_caller=1_000)
    return Gate(
        authority=auth.authority(load(), permissions.values()),
        permissions=permissions,
        limits=Limits(
            call_timeout_s=60, report_timeout_s=60, stream_timeout_s=60, calls=seats, watches=seats, uploads=seats
        ),
        running={},
        door=door,
        admits=lambda *, writes: True,  # noqa: ARG005 - the gate's signature
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], gate="--gate" in sys.argv[2:]))
