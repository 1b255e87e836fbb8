"""The audit trail, and the log beside it."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.json_format import MessageToDict
from google.protobuf.timestamp_pb2 import Timestamp

from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2
from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc as gl_grpc
from countinghouse.gl_extraction.v1 import reference_pb2
from countinghouse.operations.v1 import audit_pb2, audit_pb2_grpc
from countinghouse.operations.v1 import operations_pb2 as watch_pb2
from countinghouse.operations.v1 import operations_pb2_grpc as watch_pb2_grpc
from server.database.transaction import Database
from server.telemetry import observe
from tests.operations import tally
from tests.support.methods import methods
from tests.support.server import Served, refusal, serving

Gl = gl_grpc.GLExtractionServiceStub
METHOD = "countinghouse.gl_extraction.v1.GLExtractionService/CreateLedger"


def _create(gl: Gl, code: str, request_id: str = "") -> reference_pb2.Ledger:
    ledger = reference_pb2.Ledger(code=code, description="the books")
    return gl.CreateLedger(reference_pb2.CreateLedgerRequest(ledger=ledger, request_id=request_id))


def _entries(served: Served, request: audit_pb2.ListAuditEntriesRequest) -> list[audit_pb2.AuditEntry]:
    return list(served.stub(audit_pb2_grpc.AuditServiceStub).ListAuditEntries(request).audit_entries)


@pytest.mark.rule("PLT-11")
def test_a_change_is_in_the_audit_trail_with_who_when_and_how(server: Served, gl: Gl) -> None:
    """From nothing to something; a call that was refused or rehearsed leaves no entry."""
    _create(gl, "L1", "r1")
    refusal(lambda: _create(gl, "L1", "r2"))
    ledger = reference_pb2.Ledger(code="L2")
    gl.CreateLedger(reference_pb2.CreateLedgerRequest(ledger=ledger, validate_only=True))
    (entry,) = _entries(server, audit_pb2.ListAuditEntriesRequest())
    assert (entry.resource, entry.caller, entry.method, entry.request_id) == ("ledgers/L1", "anybody", METHOD, "r1")
    assert entry.name.startswith("auditEntries/")
    assert entry.event_time.ToMicroseconds() > 0
    assert MessageToDict(entry.changes)["to"]["description"] == "the books"


@pytest.mark.rule("PLT-11")
def test_a_caller_may_name_its_call_in_the_metadata(server: Served, gl: Gl) -> None:
    """Where a request has no field for an id, as in a stream, `x-request-id` is kept."""
    gl.CreateLedger(
        reference_pb2.CreateLedgerRequest(ledger=reference_pb2.Ledger(code="L1")),
        metadata=(("x-request-id", "from-metadata"),),
    )
    (entry,) = _entries(server, audit_pb2.ListAuditEntriesRequest())
    assert entry.request_id == "from-metadata"


@pytest.mark.rule("PLT-11", "PLT-08")
def test_the_audit_trail_is_read_in_pages_by_filter(server: Served, gl: Gl) -> None:
    """Newest first, no gap and no repetition while more is written; each filter holds."""
    for number in range(5):
        _create(gl, f"L{number}")
    seen: list[str] = []
    request = audit_pb2.ListAuditEntriesRequest(page_size=2, type="ledger.created")
    stub = server.stub(audit_pb2_grpc.AuditServiceStub)
    while True:
        page = stub.ListAuditEntries(request)
        seen += [entry.resource for entry in page.audit_entries]
        _create(gl, f"later-{len(seen)}")
        request.page_token = page.next_page_token
        if not request.page_token:
            break
    assert seen == [f"ledgers/L{number}" for number in reversed(range(5))]
    wanted = audit_pb2.ListAuditEntriesRequest
    newest = _entries(server, wanted(page_size=1))[0]
    assert len(_entries(server, wanted(resource="ledgers/L3"))) == 1
    assert len(_entries(server, wanted(caller="anybody", page_size=100))) == 8
    assert _entries(server, wanted(caller="somebody")) == []
    assert _entries(server, wanted(operation="operations/none")) == []
    assert _entries(server, wanted(start_time=newest.event_time))[0] == newest
    assert newest not in _entries(server, wanted(end_time=newest.event_time))
    request = wanted(start_time=newest.event_time, end_time=newest.event_time)
    assert refusal(lambda: stub.ListAuditEntries(request)).violations == [("end_time", "END_NOT_AFTER_START")]
    early = wanted(start_time=Timestamp(seconds=-1))
    assert refusal(lambda: stub.ListAuditEntries(early)).violations == [("start_time", "INSTANT_OUT_OF_RANGE")]


@pytest.mark.rule("PLT-11", "PLT-20")
def test_the_audit_trail_of_an_operation_stays_when_its_record_is_deleted(tallying: Served, database: Database) -> None:
    """One entry for each step of its way, each with the operation's name and who started it."""
    name = f"operations/{tally.start(database, numbers=4, size=2)}"
    operations = tallying.stub(operations_pb2_grpc.OperationsStub)
    operations.WaitOperation(operations_pb2.WaitOperationRequest(name=name), timeout=20)
    operations.DeleteOperation(operations_pb2.DeleteOperationRequest(name=name))
    entries = _entries(tallying, audit_pb2.ListAuditEntriesRequest(operation=name))
    assert [entry.type for entry in reversed(entries)] == [
        "operation.started",
        "operation.stage_done",
        "operation.stage_done",
        "operation.succeeded",
        "operation.deleted",
    ]
    assert {entry.operation for entry in entries} == {name}
    assert {entry.caller for entry in entries} == {"tester", "anybody"}


@pytest.mark.rule("PLT-11")
def test_no_method_changes_the_audit_trail() -> None:
    """The contract has none that could."""
    about = [method.name for method in methods() if "audit" in method.full_name.lower()]
    assert about == ["ListAuditEntries"]


@pytest.mark.rule("PLT-42")
def test_each_call_is_one_log_line_without_amounts_or_people(
    migrated_url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Method, status, time taken, caller and ids are there; what the request holds is not."""
    secret = "Mrs-Smith"
    with serving(migrated_url, tmp_path, log_level="info") as served:
        gl = served.stub(Gl)
        _create(gl, secret, "r1")
        row = details_pb2.AccountingDetail(source=secret, external_id="1", description="123456.78")
        bad = details_pb2.BatchCreateAccountingDetailsRequest(accounting_details=[row], request_id="r2")
        refusal(lambda: gl.BatchCreateAccountingDetails(bad))
    logged = capfd.readouterr().err
    lines = [json.loads(line) for line in logged.splitlines()]
    calls = {line["request_id"]: line for line in lines if line["event"] == "call"}
    assert (calls["r1"]["method"], calls["r1"]["status"], calls["r1"]["caller"]) == (METHOD, "OK", "anybody")
    assert "reason" not in calls["r1"]
    assert (calls["r2"]["status"], calls["r2"]["reason"]) == ("INVALID_ARGUMENT", "FIELD_REQUIRED")
    assert all(call["ms"] > 0 and call["level"] == "info" for call in calls.values())
    assert secret not in logged
    assert "123456.78" not in logged


@pytest.mark.rule("PLT-42")
def test_a_call_about_an_operation_logs_its_id(
    database: Database, migrated_url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """So that the lines of an operation can be found, whichever process wrote them."""
    tally.prepare(database)
    with serving(migrated_url, tmp_path, carries_out=tally.JOBS, log_level="info") as served:
        operation_id = tally.start(database, numbers=1, size=1)
        operations = served.stub(operations_pb2_grpc.OperationsStub)
        name = f"operations/{operation_id}"
        operations.WaitOperation(operations_pb2.WaitOperationRequest(name=name), timeout=20)
        operations.DeleteOperation(operations_pb2.DeleteOperationRequest(name=name))
        recover = served.stub(watch_pb2_grpc.OperationsServiceStub).RecoverOperation
        refusal(lambda: recover(watch_pb2.RecoverOperationRequest(name=name)))
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    about = [line["method"] for line in lines if line.get("operation_id") == operation_id and "method" in line]
    assert [method.partition("/")[2] for method in about] == ["WaitOperation", "DeleteOperation", "RecoverOperation"]


@pytest.mark.rule("PLT-42")
def test_a_call_is_answered_though_its_line_cannot_be_written(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """On a full disk work goes on; once there is room, it is told how many lines are missing."""
    with serving(migrated_url, tmp_path, log_level="info") as served:
        gl = served.stub(Gl)
        with Path("/dev/full").open("w") as full, monkeypatch.context() as patched:
            patched.setattr("sys.stderr", full)
            assert [_create(gl, code, code).code for code in ("L1", "L2")] == ["L1", "L2"]
            observe.flush()
            with pytest.raises(OSError, match="space"):
                full.write("x" * 10_000)
        _create(gl, "L3", "L3")
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line]
    assert [line.get("lines") for line in lines if line["event"] == "lines lost"] == [2]
    assert [line["request_id"] for line in lines if line["event"] == "call"] == ["L3"]


@pytest.mark.rule("PLT-42")
def test_what_libraries_say_is_told_in_the_same_form_without_values(capfd: pytest.CaptureFixture[str]) -> None:
    """One JSON object a line, whoever speaks; what went wrong and where, and nothing that a row may hold."""
    observe.configure("warning")
    observe.configure("warning")
    library = logging.getLogger("some.library")
    try:
        int("Mrs-Smith owes 123456.78")
    except ValueError:
        library.exception("cannot do it for %s", "Mrs-Smith")
    library.error("never retrieved\nfuture: <Task exception=ValueError('Mrs-Smith')>")
    library.info("nobody asked")
    said = capfd.readouterr().err
    first, second = map(json.loads, said.splitlines())
    assert "Mrs" not in said
    assert (first["library"], first["said"], first["error"]) == ("some.library", "cannot do it for %s", "ValueError")
    assert any("test_what_libraries_say" in frame for frame in first["stack"])
    assert second["said"] == "never retrieved"
