"""The importer against a real server, on the real ledger where it is there."""

import json
from collections import Counter
from pathlib import Path

import pytest

from countinghouse import demo
from countinghouse.client import Refusal, connect
from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2
from countinghouse.gl_extraction.v1 import reference_pb2
from countinghouse.importing.reference import ensure
from tests.client.command import run
from tests.client.test_import_mapping import LEDGER, MAPPING
from tests.support.server import Served

SOUND = 32_523
TOTAL = {"currencyCode": "USD", "detailCount": SOUND, "debit": "52256792.12", "credit": "52256792.12"}


@pytest.mark.slow
@pytest.mark.rule("GLX-02")
@pytest.mark.skipif(not LEDGER.exists(), reason=f"the real ledger is not there: {LEDGER.name}")
def test_the_real_ledger_is_taken_in_once(server: Served, tmp_path: Path) -> None:
    """Every sound row is stored, the others are reported with their line; the same file again adds nothing."""
    command = ("gl", "import", str(LEDGER), "--mapping", str(MAPPING), "-o", "json")
    report = tmp_path / "refused.csv"
    first = run(server.target, *command, "--create-reference", "--report", str(report))
    again = run(server.target, *command, "--allow-refused", "15")
    assert (first.exit_code, again.exit_code) == (9, 0)
    counts, repeated = json.loads(first.stdout), json.loads(again.stdout)
    assert (counts["readCount"], counts["filteredCount"], counts["refusedCount"]) == (33_304, 766, 15)
    assert (counts["createdCount"], counts["unchangedCount"]) == (SOUND, 0)
    assert (repeated["createdCount"], repeated["unchangedCount"]) == (0, SOUND)
    assert counts["totals"] == repeated["totals"] == [TOTAL]
    assert len(report.read_text().splitlines()) == 1 + 15
    with connect(server.target) as client:
        request = details_pb2.ListAccountingDetailsRequest(filter={"source": "chugach-fy19"})  # type: ignore[arg-type]
        stored = Counter(detail.bulking_group for detail in client.gl.list_details(request))
    assert stored == {one["bulkingGroup"]: one["detailCount"] for one in counts["totalsByBulkingGroup"]}


def test_rows_without_their_reference_data_are_refused_with_a_hint(server: Served, tmp_path: Path) -> None:
    """Nothing is stored, each row says what it lacks, and the screen says what would mend it."""
    (tmp_path / "mapping.toml").write_text(
        """
        amount = { currency = { constant = "USD" }, signed = "Amount" }
        [detail]
        source = { constant = "test" }
        origin = { constant = "F" }
        ledger_code = { constant = "missing" }
        accounting_date = { column = "Date" }
        """
    )
    (tmp_path / "ledger.csv").write_text("Date,Amount\n2026-01-02,5\n2026-01-02,-5.001\n")
    result = run(
        server.target, "gl", "import", str(tmp_path / "ledger.csv"), "--mapping", str(tmp_path / "mapping.toml")
    )
    assert result.exit_code == 9
    assert "line 2, record 1 (by the server): ledger_code:" in result.stdout
    assert "line 3, record 2 (by the server): credit:" in result.stdout
    assert "--create-reference" in result.stderr


@pytest.mark.rule("GLX-02", "GLX-04")
def test_the_demo_ledger_is_sound(server: Served) -> None:
    """All of it is taken in; a period that is closed refuses its rows, and those only, under their places."""
    with connect(server.target) as client:
        made = ensure(client.gl, demo.reference())
        assert len(made) == 4 + 1 + 12
        assert ensure(client.gl, demo.reference()) == []
        rows = list(demo.details(1, 12_000))
        assert client.gl.ingest(rows).created_count == 12_000
        request = reference_pb2.CloseAccountingPeriodRequest(
            name=f"ledgers/{demo.LEDGER}/accountingPeriods/2026-03", force=True, reason="test"
        )
        client.gl.close_period(request)
        refusals: list[Refusal] = []
        totals = client.gl.ingest(demo.details(2, 12_000), on_refusal=refusals.append)
    places = {place for place, row in enumerate(demo.details(2, 12_000)) if row.accounting_date.month == 3}
    assert {refusal.row for refusal in refusals} == places
    assert totals.refused_count_by_reason == {"PERIOD_CLOSED": len(places)}
    assert totals.created_count == 12_000 - len(places)
