"""`gl import`: what is sound is taken, everything else is told with its line."""

import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2
from countinghouse.gl_extraction.v1 import reference_pb2
from tests.client.command import run
from tests.client.server import refuse, serve


class Importing:
    """A server that takes rows, refusing those with a description it is told, and reference data."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def methods(self) -> dict[str, Any]:
        return {
            "IngestAccountingDetails": self.ingest,
            "CreateLedger": self.create_ledger,
            "CreateGroupAccount": self.create_group_account,
            "CreateAccountingPeriod": self.create_period,
            "ListAccountingPeriods": self.list_periods,
        }

    def ingest(self, requests: Iterator[Any], _context: object) -> details_pb2.IngestAccountingDetailsResponse:
        rows = [row for request in requests for row in request.accounting_details]
        refused = [
            details_pb2.RefusedRow(
                row=place,
                external_id=row.external_id,
                violations=[
                    details_pb2.RowViolation(field="ledger_code", reason="NOT_FOUND", description="no such ledger")
                ],
            )
            for place, row in enumerate(rows)
            if row.description == "refuse"
        ]
        return details_pb2.IngestAccountingDetailsResponse(
            received_count=len(rows),
            created_count=len(rows) - len(refused),
            refused_count=len(refused),
            refused_rows=refused,
        )

    def create_ledger(self, request: reference_pb2.CreateLedgerRequest, context: grpc.ServicerContext) -> Any:
        refuse(context, grpc.StatusCode.ALREADY_EXISTS, f"{request.ledger.code} is there")

    def create_group_account(self, request: reference_pb2.CreateGroupAccountRequest, _context: object) -> Any:
        self.made.append(request.group_account.code)
        return reference_pb2.GroupAccount(name=f"groupAccounts/{request.group_account.code}")

    def list_periods(self, _request: object, _context: object) -> reference_pb2.ListAccountingPeriodsResponse:
        there = reference_pb2.AccountingPeriod(code="2026-01")
        return reference_pb2.ListAccountingPeriodsResponse(accounting_periods=[there])

    def create_period(self, request: reference_pb2.CreateAccountingPeriodRequest, _context: object) -> Any:
        self.made.append(request.accounting_period.code)
        return reference_pb2.AccountingPeriod(
            name=f"{request.parent}/accountingPeriods/{request.accounting_period.code}"
        )


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    (tmp_path / "mapping.toml").write_text(
        """
        [amount]
        currency = { constant = "USD" }
        debit = "Debit"
        credit = "Credit"
        [detail]
        source = { constant = "test" }
        origin = { constant = "F" }
        ledger_code = { constant = "MAIN" }
        accounting_date = { column = "Date" }
        description = { column = "Text" }
        [reference.group_accounts]
        G = "Group"
        [[reference.ledgers]]
        code = "MAIN"
        periods = { first = 2026-01-01, last = 2026-03-31 }
        """
    )
    path = tmp_path / "ledger.csv"
    path.write_text(
        'Date,Text,Debit,Credit\n2026-01-02,a,"1,000.00",\n2026-01-02,b,,1000\nbad,c,1,\n2026-01-03,refuse,7,\n'
    )
    return path


@pytest.mark.rule("GLX-02")
def test_an_import_accounts_for_every_record(ledger: Path, tmp_path: Path) -> None:
    """Counts, totals, each refused record with its line, whoever refused it; missing reference data is made."""
    server = Importing()
    with serve(**server.methods()) as address:
        command = ("gl", "import", str(ledger), "--mapping", str(tmp_path / "mapping.toml"), "--create-reference")
        result = run(address, *command, "--report", str(tmp_path / "report.csv"))
        allowed = run(address, *command, "--allow-refused", "2", "-o", "json")
    assert (result.exit_code, allowed.exit_code) == (9, 0)
    assert server.made[:3] == ["G", "2026-02", "2026-03"]
    assert re.search(r"USD +2 +1,000.00 +1,000.00\n", result.stdout)
    assert "line 4, record 3: accounting_date: 'bad' is no date" in result.stdout
    assert "line 5, record 4 (by the server): ledger_code: no such ledger [NOT_FOUND]" in result.stdout
    report = (tmp_path / "report.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in report] == ["line", "4", "5"]
    counts = json.loads(allowed.stdout)
    assert counts["readCount"] == counts["refusedCount"] + counts["createdCount"] == 4
    assert counts["totals"] == [{"currencyCode": "USD", "detailCount": 2, "debit": "1000.00", "credit": "1000.00"}]


@pytest.mark.parametrize("end", ["interrupted", "refused"])
def test_an_import_that_ends_early_says_how_to_go_on(ledger: Path, tmp_path: Path, end: str) -> None:
    """Ctrl-C, or a server that takes no more: what stands is told, and that the same command does the rest."""
    calls: list[int] = []

    def ingest(requests: Iterator[Any], context: grpc.ServicerContext) -> details_pb2.IngestAccountingDetailsResponse:
        calls.append(1)
        rows = [row for request in requests for row in request.accounting_details]
        if len(calls) > 1 and end == "interrupted":
            os.kill(os.getpid(), signal.SIGINT)
            ended = threading.Event()
            context.add_callback(ended.set)
            assert ended.wait(30), "the client goes on"
        if len(calls) > 1:
            refuse(context, grpc.StatusCode.PERMISSION_DENIED, "no more")
        return details_pb2.IngestAccountingDetailsResponse(received_count=len(rows), created_count=len(rows))

    ledger.write_text("Date,Text,Debit,Credit\n" + "2026-01-02,a,1,\n" * 15_000)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # test processes side by side ignore it
    try:
        with serve(IngestAccountingDetails=ingest) as address:
            command = ("gl", "import", str(ledger), "--mapping", str(tmp_path / "mapping.toml"), "--streams", "1")
            result = run(address, *command)
    finally:
        signal.signal(signal.SIGINT, before)
    assert result.exit_code == {"interrupted": 130, "refused": 6}[end]
    assert "10,000 records or more are in the books.\nThe same command again takes in the rest" in result.stderr
    assert result.stdout == ""


def test_a_check_sends_nothing(ledger: Path, tmp_path: Path) -> None:
    """Mapping and file are tried out without a server."""
    result = run("127.0.0.1:1", "gl", "import", str(ledger), "--mapping", str(tmp_path / "mapping.toml"), "--check")
    assert result.exit_code == 9
    assert re.search(r"USD +3 +1,007.00 +1,000.00\n", result.stdout)


def test_a_report_that_cannot_be_written_is_told_before_any_call(ledger: Path, tmp_path: Path) -> None:
    """A wrong folder is named, in words."""
    command = ("gl", "import", str(ledger), "--mapping", str(tmp_path / "mapping.toml"))
    result = run("127.0.0.1:1", *command, "--report", str(tmp_path / "none" / "report.csv"))
    assert result.exit_code == 1
    assert result.stderr == f"Error: {tmp_path / 'none' / 'report.csv'}: No such file or directory\n"


def test_a_wrong_mapping_is_told_before_any_call(ledger: Path, tmp_path: Path) -> None:
    """The file's missing columns are named."""
    ledger.write_text("Date,Text\n")
    result = run("127.0.0.1:1", "gl", "import", str(ledger), "--mapping", str(tmp_path / "mapping.toml"))
    assert result.exit_code == 2
    assert "'Debit'" in result.stderr
    assert "'Credit'" in result.stderr
