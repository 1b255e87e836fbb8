"""Moving on to the next schedule: once, with all lines, merged with what has begun there."""

from __future__ import annotations

import pytest

from domain.invoicing.batches.states import BatchState
from domain.invoicing.invoices.states import InvoiceState
from tests.invoicing.batches.house import IN_APRIL, IN_MARCH, House
from tests.invoicing.invoices.office import tax

MARCH, APRIL, MAY = "2026-03-01", "2026-04-01", "2026-05-01"


@pytest.mark.rule("INV-11")
def test_a_carried_invoice_takes_over_the_newer_one(house: House) -> None:
    """It keeps its id and lines, counts the carry, and the newer is dropped; lines and tax are all there, once."""
    house.charge({"A": 400, "B": 300})
    older = {each.account_id: each.invoice_id for each in house.all_invoices()}
    house.now_us = IN_APRIL
    house.charge({"A": 200, "C": 50})
    house.add(call=house.call, taxes=[tax("bill/1", 38, "A")])
    batch = house.close()
    house.engine()
    assert house.standing() == {
        "A": [("RUNNING", APRIL, 600, 1), ("MERGED", APRIL, 0, 0)],
        "B": [("RUNNING", APRIL, 300, 1)],
        "C": [("RUNNING", APRIL, 50, 0)],
    }
    kept, dropped = house.invoices("A")
    assert kept.invoice_id == older["A"]
    assert (dropped.state, dropped.merged_into) == (InvoiceState.MERGED, kept.invoice_id)
    assert [(place.invoice_id, place.line_no, net) for place, _, net in house.lines("A")] == [
        (kept.invoice_id, 1, 400),
        (kept.invoice_id, 2, 200),
    ]
    assert house.taxes("A") == [(kept.invoice_id, "bill/1", 38)]
    assert not house.faults()
    counts = house.batch(batch.batch_id).counts
    assert (counts["moved"], counts["merged"]) == (2, 1)
    house.now_us += 1
    house.charge({"A": 7})
    assert house.invoices("A")[0].net_minor == 607
    assert house.lines("A")[-1][0].line_no == 3


@pytest.mark.rule("INV-03", "INV-11")
def test_minimums_are_looked_at_once_more_before_the_move(house: House) -> None:
    """A line that came after closing, and before the engine, has its invoice closed after all."""
    house.charge({"A": 400})
    house.now_us = IN_APRIL
    batch = house.close()
    found = house.only("A")
    house.put(found, net_minor=1_000)
    house.engine()
    assert house.only("A").state is InvoiceState.CLOSED
    assert house.only("A").batch_id == batch.batch_id


@pytest.mark.rule("INV-09", "INV-11", "PLT-03")
def test_invoices_in_two_currencies_do_not_become_one(house: House) -> None:
    """The batch fails and names the account, and nothing is added up; once one of them has no lines, it goes on."""
    house.charge({"A": 400})
    house.now_us = IN_APRIL
    house.charge({"A": 200})
    newer = house.invoices("A")[1]
    house.put(newer, currency="USD")
    batch = house.close()
    house.engine()
    house.engine()
    failed = house.batch(batch.batch_id)
    assert failed.held is not None
    assert (failed.state, failed.held.reason) == (BatchState.ERROR, "INVOICE_CURRENCIES_DIFFER")
    assert "accounts/A" in failed.held.message
    assert [each.net_minor for each in house.invoices("A")] == [400, 200]
    house.take_off_all("A")
    house.retry(batch.batch_id)
    house.engine()
    assert house.standing()["A"] == [("RUNNING", APRIL, 400, 1), ("MERGED", APRIL, 0, 0)]
    assert house.invoices("A")[0].currency == "EUR"


@pytest.mark.rule("INV-11")
def test_a_move_goes_past_schedules_that_the_batch_closes_too(house: House) -> None:
    """What March does not close goes to May when April closes with it; it is moved once."""
    house.charge({"A": 400})
    house.now_us = IN_APRIL
    house.charge({"B": 300})
    house.now_us = IN_APRIL + 31 * 86_400_000_000
    batch = house.close()
    assert batch.schedules == (MARCH, APRIL)
    house.engine()
    assert house.standing() == {"A": [("RUNNING", MAY, 400, 1)], "B": [("RUNNING", MAY, 300, 1)]}


@pytest.mark.rule("INV-05", "INV-11", "INV-09", "INV-21")
def test_a_batch_that_moves_all_its_invoices_fails_at_5(house: House) -> None:
    """It has no invoices: ERROR, and may be canceled, as nothing is locked."""
    house.charge({"A": 400})
    house.now_us = IN_APRIL
    batch = house.go_on(house.close().batch_id)
    assert (batch.state, batch.failed_state) == (BatchState.ERROR, BatchState.READY_FOR_SENDING)
    assert batch.held is not None
    assert batch.held.reason == "INVOICE_BATCH_NO_INVOICES"
    assert house.standing() == {"A": [("RUNNING", APRIL, 400, 1)]}
    assert house.retry(batch.batch_id).state is BatchState.READY_FOR_SENDING
    house.engine()
    assert house.batch(batch.batch_id).state is BatchState.ERROR
    assert house.cancel(batch.batch_id).state is BatchState.CANCELED


@pytest.mark.rule("INV-11")
def test_an_account_is_carried_again_and_again_until_it_closes(house: House) -> None:
    """Month after month by arrival, and the carries are counted."""
    house.charge({"A": 400})
    for month in range(1, 4):
        house.now_us = IN_MARCH + month * 31 * 86_400_000_000
        house.charge({"A": 250})
        house.close()
        house.engine()
        assert house.invoices("A")[0].carried_count == month
    assert house.invoices("A")[0].net_minor == 1_150
    house.now_us += 31 * 86_400_000_000
    batch = house.go_on(house.close().batch_id)
    assert (batch.state, batch.number_count, house.invoices("A")[0].number_no) == (BatchState.ORDERED, 1, 1)
    assert len(house.lines("A")) == 4
    assert not house.faults()


@pytest.mark.rule("INV-21")
def test_a_canceled_batch_has_its_invoices_run_again(house: House) -> None:
    """Closed ones run, moved ones stay moved, and the schedule may be batched again."""
    house.charge({"A": 5_000, "B": 400})
    house.now_us = IN_APRIL
    batch = house.close()
    house.engine()
    assert house.cancel(batch.batch_id).state is BatchState.CANCELED
    assert house.standing() == {"A": [("RUNNING", MARCH, 5_000, 0)], "B": [("RUNNING", APRIL, 400, 1)]}
    again = house.go_on(house.close().batch_id)
    assert (again.state, again.schedules) == (BatchState.ORDERED, (MARCH,))
    assert house.only("A").number_no == 1
