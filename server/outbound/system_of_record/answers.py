"""What systems of record say, in words that may be shown: their codes, never their texts."""

from __future__ import annotations

from server.outbound.grpc_line import shown_reason
from server.outbound.system_of_record.model import Failure, Means

TOO_SLOW = "no answer of the system of record in time"


def rejection(reason: str) -> Failure:
    """The system refused it for good."""
    return Failure(Means.REJECTED, f"the system of record refused it{shown_reason(reason)}")
