"""Files sent to destinations by real servers: whole, the manifest last, told on the set, and again when asked."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import paramiko
import pytest

from countinghouse.operations.v1 import audit_pb2, audit_pb2_grpc
from countinghouse.operations.v1 import data_files_pb2 as pb
from countinghouse.operations.v1 import notifications_pb2 as deliveries_pb
from server.database.transaction import Database
from tests.client.command import run
from tests.support.process import serve
from tests.support.relay import relaying
from tests.support.server import Served, refusal, serving
from tests.support.sftp import USER, Inbox, receiving
from tests.support.waiting import wait_for
from tests.wire.gl_extraction import samples
from tests.wire.gl_extraction.test_extraction import FINANCIAL, Client, ingest

DELIVERED = deliveries_pb.DELIVERY_STATE_DELIVERED
GIVEN_UP = deliveries_pb.DELIVERY_STATE_GIVEN_UP
QUICK: dict[str, Any] = {"delivery_pause_s": 0.05, "delivery_pause_max_s": 0.2}


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    with receiving(tmp_path / "home" / "inbox") as running:
        yield running


def destinations(tmp_path: Path, inbox: Inbox, *, port: int = 0, host_key: str = "") -> Path:
    """A transmission file: a folder for the sets of May, an SFTP server for all."""
    key_file, outbox = tmp_path / "key", tmp_path / "outbox"
    inbox.user_key.write_private_key_file(str(key_file))
    outbox.mkdir(exist_ok=True)
    path = tmp_path / "destinations.toml"
    path.write_text(
        f"""
        [[destinations]]
        name = "archive"
        url = "file://{outbox}"
        sets = ["MAY-*"]
        [[destinations]]
        name = "ledger"
        url = "sftp://{USER}@127.0.0.1:{port or inbox.port}/inbox"
        host_key = "{host_key or inbox.pinned}"
        key_file = "{key_file}"
        """
    )
    return path


@contextmanager
def sending(url: str, tmp_path: Path, inbox: Inbox, **chosen: Any) -> Iterator[Served]:
    """A server with its worker, three elements a message and a message a file, that sends to these destinations."""
    path = destinations(tmp_path, inbox, **{name: chosen.pop(name) for name in ("port", "host_key") if name in chosen})
    cut: dict[str, Any] = {"elements_per_message": 3, "messages_per_file": 1}
    with serving(url, tmp_path, transmission_file=path, **cut, **QUICK, **chosen) as served:
        yield served


def extracted(served: Served, code: str) -> Client:
    """Three files of messages and their manifest in a set."""
    client = Client(served)
    samples.open_books(client.gl)
    ingest(client, 8)
    assert client.run(origin=FINANCIAL, data_file_set_code=code).message_count == 3
    return client


def files_of(client: Client, code: str) -> list[pb.DataFile]:
    return list(client.files.ListDataFiles(pb.ListDataFilesRequest(parent=f"dataFileSets/{code}")).data_files)


def outcomes(client: Client, code: str) -> set[tuple[str, str, str]]:
    """Each transmission of the set's files: destination, state, reason."""
    return {
        (one.target, deliveries_pb.DeliveryState.Name(one.state).removeprefix("DELIVERY_STATE_"), one.failure_reason)
        for file in files_of(client, code)
        for one in file.transmissions
    }


def have_ended(client: Client, code: str, count: int) -> bool:
    sent = [one for file in files_of(client, code) for one in file.transmissions]
    return len(sent) == count and all(one.state in {DELIVERED, GIVEN_UP} for one in sent)


def events_of(served: Served, code: str) -> list[tuple[str, Any]]:
    """What the audit trail tells of the set: types and payloads."""
    stub = served.stub(audit_pb2_grpc.AuditServiceStub)
    listed = stub.ListAuditEntries(audit_pb2.ListAuditEntriesRequest(resource=f"dataFileSets/{code}"))
    return [(entry.type, dict(entry.changes)) for entry in listed.audit_entries]


@pytest.mark.rule("PLT-32", "PLT-30")
def test_files_are_sent_where_their_set_goes_and_that_is_told(
    database: Database, migrated_url: str, tmp_path: Path, inbox: Inbox
) -> None:
    """To a folder and a server, byte by byte; each file tells where it has arrived, and the trail that the run has."""
    with sending(migrated_url, tmp_path, inbox) as served:
        client = extracted(served, "MAY-1")
        wait_for(lambda: have_ended(client, "MAY-1", 8), 30, "eight transmissions")
        names = [file.name.rpartition("/")[2] for file in files_of(client, "MAY-1")]
        for folder in (tmp_path / "outbox", inbox.folder):
            assert sorted(path.name for path in folder.iterdir()) == sorted(names)
            for file in files_of(client, "MAY-1"):
                content = b"".join(piece.content for piece in client.download(file.name))
                assert (folder / file.name.rpartition("/")[2]).read_bytes() == content
        assert outcomes(client, "MAY-1") == {
            ("transmissionDestinations/archive", "DELIVERED", ""),
            ("transmissionDestinations/ledger", "DELIVERED", ""),
        }
        assert inbox.opened[-1].startswith("inbox/.gl-batch-1-manifest.json."), "the manifest comes last"
        told: list[dict[str, Any]] = [
            payload for kind, payload in events_of(served, "MAY-1") if kind == "data_file_set.transmitted"
        ]
        assert {payload["target"] for payload in told} == {
            "transmissionDestinations/archive",
            "transmissionDestinations/ledger",
        }


@pytest.mark.rule("PLT-32")
def test_the_manifest_waits_for_every_file_whatever_fails(
    database: Database, migrated_url: str, tmp_path: Path, inbox: Inbox
) -> None:
    """A name is taken by something else: the manifest stays back, until a person has made room and asks again."""
    taken = inbox.folder / "gl-batch-1-messages-000000002.json"
    taken.write_bytes(b"of somebody else")
    with sending(migrated_url, tmp_path, inbox) as served:
        client = extracted(served, "S1")
        wait_for(lambda: have_ended(client, "S1", 3), 30, "three transmissions")
        assert outcomes(client, "S1") == {
            ("transmissionDestinations/ledger", "DELIVERED", ""),
            ("transmissionDestinations/ledger", "GIVEN_UP", "TRANSMISSION_NAME_TAKEN"),
        }
        assert taken.read_bytes() == b"of somebody else"
        assert "gl-batch-1-manifest.json" not in inbox.names()
        assert [kind for kind, _ in events_of(served, "S1") if "transmi" in kind] == [
            "data_file_set.transmission_given_up"
        ]
        taken.unlink()
        result = run(served.target, "files", "transmit", "S1", "-o", "json")
        assert json.loads(result.stdout) == {"begunCount": 1}
        wait_for(lambda: have_ended(client, "S1", 4), 30, "four transmissions")
        assert outcomes(client, "S1") == {("transmissionDestinations/ledger", "DELIVERED", "")}
        assert len(inbox.names()) == 4
        shown = run(served.target, "files", "transmissions", "S1")
        assert shown.output.count("delivered") == 4, shown.output


@pytest.mark.rule("PLT-32", "PLT-06")
def test_what_has_arrived_is_sent_again_on_demand_alone(
    database: Database, migrated_url: str, tmp_path: Path, inbox: Inbox
) -> None:
    """To the destination that is asked for; repeated with its id, the call changes nothing."""
    with sending(migrated_url, tmp_path, inbox) as served:
        client = extracted(served, "MAY-2")
        wait_for(lambda: have_ended(client, "MAY-2", 8), 30, "eight transmissions")
        for path in (*inbox.folder.iterdir(), *(tmp_path / "outbox").iterdir()):
            path.unlink()
        name = "dataFileSets/MAY-2"
        nothing = client.files.TransmitDataFiles(pb.TransmitDataFilesRequest(name=name))
        assert (nothing.begun_count, nothing.under_way_count) == (0, 0)
        asked = pb.TransmitDataFilesRequest(name=name, destination="ledger", again=True, request_id="r1")
        assert client.files.TransmitDataFiles(asked).begun_count == 3
        assert client.files.TransmitDataFiles(asked).begun_count == 3, "the first answer"
        wait_for(lambda: len(inbox.names()) == 4 and "gl-batch-1-manifest.json" in inbox.names(), 30, "all again")
        assert list((tmp_path / "outbox").iterdir()) == []


@pytest.mark.rule("PLT-32", "PLT-07")
def test_a_changed_host_key_is_recorded_and_not_tried_again(
    database: Database, migrated_url: str, tmp_path: Path, inbox: Inbox
) -> None:
    """One attempt, a clear reason, and nothing is there; no manifest follows."""
    other = paramiko.ECDSAKey.generate()
    with sending(migrated_url, tmp_path, inbox, host_key=f"{other.get_name()} {other.get_base64()}") as served:
        client = extracted(served, "S1")
        wait_for(lambda: have_ended(client, "S1", 3), 30, "three transmissions")
        sent = [one for file in files_of(client, "S1") for one in file.transmissions]
        assert {(one.attempts, one.failure_reason) for one in sent} == {(1, "TRANSMISSION_HOST_KEY_CHANGED")}
        assert all("127.0.0.1" not in one.failure_message and str(tmp_path) not in one.failure_message for one in sent)
        assert inbox.names() == []


@pytest.mark.rule("PLT-32", "PLT-07", "PLT-10")
def test_what_cannot_be_transmitted_is_refused(
    database: Database, migrated_url: str, tmp_path: Path, inbox: Inbox
) -> None:
    """A set or destination that is not there, and a server that sends nothing."""
    with sending(migrated_url, tmp_path, inbox) as served:
        client = extracted(served, "S1")
        refused = refusal(
            lambda: client.files.TransmitDataFiles(
                pb.TransmitDataFilesRequest(name="dataFileSets/S1", destination="nowhere")
            )
        )
        assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "TRANSMISSION_DESTINATION_NOT_FOUND")
        refused = refusal(lambda: client.files.TransmitDataFiles(pb.TransmitDataFilesRequest(name="dataFileSets/S9")))
        assert refused.code == grpc.StatusCode.NOT_FOUND
    with serving(migrated_url, tmp_path, carries_out=()) as silent:
        stub = Client(silent).files
        refused = refusal(lambda: stub.TransmitDataFiles(pb.TransmitDataFilesRequest(name="dataFileSets/S1")))
        assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "TRANSMISSION_NOT_CONFIGURED")


@pytest.mark.rule("PLT-32", "PLT-22")
@pytest.mark.crash
@pytest.mark.timeout(300)
def test_a_worker_killed_in_the_middle_of_a_transmission(
    database: Database, migrated_url: str, tmp_path: Path, inbox: Inbox
) -> None:
    """Another sends what it left, once; nothing half done stays, and the manifest is last."""
    with relaying("127.0.0.1", inbox.port) as relay:
        settings = {
            "database_url": migrated_url,
            "listen": "127.0.0.1:0",
            "lease_s": 2,
            "elements_per_message": 3,
            "messages_per_file": 1,
            "transmission_file": destinations(tmp_path, inbox, port=relay.port),
            **QUICK,
        }
        with (
            serve(tmp_path / "server", **settings) as server,
            grpc.insecure_channel(server.ready()) as channel,
        ):
            client = Client(Served("", channel, None, None))  # type: ignore[arg-type]
            samples.open_books(client.gl)
            ingest(client, 30, attributes=["x" * 250] * 30)
            relay.break_after(30_000, "hold")
            assert client.run(origin=FINANCIAL, data_file_set_code="S1").message_count == 3
            wait_for(relay.broken.is_set, 30, "the middle of a file")
            assert not any(name.endswith("manifest.json") for name in inbox.names())
            for worker in server.children("work"):
                os.kill(worker, signal.SIGKILL)
            relay.let_go()
            wait_for(lambda: have_ended(client, "S1", 4), 150, "four transmissions")
            assert outcomes(client, "S1") == {("transmissionDestinations/ledger", "DELIVERED", "")}
            assert inbox.names() == sorted(file.name.rpartition("/")[2] for file in files_of(client, "S1"))
            for file in files_of(client, "S1"):
                content = b"".join(piece.content for piece in client.download(file.name))
                assert (inbox.folder / file.name.rpartition("/")[2]).read_bytes() == content
