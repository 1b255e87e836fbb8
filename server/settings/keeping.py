"""How long what is not part of the books is kept."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Keeping(BaseModel):
    """How long what is not part of the books is kept: details, batches, stamps, files and periods stay for good."""

    idempotency_days: int = Field(30, ge=30, le=3_653, description="how long answers are kept for repeated request ids")
    operations_days: int = Field(
        400, ge=30, le=36_525, description="how long the records of ended operations are kept; what they did stays"
    )
    deliveries_days: int = Field(
        90, ge=7, le=3_653, description="how long ended deliveries are kept, to be seen and sent again"
    )
    approvals_days: int = Field(
        400, ge=30, le=36_525, description="how long approvals are kept that nobody can use any more"
    )
    accounting_events_days: int = Field(
        400, ge=30, le=36_525, description="how long what happened to claims is kept for those who watch"
    )
    audit_days: int = Field(3_653, ge=365, le=36_525, description="how long the audit trail is kept")


def contradictions(settings: Keeping, prefix: str) -> list[str]:
    """What these settings say against each other."""
    lines = []
    if settings.operations_days < settings.idempotency_days:
        lines.append(
            f"{prefix}OPERATIONS_DAYS: is below {prefix}IDEMPOTENCY_DAYS: an answer given again would name an "
            "operation that is gone"
        )
    if settings.audit_days < settings.operations_days:
        lines.append(
            f"{prefix}AUDIT_DAYS: is below {prefix}OPERATIONS_DAYS: an operation would be left without a trail"
        )
    return lines
