"""Taking in rows: once each, whatever the chunks; refused alone, with their reasons."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count, pairwise

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from domain.gl_extraction.details import ingest
from domain.gl_extraction.details.model import Maker, NewDetail
from domain.gl_extraction.details.store import read
from domain.gl_extraction.extraction.states import BatchState
from domain.gl_extraction.names import detail_name
from domain.gl_extraction.periods import service as periods
from domain.kernel.amounts import minor_of
from domain.kernel.errors import Invalid
from server.database.transaction import Database
from tests.gl_extraction.samples import (
    CALL,
    NOW_US,
    audit,
    ids_of,
    later,
    pending_count,
    row,
    stamp,
    stored,
    taken_in,
    undone,
)


def reasons(result: ingest.Ingested) -> list[tuple[int, str, str]]:
    return [(bad.position, found.field, found.reason) for bad in result.refusals for found in bad.violations]


@pytest.mark.rule("GLX-01", "GLX-02", "GLX-04")
def test_a_row_is_stored_as_it_was_handed_in(books: Database) -> None:
    """Every field of a row is kept, and what it leaves out is derived: transaction date, period, who made it, when."""
    full = row(
        description="Prämie\t\\ \r\n保険",
        reversal=True,
        transaction_date=(2026, 5, 14),
        gl_segments=tuple(f"s{n}" for n in range(30)),
        attributes=tuple(f"a{n}" for n in range(30)),
    )
    bare = row(2, subject_type="", accounting_date=(2026, 4, 30), debit=None, credit=("JPY", 7, 0), gl_segments=())
    result = taken_in(books, [full, bare, row(3, attributes=("", "", "x"))])
    assert (result.received, result.created, result.unchanged, result.refusals) == (3, 3, 0, ())
    details = {detail.external_id: detail for detail in books.read(lambda tx: read.by_ids(tx, all_ids(tx)))}
    first, second, third = (details[f"line-{n}"] for n in (1, 2, 3))
    assert (first.description, first.reversal, first.transaction_date) == (full.description, True, 20260514)
    assert (first.gl_segments, first.attributes) == (full.gl_segments, full.attributes)
    assert (first.currency, first.debit_minor, first.credit_minor) == ("USD", 10_000, 0)
    assert (second.currency, second.debit_minor, second.credit_minor) == ("JPY", 0, 7)
    assert (second.accounting_date, second.transaction_date) == (20260430, 20260430)
    assert (first.accounting_period_code, second.accounting_period_code) == ("2026-05", "2026-04")
    assert (second.gl_segments, third.gl_segments, third.attributes) == ((), ("100", "", "30"), ("", "", "x"))
    assert {(detail.maker, detail.created_us, detail.stamp) for detail in details.values()} == {
        (Maker.INGEST, NOW_US, None)
    }
    assert pending_count(books) == 3


@pytest.mark.rule("GLX-02")
def test_the_same_rows_again_change_nothing(books: Database) -> None:
    """A row with the same source, external id and content is there already; twice in one chunk, it is made once."""
    rows = [row(n) for n in range(5)]
    assert taken_in(books, rows).created == 5
    again = taken_in(books, [*rows, row(9), row(9)], later())
    assert (again.created, again.unchanged, again.refusals) == (1, 6, ())
    assert len(stored(books, "external_id")) == pending_count(books) == 6


@pytest.mark.rule("GLX-02")
def test_the_same_id_with_other_content_is_refused(books: Database) -> None:
    """Of rows with one external id and other content the first stands; the others are refused and name it."""
    taken_in(books, [row(1)])
    result = taken_in(books, [row(1, subject="P-2"), row(2), row(2, debit=("USD", 5, 0)), row(2)])
    assert reasons(result) == [(0, "external_id", "EXTERNAL_ID_TAKEN"), (2, "external_id", "EXTERNAL_ID_TAKEN")]
    assert "accountingDetails/" in result.refusals[0].violations[0].description
    assert (result.created, result.unchanged) == (1, 1)
    assert stored(books, "external_id", "debit_minor") == [("line-1", 10_000), ("line-2", 10_000)]


@pytest.mark.rule("GLX-02")
def test_external_ids_are_unique_for_their_source_alone(books: Database) -> None:
    """Two systems may use one id."""
    assert taken_in(books, [row(1, source="a"), row(1, source="b")]).created == 2


@pytest.mark.rule("GLX-02", "GLX-04")
def test_refused_rows_are_left_out_and_the_others_stored(books: Database) -> None:
    """A chunk's sound rows are stored; each bad one is told with its place and everything that is wrong with it."""
    rows = [
        row(0),
        row(1, debit=("USD", 40, 5_000_000)),
        row(2, ledger_code="NONE"),
        row(3, group_account_code="NONE", accounting_date=(2026, 7, 1)),
        row(4, accounting_period_code="2026-04"),
        row(5, source="", description="\0"),
        row(6),
    ]
    result = taken_in(books, rows)
    assert (result.received, result.created, result.unchanged) == (7, 2, 0)
    assert reasons(result) == [
        (1, "debit", "AMOUNT_FINER_THAN_MINOR_UNIT"),
        (2, "ledger_code", "LEDGER_UNKNOWN"),
        (3, "accounting_date", "PERIOD_MISSING"),
        (3, "group_account_code", "GROUP_ACCOUNT_UNKNOWN"),
        (4, "accounting_period_code", "PERIOD_DISAGREES"),
        (5, "source", "FIELD_REQUIRED"),
        (5, "description", "CHARACTER_REFUSED"),
    ]
    assert [name for (name,) in stored(books, "external_id")] == ["line-0", "line-6"]


@pytest.mark.rule("GLX-02")
def test_codes_that_no_database_could_hold_are_refused_as_any_other(books: Database) -> None:
    """NUL and surrogates in codes never reach the database; the sound rows beside them are stored."""
    result = taken_in(books, [row(1, ledger_code="A\0"), row(2, group_account_code="\ud800"), row(3)])
    assert result.created == 1
    assert {bad.position for bad in result.refusals} == {0, 1}


@pytest.mark.rule("GLX-04")
def test_nothing_is_taken_into_a_closed_period(books: Database) -> None:
    """Rows of a closed period are refused, those of the open ones beside it taken."""
    books.write(lambda tx: periods.close(tx, CALL, periods.Change("MAIN", "2026-04", etag="", reason="")))
    result = taken_in(books, [row(1), row(2, accounting_date=(2026, 4, 2))])
    assert reasons(result) == [(1, "accounting_date", "PERIOD_CLOSED")]
    assert result.created == 1


@pytest.mark.rule("GLX-03")
def test_a_void_detail_frees_its_external_id(books: Database) -> None:
    """What was voided before it was ever sent can be made again at once, with any content."""
    taken_in(books, [row(1)])
    undone(books, subject="P-1")
    assert taken_in(books, [row(1, debit=("USD", 7, 0))], later()).created == 1
    assert [amount for (amount,) in stored(books, "debit_minor")] == [700, 10_000]


@pytest.mark.rule("GLX-03")
@pytest.mark.parametrize("state", [BatchState.PREPARED, BatchState.COMPLETED])
def test_a_sent_detail_is_made_again_only_after_its_resend(books: Database, state: BatchState) -> None:
    """Voiding does not un-send: until the batch is resent, the id is refused, and the refusal names the batch."""
    taken_in(books, [row(1), row(2)])
    stamp(books, 7, ids_of(books, [row(1)]), state)
    undone(books, subject="P-1")
    refused = taken_in(books, [row(1), row(2)], later())
    assert (refused.created, reasons(refused)) == (1, [(0, "external_id", "EXTERNAL_ID_AWAITS_RESEND")])
    assert "extractionBatches/7" in refused.refusals[0].violations[0].description
    assert pending_count(books) == 1
    stamp(books, 8, [], BatchState.PREPARED, resend_of=7)
    assert taken_in(books, [row(1)], later()).created == 0
    stamp(books, 9, [], resend_of=7)
    assert taken_in(books, [row(1)], later()).created == 1
    assert pending_count(books) == 2


@pytest.mark.rule("GLX-03")
def test_the_resend_that_counts_is_that_of_the_batch_that_sent_it_last(books: Database) -> None:
    """A detail that a resend sent again belongs to that batch: the resend of the one before does not free it."""
    taken_in(books, [row(1)])
    ids = ids_of(books, [row(1)])
    stamp(books, 7, ids)
    stamp(books, 8, ids, resend_of=7)
    undone(books, subject="P-1")
    refused = taken_in(books, [row(1)], later())
    assert "extractionBatches/8" in refused.refusals[0].violations[0].description


@pytest.mark.rule("GLX-03")
def test_stamps_of_a_canceled_run_do_not_hold_an_id(books: Database) -> None:
    """What a run took that was canceled was never sent."""
    taken_in(books, [row(1)])
    stamp(books, 7, ids_of(books, [row(1)]), BatchState.CANCELED)
    undone(books, subject="P-1")
    assert taken_in(books, [row(1)], later()).created == 1


@pytest.mark.rule("PLT-11")
def test_a_chunk_has_one_audit_entry_with_counts_and_totals(books: Database) -> None:
    """Bulk ingest is in the audit trail by chunk, totals by currency; a chunk that changes nothing is not."""
    rows = [row(1), row(2, debit=None, credit=("USD", 0, 50_000_000)), row(3, debit=("JPY", 7, 0)), row(4, source="")]
    taken_in(books, rows)
    taken_in(books, rows, later())
    (entry,) = audit(books, "accounting_details.ingested")
    names = sorted(ids_of(books, rows[:3]))
    assert (entry.caller, entry.method, entry.request_id) == (CALL.caller, CALL.method, CALL.request_id)
    assert entry.payload == {
        "received_count": 4,
        "created_count": 3,
        "unchanged_count": 0,
        "refused_count": 1,
        "created_totals": {
            "JPY": {"debit": "7", "credit": "0"},
            "USD": {"debit": "100.00", "credit": "0.05"},
        },
        "first_detail": detail_name(names[0]),
        "last_detail": detail_name(names[-1]),
    }


@pytest.mark.rule("GLX-02", "PLT-07")
def test_a_batch_call_stores_all_or_none(books: Database) -> None:
    """With one bad row nothing is stored, and every violation of every row is told by its path."""
    taken_in(books, [row(9)])
    rows = [row(1), row(2, debit=None, source=""), row(9, subject="P-2")]
    with pytest.raises(Invalid) as refused:
        books.write(lambda tx: ingest.create_all(tx, CALL, rows))
    assert [(found.field, found.reason) for found in refused.value.violations] == [
        ("accounting_details[1].source", "FIELD_REQUIRED"),
        ("accounting_details[1].debit", "AMOUNT_MISSING"),
        ("accounting_details[2].external_id", "EXTERNAL_ID_TAKEN"),
    ]
    assert len(stored(books, "external_id")) == 1
    details = books.write(lambda tx: ingest.create_all(tx, later(), [row(3), row(9), row(3), row(1)]))
    assert [detail.external_id for detail in details] == ["line-3", "line-9", "line-3", "line-1"]
    assert details[0] == details[2]
    assert len(stored(books, "external_id")) == pending_count(books) == 3


@pytest.mark.rule("PLT-05")
def test_ids_grow_in_the_order_of_the_rows(books: Database) -> None:
    """Names sort by age: in a chunk as the rows came, from chunk to chunk as the chunks were stored."""
    rows = [row(n) for n in range(200)]
    taken_in(books, rows[:120])
    taken_in(books, rows[120:], later())
    ids = ids_of(books, rows)
    assert ids == sorted(ids)


RUNS = count()
AMOUNTS = (("USD", 1, 0), ("USD", 2, 0), ("JPY", 3, 0), ("JPY", 1, 5))
BAD = 3


@pytest.mark.rule("GLX-02", "PLT-03")
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kinds=st.lists(st.tuples(st.integers(0, 12), st.integers(0, BAD)), max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=6),
)
@example(kinds=[(1, 1), (1, 0), (1, 1)], cuts=[1])
def test_any_chunking_gives_the_same_table(books: Database, kinds: list[tuple[int, int]], cuts: list[int]) -> None:
    """However a stream is cut into chunks, the same rows are stored, refused and told: the first sound one of each id.

    Of each pair the first is the external id, the second the content, of which one is bad.
    """
    run, outcomes = next(RUNS), []
    for name, edges in (("whole", []), ("cut", sorted(cuts))):
        rows = [row(number, source=f"{name}-{run}", debit=AMOUNTS[kind]) for number, kind in kinds]
        told = _taken_in_pieces(books, rows, [0, *edges, len(rows)])
        found = stored(books, "source", "external_id", "currency", "debit_minor")
        outcomes.append((told, [kept[1:] for kept in found if kept[0] == f"{name}-{run}"]))
    assert outcomes[0] == outcomes[1]
    firsts: dict[int, tuple[str, int, int]] = {}
    for number, kind in kinds:
        if kind != BAD:
            firsts.setdefault(number, AMOUNTS[kind])
    expected = [(f"line-{number}", amount[0], minor_of(amount)) for number, amount in firsts.items()]
    assert outcomes[0][1] == sorted(expected)


def _taken_in_pieces(books: Database, rows: Sequence[NewDetail], edges: Sequence[int]) -> tuple[object, ...]:
    """What the chunks between the edges came to: rows created, unchanged, and refused by their place in the stream."""
    created, unchanged, refused = 0, 0, []
    for first, last in pairwise(edges):
        result = taken_in(books, rows[first:last])
        created += result.created
        unchanged += result.unchanged
        refused += [(first + place, field, reason) for place, field, reason in reasons(result)]
    return created, unchanged, refused


def all_ids(tx: Connection) -> list[int]:
    return list(tx.exec_driver_sql("SELECT detail_id FROM accounting_detail ORDER BY detail_id").scalars())
