"""The uses of algorithms as the contract tells them."""

from __future__ import annotations

from collections.abc import Iterable

from countinghouse.billing.v1 import algorithms_pb2 as pb
from domain.billing.algorithms.registry import Origin, origin_of
from domain.billing.configuration.model import AlgorithmUse, Moment
from domain.billing.creation.algorithms.catalogue import Listed
from domain.billing.creation.algorithms.model import CreationAlgorithm
from domain.billing.names import algorithm_name

# Looked up when the module loads: a word of the domain that the contract lacks stops the server.
_MOMENTS = {each: pb.AlgorithmMoment.Value(f"ALGORITHM_MOMENT_{each}") for each in Moment}
_ORIGINS = {each: pb.AlgorithmOrigin.Value(f"ALGORITHM_ORIGIN_{each}") for each in Origin}
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


def algorithm_to_proto(found: Listed) -> pb.Algorithm:
    """An algorithm."""
    told = pb.Algorithm(
        name=algorithm_name(found.code),
        code=found.code,
        description=found.description,
        parameters=(
            pb.AlgorithmParameter(
                name=each.name, description=each.description, required=each.required, distribution_code=each.is_code
            )
            for each in found.parameters
        ),
    )
    told.origin = _ORIGINS[origin_of(found)]
    if isinstance(found, CreationAlgorithm):
        told.user = pb.ALGORITHM_USER_PROFILE_TYPE
        return told
    told.user = pb.ALGORITHM_USER_SERVICE_AGREEMENT_TYPE if found.of_agreements else pb.ALGORITHM_USER_CUSTOMER_CLASS
    told.moments.extend(_MOMENTS[each] for each in Moment if each in found.moments)
    return told
