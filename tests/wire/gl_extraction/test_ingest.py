"""Bulk ingest over the wire: streams, chunks, refusals, cuts."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from google.type.money_pb2 import Money

from countinghouse.client import connect
from countinghouse.gl_extraction.v1 import accounting_details_pb2 as pb
from countinghouse.operations.v1 import audit_pb2, audit_pb2_grpc
from tests.support.server import Served, refusal
from tests.support.waiting import wait_for
from tests.wire.gl_extraction.samples import Gl, listed, messages, row, usd


@pytest.mark.rule("GLX-02", "GLX-01")
def test_a_stream_is_stored_and_counted(books: Gl) -> None:
    """Every row of a stream is stored once, whatever the messages; sent again, all of them are unchanged."""
    rows = [row(n) for n in range(330)]
    answer = books.IngestAccountingDetails(messages(rows, size=70))
    assert (answer.received_count, answer.created_count, answer.unchanged_count, answer.refused_count) == (
        330,
        330,
        0,
        0,
    )
    again = books.IngestAccountingDetails(messages(rows, size=1))
    assert (again.received_count, again.created_count, again.unchanged_count) == (330, 0, 330)
    assert [detail.external_id for detail in listed(books, 40)] == [f"line-{n}" for n in range(330)]


@pytest.mark.rule("GLX-02")
def test_an_empty_stream_is_an_answer_of_zeros(books: Gl) -> None:
    """A stream without rows, or with empty messages, stores nothing and says so."""
    assert books.IngestAccountingDetails(iter(())) == pb.IngestAccountingDetailsResponse()
    empty = iter([pb.IngestAccountingDetailsRequest()] * 3)
    assert books.IngestAccountingDetails(empty) == pb.IngestAccountingDetailsResponse()


@pytest.mark.rule("GLX-02", "GLX-03", "GLX-04", "PLT-01")
def test_bad_rows_are_refused_by_their_place_in_the_stream(books: Gl) -> None:
    """Bad rows are left out wherever they stand, with everything that is wrong with them, and counted by reason."""
    bad = {
        3: row(3, debit=usd(40, 5_000_000)),
        49: row(49, debit=None),
        50: row(50, credit=usd(1)),
        77: row(77, debit=Money(currency_code="JPY", units=40, nanos=500_000_000)),
        120: row(120, debit=usd(-1), accounting_date=None),
        151: row(5, subject="other content"),
        152: row(152, ledger_code="NONE", group_account_code="NONE"),
        160: row(160, description="\0", subject_type=9, origin=pb.ORIGIN_UNSPECIFIED),
    }
    answer = books.IngestAccountingDetails(messages([bad.get(n, row(n)) for n in range(170)]))
    assert (answer.received_count, answer.created_count, answer.refused_count) == (170, 162, 8)
    told = {
        refused.row: [(found.field, found.reason) for found in refused.violations] for refused in answer.refused_rows
    }
    assert told == {
        3: [("debit", "AMOUNT_FINER_THAN_MINOR_UNIT")],
        49: [("debit", "AMOUNT_MISSING")],
        50: [("credit", "AMOUNT_ON_BOTH_SIDES")],
        77: [("debit", "AMOUNT_FINER_THAN_MINOR_UNIT")],
        120: [("debit", "AMOUNT_NEGATIVE"), ("accounting_date", "FIELD_REQUIRED")],
        151: [("external_id", "EXTERNAL_ID_TAKEN")],
        152: [("ledger_code", "LEDGER_UNKNOWN"), ("group_account_code", "GROUP_ACCOUNT_UNKNOWN")],
        160: [
            ("description", "CHARACTER_REFUSED"),
            ("subject_type", "SUBJECT_TYPE_UNKNOWN"),
            ("origin", "FIELD_REQUIRED"),
        ],
    }
    assert list(told) == sorted(told), "in the order of the stream"
    assert (answer.refused_rows[5].source, answer.refused_rows[5].external_id) == ("erp", "line-5")
    assert answer.refused_count_by_reason == {
        "AMOUNT_FINER_THAN_MINOR_UNIT": 2,
        "AMOUNT_MISSING": 1,
        "AMOUNT_ON_BOTH_SIDES": 1,
        "AMOUNT_NEGATIVE": 1,
        "FIELD_REQUIRED": 2,
        "EXTERNAL_ID_TAKEN": 1,
        "LEDGER_UNKNOWN": 1,
        "GROUP_ACCOUNT_UNKNOWN": 1,
        "CHARACTER_REFUSED": 1,
        "SUBJECT_TYPE_UNKNOWN": 1,
    }


@pytest.mark.rule("GLX-02")
def test_refusals_are_listed_up_to_ten_thousand_and_all_counted(served: Served) -> None:
    """Of very many refusals the first 10,000 are listed; the counts hold all."""
    bad = pb.AccountingDetail(source="s", external_id="x")
    channel = grpc.insecure_channel(served.target, [("grpc.max_receive_message_length", 64 << 20)])
    with channel:
        answer = Gl(channel).IngestAccountingDetails(messages((bad for _ in range(10_020)), size=2_000))
    assert (answer.refused_count, len(answer.refused_rows)) == (10_020, 10_000)
    assert answer.refused_rows[-1].row == 9_999
    assert answer.refused_count_by_reason["AMOUNT_MISSING"] == 10_020


@pytest.mark.rule("GLX-02")
def test_an_answer_full_of_refusals_fits_into_what_clients_take(served: Served) -> None:
    """However much is wrong with 10,000 rows, a client with the default of 4 MiB is told of each: place and reason."""
    much = pb.AccountingDetail(source="s" * 5_000, external_id="x" * 5_000, attributes=["a" * 257] * 30)
    answer = Gl(served.channel).IngestAccountingDetails(messages((much for _ in range(10_000)), size=100))
    assert [refused.row for refused in answer.refused_rows] == list(range(10_000))
    assert all(refused.violations[0].reason == "FIELD_TOO_LONG" for refused in answer.refused_rows)
    first = answer.refused_rows[0]
    assert (first.source, first.external_id, len(first.violations) > 30) == ("s" * 64, "x" * 128, True)


@pytest.mark.rule("GLX-02")
def test_the_client_is_told_of_every_refused_row(served: Served) -> None:
    """Of 23,000 rows in one call of the client, each refused one is told with its place and reason."""
    bad = pb.AccountingDetail(source="s", external_id="x")
    told: list[tuple[int, str]] = []
    with connect(served.target) as client:
        totals = client.gl.ingest(
            (bad for _ in range(23_000)),
            on_refusal=lambda refusal: told.append((refusal.row, refusal.violations[0].reason)),
        )
    assert totals.refused_count == 23_000
    assert told == [(n, "FIELD_REQUIRED") for n in range(23_000)]


@pytest.mark.rule("GLX-02")
def test_a_stream_cut_in_the_middle_leaves_whole_chunks(books: Gl) -> None:
    """A caller that goes away leaves the chunks that were full, each whole; sent again, the stream is completed."""
    gone = threading.Event()

    def cut() -> Iterator[pb.IngestAccountingDetailsRequest]:
        yield from messages([row(n) for n in range(130)], size=10)
        assert gone.wait(20)

    call = books.IngestAccountingDetails.future(cut())
    wait_for(lambda: len(listed(books)) >= 100)
    call.cancel()
    gone.set()
    assert [detail.external_id for detail in listed(books)] == [f"line-{n}" for n in range(100)]
    answer = books.IngestAccountingDetails(messages([row(n) for n in range(130)]))
    assert (answer.created_count, answer.unchanged_count) == (30, 100)


@pytest.mark.rule("GLX-02")
def test_a_message_with_too_many_rows_ends_the_stream_and_keeps_its_chunks(books: Gl) -> None:
    """A message beyond its bound is the caller's error; whole chunks before it are stored, and nothing after it."""
    too_many = pb.IngestAccountingDetailsRequest(accounting_details=[row(n) for n in range(5_001)])
    stream = [*messages([row(n) for n in range(110)]), too_many]
    refused = refusal(lambda: books.IngestAccountingDetails(iter(stream)))
    assert refused.code == grpc.StatusCode.INVALID_ARGUMENT
    assert refused.violations == [("accounting_details", "REPEATED_MAX_ITEMS")]
    wait_for(lambda: len(listed(books)) in {50, 100})


@pytest.mark.rule("GLX-02")
def test_streams_at_once_with_the_same_rows_never_make_two(served: Served, books: Gl) -> None:
    """Three streams bring the same rows at once: each row is created by one of them, and unchanged for the others."""
    rows = [row(n) for n in range(400)]
    with grpc.insecure_channel(served.target) as one, grpc.insecure_channel(served.target) as two:
        stubs = [books, Gl(one), Gl(two)]
        orders = [rows, rows[::-1], rows[200:] + rows[:200]]
        calls = [
            stub.IngestAccountingDetails.future(messages(order)) for stub, order in zip(stubs, orders, strict=True)
        ]
        answers = [call.result(60) for call in calls]
    assert sum(answer.created_count for answer in answers) == 400
    assert [answer.created_count + answer.unchanged_count for answer in answers] == [400] * 3
    assert len(listed(books)) == 400


@pytest.mark.rule("PLT-11")
def test_a_stream_is_in_the_audit_trail_by_chunk(served: Served, books: Gl) -> None:
    """Each chunk has an entry with counts and totals; the id that the caller gave the call is with it."""
    books.IngestAccountingDetails(messages([row(n) for n in range(120)]), metadata=(("x-request-id", "import-7"),))
    trail = served.stub(audit_pb2_grpc.AuditServiceStub)
    entries = trail.ListAuditEntries(
        audit_pb2.ListAuditEntriesRequest(type="accounting_details.ingested")
    ).audit_entries
    assert [entry.changes["created_count"] for entry in entries] == [20, 50, 50]
    assert {entry.request_id for entry in entries} == {"import-7"}
    assert entries[0].method == "countinghouse.gl_extraction.v1.GLExtractionService/IngestAccountingDetails"
    assert MessageToDict(entries[0].changes)["created_totals"] == {"USD": {"debit": "2000.00", "credit": "0.00"}}
