"""Accounting periods: they tile, close when everything is extracted, and open again."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.gl_extraction.extraction.states import BatchState
from domain.gl_extraction.periods import errors, service
from domain.gl_extraction.periods.model import NewPeriod, Period
from domain.gl_extraction.periods.rules import refuse_untiled
from domain.gl_extraction.periods.service import Change
from domain.gl_extraction.periods.states import EDGES, PeriodState, may_become
from domain.kernel.errors import DomainError, Invalid, NotFound
from domain.kernel.paging import Page
from domain.kernel.time import date_of, day_of
from server.database.transaction import Database
from tests.gl_extraction.samples import CALL, NOW_US, audit, ids_of, later, row, stamp, taken_in, undone

MAY = Change("MAIN", "2026-05", etag="", reason="")


def created(database: Database, code: str, start_day: int, end_day: int, ledger_code: str = "MAIN") -> Period:
    return database.write(lambda tx: service.create(tx, CALL, NewPeriod(ledger_code, code, start_day, end_day)))


def closed(database: Database, change: Change = MAY) -> Period:
    return database.write(lambda tx: service.close(tx, later(), change))


def reopened(database: Database, change: Change) -> Period:
    return database.write(lambda tx: service.reopen(tx, later(2), change))


@pytest.mark.rule("GLX-04", "PLT-11")
def test_a_period_is_created_open(books: Database) -> None:
    """A period beside the others is open and takes details."""
    period = created(books, "2026-07", 20260701, 20260731)
    assert period == Period("MAIN", "2026-07", 20260701, 20260731, PeriodState.OPEN, 1, NOW_US, NOW_US)
    assert books.read(lambda tx: service.get(tx, "MAIN", "2026-07")) == period
    assert taken_in(books, [row(1, accounting_date=(2026, 7, 31))]).created == 1
    told = audit(books, "accounting_period.created")[-1]
    assert told.owner == "ledgers/MAIN/accountingPeriods/2026-07"
    assert told.payload["to"] == {"state": "OPEN", "start_date": "2026-07-01", "end_date": "2026-07-31"}


@pytest.mark.rule("GLX-04")
@pytest.mark.parametrize(
    ("start_day", "end_day", "expected"),
    [
        (20260701, 20260701, None),
        (20260301, 20260331, None),
        (20260702, 20260731, errors.PeriodLeavesGap),
        (20260301, 20260330, errors.PeriodLeavesGap),
        (20260630, 20260731, errors.PeriodOverlaps),
        (20260301, 20260401, errors.PeriodOverlaps),
        (20260510, 20260520, errors.PeriodOverlaps),
        (20260301, 20260731, errors.PeriodOverlaps),
        (20260731, 20260701, errors.PeriodEndsBeforeItStarts),
    ],
)
def test_periods_tile(books: Database, start_day: int, end_day: int, expected: type[DomainError] | None) -> None:
    """A period begins on the day after the last ends, or ends on the day before the first begins."""
    if expected is None:
        created(books, "new", start_day, end_day)
        return
    with pytest.raises(expected):
        created(books, "new", start_day, end_day)


DAYS = st.dates(min_value=date_of(20251201), max_value=date_of(20260215)).map(day_of)


@pytest.mark.rule("GLX-04")
@given(st.lists(st.tuples(DAYS, DAYS), max_size=8))
def test_whatever_is_taken_leaves_no_gap_and_no_overlap(spans: list[tuple[int, int]]) -> None:
    """After any attempts, the periods that were taken follow each other day by day."""
    taken: list[tuple[int, int]] = []
    for start_day, end_day in spans:
        tiled = (min(span[0] for span in taken), max(span[1] for span in taken)) if taken else None
        try:
            refuse_untiled(NewPeriod("MAIN", "p", start_day, end_day), tiled)
        except DomainError:
            continue
        taken.append((start_day, end_day))
    taken.sort()
    for (_, end), (start, _) in pairwise(taken):
        assert date_of(start).toordinal() == date_of(end).toordinal() + 1


@pytest.mark.rule("GLX-04")
def test_the_last_day_of_the_calendar_is_a_day_as_any_other(books: Database) -> None:
    """A period may reach to the end of the year 9999; nothing follows it."""
    created(books, "rest", 20260701, 99991231)
    with pytest.raises(errors.PeriodOverlaps):
        created(books, "more", 99991231, 99991231)


@pytest.mark.rule("GLX-04")
def test_codes_and_ledgers_of_periods_are_checked(books: Database) -> None:
    """A code is unique in its ledger; a ledger that is not known is NOT_FOUND, to create in and to list."""
    with pytest.raises(errors.PeriodCodeTaken):
        created(books, "2026-05", 20260701, 20260731)
    with pytest.raises(NotFound) as refused:
        created(books, "2026-05", 20260701, 20260731, "NONE")
    assert refused.value.name == "ledgers/NONE"
    with pytest.raises(NotFound):
        books.read(lambda tx: service.list_page(tx, "NONE", Page(5, None)))
    with pytest.raises(NotFound):
        books.read(lambda tx: service.get(tx, "MAIN", "none"))


@pytest.mark.rule("PLT-08")
def test_periods_are_listed_by_date(books: Database) -> None:
    """Periods follow each other by date, page by page, whatever their codes."""
    created(books, "A", 20260701, 20260731)
    created(books, "Z", 20260301, 20260331)
    first = books.read(lambda tx: service.list_page(tx, "MAIN", Page(2, None)))
    rest = books.read(lambda tx: service.list_page(tx, "MAIN", Page(9, [first[1].start_day])))
    assert [period.code for period in first[:2] + rest] == ["Z", "2026-04", "2026-05", "2026-06", "A"]


@pytest.mark.rule("GLX-04", "PLT-10", "PLT-11")
def test_a_period_closes_and_opens_again(books: Database) -> None:
    """A period with nothing left to extract closes; reopened, it takes details again; each step is in the trail."""
    shut = closed(books, replace(MAY, etag="1"))
    assert (shut.state, shut.version, shut.updated_us) == (PeriodState.CLOSED, 2, later().now_us)
    assert taken_in(books, [row(1)]).created == 0
    again = reopened(books, replace(MAY, etag="2", reason="late invoice"))
    assert (again.state, again.version) == (PeriodState.OPEN, 3)
    assert taken_in(books, [row(1)]).created == 1
    (closing,), (opening,) = audit(books, "accounting_period.closed"), audit(books, "accounting_period.reopened")
    assert closing.owner == opening.owner == "ledgers/MAIN/accountingPeriods/2026-05"
    assert closing.payload == {
        "from": {"state": "OPEN"},
        "to": {"state": "CLOSED"},
        "reason": "",
        "forced": False,
        "unextracted_count": 0,
    }
    assert opening.payload == {"from": {"state": "CLOSED"}, "to": {"state": "OPEN"}, "reason": "late invoice"}


@pytest.mark.rule("PLT-10")
def test_an_illegal_transition_names_both_states(books: Database) -> None:
    """What is open cannot be reopened, what is closed cannot be closed."""
    with pytest.raises(errors.PeriodTransition) as refused:
        reopened(books, replace(MAY, reason="x"))
    assert (refused.value.details["state"], refused.value.details["wanted"]) == ("OPEN", "OPEN")
    closed(books)
    with pytest.raises(errors.PeriodTransition, match="is CLOSED and cannot become CLOSED"):
        closed(books)


@pytest.mark.rule("PLT-10")
def test_a_stale_etag_closes_nothing(books: Database) -> None:
    """An etag that is not the last is stale; without one the period is closed whatever changed."""
    with pytest.raises(errors.PeriodEtagStale):
        closed(books, replace(MAY, etag="7"))
    with pytest.raises(NotFound):
        closed(books, replace(MAY, code="none"))
    assert closed(books).state is PeriodState.CLOSED


@pytest.mark.rule("GLX-04")
def test_a_period_with_unextracted_details_closes_only_by_force(books: Database) -> None:
    """Details that wait, or that a run has taken but not sent, stand in the way and are counted; void ones do not."""
    rows = [row(n) for n in range(6)] + [row(9, accounting_date=(2026, 6, 1)), row(10, subject="P-2")]
    taken_in(books, rows)
    ids = ids_of(books, rows)
    stamp(books, 3, ids[:2])
    stamp(books, 4, ids[2:3], BatchState.SELECTING)
    stamp(books, 5, [*ids[3:4], ids[0]], BatchState.PREPARED)
    undone(books, subject="P-2")
    with pytest.raises(errors.PeriodNotExtracted, match="4 details") as refused:
        closed(books)
    assert refused.value.details["unextracted_count"] == "4"
    with pytest.raises(errors.ForceNeedsReason) as nameless:
        closed(books, replace(MAY, force=True, reason="  "))
    assert nameless.value.violations[0].field == "reason"
    assert closed(books, replace(MAY, force=True, reason="year end")).state is PeriodState.CLOSED
    (entry,) = audit(books, "accounting_period.closed")
    assert (entry.payload["forced"], entry.payload["reason"], entry.payload["unextracted_count"]) == (
        True,
        "year end",
        4,
    )


@pytest.mark.rule("GLX-04")
def test_a_period_whose_details_are_all_sent_closes(books: Database) -> None:
    """Once every detail carries the stamp of a completed batch the period closes without force."""
    rows = [row(n) for n in range(3)]
    taken_in(books, rows)
    stamp(books, 3, ids_of(books, rows))
    stamp(books, 4, ids_of(books, rows), BatchState.SELECTING)
    assert closed(books).state is PeriodState.CLOSED


def test_a_reason_is_text_that_can_be_kept(books: Database) -> None:
    """A NUL in a reason is an error of the caller."""
    with pytest.raises(Invalid):
        reopened(books, replace(MAY, reason="\0"))


@pytest.mark.rule("PLT-10")
def test_the_machine_has_no_dead_end() -> None:
    """Each state is reached from the other; no state becomes itself."""
    assert {wanted for _, wanted in EDGES} == {state for state, _ in EDGES} == set(PeriodState)
    assert not any(may_become(state, state) for state in PeriodState)
