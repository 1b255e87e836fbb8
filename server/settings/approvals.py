"""The two-person rule: what takes effect once a second person has agreed."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Approvals(BaseModel):
    """The two-person rule."""

    two_person: str = Field(
        "",
        description="methods, or permissions of methods, that need a second person to agree, separated by commas: "
        "ReopenAccountingPeriod,correctaccountingdetails",
    )
    approval_hours: float = Field(
        24, gt=0, le=24 * 90, description="how long a call may wait for a second person, and then for being made again"
    )


def contradictions(settings: Approvals, prefix: str, *, identified: bool) -> list[str]:
    """What these settings say against others, a line each."""
    if settings.two_person.strip() and not identified:
        return [f"{prefix}TWO_PERSON: callers must say who they are; set {prefix}TOKEN_FILE, or keys of signed tokens"]
    return []
