"""The table of transitions: every state is reached, none is skipped, and nothing comes after the end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.invoicing.batches import edges, transitions
from domain.invoicing.batches.edges import EDGES, Edge
from domain.invoicing.batches.errors import InvoiceBatchNotReady, InvoiceBatchTransitionIllegal
from domain.invoicing.batches.model import Facts, Mover
from domain.invoicing.batches.states import OVER, BatchState
from tests.invoicing.batches.house import IN_APRIL, House

S = BatchState


@pytest.mark.rule("INV-14")
def test_the_numbers_by_which_people_know_the_states() -> None:
    """From 1 to 10, in this order."""
    assert [state.number for state in S] == list(range(1, 11))
    assert (S.ERROR.number, S.CANCELED.number, S.PUBLISHED.number) == (9, 10, 8)


@pytest.mark.rule("INV-14")
def test_a_table_with_a_fault_is_found() -> None:
    """What skips a state, comes after the end, is there twice, or leaves a state that nothing leads to or from."""
    skips = Edge(S.PENDING_CLOSE, S.CLOSED, Mover.ENGINE, lambda _: True, "")
    after = Edge(S.PUBLISHED, S.ERROR, Mover.PERSON, lambda _: True, "")
    assert not edges.faults(EDGES)
    assert "PENDING_CLOSE to CLOSED skips a state" in edges.faults((*EDGES, skips))
    assert "PUBLISHED is over, and ERROR comes after it" in edges.faults((*EDGES, after))
    assert "ORDERED to ERROR is there twice" in edges.faults(
        (*EDGES, next(e for e in EDGES if e.source is S.ORDERED and e.target is S.ERROR))
    )
    less = tuple(each for each in EDGES if each.target is not S.READY_FOR_PUBLISH)
    assert "READY_FOR_PUBLISH is never reached" in edges.faults(less)
    assert "nothing comes after ORDERED" in edges.faults(tuple(e for e in EDGES if e.source is not S.ORDERED))


@pytest.mark.rule("INV-14", "PLT-10")
def test_no_call_makes_a_transition_that_is_not_in_the_table(house: House) -> None:
    """It is refused with both states, and nothing is written."""
    house.charge({"A": 5_000})
    house.now_us = IN_APRIL
    batch = house.close()
    allowed = {edge.target for edge in EDGES if edge.source is batch.state}
    for target in set(S) - allowed:
        with pytest.raises(InvoiceBatchTransitionIllegal) as refused:
            house.do(lambda tx, to=target: transitions.move(tx, house.call, batch, to, Facts(asked=True)))  # type: ignore[misc]
        assert (refused.value.details["state"], refused.value.details["wanted"]) == (batch.state, target)
    with pytest.raises(InvoiceBatchNotReady):
        house.do(lambda tx: transitions.move(tx, house.call, batch, S.AGGREGATING, Facts(asked=False)))
    assert house.batch(batch.batch_id) == batch


@pytest.mark.rule("INV-09", "INV-21")
def test_what_may_be_retried_and_canceled() -> None:
    """A retry goes back where it failed alone; a cancel ends with the lock."""
    for state in (S.CLOSED, S.ORDERED):
        edge = edges.between(S.ERROR, state)
        assert edge is not None
        assert edge.guard(Facts(failed_state=state))
        assert not edge.guard(Facts(failed_state=S.CLOSING))
    assert edges.between(S.ERROR, S.PUBLISHED) is None
    canceled = {edge.source for edge in EDGES if edge.target is S.CANCELED}
    assert canceled == {S.PENDING_CLOSE, S.CLOSING, S.CLOSED, S.AGGREGATING, S.ERROR}
    at_4 = edges.between(S.AGGREGATING, S.CANCELED)
    assert at_4 is not None
    assert at_4.guard(Facts())
    assert not at_4.guard(Facts(locked=True))
    assert not [edge for edge in EDGES if edge.source in OVER]
    assert replace(EDGES[0], waits_for="") != EDGES[0]
