"""`countinghouse billing import-usage` against a real server, on both databases."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.type.decimal_pb2 import Decimal

from countinghouse.billing.v1 import usage_pb2 as pb
from countinghouse.client import aio
from domain.billing.segments.states import SegmentState
from server.database.transaction import Database
from tests.billing.usage.shop import NOW_US, add_segment, open_shop
from tests.client.command import run
from tests.support.server import Served, serving

PROFILE = "A/HOURLY"
LINES = """\
start,value
2026-05-01T00:00:00,1.5
2026-05-01T01:00:00,2
2026-05-01T01:00:00,2.0
2026-05-01T02:30:00,3
2026-05-01T03:00:00,a lot
2026-05-01T04:00:00
2026-10-25T01:00:00,4
"""


@pytest.fixture
def served(database: Database, migrated_url: str, tmp_path: Path) -> Iterator[Served]:
    """A server with an account, whose May is billed."""
    open_shop(database)
    database.write(lambda tx: add_segment(tx, "MAY", 20260501, 20260601, SegmentState.FROZEN))
    with serving(migrated_url, tmp_path, carries_out=(), jobs=False, clock_us=lambda: NOW_US) as server:
        yield server


@pytest.mark.rule("BIL-24")
def test_an_import_of_usage_accounts_for_every_record(served: Served, tmp_path: Path) -> None:
    """What is sound is taken, plain or packed; each refused record is told with its line, whoever refused it."""
    path, report = tmp_path / "meter.csv.gz", tmp_path / "report.csv"
    path.write_bytes(gzip.compress(LINES.encode()))
    command = ("billing", "import-usage", str(path), "--profile", PROFILE, "--zone", "Europe/London")
    first = run(served.target, *command, "--report", str(report))
    again = run(served.target, *command, "--allow-refused", "4", "-o", "json")
    assert (first.exit_code, again.exit_code) == (9, 0)
    words = " ".join(first.stdout.split())
    for told in ("records read 7", "accepted 2", "known already 1", "corrected 0", "refused 4"):
        assert told in words, first.stdout
    for line, reason in ((5, "INTERVAL_UNALIGNED"), (6, "QUANTITY_MALFORMED"), (8, "LOCAL_TIME_AMBIGUOUS")):
        assert f"line {line}, record {line - 1} (by the server):" in first.stdout
        assert f"[{reason}]" in first.stdout
    assert "line 7, record 6: the record has 1 values" in first.stdout
    assert [line.split(",")[0] for line in report.read_text().splitlines()] == ["line", "7", "5", "6", "8"]
    counts = json.loads(again.stdout)
    assert (counts["readCount"], counts["acceptedCount"], counts["duplicateCount"]) == (7, 0, 3)
    assert counts["refusedCountByReason"]["COLUMN_COUNT"] == 1


@pytest.mark.rule("BIL-24")
def test_a_corrected_file_names_what_is_to_be_rebilled(served: Served, tmp_path: Path) -> None:
    """Without `--correction` it is refused; with it the frozen segments that used the old values are listed."""
    path = tmp_path / "meter.csv"
    command = ("billing", "import-usage", str(path), "--profile", PROFILE, "--zone", "UTC")
    path.write_text("start,value\n2026-05-02,1\n")
    assert run(served.target, *command).exit_code == 0
    path.write_text("start,value\n2026-05-02T00:00Z,7\n")
    refused = run(served.target, *command)
    assert refused.exit_code == 9
    assert "[USAGE_DIFFERS]" in refused.stdout
    corrected = run(served.target, *command, "--correction")
    assert corrected.exit_code == 0
    assert "accounts/A/billSegments/MAY" in corrected.stdout


@pytest.mark.rule("BIL-24")
def test_a_file_of_reads_has_its_own_columns(served: Served, tmp_path: Path) -> None:
    """A column that is not there is told before anything is sent."""
    path = tmp_path / "reads.csv"
    path.write_text("read_at,kWh\n2026-05-01 09:00,17.25\n2026-06-01 09:00,-1\n")
    command = ("billing", "import-usage", str(path), "--profile", "A/COUNTER", "--zone", "Europe/London", "--reads")
    lost = run(served.target, *command)
    assert lost.exit_code == 2
    assert "has no column 'start' and no 'value'" in " ".join(lost.output.split())
    taken = run(served.target, *command, "--time-column", "read_at", "--value-column", "kWh", "-o", "json")
    counts = json.loads(taken.stdout)
    assert (counts["acceptedCount"], counts["refusedCountByReason"]) == (1, {"REGISTER_READ_NEGATIVE": 1})


@pytest.mark.rule("BIL-24")
def test_the_asynchronous_client_sends_the_same(served: Served) -> None:
    """In as many streams as the rows need, one after the other for corrections."""
    rows = [
        (
            "accounts/A/profiles/HOURLY",
            pb.IntervalData(local_start_time=f"2026-05-{day:02}", quantity=Decimal(value="1")),
        )
        for day in (1, 2, 2)
    ]

    async def send() -> tuple[int, int, int]:
        async with aio.connect(served.target) as client:
            totals = await client.billing.ingest_usage(rows, time_zone="UTC", correction=True)
            return totals.received_count, totals.accepted_count, totals.duplicate_count

    assert asyncio.run(send()) == (3, 2, 1)
