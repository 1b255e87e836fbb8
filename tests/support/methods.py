"""Every method that is served, called as raw bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from google.protobuf.descriptor import MethodDescriptor

from server.main import SERVED
from server.servicers.standard import standard_services

Metadata = Sequence[tuple[str, str]]


def methods() -> list[MethodDescriptor]:
    """Ours and the standard ones."""
    return [method for service in [*SERVED, *standard_services()] for method in service.methods]


def full_name(method: MethodDescriptor) -> str:
    """`package.Service/Method`."""
    return f"{method.containing_service.full_name}/{method.name}"


def raw(channel: Any, method: MethodDescriptor, content: bytes, metadata: Metadata = ()) -> Callable[[], object]:
    """A call of the method with `content` as its request, whatever that may be; ends with its first answer."""
    path = f"/{full_name(method)}"
    options = {"timeout": 10, "metadata": tuple(metadata)}
    if method.client_streaming and method.server_streaming:
        return lambda: next(channel.stream_stream(path)(iter([content]), **options))
    if method.client_streaming:
        return lambda: channel.stream_unary(path)(iter([content]), **options)
    if method.server_streaming:
        return lambda: next(channel.unary_stream(path)(content, **options))
    return lambda: channel.unary_unary(path)(content, **options)
