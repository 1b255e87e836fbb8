"""What stands in the way of a claim's end, as the contract tells it."""

from __future__ import annotations

from countinghouse.accounting.v1 import resolution_pb2 as pb
from domain.accounting.names import collection_name, dispute_name
from domain.accounting.resolution.model import Check, Obstacle, ObstacleKind, Remedy, RemedyKind, Unsettled
from domain.accounting.resolution.service import Ending
from server.mapping.accounting.claims import claim_id_from_name
from server.mapping.accounting.vocabulary import RESOLUTIONS_BY_NUMBER
from server.mapping.money import money_to_proto

# Looked up when the module loads: a value of the domain that the contract lacks stops the server.
_OBSTACLES = {kind: pb.ObstacleKind.Value(f"OBSTACLE_KIND_{kind}") for kind in ObstacleKind}
_REMEDIES = {kind: pb.RemedyKind.Value(f"REMEDY_KIND_{kind}") for kind in RemedyKind}


def ending_from_proto(request: pb.ResolveClaimRequest) -> Ending:
    """How a claim is to end."""
    return Ending(claim_id_from_name(request.name), RESOLUTIONS_BY_NUMBER[request.resolution], request.etag)


def check_to_proto(check: Check, *, size: int) -> pb.CheckResolutionResponse:
    """Whether a claim may end, with the first `size` of what stands in the way."""
    return pb.CheckResolutionResponse(
        allowed=check.allowed,
        obstacle_count=check.count,
        obstacles=map(_obstacle, check.obstacles[:size]),
    )


def _obstacle(obstacle: Obstacle) -> pb.Obstacle:
    told = pb.Obstacle(
        kind=_OBSTACLES[obstacle.kind],
        description=obstacle.sentence,
        remedies=map(_remedy, obstacle.remedies),
    )
    of = obstacle.of
    if isinstance(of, Unsettled):
        told.dispute = dispute_name(of.claim_id, of.dispute_id)
        told.collection = collection_name(of.collection)
        told.amount.CopyFrom(money_to_proto(of.balance))
    else:
        told.dispute = dispute_name(of.operation.claim_id, of.operation.dispute_id)
        told.operation = of.operation.name
        told.assignment = of.assignment.name if of.assignment else ""
        told.amount.CopyFrom(money_to_proto(of.operation.amount))
    return told


def _remedy(remedy: Remedy) -> pb.Remedy:
    return pb.Remedy(
        kind=_REMEDIES[remedy.kind],
        resource=remedy.resource,
        amount=money_to_proto(remedy.amount) if remedy.amount else None,
        description=remedy.sentence,
    )
