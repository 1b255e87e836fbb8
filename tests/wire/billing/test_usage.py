"""Interval data and register reads through the client, on both databases."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from pathlib import Path

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.decimal_pb2 import Decimal as DecimalProto

from countinghouse.billing.v1 import usage_pb2 as pb
from countinghouse.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from countinghouse.client import Client, UsageRefusal, connect
from countinghouse.client.errors import InvalidArgument
from countinghouse.client.usage import STREAM_ROWS_MAX, UsageRow
from server.database.transaction import Database
from tests.billing.usage.shop import NOW_US, open_shop
from tests.house.tree import ROOT
from tests.support.server import Served, refusal, serving

METERS = ROOT.parent / "shared" / "data" / "meters"
HOURLY, COUNTER = "accounts/A/profiles/HOURLY", "accounts/A/profiles/COUNTER"
SAMPLE_0, SAMPLE_1 = (f"uk-electricity-hdd-only-hourly-sample-{number}" for number in (0, 1))
FILES = {
    "il-electricity-cdd-hdd-hourly": ("US", "HOURLY", 19_417),
    "il-electricity-cdd-only-hourly": ("US", "HOURLY", 19_417),
    "il-gas-hdd-only-hourly": ("US", "HOURLY", 19_417),
    SAMPLE_0: ("GB", "HOURLY", 23_508),
    SAMPLE_1: ("UTC", "HALF_HOURLY", 22_536),
}
ZONES = {"US": "America/Chicago", "GB": "Europe/London", "UTC": "UTC"}


@pytest.fixture
def served(database: Database, migrated_url: str, tmp_path: Path) -> Iterator[Served]:
    """A server with accounts that have a profile of each kind."""
    open_shop(database)
    for account, zone in ZONES.items():
        open_shop(database, (account,), zone=zone)
    with serving(migrated_url, tmp_path, carries_out=(), jobs=False, clock_us=lambda: NOW_US) as server:
        yield server


@pytest.fixture
def client(served: Served) -> Iterator[Client]:
    """A client of that server."""
    with connect(served.target) as opened:
        yield opened


def interval(at: str, quantity: str) -> pb.IntervalData:
    return pb.IntervalData(local_start_time=at, quantity=DecimalProto(value=quantity))


def read(at: str, quantity: str) -> pb.RegisterRead:
    return pb.RegisterRead(local_read_time=at, quantity=DecimalProto(value=quantity))


def listed(client: Client, profile: str) -> list[pb.IntervalData]:
    return list(client.billing.list_interval_data(pb.ListIntervalDataRequest(parent=profile, page_size=1_000)))


def stamp(text: str) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(datetime.fromisoformat(text))
    return found


@pytest.mark.rule("BIL-24")
def test_rows_come_in_and_each_refusal_has_its_place(client: Client) -> None:
    """Of several profiles and kinds, by instant and by text; what is sound beside it is taken."""
    exact = pb.IntervalData(start_time=stamp("2026-05-01T10:00:00+00:00"), quantity=DecimalProto(value="-1e-18"))
    rows: list[UsageRow] = [
        (HOURLY, interval("2026-05-01T12:00:00", "1.25")),
        (HOURLY, exact),
        (COUNTER, read("2026-05-01", "99999.5")),
        (HOURLY, interval("2026-03-29T01:00:00", "1")),
        (HOURLY, interval("2026-05-01T12:00:00+01:00", "1.250")),
        ("accounts/A/profiles/NONE", interval("2026-05-01T12:00:00", "1")),
        ("nothing", read("2026-05-01", "x")),
    ]
    refused: list[UsageRefusal] = []
    totals = client.billing.ingest_usage(rows, time_zone="Europe/London", on_refusal=refused.append)
    assert (totals.received_count, totals.accepted_count, totals.duplicate_count, totals.refused_count) == (7, 3, 1, 3)
    told = [(each.row, each.profile, [(v.field, v.reason) for v in each.violations]) for each in refused]
    assert told == [
        (3, HOURLY, [("start_time", "LOCAL_TIME_SKIPPED")]),
        (5, "accounts/A/profiles/NONE", [("profile", "PROFILE_UNKNOWN")]),
        (6, "nothing", [("quantity", "QUANTITY_MALFORMED")]),
    ]
    kept = listed(client, HOURLY)
    assert [(row.start_time.ToJsonString(), row.quantity.value, row.revision) for row in kept] == [
        ("2026-05-01T10:00:00Z", "-0.000000000000000001", 1),
        ("2026-05-01T11:00:00Z", "1.25", 1),
    ]
    reads = list(client.billing.list_register_reads(pb.ListRegisterReadsRequest(parent=COUNTER)))
    assert [(row.read_time.ToJsonString(), row.quantity.value) for row in reads] == [
        ("2026-04-30T23:00:00Z", "99999.5")
    ]


@pytest.mark.rule("BIL-24", "PLT-06")
def test_a_stream_sent_again_under_its_request_id_tells_the_same(served: Served) -> None:
    """By request id and the message's place; for other rows the id is refused, and without one they are duplicates."""
    stub = served.stub(BillingServiceStub)

    def send(quantity: str, request_id: str = "import-1") -> pb.IngestUsageResponse:
        way = pb.UsageImport(time_zone="UTC", request_id=request_id)
        usage = [
            pb.ProfileUsage(profile=HOURLY, interval_data=[interval(f"2026-05-0{day} 00:00", quantity)])
            for day in (1, 2)
        ]
        first, second = (pb.IngestUsageRequest(usage=[each]) for each in usage)
        first.usage_import.CopyFrom(way)
        answer: pb.IngestUsageResponse = stub.IngestUsage(iter((first, second)))
        return answer

    first = send("1")
    assert first.accepted_count == 2
    assert send("1") == first
    assert send("1", "").duplicate_count == 2
    refused = refusal(lambda: send("2"))
    assert (refused.code, refused.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")


@pytest.mark.rule("BIL-24", "PLT-07")
def test_a_stream_that_cannot_be_meant_is_refused_as_a_whole(served: Served) -> None:
    """An unknown time zone, a second word on how rows are meant, and too many rows in a message."""
    stub = served.stub(BillingServiceStub)
    way = pb.IngestUsageRequest(usage_import=pb.UsageImport(time_zone="UTC"))
    lost = pb.IngestUsageRequest(usage_import=pb.UsageImport(time_zone="Mars/Base"))
    many = pb.IngestUsageRequest(
        usage=[pb.ProfileUsage(profile=HOURLY, interval_data=[interval("2026-05-01T00:00", "1")] * 20_001)]
    )
    for requests, field, reason in (
        ([lost], "usage_import.time_zone", "TIME_ZONE_UNKNOWN"),
        ([way, way], "usage_import", "USAGE_IMPORT_TWICE"),
        ([many], "usage", "TOO_MANY_ITEMS"),
    ):
        found = refusal(lambda requests=requests: stub.IngestUsage(iter(requests)))  # type: ignore[misc]
        assert found.violations == [(field, reason)]


@pytest.mark.rule("BIL-24")
def test_corrections_are_new_revisions_of_what_was_known(client: Client) -> None:
    """Another value is refused until it is sent as a correction; lists tell the one that holds."""
    known = [(HOURLY, interval("2026-05-01T12:00:00Z", "1"))]
    other = [(HOURLY, interval("2026-05-01T12:00:00Z", "2"))]
    client.billing.ingest_usage(known)
    refused = client.billing.ingest_usage(other)
    assert refused.refused_count_by_reason == {"USAGE_DIFFERS": 1}
    assert client.billing.ingest_usage(other, correction=True).replaced_count == 1
    (kept,) = listed(client, HOURLY)
    assert (kept.quantity.value, kept.revision) == ("2", 2)


@pytest.mark.rule("BIL-24", "PLT-08")
def test_lists_have_pages_and_bounds(client: Client) -> None:
    """The start is within, the end is not; an empty stretch is refused."""
    rows = [(HOURLY, interval(f"2026-05-01T{hour:02}:00Z", str(hour))) for hour in range(24)]
    client.billing.ingest_usage(rows)
    first, last = stamp("2026-05-01T03:00:00+00:00"), stamp("2026-05-01T17:00:00+00:00")
    request = pb.ListIntervalDataRequest(parent=HOURLY, page_size=5, start_time=first, end_time=last)
    assert [row.quantity.value for row in client.billing.list_interval_data(request)] == list(map(str, range(3, 17)))
    empty = pb.ListIntervalDataRequest(parent=HOURLY, start_time=last, end_time=first)
    with pytest.raises(InvalidArgument, match="must be after start_time"):
        list(client.billing.list_interval_data(empty))


@pytest.mark.rule("BIL-24", "BIL-21")
@pytest.mark.skipif(not METERS.is_dir(), reason="the shared meter data are not on this machine")
@pytest.mark.parametrize("name", FILES)
def test_real_meters_load_exactly(client: Client, name: str) -> None:
    """Every row of the file, its duplicates counted once, and all decimals: an independent sum agrees."""
    account, kind, count = FILES[name]
    profile = f"accounts/{account}/profiles/{kind}"
    rows = list(_rows(name))
    data = [(profile, interval(at, quantity)) for at, quantity in rows]
    totals = client.billing.ingest_usage(data, time_zone="UTC")
    duplicates = len(rows) - len(dict(rows))
    assert len(rows) == count
    assert duplicates == (15 if name == SAMPLE_1 else 0)
    counts = (totals.received_count, totals.accepted_count, totals.duplicate_count, totals.refused_count)
    assert counts == (count, count - duplicates, duplicates, 0)
    kept = {row.start_time.ToDatetime(UTC): row.quantity.value for row in listed(client, profile)}
    with localcontext(prec=60):
        given = {_instant(at): Decimal(quantity) for at, quantity in rows}
        assert {at: Decimal(text) for at, text in kept.items()} == given
        assert sum(map(Decimal, kept.values())) == sum(given.values())
    if name == SAMPLE_0:
        assert max(len(text.partition(".")[2]) for text in kept.values()) == 18
    again = client.billing.ingest_usage(data, time_zone="UTC")
    assert (again.accepted_count, again.duplicate_count) == (0, count)
    assert count > STREAM_ROWS_MAX


def _rows(name: str) -> Iterator[tuple[str, str]]:
    """What the file says, the heading left out."""
    with gzip.open(METERS / f"{name}.csv.gz", "rt", newline="") as file:
        for start, value in csv.reader(file):
            if start != "start":
                yield start, value


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
