"""Every error is a canonical status with details, and tells nothing that is not the caller's business (PLT-07)."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any
from urllib.parse import quote

import grpc
import grpc.aio
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from sqlalchemy import text

from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2
from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc as gl_grpc
from countinghouse.gl_extraction.v1 import reference_pb2
from domain.gl_extraction.reference import service as reference
from domain.kernel.errors import Invalid, NotFound, Refused, Violation
from server.database.transaction import Database
from server.gate.errors import status_of
from tests.operations import tally
from tests.support.methods import full_name, methods, raw
from tests.support.server import Served, refusal, refusal_of, serving
from tests.support.waiting import wait_for
from tests.wire.locking import ledgers_locked

Gl = gl_grpc.GLExtractionServiceStub
MIB = 1 << 20


def _ledger(code: str, request_id: str = "") -> reference_pb2.CreateLedgerRequest:
    return reference_pb2.CreateLedgerRequest(ledger=reference_pb2.Ledger(code=code), request_id=request_id)


@pytest.mark.rule("PLT-09", "PLT-07")
def test_rules_of_the_protos_are_checked_all_at_once(gl: Gl) -> None:
    """One INVALID_ARGUMENT has every violation with its field's path; its reason is the first one's."""
    request = details_pb2.ReverseAccountingDetailsRequest(names=["accountingDetails/1", "bad", "bad"])
    refused = refusal(lambda: gl.ReverseAccountingDetails(request))
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refused.violations == [
        ("names", "REPEATED_UNIQUE"),
        ("names[1]", "STRING_PATTERN"),
        ("names[2]", "STRING_PATTERN"),
        ("reason", "STRING_MIN_LEN"),
    ]
    assert refused.reason == "REPEATED_UNIQUE"
    scope = refusal(lambda: gl.UndoAccountingDetails(details_pb2.UndoAccountingDetailsRequest(reason="mistake")))
    assert scope.violations == [("scope", "REQUIRED")]


@pytest.mark.rule("PLT-09")
def test_a_bad_message_in_a_stream_is_refused_by_the_same_rules(gl: Gl) -> None:
    """The rules hold for each message of a bulk stream."""
    row = details_pb2.AccountingDetail(source="s", external_id="e")
    request = details_pb2.IngestAccountingDetailsRequest(accounting_details=[row] * 5_001)
    refused = refusal(lambda: gl.IngestAccountingDetails(iter([request])))
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refused.violations == [("accounting_details", "REPEATED_MAX_ITEMS")]


@pytest.mark.rule("PLT-07")
def test_a_missing_thing_is_named(gl: Gl) -> None:
    """NOT_FOUND has ResourceInfo with the kind and the name."""
    refused = refusal(lambda: gl.GetLedger(reference_pb2.GetLedgerRequest(name="ledgers/none")))
    assert refused.code is grpc.StatusCode.NOT_FOUND
    resource = refused.detail(error_details_pb2.ResourceInfo)
    assert (resource.resource_type, resource.resource_name) == ("countinghouse.gl_extraction/Ledger", "ledgers/none")


@pytest.mark.rule("PLT-07")
def test_a_thousand_bad_rows_fit_into_an_answer(gl: Gl) -> None:
    """A client takes 8 KiB by default: the first violations are told, and how many there are in all."""
    rows = [details_pb2.AccountingDetail(source="s", external_id=f"e{number}") for number in range(1_000)]
    request = details_pb2.BatchCreateAccountingDetailsRequest(accounting_details=rows)
    refused = refusal(lambda: gl.BatchCreateAccountingDetails(request))
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refused.violations[0][0].startswith("accounting_details[0].")
    total = int(refused.metadata["violations_total"])
    assert total >= 1_000 > len(refused.violations) >= 10
    assert refused.message.endswith(f"; and {total - 5:,} more")


@pytest.mark.rule("PLT-07")
def test_what_nobody_expected_is_told_by_an_id_only(
    tallying: Served, database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    """The caller gets INTERNAL and an error id; the log has, under that id, what happened."""
    operation_id = tally.start(database, numbers=1, size=1)
    operations = tallying.stub(operations_pb2_grpc.OperationsStub)
    request = operations_pb2.GetOperationRequest(name=f"operations/{operation_id}")
    operations.WaitOperation(operations_pb2.WaitOperationRequest(name=request.name))
    database.write(lambda tx: tx.execute(text("UPDATE operation SET progress = 'no json'")))
    refused = refusal(lambda: operations.GetOperation(request))
    assert (refused.code, refused.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert refused.message == "Something went wrong inside the server; it was logged under the error id."
    assert list(refused.metadata) == ["error_id"]
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    (logged,) = (line for line in lines if line.get("error_id") == refused.metadata["error_id"])
    assert logged["error"] == "JSONDecodeError"
    assert any("from_text" in frame for frame in logged["stack"])
    assert logged["method"] == "google.longrunning.Operations/GetOperation"


@pytest.mark.rule("PLT-07", "PLT-42")
def test_an_answer_that_finds_nobody_is_no_fault_of_ours(
    server: Served, gl: Gl, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """An error of gRPC's own tells that the caller went while he was being answered: the call was canceled."""

    def gone(*_: object) -> None:
        raise grpc.aio.InternalError("Failed to execute batch")

    monkeypatch.setattr(reference, "get", gone)
    asked = reference_pb2.GetLedgerRequest(name="ledgers/L1")
    assert refusal(lambda: gl.GetLedger(asked, timeout=20)).reason == "INTERNAL"  # whoever is there after all
    monkeypatch.undo()
    assert refusal(lambda: gl.GetLedger(asked)).reason == "NOT_FOUND"
    assert server.channel is not None
    assert capfd.readouterr().err == ""


@pytest.mark.rule("PLT-07")
def test_an_oversize_message_and_an_unknown_method_are_refused(server: Served, gl: Gl) -> None:
    """More than the limit is RESOURCE_EXHAUSTED; the server goes on."""
    rows = [details_pb2.AccountingDetail(description="x" * MIB)] * 9
    with pytest.raises(grpc.RpcError) as oversize:
        gl.BatchCreateAccountingDetails(details_pb2.BatchCreateAccountingDetailsRequest(accounting_details=rows))
    assert oversize.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    channel: Any = server.channel
    for path in ("/countinghouse.gl_extraction.v1.GLExtractionService/Nothing", "/nothing.v1.Service/Do"):
        for unknown in (
            refusal(lambda path=path: channel.unary_unary(path)(b"", timeout=5)),  # type: ignore[misc]
            refusal(lambda path=path: next(channel.unary_stream(path)(b"", timeout=5))),  # type: ignore[misc]
            refusal(lambda path=path: channel.stream_unary(path)(iter([b""]), timeout=5)),  # type: ignore[misc]
        ):
            assert (unknown.code, unknown.reason) == (grpc.StatusCode.UNIMPLEMENTED, "METHOD_UNKNOWN")
    assert not gl.ListLedgers(reference_pb2.ListLedgersRequest()).ledgers


def test_every_method_of_the_contract_is_there(server: Served) -> None:
    """What a servicer leaves out would be told as unexpected, by the generated code."""
    for method in methods():
        content = GetMessageClass(method.input_type)().SerializeToString()
        try:
            raw(server.channel, method, content)()
        except (grpc.RpcError, StopIteration) as error:
            code = error.code() if isinstance(error, grpc.RpcError) else grpc.StatusCode.OK
            assert code not in {grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.INTERNAL}, full_name(method)


@pytest.mark.rule("PLT-07")
def test_more_calls_than_may_wait_are_refused_at_once(database: Database, migrated_url: str, tmp_path: Path) -> None:
    """RESOURCE_EXHAUSTED says when to try again; those that were taken are answered once they can be."""
    with (
        serving(migrated_url, tmp_path, jobs=False, connections=2, waiting_max=3, wait_ms=60_000) as served,
        ThreadPoolExecutor(30) as callers,
    ):
        create = served.stub(Gl).CreateLedger
        with ledgers_locked(database):
            calls = [callers.submit(create, _ledger(f"L{number}"), timeout=20) for number in range(20)]
            wait_for(lambda: sum(call.done() for call in calls) >= 15)
            began = time.monotonic()
            refused = refusal(lambda: create(_ledger("one-more")))
            assert time.monotonic() - began < 1
        wait(calls)
    errors = [error for call in calls if (error := call.exception())]
    assert len(errors) == len(calls) - (4 if database.dialect == "sqlite" else 5)
    for each in [refused, *map(refusal_of, errors)]:
        assert (each.code, each.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "SERVER_OVERLOADED")
        assert each.detail(error_details_pb2.RetryInfo).retry_delay.seconds == 1


@pytest.mark.rule("PLT-06")
def test_a_change_that_has_begun_is_finished_though_its_caller_has_gone(
    database: Database, server: Served, gl: Gl
) -> None:
    """The same request id then gives its answer."""
    with ledgers_locked(database):
        call = gl.CreateLedger.future(_ledger("L1", "r1"))
        time.sleep(0.5)  # it waits for the lock by now
        call.cancel()
    wait_for(lambda: gl.ListLedgers(reference_pb2.ListLedgersRequest()).ledgers)
    assert gl.CreateLedger(_ledger("L1", "r1")).code == "L1"
    assert server.channel is not None


@pytest.mark.rule("PLT-07")
def test_a_call_without_a_deadline_gets_one(database: Database, migrated_url: str, tmp_path: Path) -> None:
    """No call waits for ever: the server's own bound ends it, with a status that says so."""
    with serving(migrated_url, tmp_path, jobs=False, call_timeout_s=0.5, statement_timeout_s=5) as served:
        with ledgers_locked(database):
            began = time.monotonic()
            refused = refusal(lambda: served.stub(Gl).CreateLedger(_ledger("L1")))
            assert time.monotonic() - began < 3
        assert refused.code in {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE}
        assert refused.reason in {"DEADLINE_EXCEEDED", "DATABASE_BUSY", "DATABASE_TIMEOUT"}


@pytest.mark.rule("PLT-07")
def test_a_caller_with_a_deadline_is_not_kept_beyond_it(database: Database, gl: Gl) -> None:
    """The database gives up the work too: nothing is left running for a caller who has gone."""
    with ledgers_locked(database):
        began = time.monotonic()
        with pytest.raises(grpc.RpcError) as late:
            gl.CreateLedger(_ledger("L1"), timeout=0.5)
        assert time.monotonic() - began < 2
        assert late.value.code() in {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE}
        time.sleep(0.5)
    assert not gl.ListLedgers(reference_pb2.ListLedgersRequest()).ledgers


@pytest.mark.rule("PLT-07")
def test_no_status_outgrows_what_a_client_takes() -> None:
    """Whatever is in a message, in any script, the status fits into 8 KiB on the wire and keeps its reason."""
    huge = "\u4f1a\u8ba1" * 5_000
    for error in (
        Refused(huge, resource_name=huge),
        NotFound("kind", huge),
        Invalid(Violation("field", "REASON_ONE", huge), Violation("field", "REASON_TWO", "short")),
        Invalid(*(Violation(f"field[{place}]", "REASON_ONE", "is wrong") for place in range(5_000))),
    ):
        status = status_of(error)
        info = error_details_pb2.ErrorInfo()
        assert status.details[0].Unpack(info)
        assert info.reason == (error.code if isinstance(error, Invalid) else error.reason)
        on_the_wire = len(quote(status.message)) + len(b64encode(status.SerializeToString()))
        assert on_the_wire < 7_500


@pytest.mark.rule("PLT-07")
def test_a_text_that_quotes_its_caller_shows_as_it_is() -> None:
    """Control characters, and those that turn the direction of writing, are written out in whatever is for people."""
    error = Invalid(Violation("code", "CODE_BAD", "'MA\u202eIN\x1b[31m' is no code"), resource_name="x")
    assert "U+202E" in status_of(error).message
    assert "U+2066" in status_of(NotFound("kind", "a\u2066b")).message
    status = status_of(error)
    bad = error_details_pb2.BadRequest()
    assert any(detail.Unpack(bad) for detail in status.details)
    assert bad.field_violations[0].description == "'MAU+202EINU+001B[31m' is no code"
