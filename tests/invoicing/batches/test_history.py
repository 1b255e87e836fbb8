"""What the history of a batch keeps of each transition (INV-14)."""

from __future__ import annotations

import pytest

from domain.invoicing.batches.states import BatchState as S
from tests.invoicing.batches.house import IN_APRIL, House


@pytest.mark.rule("INV-14")
def test_a_transition_tells_from_where_by_whom_when_why_and_with_what_counts(house: House) -> None:
    """As it was then: what has become of its invoices since is told by the next one."""
    house.charge({"A": 5_000, "B": 400})
    house.now_us = IN_APRIL
    batch = house.close()
    closing = batch.operation_id
    house.engine()
    moving = house.batch(batch.batch_id).operation_id
    history = house.history(batch.batch_id)
    assert [(each.from_state, each.to_state) for each in history] == [
        (None, S.PENDING_CLOSE),
        (S.PENDING_CLOSE, S.CLOSING),
        (S.CLOSING, S.CLOSED),
        (S.CLOSED, S.AGGREGATING),
    ]
    assert {(each.caller, each.method, each.reason) for each in history} == {("ada", "Test", "")}
    assert [each.operation_id for each in history] == ["", closing, closing, moving]
    assert history[0].at_us == IN_APRIL
    told = [(each.counts.get("closed", 0), each.counts.get("moved", 0)) for each in history]
    assert told == [(0, 0), (0, 0), (1, 0), (1, 1)]
    versions = [each.version for each in history]
    assert versions == sorted(set(versions))


@pytest.mark.rule("INV-14", "INV-09")
def test_a_transition_into_error_tells_its_reason(house: House) -> None:
    """And the retry none."""
    house.charge({"A": 400})
    house.now_us = IN_APRIL
    batch = house.close()
    house.engine()
    house.retry(batch.batch_id)
    failed, retried = house.history(batch.batch_id)[-2:]
    assert (failed.to_state, failed.reason) == (S.ERROR, "INVOICE_BATCH_NO_INVOICES")
    assert (retried.from_state, retried.to_state, retried.reason) == (S.ERROR, S.READY_FOR_SENDING, "")
