"""What the two-person rule refuses."""

from __future__ import annotations

from domain.approvals.model import TYPE, Approval, name_of
from domain.kernel.errors import Forbidden, IllegalTransition, NotFound, Refused
from domain.kernel.time import iso_of


class ApprovalNeeded(Refused):
    """The call takes effect once a second person has agreed; then make it again."""

    reason = "APPROVAL_NEEDED"

    def __init__(self, approval: Approval) -> None:
        super().__init__(
            f"a second person must agree: once {approval.name} is approved, make the same call again",
            resource_type=TYPE,
            resource_name=approval.name,
            approval=approval.name,
            permission=approval.permission,
            state=approval.state,
            expire_time=iso_of(approval.expire_us),
        )


class ApprovalNotFound(NotFound):
    """There is no such approval."""

    reason = "APPROVAL_NOT_FOUND"

    def __init__(self, approval_id: str) -> None:
        super().__init__(TYPE, name_of(approval_id))


class ApprovalOwn(Forbidden):
    """Nobody agrees to a call of their own."""

    reason = "APPROVAL_OWN"


class PermissionMissing(Forbidden):
    """Who decides about a call holds the permission of its method."""

    reason = "APPROVAL_PERMISSION"


class ApprovalTransition(IllegalTransition):
    """The approval is in another state."""

    reason = "APPROVAL_STATE"
