"""What systems of record say, in words that may be shown: their codes, never their texts."""

from __future__ import annotations

import re

from server.outbound.system_of_record.model import Failure, Means

TOO_SLOW = "no answer of the system of record in time"

_REASON = re.compile(r"[A-Z][A-Z0-9_]{0,62}")  # as google.rpc.ErrorInfo has it


def shown_reason(reason: str) -> str:
    """The system's own reason as the end of a sentence; nothing for what is no code, as it may name persons."""
    return f": {reason}" if _REASON.fullmatch(reason) else ""


def rejection(reason: str) -> Failure:
    """The system refused it for good."""
    return Failure(Means.REJECTED, f"the system of record refused it{shown_reason(reason)}")
