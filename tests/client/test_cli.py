"""The command line: tables for people, JSON for programs, errors in words, exit codes by status."""

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import typer
import yaml
from google.longrunning import operations_pb2
from google.protobuf import json_format
from google.rpc import error_details_pb2
from typer.testing import CliRunner

from countinghouse.cli import main
from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2
from countinghouse.gl_extraction.v1 import extraction_pb2, reference_pb2
from countinghouse.operations.v1 import audit_pb2, data_files_pb2
from countinghouse.operations.v1 import operations_pb2 as watch_pb2
from tests.client.command import END, NAME, RUNNING, TOTALS, fixed, money, run, watching
from tests.client.server import operation, refuse, serve, status


def test_amounts_stand_right_with_their_currency() -> None:
    """Each currency has its own digits and line, and no amount is added to another's."""
    batch = extraction_pb2.ExtractionBatch(
        name="extractionBatches/7",
        state=extraction_pb2.EXTRACTION_BATCH_STATE_COMPLETED,
        detail_count=12345,
        totals=TOTALS,
        data_file_set="dataFileSets/GL-7",
    )
    answer = extraction_pb2.ListExtractionBatchesResponse(extraction_batches=[batch])
    with serve(ListExtractionBatches=fixed(answer)) as address:
        result = run(address, "gl", "batches")
    assert result.exit_code == 0
    heading, first, second = result.stdout.splitlines()
    assert first.split()[:3] == ["7", "completed", "12,345"]
    assert "1,234,567 JPY" in first
    assert "150.25 USD" in second
    assert heading.index("DEBIT") + len("DEBIT") == first.index("1,234,567 JPY") + len("1,234,567 JPY")
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_programs_get_protobuf_json(output: str) -> None:
    """What is printed can be read back as the message it was."""
    ledgers = [reference_pb2.Ledger(name=f"ledgers/{code}", code=code, description="é") for code in ("A", "B")]
    answer = reference_pb2.ListLedgersResponse(ledgers=ledgers)
    with serve(ListLedgers=fixed(answer), GetLedger=fixed(ledgers[0])) as address:
        listed = run(address, "gl", "ledgers", "list", "-o", output)
        one = run(address, "gl", "ledgers", "get", "A", "-o", output)
    load = json.loads if output == "json" else yaml.safe_load
    assert [json_format.ParseDict(item, reference_pb2.Ledger()) for item in load(listed.stdout)] == ledgers
    assert json_format.ParseDict(load(one.stdout), reference_pb2.Ledger()) == ledgers[0]


def test_an_empty_list_is_json_too() -> None:
    """Nothing found is an empty array, not nothing."""
    with serve(ListLedgers=fixed(reference_pb2.ListLedgersResponse())) as address:
        assert json.loads(run(address, "gl", "ledgers", "list", "-o", "json").stdout) == []


def test_an_extraction_is_watched_to_its_result() -> None:
    """Progress goes to standard error in plain lines, the result to standard output."""
    seen: list[extraction_pb2.GenerateAccountingMessageRequest] = []

    def start(request: extraction_pb2.GenerateAccountingMessageRequest, _context: object) -> operations_pb2.Operation:
        seen.append(request)
        return RUNNING

    with serve(GenerateAccountingMessage=start, WatchOperation=watching(RUNNING, END)) as address:
        result = run(
            address,
            *("gl", "extract", "--from", "2026-11-01", "--from-time", "08:30", "--to", "2026-11-02"),
            *("--origin", "financial", "--no-incremental", "--set", "GL-7", "--watch"),
        )
    assert result.exit_code == 0
    assert "write: 4/10 elements" in result.stderr
    for text in ("12,345", "1,234,567 JPY", "150.25 USD", "GL-7", "informative ACT-FL-DAFI-001: Written to GL-7"):
        assert text in result.stdout
    (request,) = seen
    assert (request.created_date_from.day, request.created_time_from.minutes, request.created_date_to.day) == (1, 30, 2)
    assert not request.HasField("created_time_to")
    assert request.origin == details_pb2.ORIGIN_FINANCIAL
    assert request.HasField("incremental")
    assert not request.incremental
    assert request.request_id


@pytest.mark.rule("GLX-14")
def test_a_resend_leaves_incremental_unset() -> None:
    """An option that was not given is not sent: with a batch id it would be refused."""
    seen: list[extraction_pb2.GenerateAccountingMessageRequest] = []

    def start(request: extraction_pb2.GenerateAccountingMessageRequest, _context: object) -> operations_pb2.Operation:
        seen.append(request)
        return RUNNING

    with serve(GenerateAccountingMessage=start) as address:
        result = run(address, "gl", "extract", "--batch", "7")
    assert result.exit_code == 0
    assert "countinghouse ops watch a" in result.stderr
    assert seen[0].gl_extraction_batch_id == "7"
    assert not seen[0].HasField("incremental")


@pytest.mark.rule("PLT-24")
def test_a_failed_operation_says_what_to_do() -> None:
    """Exit code 8, the cause in words, and the command that goes on from there."""
    why = status(grpc.StatusCode.RESOURCE_EXHAUSTED, "the disk is full", error_details_pb2.ErrorInfo(reason="FULL"))
    failed = operation(NAME, watch_pb2.OPERATION_STATE_FAILED, error=why)
    with serve(WatchOperation=watching(failed)) as address:
        result = run(address, "ops", "wait", "a")
    assert result.exit_code == 8
    assert "the disk is full [FULL]" in result.stderr
    assert "countinghouse ops recover operations/a" in result.stderr


def test_a_watch_in_json_is_a_line_an_event() -> None:
    """A program reads each event as it comes."""
    with serve(WatchOperation=watching(RUNNING, END)) as address:
        result = run(address, "ops", "watch", "operations/a", "-o", "json")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [event["sequence"] for event in events] == [1, 2]
    assert events[-1]["operation"]["response"]["detailCount"] == "12345"


@pytest.mark.rule("PLT-07")
@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, 3),
        (grpc.StatusCode.OUT_OF_RANGE, 3),
        (grpc.StatusCode.NOT_FOUND, 4),
        (grpc.StatusCode.ALREADY_EXISTS, 5),
        (grpc.StatusCode.FAILED_PRECONDITION, 5),
        (grpc.StatusCode.ABORTED, 5),
        (grpc.StatusCode.PERMISSION_DENIED, 6),
        (grpc.StatusCode.UNAUTHENTICATED, 6),
        (grpc.StatusCode.UNAVAILABLE, 7),
        (grpc.StatusCode.DEADLINE_EXCEEDED, 7),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, 7),
        (grpc.StatusCode.INTERNAL, 1),
    ],
)
def test_the_exit_code_tells_the_kind_of_failure(code: grpc.StatusCode, exit_code: int) -> None:
    """Scripts tell kinds of failure apart without reading; nothing goes to the output that they read."""

    def get(_request: object, context: grpc.ServicerContext) -> None:
        refuse(context, code, "no", error_details_pb2.ErrorInfo(reason="WHY"))

    with serve(GetLedger=get) as address:
        result = run(address, "gl", "ledgers", "get", "MAIN")
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert result.stderr.startswith("Error: no [WHY]\n")


@pytest.mark.rule("PLT-07", "GLX-15")
def test_all_violations_are_told_in_words() -> None:
    """Field, sentence and code of each; none has to be found by trying again."""

    def start(_request: object, context: grpc.ServicerContext) -> None:
        violation = error_details_pb2.BadRequest.FieldViolation
        bad = error_details_pb2.BadRequest(
            field_violations=[
                violation(field="created_date_from", reason="FIN-IP-ACDE-002", description="is after created_date_to"),
                violation(field="group_account_code", reason="FIN-IP-ACDE-004", description="is unknown"),
            ]
        )
        info = error_details_pb2.ErrorInfo(reason="FIN-IP-ACDE-002", metadata={"violations_total": "5"})
        refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "created_date_from: is after created_date_to", info, bad)

    with serve(GenerateAccountingMessage=start) as address:
        result = run(address, "gl", "extract", "--group-account", "X")
    assert result.exit_code == 3
    assert result.stderr.splitlines() == [
        "Error: the request is invalid [FIN-IP-ACDE-002]",
        "  created_date_from: is after created_date_to [FIN-IP-ACDE-002]",
        "  group_account_code: is unknown [FIN-IP-ACDE-004]",
        "  … and 3 more",
    ]


@pytest.mark.parametrize("arguments", [("gl", "batches"), ("ops", "watch", "a")])
def test_a_server_that_is_not_there_is_told_with_its_address(arguments: tuple[str, ...]) -> None:
    """The first thing that goes wrong for everybody has its answer on the screen."""
    result = run("127.0.0.1:1", *arguments)
    assert result.exit_code == 7
    assert "Is a server running at 127.0.0.1:1?" in result.stderr
    assert "all addresses" not in result.stderr


def test_what_the_server_says_is_not_taken_for_its_absence() -> None:
    """A server that is there and cannot do it just now is not looked for elsewhere."""

    def get(_request: object, context: grpc.ServicerContext) -> None:
        refuse(context, grpc.StatusCode.UNAVAILABLE, "The disk is full.", error_details_pb2.ErrorInfo(reason="FULL"))

    with serve(GetLedger=get) as address:
        result = run(address, "gl", "ledgers", "get", "MAIN")
    assert result.exit_code == 7
    assert result.stderr.splitlines() == [
        "Error: The disk is full [FULL]",
        "The server says so itself: try again in a moment.",
    ]


def test_a_watch_that_is_given_up_says_how_to_watch_again() -> None:
    """The time to wait is over, the operation is not: the command that goes on stands on a line of its own."""

    def watch(_request: object, context: grpc.ServicerContext) -> Iterator[watch_pb2.WatchOperationResponse]:
        yield watch_pb2.WatchOperationResponse(sequence=1, operation=RUNNING)
        while context.is_active():
            time.sleep(0.05)

    with serve(WatchOperation=watch) as address:
        result = run(address, "ops", "wait", "a", "--max-wait", "0.3")
    assert result.exit_code == 7
    assert result.stderr.splitlines() == [
        "The operation goes on, whoever watches. Watch it again:",
        "  countinghouse ops watch a",
        "Error: operations/a was not done in 0.3 s; it goes on",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("gl", "extract", "--from", "yesterday"),
        ("gl", "nonsense"),
        ("gl", "details", "undo", "--reason", "r"),
        ("--token", "a", "--token-file", "missing", "gl", "batches"),
        ("--token-file", "missing", "gl", "batches"),
        ("--token", "a secret\non two lines", "gl", "batches"),
        ("--address", "ledger.example:1", "--token", "secret", "gl", "batches"),
        ("gl", "import", "missing.csv", "--mapping", "missing.toml"),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: tuple[str, ...]) -> None:
    """Told before any call, and no secret is repeated."""
    result = CliRunner().invoke(main.app, arguments)
    assert result.exit_code == 2
    assert "secret" not in result.output


def test_options_reach_the_filter() -> None:
    """Each option of the list sets its field and no other."""
    seen: list[details_pb2.ListAccountingDetailsRequest] = []

    def found(request: details_pb2.ListAccountingDetailsRequest, _context: object) -> Any:
        seen.append(request)
        detail = details_pb2.AccountingDetail(name="accountingDetails/x", credit=money("USD", 5), void=True)
        return details_pb2.ListAccountingDetailsResponse(accounting_details=[detail])

    with serve(ListAccountingDetails=found) as address:
        result = run(
            address,
            *("gl", "details", "list", "--bulking-group", "", "--not-void", "--status", "unextracted"),
            *("--batch", "7", "--from", "2026-01-31", "--origin", "registration", "--limit", "1"),
        )
    wanted = details_pb2.AccountingDetailFilter(
        bulking_group="",
        void=False,
        extraction_status=details_pb2.EXTRACTION_STATUS_UNEXTRACTED,
        extraction_batch="extractionBatches/7",
        accounting_date_from={"year": 2026, "month": 1, "day": 31},  # type: ignore[arg-type]
        origin=details_pb2.ORIGIN_REGISTRATION,
    )
    assert seen[0].filter == wanted
    assert seen[0].page_size == 1
    assert "5.00 USD" in result.stdout
    assert "void" in result.stdout


@pytest.mark.rule("GLX-23")
def test_books_that_differ_are_exit_code_9() -> None:
    """A reconciliation that does not match cannot be overlooked by a script."""
    sent = extraction_pb2.DetailsSummary(detail_count=2, totals=TOTALS)
    answer = extraction_pb2.ReconcileExtractionBatchResponse(sent=sent, found=sent, matches=True)
    with serve(ReconcileExtractionBatch=fixed(answer)) as address:
        assert run(address, "gl", "reconcile", "7").exit_code == 0
        answer.matches = False
        result = run(address, "gl", "reconcile", "7")
    assert result.exit_code == 9
    assert "NOT equal" in result.stdout


@pytest.mark.rule("GLX-03")
def test_undo_says_what_is_to_be_resent() -> None:
    """Voiding does not un-send: the command that does stands beside each batch."""
    answer = details_pb2.UndoAccountingDetailsResponse(
        voided_count=3,
        stamped_count=2,
        to_resend=[details_pb2.ResendNeeded(extraction_batch="extractionBatches/7", detail_count=2)],
    )
    with serve(UndoAccountingDetails=fixed(answer)) as address:
        result = run(
            address, "gl", "details", "undo", "--subject", "C-1", "--subject-type", "claim", "--reason", "wrong"
        )
    assert result.exit_code == 0
    assert "countinghouse gl extract --batch 7 --watch" in result.stdout


@pytest.mark.rule("PLT-31")
def test_a_whole_set_is_downloaded(tmp_path: Path) -> None:
    """Every file of the set, each checked; the paths are what is printed."""
    contents = {f"dataFileSets/GL-7/files/{name}": name.encode() * 100 for name in ("a.json", "manifest.json")}
    facts = {
        name: data_files_pb2.DataFile(name=name, size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
        for name, content in contents.items()
    }

    def stream(request: data_files_pb2.DownloadDataFileRequest, _context: object) -> Iterator[Any]:
        yield data_files_pb2.DownloadDataFileResponse(content=contents[request.name])

    with serve(
        ListDataFiles=fixed(data_files_pb2.ListDataFilesResponse(data_files=facts.values())),
        GetDataFile=lambda request, _context: facts[request.name],
        DownloadDataFile=stream,
    ) as address:
        whole = run(address, "files", "download", "GL-7", "-d", str(tmp_path / "whole"))
        one = run(address, "files", "download", "GL-7/a.json", "-d", str(tmp_path / "one"))
    assert (whole.exit_code, one.exit_code) == (0, 0)
    assert [path.name for path in sorted((tmp_path / "whole").iterdir())] == ["a.json", "manifest.json"]
    assert one.stdout.splitlines() == [str(tmp_path / "one" / "a.json")]
    assert (tmp_path / "one" / "a.json").read_bytes() == b"a.json" * 100


@pytest.mark.rule("PLT-11")
def test_the_audit_trail_is_shown() -> None:
    """Who, when, what, from and to."""
    entry = audit_pb2.AuditEntry(
        type="accounting_period.closed", resource="ledgers/A/accountingPeriods/1", caller="ann"
    )
    entry.changes.update({"from": "OPEN", "to": "CLOSED"})
    entry.event_time.FromJsonString("2026-11-02T03:04:05Z")
    with serve(ListAuditEntries=fixed(audit_pb2.ListAuditEntriesResponse(audit_entries=[entry]))) as address:
        result = run(address, "audit", "list", "--since", "2026-11-01", "--operation", "a")
    line = result.stdout.splitlines()[1]
    assert line.startswith("2026-11-02 03:04:05Z  accounting_period.closed  ledgers/A/accountingPeriods/1  ann")
    assert '{"from": "OPEN", "to": "CLOSED"}' in line


def test_a_dry_run_is_what_validate_only_is() -> None:
    """Every command that can look ahead knows both words."""
    both = {"--dry-run", "--validate-only"}
    seen = 0

    def look(command: Any, words: str) -> None:
        nonlocal seen
        for name in getattr(command, "commands", {}):
            look(command.commands[name], f"{words} {name}")
        for each in command.params:
            if both & set(each.opts):
                assert both <= set(each.opts), words
                seen += 1

    look(typer.main.get_command(main.app), "countinghouse")
    assert seen > 20
