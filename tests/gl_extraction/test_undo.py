"""Undo: all details of a subject or registration, or none."""

from __future__ import annotations

from functools import partial

import pytest

from domain.flows.post import Entry, post
from domain.gl_extraction.details.errors import DetailNotFound, SubjectAmbiguous, UndoNotAllowed
from domain.gl_extraction.details.model import Maker, SubjectType
from domain.gl_extraction.details.store.marks import UndoScope
from domain.gl_extraction.details.undo import ToResend, Undone, undo
from domain.gl_extraction.extraction.states import BatchState
from domain.gl_extraction.periods import service as periods
from domain.kernel.errors import Invalid
from domain.kernel.money import Money
from server.database.transaction import Database
from tests.gl_extraction.samples import (
    CALL,
    audit,
    ids_of,
    later,
    pending_count,
    reversed_,
    row,
    stamp,
    stored,
    taken_in,
    undone,
)


@pytest.mark.rule("GLX-03", "PLT-11")
def test_undo_marks_all_details_of_a_subject_void(books: Database) -> None:
    """The subject's details are void and no longer wait to be extracted; others stay; the audit trail has it once."""
    taken_in(books, [row(1), row(2, debit=None, credit=("JPY", 5, 0)), row(3, subject="P-2")])
    assert undone(books, later(5), subject="P-1", subject_type="POLICY") == Undone(2, 0, [])
    voided = dict(stored(books, "external_id", "voided_us"))
    assert voided == {"line-1": later(5).now_us, "line-2": later(5).now_us, "line-3": 0}
    assert pending_count(books) == 1
    (entry,) = audit(books, "accounting_details.undone")
    assert (entry.owner, entry.caller) == ("subjects/policy/P-1", CALL.caller)
    assert entry.payload == {
        "reason": "wrong rate",
        "voided_count": 2,
        "voided_totals": {"JPY": {"debit": "0", "credit": "5"}, "USD": {"debit": "100.00", "credit": "0.00"}},
        "stamped_count": 0,
        "to_resend": [],
    }


@pytest.mark.rule("GLX-03")
def test_undo_of_a_registration_takes_its_grouping_of_origin_registration(books: Database) -> None:
    """A registration is told by its grouping; financial details of the same grouping are not its own."""
    taken_in(books, [row(1, origin="R"), row(2, origin="F"), row(3, origin="R", grouping="TS-2")])
    assert undone(books, registration="TS-1").voided == 1
    assert {name for name, voided in stored(books, "external_id", "voided_us") if voided} == {"line-1"}


@pytest.mark.rule("GLX-03")
def test_undo_lists_what_was_sent_as_to_be_resent(books: Database) -> None:
    """Stamped details are counted by the batch that sent them last; prepared runs count, canceled ones do not."""
    rows = [row(n) for n in range(6)]
    taken_in(books, rows)
    ids = ids_of(books, rows)
    stamp(books, 3, ids[:3])
    stamp(books, 4, ids[2:3])
    stamp(books, 5, ids[3:4], BatchState.PREPARED)
    stamp(books, 6, ids[4:5], BatchState.CANCELED)
    result = undone(books, subject="P-1")
    assert (result.voided, result.stamped) == (6, 4)
    assert result.to_resend == [ToResend(3, 2, ids[:2]), ToResend(4, 1, ids[2:3]), ToResend(5, 1, ids[3:4])]


@pytest.mark.rule("GLX-03")
def test_undo_gives_a_sample_of_a_large_batch(books: Database) -> None:
    """Of each batch at most 100 details are named."""
    rows = [row(n) for n in range(130)]
    taken_in(books, rows)
    ids = ids_of(books, rows)
    stamp(books, 3, ids)
    (batch,) = undone(books, subject="P-1").to_resend
    assert (batch.detail_count, list(batch.sample)) == (130, ids[:100])


@pytest.mark.rule("GLX-03")
def test_undo_of_the_unknown_is_not_found_and_of_the_void_nothing(books: Database) -> None:
    """A subject without details is unknown; one whose details are void already is left as it is, without an entry."""
    taken_in(books, [row(1)])
    for scope in (
        UndoScope(subject="P-9"),
        UndoScope(subject="P-1", subject_type="CLAIM"),
        UndoScope(registration="TS-1"),
    ):
        with pytest.raises(DetailNotFound):
            books.write(partial(undo, call=CALL, scope=scope, reason="wrong rate"))
    undone(books, subject="P-1")
    before = stored(books, "voided_us")
    assert undone(books, later(), subject="P-1") == Undone(0, 0, ())
    assert stored(books, "voided_us") == before
    assert len(audit(books, "accounting_details.undone")) == 1


@pytest.mark.rule("GLX-03")
def test_undo_asks_which_subject_is_meant(books: Database) -> None:
    """One code for a policy and a claim: without the type nothing is undone; with it the one that is meant."""
    taken_in(books, [row(1), row(2, subject_type="CLAIM")])
    with pytest.raises(SubjectAmbiguous) as refused:
        undone(books, subject="P-1")
    assert refused.value.violations[0].field == "subject.subject_type"
    assert undone(books, subject="P-1", subject_type="CLAIM").voided == 1
    assert undone(books, subject="P-1").voided == 1


@pytest.mark.rule("GLX-03", "PLT-10")
def test_undo_is_refused_with_everything_that_stands_in_its_way(books: Database) -> None:
    """Details of other services, reversed ones, reversals and closed periods are told by count; nothing is voided."""
    rows = [row(1), row(2, accounting_date=(2026, 4, 1)), row(3), row(4)]
    taken_in(books, rows)
    reversed_(books, ids_of(books, rows[:1]))
    entries = [
        Entry("billing", f"{side}", SubjectType.POLICY, "P-1", "MAIN", 20260501, 20260501, Money(side, "USD"))
        for side in (100, -100)
    ]
    books.write(lambda tx: post(tx, CALL, entries, Maker.BILLING))
    april = periods.Change("MAIN", "2026-04", etag="", reason="year end", force=True)
    books.write(lambda tx: periods.close(tx, CALL, april))
    with pytest.raises(UndoNotAllowed) as refused:
        undone(books, subject="P-1")
    assert refused.value.details == {
        "resource_name": "subjects/P-1",
        "made_by_other_services": "2",
        "reversed": "1",
        "reversals": "1",
        "in_a_closed_period": "1",
    }
    assert {voided for (voided,) in stored(books, "voided_us")} == {0}
    assert pending_count(books) == 7


def test_undo_refuses_text_that_cannot_be_kept(books: Database) -> None:
    """A subject with a NUL is an error of the caller, on either database."""
    with pytest.raises(Invalid) as refused:
        undone(books, subject="P\0")
    assert [found.reason for found in refused.value.violations] == ["CHARACTER_REFUSED"]
