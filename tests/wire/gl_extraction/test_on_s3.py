"""Extraction into a bucket by a real client: written, downloaded, and finished whatever breaks on the way."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2

from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc as gl_grpc
from countinghouse.operations.v1 import data_files_pb2 as files_pb
from server.database.transaction import Database
from tests.support.process import serve
from tests.support.relay import relaying
from tests.support.s3 import Store, storing
from tests.support.server import Served, refusal, serving
from tests.support.waiting import wait_for
from tests.wire.gl_extraction import samples
from tests.wire.gl_extraction.samples import messages, row
from tests.wire.gl_extraction.test_extraction import FINANCIAL, Client, ingest, response_of

OPEN_ATTRIBUTES = ["x" * 250] * 30  # so that few elements make a file of several parts


@pytest.fixture
def store() -> Iterator[Store]:
    with storing() as running:
        yield running


@pytest.fixture
def extracting(database: Database, migrated_url: str, tmp_path: Path, store: Store) -> Iterator[Served]:
    """A server with its worker and open books, whose files lie in a bucket."""
    place: dict[str, Any] = {"data_files_url": f"s3://{store.bucket}/gl", "data_files_endpoint_url": store.endpoint_url}
    with serving(migrated_url, tmp_path, elements_per_message=3, messages_per_file=2, **place) as served:
        samples.open_books(served.stub(gl_grpc.GLExtractionServiceStub))
        yield served


@pytest.fixture
def client(extracting: Served) -> Client:
    return Client(extracting)


def content_of(client: Client, name: str, offset: int = 0) -> bytes:
    return b"".join(piece.content for piece in client.download(name, offset))


@pytest.mark.rule("PLT-30", "PLT-31", "GLX-19")
def test_from_details_to_objects(client: Client, store: Store, tmp_path: Path) -> None:
    """Every file of the set is an object that hashes to what is told; nothing is left in a folder."""
    ingest(client, 40)
    response = client.run(origin=FINANCIAL, data_file_set_code="MAY-1")
    listed = client.files.ListDataFiles(files_pb.ListDataFilesRequest(parent="dataFileSets/MAY-1")).data_files
    assert [file.name for file in listed] == [file.name for file in response.data_files]
    assert len(store.objects()) == len(listed)
    for file in listed:
        content = content_of(client, file.name)
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size_bytes, file.sha256)
        assert content_of(client, file.name, 10) == content[10:]
    assert not (tmp_path / "files").exists()


@pytest.mark.rule("PLT-30", "PLT-07", "GLX-20")
def test_a_store_that_is_away_keeps_work_waiting_and_callers_informed(client: Client, store: Store) -> None:
    """The run goes on once the store is back; until then nothing of it is seen, and a download says unavailable."""
    ingest(client, 4)
    (file, *_) = client.run(origin=FINANCIAL, data_file_set_code="S1").data_files
    ingest(client, 5, source="other")
    store.stop()
    started = client.start(origin=FINANCIAL, data_file_set_code="S1")
    refused = refusal(lambda: client.download(file.name))
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "DATA_FILES_STORAGE_UNAVAILABLE")
    assert store.bucket not in str(refused)
    shown = client.files.GetDataFileSet(files_pb.GetDataFileSetRequest(name="dataFileSets/S1"))
    assert shown.file_count == 2
    store.start()
    assert response_of(client.wait(started)).detail_count == 5
    shown = client.files.GetDataFileSet(files_pb.GetDataFileSetRequest(name="dataFileSets/S1"))
    assert shown.file_count == 4


@pytest.mark.rule("PLT-22", "PLT-30", "GLX-20")
@pytest.mark.crash
@pytest.mark.timeout(300)
def test_a_worker_killed_in_the_middle_of_an_upload(
    database: Database, migrated_url: str, tmp_path: Path, store: Store
) -> None:
    """Another takes over; the set is whole, and of the first upload nothing stays in the store."""
    with relaying(store.host, store.port) as relay:
        place = {
            "data_files_url": f"s3://{store.bucket}/gl",
            "data_files_endpoint_url": f"http://127.0.0.1:{relay.port}",
        }
        with (
            serve(tmp_path / "server", database_url=migrated_url, listen="127.0.0.1:0", lease_s=2, **place) as server,
            grpc.insecure_channel(server.ready()) as channel,
        ):
            client = Client(Served("", channel, None, None))  # type: ignore[arg-type]
            samples.open_books(client.gl)
            rows = (row(n, bulking_group=f"B{n}", attributes=OPEN_ATTRIBUTES) for n in range(1_500))
            assert client.gl.IngestAccountingDetails(messages(rows), timeout=60).created_count == 1_500
            relay.break_after(9 << 20, "hold")
            started = client.start(origin=FINANCIAL, data_file_set_code="S1")
            wait_for(relay.broken.is_set, 30, "the second part")
            assert [key.rpartition("/")[2] for key in store.unfinished()] == ["gl-batch-1-messages-000000001.json"], (
                "parts are there, and no object"
            )
            assert store.objects() == []
            for worker in server.children("work"):
                os.kill(worker, signal.SIGKILL)
            relay.let_go()
            done: operations_pb2.Operation = client.wait(started)
            response = response_of(done)
            assert (response.detail_count, response.element_count) == (1_500, 1_500)
            for file in response.data_files:
                content = content_of(client, file.name)
                assert hashlib.sha256(content).hexdigest() == file.sha256
            assert len(store.objects()) == len(response.data_files)
            assert store.unfinished() == []
