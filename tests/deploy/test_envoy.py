"""Envoy before two servers: gRPC shared out, a server that ends not missed, JSON and gRPC-Web beside it."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from countinghouse.client import connect
from countinghouse.gl_extraction.v1.reference_pb2 import (
    CreateLedgerRequest,
    Ledger,
    ListLedgersRequest,
    ListLedgersResponse,
)
from server.main import SERVED
from tests.deploy.programs import DEPLOY, program, said
from tests.house.tree import ROOT
from tests.support.process import Serving, free_address, serve
from tests.support.server import serving
from tests.support.waiting import wait_for

CONFIGURATION = DEPLOY / "envoy" / "envoy.yaml"
GL = "countinghouse.gl_extraction.v1.GLExtractionService"
READY_S = 60
CALLS = 40


def configured(folder: Path, address: str, servers: list[str]) -> dict[str, Any]:
    """The configuration of the tree, at an address of its own, with these servers and the contract as it is."""
    descriptors = folder / "countinghouse.binpb"
    said(program("buf"), "build", str(ROOT), "--exclude-source-info", "--output", str(descriptors))
    whole: dict[str, Any] = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))
    (listener,), (cluster,) = whole["static_resources"]["listeners"], whole["static_resources"]["clusters"]
    listener["address"]["socket_address"] = _socket(address)
    transcoder_of(whole)["proto_descriptor"] = str(descriptors)
    places = [{"endpoint": {"address": {"socket_address": _socket(each)}}} for each in servers]
    cluster["load_assignment"]["endpoints"] = [{"lb_endpoints": places}]
    return whole


def transcoder_of(whole: dict[str, Any]) -> dict[str, Any]:
    """The part that turns JSON into gRPC."""
    manager = whole["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    found: dict[str, Any] = next(
        each["typed_config"] for each in manager["http_filters"] if each["name"].endswith("transcoder")
    )
    return found


@contextmanager
def envoy(folder: Path, servers: list[str]) -> Iterator[str]:
    """Envoy before these servers, once it lets calls through; gives its address."""
    address = free_address()
    path = folder / "envoy.yaml"
    path.write_text(yaml.safe_dump(configured(folder, address, servers)), encoding="utf-8")
    command = [program("envoy"), "-c", str(path), "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "warn"]
    with (folder / "envoy.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            wait_for(lambda: _lets_through(address) or process.poll() is not None, READY_S, "Envoy")
            assert process.poll() is None, (folder / "envoy.log").read_text()
            yield address
        finally:
            process.kill()
            process.wait(READY_S)


def _lets_through(address: str) -> bool:
    try:
        return httpx.post(f"http://{address}/{GL}/ListLedgers", json={}, timeout=1).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _socket(address: str) -> dict[str, Any]:
    host, _, port = address.rpartition(":")
    return {"address": host, "port_value": int(port)}


def test_it_knows_every_service() -> None:
    """Of those that are served, none is left out of what JSON reaches."""
    services = transcoder_of(yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8")))["services"]
    assert sorted(services) == sorted(each.full_name for each in SERVED)


@contextmanager
def two_servers(url: str, folder: Path) -> Iterator[tuple[Serving, Serving]]:
    """Two servers on one database, ready."""
    settings: dict[str, Any] = {"database_url": url, "listen": "127.0.0.1:0", "jobs": False, "log_level": "info"}
    with serve(folder / "first", **settings) as first, serve(folder / "second", **settings) as second:
        first.ready()
        second.ready()
        yield first, second


def calls(server: Serving) -> int:
    """How many lists it was asked for."""
    return sum(each.get("method") == f"{GL}/ListLedgers" for each in server.log())


@pytest.mark.slow
@pytest.mark.rule("PLT-41")
def test_calls_are_shared_out_and_a_server_that_ends_is_not_missed(
    migrated_postgresql_url: str, tmp_path: Path
) -> None:
    """Both servers get calls; once one has ended the other gets all, and the client is told of nothing."""
    with ExitStack() as stack:
        first, second = stack.enter_context(two_servers(migrated_postgresql_url, tmp_path))
        address = stack.enter_context(envoy(tmp_path, [first.ready(), second.ready()]))
        client = stack.enter_context(connect(address))
        for _ in range(CALLS):
            list(client.gl.list_ledgers(ListLedgersRequest()))
        wait_for(lambda: min(calls(first), calls(second)) > 0)
        assert first.end() == 0
        for number in range(CALLS):
            client.gl.create_ledger(CreateLedgerRequest(ledger=Ledger(code=f"L{number}")))
        assert len(list(client.gl.list_ledgers(ListLedgersRequest()))) == CALLS


@pytest.mark.slow
@pytest.mark.rule("PLT-07")
def test_json_and_grpc_web_say_the_same_as_grpc(migrated_url: str, tmp_path: Path) -> None:
    """A call by JSON, what refuses it with every detail, and a call by gRPC-Web."""
    with (
        serving(migrated_url, tmp_path, jobs=False) as server,
        envoy(tmp_path, [server.target]) as address,
        httpx.Client(base_url=f"http://{address}/{GL}/", timeout=20) as web,
    ):
        made = web.post("CreateLedger", json={"ledger": {"code": "MAIN", "displayName": "Books"}})
        assert made.json()["name"] == "ledgers/MAIN"
        again = web.post("CreateLedger", json={"ledger": {"code": "MAIN"}})
        assert again.status_code == httpx.codes.CONFLICT
        (told,) = [each for each in again.json()["details"] if each["@type"].endswith("google.rpc.ErrorInfo")]
        assert told["reason"] == "CODE_TAKEN"
        wrong = web.post("CreateLedger", json={"ledger": {"code": "no such code!"}})
        assert wrong.status_code == httpx.codes.BAD_REQUEST
        violations = [field for each in wrong.json()["details"] for field in each.get("fieldViolations", [])]
        assert [each["field"] for each in violations] == ["ledger.code"]
        assert web.post("ListLedgers", json={}).json()["ledgers"][0]["name"] == "ledgers/MAIN"
        framed = struct.pack(">BI", 0, 0)  # an empty message
        answer = web.post("ListLedgers", content=framed, headers={"content-type": "application/grpc-web+proto"})
        flag, length = struct.unpack(">BI", answer.content[:5])
        assert flag == 0
        (ledger,) = ListLedgersResponse.FromString(answer.content[5 : 5 + length]).ledgers
        assert ledger.name == "ledgers/MAIN"
        assert b"grpc-status:0" in answer.content[5 + length :]
