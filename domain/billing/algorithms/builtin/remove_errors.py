"""Segments in error are taken off the bill, so that the rest of it can be completed."""

from __future__ import annotations

from collections.abc import Iterable

from domain.billing.algorithms.model import Action, Algorithm, Asked, RemoveSegment
from domain.billing.configuration.model import Moment
from domain.billing.segments.states import SegmentState


def _decide(asked: Asked) -> Iterable[Action]:
    """Each of them."""
    assert asked.agreement is not None
    return tuple(
        RemoveSegment(each.segment_id)
        for each in asked.bill.of(asked.agreement.agreement_id)
        if each.state is SegmentState.ERROR and not each.rebills
    )


REMOVE_ERRORS = Algorithm(
    code="remove-segments-in-error",
    description="Takes segments in error off the bill",
    moments=frozenset({Moment.PRE_COMPLETION}),
    of_agreements=True,
    decide=_decide,
)
"""Of the agreement it is asked about; what was charged on them stays in error until they are made again."""
