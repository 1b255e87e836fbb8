"""Health, reflection and channelz, as the tools of others use them (PLT-41)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from server.main import SERVED
from tests.support.server import Served

BUF = Path(sys.executable).with_name("buf")
SERVING = health_pb2.HealthCheckResponse.SERVING


def _reflect(served: Served, version: str, **asked: Any) -> reflection_pb2.ServerReflectionResponse:
    ask = served.channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    return next(ask(iter([reflection_pb2.ServerReflectionRequest(**asked)]), timeout=10))


def _buf_curl(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(BUF), "curl", "--protocol", "grpc", "--http2-prior-knowledge", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)


@pytest.mark.rule("PLT-41")
def test_health_is_told_by_service_and_as_a_whole(server: Served) -> None:
    """Each of our services has its own state; one that there is not is NOT_FOUND."""
    health: Any = server.stub(health_pb2_grpc.HealthStub)
    for name in ("", *(service.full_name for service in SERVED)):
        assert health.Check(health_pb2.HealthCheckRequest(service=name)).status == SERVING
        assert next(iter(health.Watch(health_pb2.HealthCheckRequest(service=name)))).status == SERVING
    with pytest.raises(grpc.RpcError) as unknown:
        health.Check(health_pb2.HealthCheckRequest(service="nothing"))
    assert unknown.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.rule("PLT-41")
@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_reflection_describes_every_service_in_both_versions(server: Served, version: str) -> None:
    """Each service that is listed, reflection itself included, can be described."""
    listed = [service.name for service in _reflect(server, version, list_services="").list_services_response.service]
    assert {service.full_name for service in SERVED} < set(listed)
    assert "grpc.reflection.v1.ServerReflection" in listed
    for name in listed:
        answer = _reflect(server, version, file_containing_symbol=name)
        files = [
            FileDescriptorProto.FromString(content) for content in answer.file_descriptor_response.file_descriptor_proto
        ]
        services = {f"{file.package}.{service.name}" for file in files for service in file.service}
        assert name in services


@pytest.mark.rule("PLT-41")
def test_channelz_tells_of_the_server_and_its_calls(server: Served) -> None:
    """Sockets and calls can be counted from outside."""
    answer = server.stub(channelz_pb2_grpc.ChannelzStub).GetServers(channelz_pb2.GetServersRequest(), timeout=10)
    assert sum(each.data.calls_started for each in answer.server) > 0


@pytest.mark.rule("PLT-41", "PLT-07")
def test_a_generic_client_calls_without_proto_files(server: Served) -> None:
    """List, describe and call by reflection alone, packed metadata and error details included."""
    url = f"http://{server.target}"
    methods = _buf_curl("--list-methods", url).stdout.splitlines()
    assert "countinghouse.gl_extraction.v1.GLExtractionService/CreateLedger" in methods
    service = f"{url}/countinghouse.gl_extraction.v1.GLExtractionService"
    created = _buf_curl(f"{service}/CreateLedger", "-d", '{"ledger": {"code": "L1"}}')
    assert json.loads(created.stdout)["name"] == "ledgers/L1", created.stderr
    listed = _buf_curl(f"{url}/google.longrunning.Operations/ListOperations", "-d", "{}")
    assert json.loads(listed.stdout) == {}, listed.stderr
    error = json.loads(_buf_curl(f"{service}/GetLedger", "-d", '{"name": "x"}').stderr)
    assert error["code"] == "invalid_argument"
    assert [detail["type"] for detail in error["details"]] == ["google.rpc.ErrorInfo", "google.rpc.BadRequest"]
