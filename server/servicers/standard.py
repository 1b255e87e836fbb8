"""What every gRPC server offers: health by service, reflection in both its versions, channelz (PLT-41)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import grpc
import grpc.aio
from google.protobuf import text_format
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import Default
from google.protobuf.message import Message
from grpc_channelz.v1 import channelz
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

from server.call import Context

SERVING: int = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING: int = health_pb2.HealthCheckResponse.NOT_SERVING

_messages: Any = health_pb2  # its published types lag behind its messages
_REFLECTION = "grpc.reflection.v1"
_REFLECTION_FILE = "grpc/reflection/v1/reflection.proto"
_REFLECTION_OLD = "grpc.reflection.v1alpha"


class Health(health.aio.HealthServicer):
    """The standard health service; not serving until it is told otherwise."""

    def __init__(self, services: Sequence[str]) -> None:
        super().__init__()
        self._names = ("", *services)
        self._statuses = dict.fromkeys(self._names, NOT_SERVING)
        self._server_status = dict(self._statuses)
        self._watching = 0

    @property
    def watched(self) -> bool:
        """Whether anybody is told of changes."""
        return self._watching > 0

    async def become(self, status: int) -> None:
        """Tell the status of every service, and of the server as a whole."""
        for name in self._names:
            self._statuses[name] = status
            await self.set(name, status)

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Context) -> None:
        """Tell the status of a service now, and whenever it changes."""
        self._watching += 1
        try:
            await super().Watch(request, context)
        finally:
            self._watching -= 1

    async def List(self, request: Message, context: Context) -> Message:  # noqa: ARG002 - it asks for all
        """The status of every service."""
        statuses = {name: _messages.HealthCheckResponse(status=status) for name, status in self._statuses.items()}
        answer: Message = _messages.HealthListResponse(statuses=statuses)
        return answer


def add_standard(server: grpc.aio.Server, services: Sequence[ServiceDescriptor]) -> Health:
    """Add the standard services to a server that offers `services`."""
    names = [service.full_name for service in services]
    checked = Health(names)
    health_pb2_grpc.add_HealthServicer_to_server(checked, server)
    channelz.add_channelz_servicer(server)
    _add_reflection(server, [*names, *(service.full_name for service in standard_services())])
    return checked


def standard_services() -> list[ServiceDescriptor]:
    """The services that `add_standard` adds."""
    return [
        Default().FindServiceByName("grpc.health.v1.Health"),
        Default().FindServiceByName("grpc.channelz.v1.Channelz"),
        Default().FindServiceByName(f"{_REFLECTION_OLD}.ServerReflection"),
        _reflection_v1(),
    ]


def _add_reflection(server: grpc.aio.Server, names: Sequence[str]) -> None:
    """Serve the one servicer that there is under both names: the messages are the same on the wire."""
    servicer = reflection.aio.ReflectionServicer(names)
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    for package in (_REFLECTION, _REFLECTION_OLD):
        server.add_registered_method_handlers(f"{package}.ServerReflection", {"ServerReflectionInfo": handler})


def _reflection_v1() -> ServiceDescriptor:
    """The descriptor of the newer version, made of the older: they differ in the package alone."""
    pool = Default()
    try:
        file = pool.FindFileByName(_REFLECTION_FILE)
    except KeyError:
        older = FileDescriptorProto()
        reflection_pb2.DESCRIPTOR.CopyToProto(older)
        newer = text_format.Parse(str(older).replace(_REFLECTION_OLD, _REFLECTION), FileDescriptorProto())
        newer.name = _REFLECTION_FILE
        pool.AddSerializedFile(newer.SerializeToString())
        file = pool.FindFileByName(_REFLECTION_FILE)
    return file.services_by_name["ServerReflection"]
