"""Why a claim does not end, or does not go on."""

from __future__ import annotations

from collections.abc import Sequence

from domain.accounting.resolution.model import Obstacle
from domain.kernel.errors import IllegalTransition, Precondition, Refused


class ClaimTransition(IllegalTransition):
    """The claim is resolved already, or is not."""

    reason = "CLAIM_STATE"


class ResolutionBlocked(Refused):
    """The claim's accounting does not allow the resolution."""

    reason = "RESOLUTION_BLOCKED"

    def __init__(self, name: str, resolution: str, obstacles: Sequence[Obstacle], count: int) -> None:
        things = "one thing stands" if count == 1 else f"{count:,} things stand"
        super().__init__(
            f"{name} cannot be resolved as {resolution}: {things} in the way, first that {obstacles[0].sentence}",
            preconditions=[Precondition(each.kind, each.subject, _told(each)) for each in obstacles],
            resource_name=name,
            resolution=resolution,
            obstacle_count=count,
        )


def _told(obstacle: Obstacle) -> str:
    remedies = " or ".join(remedy.sentence for remedy in obstacle.remedies[:_REMEDIES_TOLD])
    return f"{obstacle.sentence}: {remedies}".replace(obstacle.subject, "it")


_REMEDIES_TOLD = 2
