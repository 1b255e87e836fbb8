"""What happens when several do it at once: nothing twice, one winner, one clear refusal."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Barrier, Event
from typing import TypeVar

import pytest
from sqlalchemy import Connection

from domain.gl_extraction.details import reverse, undo
from domain.gl_extraction.details.errors import DetailIsReversed, DetailIsVoid, UndoNotAllowed
from domain.gl_extraction.details.ingest import ingest_chunk
from domain.gl_extraction.details.model import NewDetail
from domain.gl_extraction.details.reverse import ReverseRequest
from domain.gl_extraction.details.rows import Prepared, prepare
from domain.gl_extraction.details.store.marks import UndoScope
from domain.gl_extraction.names import detail_name
from domain.gl_extraction.periods import service as periods
from domain.gl_extraction.periods.errors import PeriodNotExtracted, PeriodOverlaps, PeriodTransition
from domain.gl_extraction.periods.model import NewPeriod
from domain.gl_extraction.reference import service as registers
from domain.gl_extraction.reference.model import LEDGERS
from domain.kernel.errors import CodeTaken, DomainError, EtagStale
from server.database.transaction import Database
from tests.gl_extraction.samples import (
    CALL,
    ids_of,
    later,
    open_books,
    pending_count,
    row,
    stored,
    taken_in,
)

T = TypeVar("T")
MAY = periods.Change("MAIN", "2026-05", etag="", reason="")
_HELD_S = 0.2  # how long a chunk of a stream holds its period
_STREAMS = 5


def at_once(database: Database, *works: Callable[[Connection], T]) -> list[T | DomainError]:
    """Run transactions at the same time; gives what each returned or was refused with."""
    start = Barrier(len(works))

    def run(work: Callable[[Connection], T]) -> T | DomainError:
        start.wait()
        try:
            return database.write(work)
        except DomainError as refused:
            return refused

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result() for future in [pool.submit(run, work) for work in works]]


def ingests(rows: Sequence[NewDetail]) -> Callable[[Connection], tuple[int, int, int]]:
    prepared = prepare(rows)

    def run(tx: Connection) -> tuple[int, int, int]:
        result = ingest_chunk(tx, CALL, prepared)
        return result.created, result.unchanged, len(result.refusals)

    return run


@pytest.mark.rule("GLX-02")
def test_streams_with_the_same_rows_never_make_two(books: Database) -> None:
    """Four streams bring the same thousand rows in different orders at once: each row is made once."""
    rows = [row(n) for n in range(1_000)]
    orders = [rows, rows[::-1], rows[500:] + rows[:500], rows[1::2] + rows[::2]]
    results = at_once(books, *(ingests(order) for order in orders))
    assert sum(result[0] for result in results if isinstance(result, tuple)) == 1_000
    assert [sum(result) for result in results if isinstance(result, tuple)] == [1_000] * 4
    assert len(stored(books, "external_id")) == pending_count(books) == 1_000


@pytest.mark.rule("GLX-02")
def test_of_rows_with_one_id_and_other_content_one_wins(books: Database) -> None:
    """Two streams bring the same ids with other contents at once: one row of each id stands, the other is refused."""
    ours = [row(n, subject="P-1") for n in range(300)]
    theirs = [row(n, subject="P-2") for n in reversed(range(300))]
    results = [result for result in at_once(books, ingests(ours), ingests(theirs)) if isinstance(result, tuple)]
    assert sorted(results) == sorted([(n, 0, 300 - n) for n in (results[0][0], 300 - results[0][0])])
    assert len(stored(books, "external_id")) == 300


@pytest.mark.rule("GLX-04", "PLT-10")
def test_a_period_is_not_closed_under_rows_that_are_taken_in(books: Database) -> None:
    """Whoever closes waits for the rows that are being taken into the period, and counts them."""
    inserted, go_on = Event(), Event()
    prepared = prepare([row(1)])

    def slow_ingest(tx: Connection) -> int:
        result = ingest_chunk(tx, CALL, prepared)
        inserted.set()
        assert go_on.wait(20)
        return result.created

    with ThreadPoolExecutor(2) as pool:
        ingesting = pool.submit(books.write, slow_ingest)
        assert inserted.wait(20)
        closing: Future[object] = pool.submit(books.write, lambda tx: periods.close(tx, CALL, MAY))
        with pytest.raises(TimeoutError):
            closing.result(0.3)
        go_on.set()
        assert ingesting.result(20) == 1
        with pytest.raises(PeriodNotExtracted) as refused:
            closing.result(20)
    assert refused.value.details["unextracted_count"] == "1"


@pytest.mark.rule("GLX-04", "PLT-10")
def test_rows_wait_for_a_period_that_is_being_closed(books: Database) -> None:
    """Whoever brings rows waits for the closing of their period, and is refused once it is closed."""
    closed, go_on = Event(), Event()

    def slow_close(tx: Connection) -> None:
        periods.close(tx, CALL, MAY)
        closed.set()
        assert go_on.wait(20)

    with ThreadPoolExecutor(2) as pool:
        closing = pool.submit(books.write, slow_close)
        assert closed.wait(20)
        ingesting = pool.submit(books.write, ingests([row(1), row(2, accounting_date=(2026, 6, 1))]))
        with pytest.raises(TimeoutError):
            ingesting.result(0.3)
        go_on.set()
        closing.result(20)
        assert ingesting.result(20) == (1, 0, 1)


@pytest.mark.rule("GLX-04", "PLT-10")
def test_a_period_closes_while_streams_keep_bringing_rows(migrated_url: str) -> None:
    """Streams that never leave their period alone do not keep it open: whoever closes it goes before later chunks."""
    database, stop = Database(migrated_url), Event()
    database.write(open_books)

    def stream(place: int) -> list[int]:
        """Brings one row after the other, each in a transaction that holds the period for a while."""
        created: list[int] = []
        time.sleep(place * _HELD_S / _STREAMS)
        while not stop.is_set():
            prepared = prepare([row(len(created), source=f"stream-{place}")])

            def chunk(tx: Connection, prepared: Prepared = prepared) -> int:
                made = ingest_chunk(tx, CALL, prepared).created
                time.sleep(_HELD_S)
                return made

            created.append(database.write(chunk))
        return created

    with ThreadPoolExecutor(_STREAMS) as pool:
        streams = [pool.submit(stream, place) for place in range(_STREAMS)]
        try:
            time.sleep(_STREAMS * _HELD_S)  # from here on, one of them is always at it
            change = replace(MAY, force=True, reason="year end")
            database.write(lambda tx: periods.close(tx, CALL, change), timeout_s=3 * _STREAMS * _HELD_S)
            time.sleep(_STREAMS * _HELD_S)
        finally:
            stop.set()
        results = [stream.result(20) for stream in streams]
    database.dispose()
    assert all(created[0] == 1 and created[-1] == 0 for created in results)


@pytest.mark.rule("PLT-10")
def test_two_who_close_a_period_get_one_winner(books: Database) -> None:
    """One closes the period, the other is told that it is closed."""
    results = at_once(books, *[lambda tx: periods.close(tx, CALL, MAY)] * 2)
    (refused,) = (result for result in results if isinstance(result, DomainError))
    assert isinstance(refused, PeriodTransition)
    assert (refused.details["state"], refused.details["wanted"]) == ("CLOSED", "CLOSED")


@pytest.mark.rule("GLX-03")
def test_a_detail_is_voided_or_reversed_never_both(books: Database) -> None:
    """An undo and a reversal of one detail at once: one of them wins, the other is refused with its reason."""
    for number in range(8):
        taken_in(books, [row(number, subject=f"P-{number}")])
        (detail_id,) = ids_of(books, [row(number)])
        request = ReverseRequest([detail_name(detail_id)], day=0, today=20260528, reason="wrong")
        results = at_once(
            books,
            partial(undo.undo, call=CALL, scope=UndoScope(subject=f"P-{number}"), reason="wrong"),
            partial(reverse.reverse, call=CALL, request=request),
        )
        (refused,) = (result for result in results if isinstance(result, DomainError))
        assert isinstance(refused, DetailIsVoid | UndoNotAllowed)
    assert all(not voided or not reversed_by for voided, reversed_by in stored(books, "voided_us", "reversed_by"))


@pytest.mark.rule("GLX-03")
def test_a_detail_is_reversed_once(books: Database) -> None:
    """Two reversals of one detail at once: one is made."""
    taken_in(books, [row(1)])
    request = ReverseRequest([detail_name(ids_of(books, [row(1)])[0])], day=0, today=20260528, reason="wrong")
    results = at_once(books, *[lambda tx: reverse.reverse(tx, CALL, request)] * 3)
    assert [type(result) for result in results if isinstance(result, DomainError)] == [DetailIsReversed] * 2
    assert len(stored(books, "detail_id")) == 2


@pytest.mark.rule("GLX-03")
def test_an_undo_and_an_ingest_of_the_same_rows_leave_each_row_once(books: Database) -> None:
    """Rows that come again while their subject is undone are unchanged or made anew, and nothing stands twice."""
    rows = [row(n) for n in range(200)]
    for _ in range(4):
        taken_in(books, rows)
        at_once(books, ingests(rows[::-1]), lambda tx: undo.undo(tx, later(), UndoScope(subject="P-1"), reason="wrong"))
        standing = [external_id for voided, external_id in stored(books, "voided_us", "external_id") if not voided]
        assert len(standing) == len(set(standing)) == pending_count(books)


@pytest.mark.rule("PLT-10")
def test_two_who_create_one_ledger_get_one_winner(books: Database) -> None:
    """One creates the ledger, the other is told that its code is taken."""
    results = at_once(books, *[lambda tx: registers.create(tx, CALL, LEDGERS, code="X", description="")] * 2)
    assert [type(result) for result in results if isinstance(result, DomainError)] == [CodeTaken]


@pytest.mark.rule("PLT-10")
def test_two_who_change_one_entry_get_one_winner(books: Database) -> None:
    """Of two changes to the same version one is made, the other is stale."""
    change = registers.Change("MAIN", etag="1", description="y")
    results = at_once(books, *[lambda tx: registers.update(tx, CALL, LEDGERS, change)] * 2)
    assert [type(result) for result in results if isinstance(result, DomainError)] == [EtagStale]


@pytest.mark.rule("PLT-10", "GLX-04")
@pytest.mark.parametrize(
    "spans", [((20260701, 20260731), (20260701, 20260730)), ((20260301, 20260331), (20260315, 20260331))]
)
def test_two_who_add_a_period_get_one_winner(books: Database, spans: tuple[tuple[int, int], ...]) -> None:
    """Two periods that would begin on one day, or end on one day, never both come to be."""
    news = [NewPeriod("MAIN", f"p{place}", *span) for place, span in enumerate(spans)]
    results = at_once(books, *(partial(periods.create, call=CALL, new=new) for new in news))
    assert [type(result) for result in results if isinstance(result, DomainError)] == [PeriodOverlaps]
