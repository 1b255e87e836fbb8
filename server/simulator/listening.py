"""Where simulated systems listen, until they are told to stop."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import NoReturn

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status

GRACE_S = 1.0

Certificate = tuple[Path, Path]
"""A file in PEM, and that of its key."""

Context = grpc.aio.ServicerContext[Message, Message]


class CannotListen(Exception):
    """The address is in use, or none of this machine's."""


def bound(server: grpc.aio.Server, listen: str, certificate: Certificate | None, client_ca: Path | None) -> int:
    """The port that the server listens on, encrypted if it has a certificate; callers must have one of `client_ca`.

    Raises: CannotListen.
    """
    try:
        if certificate is None:
            return server.add_insecure_port(listen)
        own, key = certificate
        authorities = client_ca.read_bytes() if client_ca else None
        credentials = grpc.ssl_server_credentials(
            [(key.read_bytes(), own.read_bytes())],
            root_certificates=authorities,
            require_client_auth=authorities is not None,
        )
        return server.add_secure_port(listen, credentials)
    except (OSError, RuntimeError) as error:
        raise CannotListen(f"cannot listen on {listen}: {error}") from None


def stopped() -> asyncio.Event:
    """What is set at SIGTERM and SIGINT."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def refuse(context: Context, code: grpc.StatusCode, message: str, *details: Message) -> NoReturn:
    """End the call with a status and its details. Raises: what ends a call."""
    status = Status(code=code.value[0], message=message, details=map(_packed, details))
    packed = (("grpc-status-details-bin", status.SerializeToString()),)
    await context.abort(code, message, trailing_metadata=packed)


def _packed(detail: Message) -> Packed:
    packed = Packed()
    packed.Pack(detail)
    return packed
