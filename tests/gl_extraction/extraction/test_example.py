"""The example of the domain's description, from details to files and back."""

from __future__ import annotations

from typing import Any

import pytest

from domain.gl_extraction.extraction.model import Day, Request, Summary
from domain.gl_extraction.extraction.states import BatchState
from tests.gl_extraction.extraction import example
from tests.gl_extraction.extraction.desk import Desk

DAY = Day(2026, 5, 28)  # all details of the example were created on it
ASKED: dict[str, Any] = {"created_date_from": DAY, "created_date_to": DAY, "origin": "F"}
FIVE = [
    ("B1", "EUR", False, False, "10.00", "0.00"),
    ("B1", "USD", False, False, "150.25", "0.00"),
    ("B1", "USD", False, True, "0.00", "30.00"),
    ("B1", "USD", True, False, "0.00", "100.00"),
    ("B2", "USD", False, False, "0.00", "150.25"),
]


def keys_and_sums(elements: list[dict[str, Any]]) -> list[tuple[object, ...]]:
    names = ("bulkingGroupGLFile", "currencyCode", "reversal", "invoiced", "amountDebit", "amountCredit")
    return [tuple(element[name] for name in names) for element in elements]


@pytest.mark.rule("GLX-12", "GLX-16", "GLX-17")
def test_six_details_make_five_elements(desk: Desk) -> None:
    """They are added up by bulking group, currency, reversal and invoiced; the void one is not."""
    ids = example.take_in(desk)
    done = desk.run(**ASKED)
    elements = desk.elements(done)
    assert keys_and_sums(elements) == FIVE
    assert "subject" not in elements[1], "AD1 and AD2 have different subjects"
    assert elements[0]["subject"] == "P-5"
    batch = desk.batch_of(done)
    assert (batch.state, batch.detail_count, batch.element_count, batch.message_count) == (
        BatchState.COMPLETED,
        6,
        5,
        1,
    )
    assert desk.stamps() == {detail_id: [batch.batch_no] for detail_id in ids[:6]}
    assert desk.pending() == set()


@pytest.mark.rule("GLX-13", "GLX-19")
def test_the_same_again_takes_nothing(desk: Desk) -> None:
    """Stamped details are left out; the operation completes with zero, names no set, makes none, and says so."""
    example.take_in(desk)
    desk.run(**ASKED)
    again = desk.run(**ASKED)
    assert (again.result["detail_count"], again.result["element_count"], again.result["data_file_set"]) == (0, 0, "")
    assert [notice.code for notice in again.notices] == ["EXTRACTION_NOTHING_SELECTED"]
    batch = desk.batch_of(again)
    assert (batch.state, batch.message_count, batch.first_message_id) == (BatchState.COMPLETED, 0, 0)
    assert len(desk.sets()) == 1


@pytest.mark.rule("GLX-13", "GLX-14")
def test_not_incremental_takes_them_again_and_stamps_them_anew(desk: Desk) -> None:
    """The same five elements, restamped; the old batch id then selects nothing."""
    ids = example.take_in(desk)
    first = desk.batch_of(desk.run(**ASKED))
    done = desk.run(**ASKED, incremental=False)
    assert keys_and_sums(desk.elements(done)) == FIVE
    second = desk.batch_of(done)
    assert desk.stamps() == {detail_id: [first.batch_no, second.batch_no] for detail_id in ids[:6]}
    resend = desk.run(Request(gl_extraction_batch_id=str(first.batch_no)))
    assert resend.result["detail_count"] == 0
    reconciled = desk.reconcile(first.batch_no)
    assert reconciled.current == Summary(0, {})
    assert reconciled.restamped_since == reconciled.sent == reconciled.found
    assert reconciled.matches
