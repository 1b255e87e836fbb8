"""Closing a batch: which schedules, which invoices, and where the others go."""

from __future__ import annotations

import pytest

from domain.invoicing.batches.errors import NOTHING_ENDED
from domain.invoicing.batches.states import BatchState
from domain.invoicing.configuration.errors import ScheduleInBatch
from tests.invoicing.batches.house import IN_APRIL, House
from tests.invoicing.invoices.office import at

S = BatchState
MARCH, APRIL = "2026-03-01", "2026-04-01"


@pytest.mark.rule("INV-01", "INV-02", "INV-03", "INV-04", "INV-05")
def test_the_example_of_the_rules(house: House) -> None:
    """50.00 and 10.00 close, 4.00 moves on; aggregated, locked and ordered by one export record."""
    house.charge({"A": 5_000, "B": 1_000, "C": 400})
    house.now_us = IN_APRIL
    batch = house.close()
    assert house.states(batch.batch_id) == [S.PENDING_CLOSE, S.CLOSING, S.CLOSED]
    assert house.standing() == {
        "A": [("CLOSED", MARCH, 5_000, 0)],
        "B": [("CLOSED", MARCH, 1_000, 0)],
        "C": [("RUNNING", MARCH, 400, 0)],
    }
    batch = house.go_on(batch.batch_id)
    assert batch.state is S.ORDERED
    assert house.states(batch.batch_id)[3:] == [S.AGGREGATING, S.READY_FOR_SENDING, S.ORDERED]
    assert house.standing()["C"] == [("RUNNING", APRIL, 400, 1)]
    assert [(each.account_id, each.number_no, each.tax_minor) for each in house.all_invoices()[:2]] == [
        ("A", 1, 950),
        ("B", 2, 190),
    ]
    assert batch.counts["totals"] == {"EUR": {"net": 6_000, "tax": 1_140}}


@pytest.mark.rule("INV-02")
def test_at_the_last_instant_of_a_schedule_nothing_closes(house: House) -> None:
    """What ends at 23:59:59 holds that whole second, and midnight is not strictly later: the batch waits in 1."""
    house.charge({"A": 5_000})
    for moment in ("2026-03-31T23:59:59", "2026-04-01T00:00:00"):
        house.now_us = at(moment)
        batch = house.close(schedules=(MARCH,))
        assert (batch.state, batch.held and batch.held.reason) == (S.PENDING_CLOSE, NOTHING_ENDED)
        house.cancel(batch.batch_id)
    house.now_us += 1
    assert house.close(schedules=(MARCH,)).state is S.CLOSED


@pytest.mark.rule("INV-02")
def test_a_schedule_that_has_not_ended_is_released(house: House) -> None:
    """It stays open, and may be in another batch."""
    house.charge({"A": 5_000})
    house.now_us = IN_APRIL
    house.charge({"B": 5_000})
    batch = house.close(schedules=(MARCH, APRIL))
    assert (batch.state, batch.schedules) == (S.CLOSED, (MARCH,))
    assert house.standing()["B"] == [("RUNNING", APRIL, 5_000, 0)]
    other = house.create(schedules=(APRIL,))
    with pytest.raises(ScheduleInBatch) as refused:
        house.create(schedules=(APRIL,))
    assert refused.value.details["batch"] == other.name


@pytest.mark.rule("INV-01")
def test_to_close_at_a_time_waits_for_the_engine(house: House) -> None:
    """Nothing moves before that time, and nothing by itself then."""
    house.charge({"A": 5_000})
    house.now_us = at("2026-03-20T00:00")
    batch = house.close(schedules=(MARCH,), close_at_us=at("2026-04-02T00:00"))
    house.now_us = IN_APRIL
    assert house.engine().counts == {"waiting": 1}
    assert house.batch(batch.batch_id).state is S.PENDING_CLOSE
    house.now_us = at("2026-04-02T00:00")
    assert house.engine().counts == {"started": 1}
    assert house.batch(batch.batch_id).state is S.AGGREGATING


@pytest.mark.rule("INV-03")
def test_which_invoices_close(database: object) -> None:
    """Final ones always, carried ones once they were carried enough; without lines only final ones."""
    house = House(database, minimum_usage={"EUR": 1_000}, maximum_carries=1)  # type: ignore[arg-type]
    house.charge({"A": 999, "B": 999, "C": 100, "D": 100, "E": 5_000})
    house.put(house.only("B"), final=1)
    house.put(house.only("C"), carried_count=1)
    for account in ("D", "E"):
        house.take_off_all(account)
    house.put(house.only("E"), final=1)
    house.put(house.only("D"), carried_count=1)
    house.now_us = IN_APRIL
    batch = house.go_on(house.close().batch_id)
    assert {account: rows[0][:2] for account, rows in house.standing().items()} == {
        "A": ("RUNNING", APRIL),
        "B": ("LOCKED", MARCH),
        "C": ("LOCKED", MARCH),
        "D": ("RUNNING", APRIL),
        "E": ("LOCKED", MARCH),
    }
    numbers = {each.account_id: each.number_no for each in house.all_invoices()}
    assert numbers == {"A": 0, "B": 1, "C": 2, "D": 0, "E": 0}
    assert batch.number_count == 2
