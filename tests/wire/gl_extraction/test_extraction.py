"""Extraction by a real client: started, watched, downloaded, reconciled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.duration_pb2 import Duration
from google.type.timeofday_pb2 import TimeOfDay

from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details
from countinghouse.gl_extraction.v1 import extraction_pb2 as pb
from countinghouse.operations.v1 import data_files_pb2 as files_pb
from countinghouse.operations.v1 import data_files_pb2_grpc as files_grpc
from countinghouse.operations.v1 import notice_pb2
from countinghouse.operations.v1 import operations_pb2 as watch_pb
from countinghouse.operations.v1 import operations_pb2_grpc as watch_grpc
from server.database.transaction import Database
from tests.support.server import Served, refusal, serving
from tests.wire.gl_extraction import samples
from tests.wire.gl_extraction.samples import Gl, day, messages, row, usd

FINANCIAL = details.ORIGIN_FINANCIAL


class Client:
    """What an integrator has: stubs on one channel."""

    def __init__(self, served: Served) -> None:
        self.gl = served.stub(Gl)
        self.operations = served.stub(operations_pb2_grpc.OperationsStub)
        self.watching = served.stub(watch_grpc.OperationsServiceStub)
        self.files = served.stub(files_grpc.DataFilesServiceStub)

    def start(self, **asked: Any) -> operations_pb2.Operation:
        answer: operations_pb2.Operation = self.gl.GenerateAccountingMessage(
            pb.GenerateAccountingMessageRequest(**asked), timeout=20
        )
        return answer

    def wait(self, operation: operations_pb2.Operation) -> operations_pb2.Operation:
        request = operations_pb2.WaitOperationRequest(name=operation.name, timeout=Duration(seconds=30))
        answer: operations_pb2.Operation = self.operations.WaitOperation(request, timeout=40)
        return answer

    def run(self, **asked: Any) -> pb.GenerateAccountingMessageResponse:
        """What a run that ends well came to."""
        return response_of(self.wait(self.start(**asked)))

    def download(self, name: str, offset: int = 0) -> list[files_pb.DownloadDataFileResponse]:
        return list(self.files.DownloadDataFile(files_pb.DownloadDataFileRequest(name=name, offset=offset), timeout=20))


def response_of(operation: operations_pb2.Operation) -> pb.GenerateAccountingMessageResponse:
    assert operation.done
    assert operation.WhichOneof("result") == "response", operation.error
    response = pb.GenerateAccountingMessageResponse()
    assert operation.response.Unpack(response)
    return response


def metadata_of(operation: operations_pb2.Operation) -> pb.GenerateAccountingMessageMetadata:
    metadata = pb.GenerateAccountingMessageMetadata()
    assert operation.metadata.Unpack(metadata)
    return metadata


@pytest.fixture
def extracting(database: Database, migrated_url: str, tmp_path: Path) -> Iterator[Served]:
    """A server with its worker and open books, on either database; three elements make a message."""
    with serving(migrated_url, tmp_path, elements_per_message=3, messages_per_file=2) as served:
        samples.open_books(served.stub(Gl))
        yield served


@pytest.fixture
def client(extracting: Served) -> Client:
    return Client(extracting)


def ingest(client: Client, count: int, **changes: Any) -> None:
    rows = (row(n, **{"bulking_group": f"B{n % 8}", "subject": f"P-{n}"} | changes) for n in range(count))
    answer = client.gl.IngestAccountingDetails(messages(rows), timeout=20)
    assert answer.created_count == count


@pytest.mark.rule("GLX-10", "GLX-17", "GLX-18", "GLX-19", "GLX-21", "PLT-20", "PLT-30", "PLT-31")
def test_from_details_to_files(client: Client) -> None:
    """The answer is an operation; its end names batch, set and files, whose bytes hash to what is told."""
    ingest(client, 40)
    operation = client.start(origin=FINANCIAL, description="May", data_file_set_code="MAY-1")
    assert metadata_of(operation).extraction_batch == "extractionBatches/1"
    done = client.wait(operation)
    response, metadata = response_of(done), metadata_of(done)
    assert (response.detail_count, response.element_count, response.message_count) == (40, 8, 3)
    assert (response.extraction_batch, response.first_message_id) == ("extractionBatches/1", 1)
    assert [(t.debit.currency_code, t.debit.units, t.credit.units) for t in response.totals] == [("USD", 4_000, 0)]
    assert response.totals == metadata.totals
    assert response.notices[-1].code == "ACT-FL-DAFI-001"
    assert response.notices[-1].severity == notice_pb2.SEVERITY_INFORMATIVE
    counts = (metadata.selected_count, metadata.grouped_count, metadata.written_count, metadata.stamped_count)
    assert counts == (40, 8, 8, 40)
    assert [stage.stage for stage in metadata.progress.stages] == ["select", "group", "write", "publish"]
    assert all(stage.done for stage in metadata.progress.stages)

    assert response.data_file_set == "dataFileSets/MAY-1"
    listed = client.files.ListDataFiles(
        files_pb.ListDataFilesRequest(parent=response.data_file_set, operation=done.name)
    )
    assert list(listed.data_files) == list(response.data_files)
    assert [file.manifest for file in listed.data_files] == [False, False, True]
    elements = 0
    for file in listed.data_files:
        content = b"".join(piece.content for piece in client.download(file.name))
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size_bytes, file.sha256)
        document = json.loads(content)
        for message in document.get("messages", []):
            assert message["jobId"] == done.name.removeprefix("operations/")
            elements += len(message["accountingDetails"])
    assert elements == 8
    found = samples.listed(client.gl)
    assert {(detail.extraction_batch, detail.HasField("extraction_time")) for detail in found} == {
        ("extractionBatches/1", True)
    }


@pytest.mark.rule("PLT-21", "GLX-21")
def test_a_watch_follows_it_to_its_end(client: Client) -> None:
    """Sequences grow, figures only grow, and the last event carries the response."""
    ingest(client, 40)
    operation = client.start(origin=FINANCIAL)
    seen = list(client.watching.WatchOperation(watch_pb.WatchOperationRequest(name=operation.name), timeout=40))
    sequences = [event.sequence for event in seen]
    assert sequences == sorted(set(sequences))
    selected = [metadata_of(event.operation).selected_count for event in seen if event.HasField("operation")]
    assert selected == sorted(selected)
    assert response_of(seen[-1].operation).detail_count == 40


@pytest.mark.rule("GLX-15", "GLX-11", "PLT-07")
def test_all_that_is_wrong_is_told_at_once(client: Client) -> None:
    """INVALID_ARGUMENT with the first code as reason, and each violation with its own; nothing is created."""
    refused = refusal(
        lambda: client.start(
            created_date_from=day("2026-05-02"),
            created_date_to=day("2026-05-01"),
            created_time_from=TimeOfDay(hours=9, seconds=30),
            group_account_code="NONE",
            gl_extraction_batch_id="17",
            incremental=True,
        )
    )
    assert refused.code == grpc.StatusCode.INVALID_ARGUMENT
    assert refused.reason == "FIN-IP-ACDE-002"
    assert refused.metadata["severity"] == "FATAL"
    assert refused.violations == [
        ("created_date_from", "FIN-IP-ACDE-002"),
        ("gl_extraction_batch_id", "FIN-IP-ACDE-003"),
        ("group_account_code", "FIN-IP-ACDE-004"),
        ("created_time_from", "CREATED_TIME_INVALID"),
    ]
    assert client.gl.ListExtractionBatches(pb.ListExtractionBatchesRequest()).extraction_batches == []


@pytest.mark.rule("GLX-15", "GLX-14", "PLT-07")
@pytest.mark.parametrize(
    ("asked", "code", "reason"),
    [
        ({"description": "May"}, grpc.StatusCode.INVALID_ARGUMENT, "FIN-IP-ACDE-001"),
        (
            {"created_date_from": day("2026-05-02"), "created_date_to": day("2026-05-01")},
            grpc.StatusCode.INVALID_ARGUMENT,
            "FIN-IP-ACDE-002",
        ),
        (
            {"gl_extraction_batch_id": "1", "incremental": False},
            grpc.StatusCode.INVALID_ARGUMENT,
            "FIN-IP-ACDE-003",
        ),
        ({"group_account_code": "NONE"}, grpc.StatusCode.INVALID_ARGUMENT, "FIN-IP-ACDE-004"),
        ({"gl_extraction_batch_id": "999"}, grpc.StatusCode.NOT_FOUND, "EXTRACTION_BATCH_NOT_FOUND"),
        (
            {"origin": FINANCIAL, "created_time_to": TimeOfDay(hours=1)},
            grpc.StatusCode.INVALID_ARGUMENT,
            "CREATED_TIME_WITHOUT_DATE",
        ),
        (
            {"origin": FINANCIAL, "data_file_set_code": ".."},
            grpc.StatusCode.INVALID_ARGUMENT,
            "DATA_FILE_SET_CODE_INVALID",
        ),
    ],
)
@pytest.mark.parametrize("validate_only", [False, True])
def test_each_refusal_has_its_code(
    client: Client, asked: dict[str, Any], code: grpc.StatusCode, reason: str, *, validate_only: bool
) -> None:
    """The same whether it is meant or only tried."""
    refused = refusal(lambda: client.start(**asked, validate_only=validate_only))
    assert (refused.code, refused.reason) == (code, reason)


@pytest.mark.rule("GLX-10", "PLT-06")
def test_validate_only_says_what_would_be_sent(client: Client) -> None:
    """Done at once, with counts, totals and notices; nothing is kept or remembered."""
    ingest(client, 10, bulking_group="B1", distribution_account=None)
    answer = client.start(origin=FINANCIAL, validate_only=True, request_id="look")
    assert (answer.name, answer.done) == ("", True)
    response = response_of(answer)
    assert (response.extraction_batch, response.data_file_set) == ("", "")
    assert (response.detail_count, response.element_count, response.message_count) == (10, 1, 1)
    assert response.totals[0].debit == usd(1_000)
    assert metadata_of(answer).progress.state == watch_pb.OPERATION_STATE_SUCCEEDED
    assert list(client.operations.ListOperations(operations_pb2.ListOperationsRequest()).operations) == []
    assert client.run(origin=FINANCIAL, request_id="look").detail_count == 10


@pytest.mark.rule("PLT-06")
def test_the_same_request_id_starts_one_run(client: Client) -> None:
    """Sent twice, it is answered twice with one operation; with other content it is refused."""
    ingest(client, 3)
    first = client.start(origin=FINANCIAL, request_id="r-1")
    again = client.start(origin=FINANCIAL, request_id="r-1")
    assert first.name == again.name
    refused = refusal(lambda: client.start(request_id="r-1", grouping="x"))
    assert (refused.code, refused.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    client.wait(first)
    assert len(client.gl.ListExtractionBatches(pb.ListExtractionBatchesRequest()).extraction_batches) == 1


@pytest.mark.rule("GLX-13", "GLX-14", "GLX-23", "PLT-08")
def test_batches_are_listed_resent_and_reconciled(client: Client) -> None:
    """Newest first, page by page; a resend takes its details over, and reconciliation tells."""
    ingest(client, 4)
    for _ in range(2):
        client.run(origin=FINANCIAL, incremental=False)
    resent = client.run(gl_extraction_batch_id="extractionBatches/2")
    assert resent.detail_count == 4
    request = pb.ListExtractionBatchesRequest(page_size=2)
    page = client.gl.ListExtractionBatches(request)
    request.page_token = page.next_page_token
    rest = client.gl.ListExtractionBatches(request)
    batches = [*page.extraction_batches, *rest.extraction_batches]
    assert [batch.name for batch in batches] == [f"extractionBatches/{n}" for n in (3, 2, 1)]
    assert batches[0].resend_of == "extractionBatches/2"
    assert batches[0].request.gl_extraction_batch_id == "extractionBatches/2"
    assert not batches[0].request.HasField("incremental")
    assert batches[1].request.incremental is False
    assert batches[1].request.HasField("incremental")
    assert client.gl.GetExtractionBatch(pb.GetExtractionBatchRequest(name="extractionBatches/3")) == batches[0]
    canceled = pb.ListExtractionBatchesRequest(state=pb.EXTRACTION_BATCH_STATE_CANCELED)
    assert client.gl.ListExtractionBatches(canceled).extraction_batches == []
    found = client.gl.ReconcileExtractionBatch(pb.ReconcileExtractionBatchRequest(name="extractionBatches/2"))
    assert found.matches
    assert (found.sent.detail_count, found.restamped_since.detail_count, found.current.detail_count) == (4, 4, 0)
    assert found.sent == found.found
    for method, kind in (
        (client.gl.GetExtractionBatch, pb.GetExtractionBatchRequest),
        (client.gl.ReconcileExtractionBatch, pb.ReconcileExtractionBatchRequest),
    ):
        refused = refusal(lambda method=method, kind=kind: method(kind(name="extractionBatches/99")))  # type: ignore[misc]
        assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "EXTRACTION_BATCH_NOT_FOUND")


@pytest.mark.rule("GLX-19", "PLT-07", "PLT-10")
def test_a_locked_set_is_refused(client: Client) -> None:
    """FAILED_PRECONDITION naming the set; unlocked, it gains the run."""
    ingest(client, 3)
    client.run(origin=FINANCIAL, data_file_set_code="S1")
    locked = client.files.LockDataFileSet(files_pb.LockDataFileSetRequest(name="dataFileSets/S1"))
    ingest(client, 3, source="crm")
    refused = refusal(lambda: client.start(origin=FINANCIAL, data_file_set_code="S1"))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "DATA_FILE_SET_LOCKED")
    assert refused.metadata["resource_name"] == "dataFileSets/S1"
    client.files.UnlockDataFileSet(files_pb.UnlockDataFileSetRequest(name="dataFileSets/S1", etag=locked.etag))
    assert client.run(origin=FINANCIAL, data_file_set_code="S1").detail_count == 3
    found = client.files.GetDataFileSet(files_pb.GetDataFileSetRequest(name="dataFileSets/S1"))
    assert (found.locked, found.file_count) == (False, 4)
