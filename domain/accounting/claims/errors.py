"""What claims and disputes refuse."""

from __future__ import annotations

from domain.accounting.claims.model import Claim
from domain.accounting.names import CLAIM_TYPE, DISPUTE_TYPE, claim_name, dispute_name
from domain.kernel.errors import AlreadyExists, NotFound, Refused


class ClaimNotFound(NotFound):
    """There is no such claim."""

    reason = "CLAIM_NOT_FOUND"

    def __init__(self, claim_id: str) -> None:
        super().__init__(CLAIM_TYPE, claim_name(claim_id))


class DisputeNotFound(NotFound):
    """The claim has no such dispute."""

    reason = "DISPUTE_NOT_FOUND"

    def __init__(self, claim_id: str, dispute_id: str) -> None:
        super().__init__(DISPUTE_TYPE, dispute_name(claim_id, dispute_id))


class ClaimIdTaken(AlreadyExists):
    """There is a claim with this id already."""

    reason = "CLAIM_ID_TAKEN"

    def __init__(self, claim_id: str) -> None:
        super().__init__(
            f"{claim_name(claim_id)} exists already", resource_type=CLAIM_TYPE, resource_name=claim_name(claim_id)
        )


class DisputeIdTaken(AlreadyExists):
    """The claim has a dispute with this id already."""

    reason = "DISPUTE_ID_TAKEN"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} exists already", resource_type=DISPUTE_TYPE, resource_name=name)


class ClaimResolved(Refused):
    """The claim is resolved; reopen it first."""

    reason = "CLAIM_RESOLVED"

    def __init__(self, claim: Claim) -> None:
        super().__init__(
            f"{claim.name} is resolved; reopen it first", resource_name=claim.name, state=claim.state.value
        )
