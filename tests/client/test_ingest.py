"""Bulk ingest cuts rows into streams, finds each refusal's row, and sends a cut stream again."""

import itertools
import threading
import time
from collections.abc import Iterator

import grpc
import pytest
from google.type import date_pb2, money_pb2

from countinghouse.client import Refusal, connect, errors
from countinghouse.client.rows import MESSAGE_BYTES_MAX
from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2
from tests.client.driver import Drive
from tests.client.server import refuse, serve


def row(number: int, *, description: str = "") -> details_pb2.AccountingDetail:
    """A sound row."""
    return details_pb2.AccountingDetail(
        source="test",
        external_id=str(number),
        origin=details_pb2.ORIGIN_FINANCIAL,
        ledger_code="MAIN",
        accounting_date=date_pb2.Date(year=2026, month=11, day=2),
        debit=money_pb2.Money(currency_code="USD", units=number + 1),
        description=description,
    )


class Books:
    """Stores rows by external id; refuses the ids told; breaks the streams told, by number, after storing."""

    def __init__(self, *, refused: set[str] | None = None, broken: set[int] | None = None) -> None:
        self.refused = refused or set()
        self.broken = broken or set()
        self.stored: set[str] = set()
        self.lock = threading.Lock()
        self.numbers = itertools.count()
        self.streams: list[int] = []
        self.sizes: list[tuple[int, int]] = []

    def ingest(
        self, requests: Iterator[details_pb2.IngestAccountingDetailsRequest], context: grpc.ServicerContext
    ) -> details_pb2.IngestAccountingDetailsResponse:
        answer = details_pb2.IngestAccountingDetailsResponse()
        number = next(self.numbers)
        for request in requests:
            self.sizes.append((len(request.accounting_details), request.ByteSize()))
            with self.lock:
                for detail in request.accounting_details:
                    self._take(detail, answer)
        self.streams.append(answer.received_count)
        if number in self.broken:
            refuse(context, grpc.StatusCode.UNAVAILABLE, "cut")
        return answer

    def _take(self, detail: details_pb2.AccountingDetail, answer: details_pb2.IngestAccountingDetailsResponse) -> None:
        if detail.external_id in self.refused:
            violation = details_pb2.RowViolation(field="debit", reason="NO", description="not this one")
            answer.refused_rows.add(
                row=answer.received_count, source=detail.source, external_id=detail.external_id, violations=[violation]
            )
            answer.refused_count += 1
        elif detail.external_id in self.stored:
            answer.unchanged_count += 1
        else:
            self.stored.add(detail.external_id)
            answer.created_count += 1
        answer.received_count += 1


@pytest.mark.rule("GLX-02")
def test_rows_go_in_streams_of_ten_thousand_and_refusals_keep_their_place(drive: Drive) -> None:
    """Every refusal is listed under the row's place among all rows, whichever stream carried it."""
    books, refusals = Books(refused={"3", "9999", "10000", "24999"}), list[Refusal]()
    with serve(IngestAccountingDetails=books.ingest) as address:
        totals = drive(
            address, lambda client: client.gl.ingest((row(n) for n in range(25_000)), on_refusal=refusals.append)
        )
    assert sorted(books.streams) == [5_000, 10_000, 10_000]
    assert (totals.received_count, totals.created_count, totals.refused_count) == (25_000, 24_996, 4)
    assert [(refusal.row, refusal.external_id) for refusal in refusals] == [
        (3, "3"),
        (9999, "9999"),
        (10000, "10000"),
        (24999, "24999"),
    ]
    assert refusals[0].violations[0].reason == "NO"
    assert totals.refused_count_by_reason == {"NO": 4}
    assert max(rows for rows, _ in books.sizes) == 1_000


@pytest.mark.rule("GLX-02")
def test_a_stream_that_is_cut_is_sent_again(drive: Drive) -> None:
    """The server stored everything and the answer was lost: each row is there once, and the caller learns of all."""
    books = Books(refused={"7"}, broken={0})
    with serve(IngestAccountingDetails=books.ingest) as address:
        totals = drive(address, lambda client: client.gl.ingest(row(n) for n in range(100)))
    assert len(books.streams) == 2
    assert len(books.stored) == 99
    assert (totals.received_count, totals.created_count, totals.unchanged_count, totals.refused_count) == (
        100,
        0,
        99,
        1,
    )


def test_messages_stay_under_their_size(drive: Drive) -> None:
    """Wide rows make smaller messages, so that no server refuses one for its size."""
    books = Books()
    with serve(IngestAccountingDetails=books.ingest) as address:
        drive(address, lambda client: client.gl.ingest(row(n, description="x" * 5_000) for n in range(1_000)))
    assert max(size for _, size in books.sizes) <= MESSAGE_BYTES_MAX
    assert len(books.sizes) > 4
    assert len(books.stored) == 1_000


def test_a_row_too_large_for_any_message_is_refused_alone(drive: Drive) -> None:
    """One monster among sound rows takes none of them down, and the places of the others stay right."""
    books, refusals = Books(refused={"2"}), list[Refusal]()
    rows = [row(0), row(1, description="x" * 2_000_000), row(2), row(3)]
    with serve(IngestAccountingDetails=books.ingest) as address:
        totals = drive(address, lambda client: client.gl.ingest(rows, on_refusal=refusals.append))
    assert [(refusal.row, refusal.violations[0].reason) for refusal in refusals] == [(1, "ROW_TOO_LARGE"), (2, "NO")]
    assert (totals.received_count, totals.created_count, totals.refused_count) == (4, 2, 2)


def test_no_rows_are_no_stream(drive: Drive) -> None:
    """An empty file makes no call."""
    books = Books()
    with serve(IngestAccountingDetails=books.ingest) as address:
        assert drive(address, lambda client: client.gl.ingest([])).received_count == 0
    assert books.streams == []


def test_a_refused_call_ends_the_ingest(drive: Drive) -> None:
    """Without the permission nothing is tried a second time."""
    calls: list[int] = []

    def ingest(_requests: object, context: grpc.ServicerContext) -> None:
        calls.append(1)
        refuse(context, grpc.StatusCode.PERMISSION_DENIED, "no")

    with serve(IngestAccountingDetails=ingest) as address, pytest.raises(errors.PermissionDenied):
        drive(address, lambda client: client.gl.ingest([row(1)]))
    assert calls == [1]


def test_an_ingest_that_is_given_up_ends_its_streams(drive: Drive) -> None:
    """The file cannot be read on, or somebody pressed Ctrl-C: nobody waits for a server that is slow."""
    ended = threading.Event()

    def ingest(_requests: object, context: grpc.ServicerContext) -> None:
        context.add_callback(ended.set)
        ended.wait(20)
        refuse(context, grpc.StatusCode.INTERNAL, "nobody waits for this")

    def rows() -> Iterator[details_pb2.AccountingDetail]:
        yield from map(row, range(10_001))
        raise OSError("the disk went away")

    began = time.monotonic()
    with serve(IngestAccountingDetails=ingest) as address, pytest.raises(OSError, match="went away"):
        drive(address, lambda client: client.gl.ingest(rows()))
    assert time.monotonic() - began < 10


@pytest.mark.rule("GLX-22")
def test_rows_are_read_no_further_ahead_than_the_streams_under_way() -> None:
    """A file of any length needs the memory of a few streams."""
    books, read = Books(), 0

    def rows() -> Iterator[details_pb2.AccountingDetail]:
        nonlocal read
        for number in range(100_000):
            read += 1
            yield row(number)

    with serve(IngestAccountingDetails=books.ingest) as address, connect(address) as client:
        for outcome in client.gl.ingest.outcomes(rows(), streams=2):
            assert read <= outcome.first_row + 40_000
            if outcome.first_row >= 20_000:
                break
    assert read <= 60_000
