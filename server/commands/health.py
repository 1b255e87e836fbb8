"""`countinghouse health`: whether a server is ready, for container engines, load balancers and scripts."""

from __future__ import annotations

import grpc
import typer
from grpc_health.v1 import health_pb2, health_pb2_grpc

from countinghouse.cli.exits import UNAVAILABLE
from countinghouse.cli.output import say
from countinghouse.cli.settings import Settings

SERVING: int = health_pb2.HealthCheckResponse.SERVING
ALIVE_S = 1.0


def run(given: Settings, *, service: str, within_s: float) -> None:
    """Say how a server is. Raises: typer.Exit with UNAVAILABLE unless it is serving."""
    with given.connect() as client:
        status = status_of(client.channel, service=service, within_s=within_s)
    say(f"{given.address}: {status}")
    if status != "SERVING":
        raise typer.Exit(UNAVAILABLE)


def status_of(channel: grpc.Channel, *, service: str = "", within_s: float = ALIVE_S) -> str:
    """What the standard health service says of a service, of the whole server if empty; or why it says nothing.

    Source: gRPC Health Checking Protocol.
    """
    stub = health_pb2_grpc.HealthStub(channel)
    try:
        answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=within_s)  # type: ignore[attr-defined]
    except grpc.RpcError as error:
        return "there is no such service" if error.code() is grpc.StatusCode.NOT_FOUND else "no server answers"
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))
