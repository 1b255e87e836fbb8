"""The uses of algorithms as the contract tells them."""

from __future__ import annotations

from collections.abc import Iterable

from countinghouse.billing.v1 import algorithms_pb2 as pb
from domain.billing.configuration.model import AlgorithmUse, Moment

# Looked up when the module loads: a word of the domain that the contract lacks stops the server.
_MOMENTS = {each: pb.AlgorithmMoment.Value(f"ALGORITHM_MOMENT_{each}") for each in Moment}
_MOMENTS_BY_NUMBER = {number: each for each, number in _MOMENTS.items()}


def uses_from_proto(given: Iterable[pb.AlgorithmUse]) -> tuple[AlgorithmUse, ...]:
    """The uses in their order."""
    return tuple(
        AlgorithmUse(_MOMENTS_BY_NUMBER[use.moment], use.sequence, use.algorithm, dict(use.parameters)) for use in given
    )


def uses_to_proto(uses: Iterable[AlgorithmUse]) -> list[pb.AlgorithmUse]:
    """The uses in their order."""
    return [
        pb.AlgorithmUse(
            moment=_MOMENTS[use.moment], sequence=use.sequence, algorithm=use.algorithm, parameters=use.parameters
        )
        for use in uses
    ]
